package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

func (q tasks) List(ctx context.Context, f store.TaskFilter) (page store.Page[store.TaskWithTemplate], err error) {
	e := q.s.cat.task
	plan, err := e.Prepare(store.Query{Desc: !f.Oldest, After: f.After, Limit: f.Limit})
	if err != nil {
		return page, err
	}
	st, err := q.s.view(ctx)
	if err != nil {
		return page, err
	}
	recs, next := e.page(st.rows(e), plan, st.filter(f))
	page.Next = next
	page.Items = make([]store.TaskWithTemplate, 0, len(recs))
	for _, rec := range recs {
		t, err := st.withTemplate(rec)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, t)
	}
	return page, nil
}

func (q tasks) Last(ctx context.Context, project int64, n int) ([]store.TaskWithTemplate, error) {
	st, err := q.s.view(ctx)
	if err != nil {
		return nil, err
	}
	e := q.s.cat.task
	list := []store.TaskWithTemplate{}
	seen := map[int64]int{}
	for _, rec := range st.rows(e).all(true) {
		template := e.int(rec, "template_id")
		if e.int(rec, "project_id") != project || seen[template] >= max(n, 1) {
			continue
		}
		seen[template]++
		t, err := st.withTemplate(rec)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	slices.SortStableFunc(list, func(a, b store.TaskWithTemplate) int { return cmp.Compare(a.TemplateID, b.TemplateID) })
	return list, nil
}

func (q tasks) Counts(ctx context.Context, f store.TaskFilter) (map[store.Status]int, error) {
	st, err := q.s.view(ctx)
	if err != nil {
		return nil, err
	}
	match := st.filter(f)
	counts := map[store.Status]int{}
	for _, rec := range st.rows(st.cat.task).all(false) {
		if match(rec) {
			counts[store.Status(st.cat.task.text(rec, "status"))]++
		}
	}
	return counts, nil
}

// filter tells which tasks a filter chooses.
func (st *state) filter(f store.TaskFilter) func(record) bool {
	e := st.cat.task
	ids := []struct {
		column string
		want   int64
	}{{"project_id", f.ProjectID}, {"template_id", f.TemplateID}, {"user_id", f.UserID}, {"schedule_id", f.ScheduleID}}
	return func(rec record) bool {
		for _, c := range ids {
			if c.want != 0 && e.int(rec, c.column) != c.want {
				return false
			}
		}
		created := e.int(rec, "created")
		switch {
		case len(f.Statuses) > 0 && !slices.Contains(f.Statuses, store.Status(e.text(rec, "status"))):
			return false
		case !f.Since.IsZero() && created < schema.Millis(f.Since):
			return false
		case !f.Before.IsZero() && created >= schema.Millis(f.Before):
			return false
		}
		return f.Search == "" || st.mentions(rec, strings.ToLower(f.Search))
	}
}

// mentions tells whether a task is found by a text in small letters.
func (st *state) mentions(rec record, search string) bool {
	e := st.cat.task
	for _, column := range []string{"message", "version", "commit_hash"} {
		if strings.Contains(strings.ToLower(e.text(rec, column)), search) {
			return true
		}
	}
	tpl, _ := st.rows(st.cat.template).get(e.int(rec, "template_id"))
	return strings.Contains(strings.ToLower(st.cat.template.text(tpl, "name")), search)
}

func (st *state) withTemplate(rec record) (store.TaskWithTemplate, error) {
	var t store.TaskWithTemplate
	var err error
	if t.Task, err = load[store.Task](st.cat.task, rec); err != nil {
		return t, err
	}
	tpl := st.cat.template
	if row, ok := st.rows(tpl).get(t.TemplateID); ok {
		t.TemplatePlaybook, t.TemplateName = tpl.text(row, "playbook"), tpl.text(row, "name")
		t.TemplateType, t.TemplateApp = store.TemplateType(tpl.text(row, "type")), tpl.text(row, "app")
	}
	if t.UserID != nil {
		if row, ok := st.rows(st.cat.user).get(*t.UserID); ok {
			name := st.cat.user.text(row, "name")
			t.Username = &name
		}
	}
	if t.BuildTaskID != nil {
		build, err := st.task(t.ProjectID, *t.BuildTaskID)
		if err != nil {
			return t, err
		}
		t.BuildTask = &build
	}
	return t, nil
}
