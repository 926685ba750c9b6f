package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// filter adds what a filter chooses of task t and template p.
func (w *where) filter(d *Dialect, f store.TaskFilter) {
	for _, c := range []struct {
		column string
		id     int64
	}{
		{"t.project_id", f.ProjectID}, {"t.template_id", f.TemplateID},
		{"t.user_id", f.UserID}, {"t.schedule_id", f.ScheduleID},
	} {
		if c.id != 0 {
			w.and(c.column + " = " + w.arg(c.id))
		}
	}
	if len(f.Statuses) > 0 {
		marks := make([]string, len(f.Statuses))
		for i, s := range f.Statuses {
			marks[i] = w.status(s)
		}
		w.and("t.status IN (" + strings.Join(marks, ", ") + ")")
	}
	if !f.Since.IsZero() {
		w.and("t.created >= " + w.arg(schema.Millis(f.Since)))
	}
	if !f.Before.IsZero() {
		w.and("t.created < " + w.arg(schema.Millis(f.Before)))
	}
	if f.Search != "" {
		mark := w.arg(d.Pattern(f.Search))
		var either []string
		for _, column := range []string{"t.message", "t.version", "t.commit_hash", "p.name"} {
			either = append(either, d.Contains(column, mark))
		}
		w.and("(" + strings.Join(either, " OR ") + ")")
	}
}

// status is a state in a statement. One that there is stands there as it is: how
// many tasks are in it decides which index is the best.
func (w *where) status(s store.Status) string {
	if slices.Contains(store.Statuses(), s) {
		return "'" + string(s) + "'"
	}
	return w.arg(string(s))
}

// List returns a page of tasks.
func (q tasks) List(ctx context.Context, f store.TaskFilter) (page store.Page[store.TaskWithTemplate], err error) {
	page.Items = []store.TaskWithTemplate{}
	m := q.s.tables["task"]
	p, err := m.Prepare(store.Query{Desc: !f.Oldest, After: f.After, Limit: f.Limit})
	if err != nil {
		return page, err
	}
	w := where{}
	w.filter(&q.s.dialect, f)
	direction, more := "DESC", "<"
	if f.Oldest {
		direction, more = "ASC", ">"
	}
	if p.After != nil {
		w.and("t.id " + more + " " + w.arg(p.After.ID))
	}
	query := selectTasks(m) + w.text() + " ORDER BY t.id " + direction
	if p.Limit >= 0 {
		query += " LIMIT " + w.arg(p.Limit+1)
	}
	c := q.s.read()
	page.Items, err = scanTasks(ctx, c, m, query, w.args...)
	if err == nil && p.Limit >= 0 && len(page.Items) > p.Limit {
		page.Items = page.Items[:p.Limit]
		last := page.Items[p.Limit-1].ID
		page.Next = schema.Cursor{Value: last, ID: last, Sort: "id"}.Encode()
	}
	if err == nil {
		err = q.addBuilds(ctx, c, page.Items)
	}
	if err != nil {
		return store.Page[store.TaskWithTemplate]{}, fmt.Errorf("list tasks: %w", err)
	}
	return page, nil
}

// selectTasks begins a statement about tasks as lists show them.
func selectTasks(m *meta) string {
	return "SELECT " + m.prefixed("t") + `, p.playbook, p.name, p.type, p.app, u.name
		FROM task t JOIN template p ON p.id = t.template_id LEFT JOIN app_user u ON u.id = t.user_id`
}

func scanTasks(ctx context.Context, c conn, m *meta, query string, args ...any) ([]store.TaskWithTemplate, error) {
	list := []store.TaskWithTemplate{}
	err := c.each(ctx, query, args, func(rows *sql.Rows) (err error) {
		var row store.TaskWithTemplate
		row.Task, err = scanOne[store.Task](m, rows, &row.TemplatePlaybook, &row.TemplateName, &row.TemplateType, &row.TemplateApp, &row.Username)
		list = append(list, row)
		return err
	})
	return list, err
}

// Last returns the newest tasks of each template. An index has the newest ids of
// a template at its end, from which one is found below the other, so that the
// number of tasks does not matter.
func (q tasks) Last(ctx context.Context, project int64, n int) ([]store.TaskWithTemplate, error) {
	c := q.s.read()
	list, err := scanTasks(ctx, c, q.s.tables["task"], `WITH RECURSIVE newest(template_id, id, place) AS (
			SELECT p.id, (SELECT max(n.id) FROM task n WHERE n.template_id = p.id AND n.project_id = p.project_id), 1
			FROM template p WHERE p.project_id = $1
			UNION ALL
			SELECT w.template_id, (SELECT max(n.id) FROM task n WHERE n.template_id = w.template_id AND n.project_id = $1 AND n.id < w.id), w.place + 1
			FROM newest w WHERE w.id IS NOT NULL AND w.place < $2
		) `+selectTasks(q.s.tables["task"])+`
		JOIN newest w ON w.id = t.id
		ORDER BY p.id, t.id DESC`, project, n)
	if err == nil {
		err = q.addBuilds(ctx, c, list)
	}
	if err != nil {
		return nil, fmt.Errorf("list newest tasks: %w", err)
	}
	return list, nil
}

// addBuilds puts the builds that tasks deploy into them.
func (q tasks) addBuilds(ctx context.Context, c conn, list []store.TaskWithTemplate) error {
	w := where{}
	marks := map[int64]string{}
	for _, t := range list {
		if t.BuildTaskID != nil && marks[*t.BuildTaskID] == "" {
			marks[*t.BuildTaskID] = w.arg(*t.BuildTaskID)
		}
	}
	if len(marks) == 0 {
		return nil
	}
	var in []string
	for _, mark := range marks {
		in = append(in, mark)
	}
	m := q.s.tables["task"]
	builds, err := scanAll[store.Task](ctx, c, m, "SELECT "+m.columns+" FROM task WHERE id IN ("+strings.Join(in, ", ")+")", w.args...)
	if err != nil {
		return err
	}
	byID := map[int64]*store.Task{}
	for i := range builds {
		byID[builds[i].ID] = &builds[i]
	}
	for i := range list {
		if id := list[i].BuildTaskID; id != nil && byID[*id] != nil {
			build := *byID[*id]
			list[i].BuildTask = &build
		}
	}
	return nil
}

// Counts tells how many tasks there are in each state.
func (q tasks) Counts(ctx context.Context, f store.TaskFilter) (map[store.Status]int, error) {
	w := where{}
	w.filter(&q.s.dialect, f)
	from := " FROM task t"
	if f.Search != "" {
		from += " JOIN template p ON p.id = t.template_id"
	}
	counts := map[store.Status]int{}
	err := q.s.read().each(ctx, "SELECT t.status, count(*)"+from+w.text()+" GROUP BY t.status", w.args, func(rows *sql.Rows) error {
		var status store.Status
		var n int
		err := rows.Scan(&status, &n)
		counts[status] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count tasks: %w", err)
	}
	return counts, nil
}
