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
	leads     bool // others of its class may stand behind it
}

// room tells which tasks there is room for.
type room struct {
	c         conn
	r         store.ClaimRequest
	free      int // slots of the pool
	heads     []head
	chosen    bool            // some are, and not yet started: the rows do not show it
	far       bool            // the heads of all classes are known, not just what is old
	templates map[int64]int64 // project of each
	projects  map[int64]int   // free slots of each
}

func newRoom(ctx context.Context, c conn, r store.ClaimRequest) (*room, error) {
	m := &room{c: c, r: r, free: math.MaxInt, templates: map[int64]int64{}, projects: map[int64]int{}}
	if r.MaxParallel > 0 {
		n := 0
		err := c.row(ctx, "SELECT count(*) FROM task WHERE status IN ('starting', 'running', 'stopping')", nil, &n)
		if m.free = r.MaxParallel - n; err != nil || m.free <= 0 {
			return m, err
		}
	}
	return m, m.lookNear(ctx)
}

// near is how many of the oldest tasks are looked at first: mostly some of them
// may start, and the walk over all templates is not needed.
const near = 64

// lookNear finds those of the oldest tasks that nothing of their template keeps
// from starting.
func (m *room) lookNear(ctx context.Context) error {
	seen := 0
	err := m.c.each(ctx, nearQuery, []any{near}, func(rows *sql.Rows) error {
		var h head
		var serial, parallel sql.NullInt64
		if err := rows.Scan(&h.id, &h.template, &h.tag, &h.confirmed, &h.parallel, &serial, &parallel); err != nil {
			return err
		}
		seen++
		most := int64(0) // of what may be started beside it
		if h.confirmed {
			most = 1
		}
		if slices.Contains(m.r.Tags, h.tag) && serial.Int64 <= most && (h.parallel || parallel.Int64 <= most) {
			m.heads = append(m.heads, h)
		}
		return nil
	})
	m.far = seen < near
	return err
}

// lookFar finds the heads of all classes.
func (m *room) lookFar(ctx context.Context) error {
	m.far, m.heads = true, nil
	project := int64(0)
	if m.r.ProjectID != nil {
		project = *m.r.ProjectID
	}
	for _, tag := range m.r.Tags {
		err := m.c.each(ctx, headsQuery, []any{tag, project}, func(rows *sql.Rows) error {
			var template int64
			var ids [4]sql.NullInt64
			if err := rows.Scan(&template, &ids[0], &ids[1], &ids[2], &ids[3]); err != nil {
				return err
			}
			for i, id := range ids {
				if id.Valid {
					m.heads = append(m.heads, head{id.Int64, template, tag, i >= 2, i%2 == 1, true})
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// choose takes up to most of the oldest tasks that there is room for. They are to
// be started before it is called again.
func (m *room) choose(ctx context.Context, most int) ([]head, error) {
	var list []head
	m.chosen = false
	for len(list) < most && m.free > 0 {
		h, err := m.next(ctx)
		if err != nil || h == nil {
			return list, err
		}
		list = append(list, *h)
	}
	return list, nil
}

// next takes the oldest task that there is room for, nil for none.
func (m *room) next(ctx context.Context) (*head, error) {
	for len(m.heads) > 0 || !m.far {
		if len(m.heads) == 0 {
			if m.chosen {
				return nil, nil
			}
			if err := m.lookFar(ctx); err != nil {
				return nil, err
			}
			continue
		}
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
		if m.projects[project] <= 0 || m.r.ProjectID != nil && *m.r.ProjectID != project {
			m.heads = slices.Delete(m.heads, i, i+1)
			continue
		}
		m.projects[project]--
		m.free--
		m.chosen = true
		return &h, m.follow(ctx, i)
	}
	return nil, nil
}

// follow drops the heads that the taken one keeps from starting, and puts the
// next one of its class into its place.
func (m *room) follow(ctx context.Context, i int) error {
	h := m.heads[i]
	id := sql.NullInt64{}
	if h.parallel && h.leads {
		status := "waiting"
		if h.confirmed {
			status = "confirmed"
		}
		err := m.c.row(ctx, `SELECT min(id) FROM task WHERE runner_tag = $1 AND status IN ('waiting', 'confirmed')
			AND template_id = $2 AND status = $3 AND parallel = TRUE AND id > $4`, []any{h.tag, h.template, status, h.id}, &id)
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
