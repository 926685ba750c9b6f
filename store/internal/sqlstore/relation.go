package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// doomed are rows that the deletion of row $1 takes along.
type doomed struct {
	table string
	where string // a condition on the table, with $1
}

// reach lists what goes with a row of a table, the row itself first. All that a
// project has is known by its project_id.
func reach(target string) []doomed {
	list := []doomed{{target, "id = $1"}}
	for i := 0; i < len(list); i++ {
		d := list[i]
		for _, r := range schema.To(d.table) {
			if r.OnDelete != schema.Cascade || i > 0 && target == "project" && direct(r.Table) {
				continue
			}
			list = append(list, doomed{r.Table, d.referring(r.Column)})
		}
	}
	return list
}

// direct tells whether a table has a reference to project of its own.
func direct(table string) bool {
	for _, r := range schema.From(table) {
		if r.Target == "project" && r.OnDelete == schema.Cascade {
			return true
		}
	}
	return false
}

// referring is the condition that a column refers to one of the rows.
func (d doomed) referring(column string) string {
	if d.where == "id = $1" {
		return quote(column) + " = $1"
	}
	return quote(column) + " IN (SELECT id FROM " + d.table + " WHERE " + d.where + ")"
}

// deletable tells why a row cannot go.
func (s *Store) deletable(ctx context.Context, c conn, m *meta, id int64) error {
	if err := s.idle(ctx, c, m, id); err != nil {
		return err
	}
	if m.Name == "project" { // what refers to its rows is its own
		return nil
	}
	f := filing{ctx: ctx, c: c, id: id}
	list := reach(m.Name)
	for _, d := range list {
		for _, r := range schema.To(d.table) {
			if r.OnDelete != schema.Restrict {
				continue
			}
			where := d.referring(r.Column)
			for _, other := range list {
				if other.table == r.Table {
					where += " AND (" + other.where + ") IS NOT TRUE"
				}
			}
			if err := f.file(r.Table, where); err != nil {
				return err
			}
		}
	}
	if f.found {
		f.sort()
		return &store.InUseError{Table: m.Name, References: f.refs}
	}
	return nil
}

// idle refuses to delete a template or a project that has unfinished tasks.
func (s *Store) idle(ctx context.Context, c conn, m *meta, id int64) error {
	var query string
	switch m.Name {
	case "template":
		query = "SELECT id FROM task WHERE template_id = $1 AND status NOT IN ('success', 'error', 'stopped') ORDER BY id LIMIT 20"
	case "project":
		query = "SELECT id FROM task WHERE project_id = $1 AND status NOT IN ('success', 'error', 'stopped') ORDER BY id LIMIT 20"
	default:
		return nil
	}
	open, err := c.ids(ctx, query, id)
	if err != nil || len(open) == 0 {
		return err
	}
	return fmt.Errorf("%s %d has unfinished tasks %v: stop them first: %w", m.Name, id, open, store.ErrState)
}

// erase deletes a row that is deletable; those that may lose their reference to
// it, or to what goes with it, lose it.
func (s *Store) erase(ctx context.Context, c conn, m *meta, id int64) error {
	for _, d := range reach(m.Name) {
		for _, r := range schema.To(d.table) {
			if r.OnDelete != schema.Nullify || m.Name == "project" && !r.Global {
				continue
			}
			query := "UPDATE " + r.Table + " SET " + quote(r.Column) + " = NULL WHERE " + d.referring(r.Column)
			if _, err := c.exec(ctx, query, id); err != nil {
				return err
			}
		}
	}
	if m.Name == "project" {
		for _, table := range lateTables() {
			if _, err := c.exec(ctx, "DELETE FROM "+table+" WHERE project_id = $1", id); err != nil {
				return err
			}
		}
	}
	_, err := c.exec(ctx, "DELETE FROM "+m.Name+" WHERE id = $1", id)
	return err
}

// lateTables are those of a project that go with it through another table only,
// and keep rows of a third one from being deleted until they do.
func lateTables() []string {
	var list []string
	for _, e := range schema.Entities() {
		holds := slices.ContainsFunc(schema.From(e.Name), func(r schema.Relation) bool { return r.OnDelete == schema.Restrict })
		if holds && e.Has("project_id") && !direct(e.Name) {
			list = append(list, e.Name)
		}
	}
	return list
}

// References lists what restricts the deletion of a row, or loses its reference
// by it.
func (s *Store) References(ctx context.Context, kind store.Kind, project, id int64) (store.References, error) {
	e := schema.ByKind(kind)
	if e == nil {
		return store.References{}, &store.QueryError{Reason: fmt.Sprintf("no table of kind %q", kind)}
	}
	m := s.tables[e.Name]
	if m.Scope == "" {
		project = 0
	}
	c := s.read()
	f := filing{ctx: ctx, c: c, id: id}
	err := m.find(ctx, c, project, id)
	for _, r := range schema.To(m.Name) {
		if err == nil && r.OnDelete != schema.Cascade {
			err = f.file(r.Table, quote(r.Column)+" = $1")
		}
	}
	if err != nil {
		return store.References{}, fmt.Errorf("list references: %w", err)
	}
	f.sort()
	return f.refs, nil
}
