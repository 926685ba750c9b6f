package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

// head is the oldest task of its class: tasks of one template and tag that are
// alike in whether they were confirmed and whether they may run in parallel.
// Either all of a class may start, or none, so that the heads are all that a
// claim has to look at, however many tasks wait behind them.
type head struct {
	id        int64
	template  int64
	tag       string
	confirmed bool
	parallel  bool
}

// room tells which tasks there is room for.
type room struct {
	c         conn
	free      int // slots of the pool
	heads     []head
	templates map[int64]int64 // project of each
	projects  map[int64]int   // free slots of each
}

func newRoom(ctx context.Context, c conn, r store.ClaimRequest) (*room, error) {
	m := &room{c: c, free: math.MaxInt, templates: map[int64]int64{}, projects: map[int64]int{}}
	if r.MaxParallel > 0 {
		n := 0
		err := c.row(ctx, "SELECT count(*) FROM task WHERE status IN ('starting', 'running', 'stopping')", nil, &n)
		if m.free = r.MaxParallel - n; err != nil || m.free <= 0 {
			return m, err
		}
	}
	var project int64
	if r.ProjectID != nil {
		project = *r.ProjectID
	}
	for _, tag := range r.Tags {
		if err := m.look(ctx, tag, project); err != nil {
			return m, err
		}
	}
	return m, nil
}

// look adds the heads of a tag, of one project or of all.
func (m *room) look(ctx context.Context, tag string, project int64) error {
	return m.c.each(ctx, headsQuery, []any{tag, project}, func(rows *sql.Rows) error {
		var template int64
		var ids [4]sql.NullInt64
		if err := rows.Scan(&template, &ids[0], &ids[1], &ids[2], &ids[3]); err != nil {
			return err
		}
		for i, id := range ids {
			if id.Valid {
				m.heads = append(m.heads, head{id.Int64, template, tag, i >= 2, i%2 == 1})
			}
		}
		return nil
	})
}

// next takes the oldest task that there is room for, nil for none.
func (m *room) next(ctx context.Context) (*head, error) {
	for len(m.heads) > 0 {
		i := 0
		for n := range m.heads {
			if m.heads[n].id < m.heads[i].id {
				i = n
			}
		}
		h := m.heads[i]
		project, err := m.project(ctx, h.template)
		if err != nil {
			return nil, err
		}
		if m.projects[project] <= 0 {
			m.heads = slices.Delete(m.heads, i, i+1)
			continue
		}
		m.projects[project]--
		m.free--
		return &h, m.follow(ctx, i)
	}
	return nil, nil
}

// follow drops the heads that the taken one keeps from starting, and puts the
// next one of its class into its place.
func (m *room) follow(ctx context.Context, i int) error {
	h := m.heads[i]
	id := sql.NullInt64{}
	if h.parallel {
		status := "waiting"
		if h.confirmed {
			status = "confirmed"
		}
		err := m.c.row(ctx, `SELECT min(id) FROM task WHERE runner_tag = $1 AND status IN ('waiting', 'confirmed')
			AND template_id = $2 AND status = $3 AND parallel AND id > $4`, []any{h.tag, h.template, status, h.id}, &id)
		if err != nil {
			return err
		}
	}
	if m.heads[i].id = id.Int64; !id.Valid {
		m.heads = slices.Delete(m.heads, i, i+1)
	}
	m.heads = slices.DeleteFunc(m.heads, func(o head) bool {
		return o.template == h.template && (!h.parallel || !o.parallel)
	})
	return nil
}

// project returns the project of a template and finds out its free slots.
func (m *room) project(ctx context.Context, template int64) (int64, error) {
	if project, ok := m.templates[template]; ok {
		return project, nil
	}
	var project int64
	var limit int
	err := m.c.row(ctx, `SELECT p.id, p.max_parallel_tasks FROM template t JOIN project p ON p.id = t.project_id
		WHERE t.id = $1`, []any{template}, &project, &limit)
	if err != nil {
		return 0, err
	}
	m.templates[template] = project
	if _, ok := m.projects[project]; ok {
		return project, nil
	}
	m.projects[project] = math.MaxInt
	if limit > 0 {
		var n int
		err := m.c.row(ctx, "SELECT count(*) FROM task WHERE project_id = $1 AND status IN ('starting', 'running', 'stopping')",
			[]any{project}, &n)
		if err != nil {
			return 0, err
		}
		m.projects[project] = limit - n
	}
	return project, nil
}

// headsQuery walks from template to template over the index of what waits, and
// picks the head of each class that nothing of its template keeps from starting.
// Of a class's columns, serial and parallel tell what the started tasks of the
// template are: 2 where one has a worker, 1 where one waits for a person or was
// confirmed, none where there is no such task.
const headsQuery = `
WITH RECURSIVE waiting (template_id) AS (
    SELECT min(template_id) FROM task WHERE runner_tag = $1 AND status IN ('waiting', 'confirmed')
    UNION ALL
    SELECT (SELECT min(t.template_id) FROM task t
        WHERE t.runner_tag = $1 AND t.status IN ('waiting', 'confirmed') AND t.template_id > waiting.template_id)
    FROM waiting WHERE waiting.template_id IS NOT NULL
),
started (template_id, serial, parallel) AS (
    SELECT w.template_id,
        (SELECT max(CASE WHEN o.status IN ('waiting_confirmation', 'confirmed') THEN 1 ELSE 2 END) FROM task o
            WHERE o.template_id = w.template_id AND NOT o.parallel
            AND o.status IN ('starting', 'running', 'stopping', 'waiting_confirmation', 'confirmed')),
        (SELECT max(CASE WHEN o.status IN ('waiting_confirmation', 'confirmed') THEN 1 ELSE 2 END) FROM task o
            WHERE o.template_id = w.template_id AND o.parallel
            AND o.status IN ('starting', 'running', 'stopping', 'waiting_confirmation', 'confirmed'))
    FROM waiting w WHERE w.template_id IS NOT NULL
        AND ($2 = 0 OR EXISTS (SELECT 1 FROM template p WHERE p.id = w.template_id AND p.project_id = $2))
)
SELECT s.template_id,
    CASE WHEN s.serial IS NULL AND s.parallel IS NULL THEN (SELECT min(t.id) FROM task t WHERE t.runner_tag = $1
        AND t.status IN ('waiting', 'confirmed') AND t.template_id = s.template_id AND t.status = 'waiting' AND NOT t.parallel) END,
    CASE WHEN s.serial IS NULL THEN (SELECT min(t.id) FROM task t WHERE t.runner_tag = $1
        AND t.status IN ('waiting', 'confirmed') AND t.template_id = s.template_id AND t.status = 'waiting' AND t.parallel) END,
    CASE WHEN coalesce(s.serial, 0) < 2 AND coalesce(s.parallel, 0) < 2 THEN (SELECT min(t.id) FROM task t WHERE t.runner_tag = $1
        AND t.status IN ('waiting', 'confirmed') AND t.template_id = s.template_id AND t.status = 'confirmed' AND NOT t.parallel) END,
    CASE WHEN coalesce(s.serial, 0) < 2 THEN (SELECT min(t.id) FROM task t WHERE t.runner_tag = $1
        AND t.status IN ('waiting', 'confirmed') AND t.template_id = s.template_id AND t.status = 'confirmed' AND t.parallel) END
FROM started s`
