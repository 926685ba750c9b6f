package sqlstore

import (
	"context"
	"fmt"
	"reflect"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// Stages returns the parts of a task's output.
func (q tasks) Stages(ctx context.Context, project, id int64) ([]store.Stage, error) {
	return belonging[store.Stage](ctx, q.s, project, id, "number")
}

// Hosts returns Ansible's recap.
func (q tasks) Hosts(ctx context.Context, project, id int64) ([]store.AnsibleHost, error) {
	return belonging[store.AnsibleHost](ctx, q.s, project, id, "id")
}

// Problems returns the failures that the output tells of.
func (q tasks) Problems(ctx context.Context, project, id int64) ([]store.AnsibleError, error) {
	return belonging[store.AnsibleError](ctx, q.s, project, id, "id")
}

// belonging lists the rows that a task has in a table.
func belonging[T any](ctx context.Context, s *Store, project, id int64, order string) ([]T, error) {
	m, c := of[T](s).m, s.read()
	if err := s.tables["task"].find(ctx, c, project, id); err != nil {
		return nil, err
	}
	query := "SELECT " + m.columns + " FROM " + m.Name + " WHERE task_id = $1 AND project_id = $2 ORDER BY " + order
	list, err := scanAll[T](ctx, c, m, query, id, project)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", m.Name, err)
	}
	return list, nil
}

// results stores what a run has told of itself beside its lines: in tables of
// its own, and in the task that is given, which the caller saves.
func (s *Store) results(ctx context.Context, c conn, t *store.Task, a store.Append) error {
	if err := schema.Report(t, a); err != nil {
		return err
	}
	for _, row := range a.Stages {
		row.ID, row.TaskID, row.ProjectID = 0, t.ID, t.ProjectID
		if err := s.upsert(ctx, c, reflect.ValueOf(row), "(task_id, number)"); err != nil {
			return err
		}
	}
	for _, row := range a.Hosts {
		row.ID, row.TaskID, row.ProjectID = 0, t.ID, t.ProjectID
		if err := s.upsert(ctx, c, reflect.ValueOf(row), "(task_id, host)"); err != nil {
			return err
		}
	}
	for _, row := range a.Problems {
		row.ID, row.TaskID, row.ProjectID = 0, t.ID, t.ProjectID
		if err := s.upsert(ctx, c, reflect.ValueOf(row), ""); err != nil {
			return err
		}
	}
	return nil
}

// upsert adds a row, or changes the one with the same key.
func (s *Store) upsert(ctx context.Context, c conn, row reflect.Value, key string) error {
	m := s.types[row.Type()]
	values, err := m.values(row)
	if err != nil {
		return err
	}
	if i := m.index("created"); i >= 0 && values[i] == int64(0) {
		now, err := s.clock(ctx, c)
		if err != nil {
			return err
		}
		values[i] = now.UnixMilli()
	}
	query, id := m.insert, m.index("id")
	args := append(append([]any{}, values[:id]...), values[id+1:]...)
	if key != "" {
		query = m.upsert(key)
	}
	_, err = c.ids(ctx, query, args...)
	return err
}
