package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"

	"github.com/alexandervashurin/semaphore/store"
)

type tasks struct{ s *Store }

// task reads a task of a project.
func (s *Store) task(ctx context.Context, c conn, project, id int64) (store.Task, error) {
	return of[store.Task](s).get(ctx, c, project, id, "")
}

// Create stores a task.
func (q tasks) Create(ctx context.Context, n store.NewTask) (t store.Task, err error) {
	m := q.s.tables["task"]
	var values []any
	err = q.s.durable(ctx, func(ctx context.Context, c conn) error {
		t, values, err = q.s.create(ctx, c, n)
		return err
	})
	switch {
	case err == nil:
		return t, nil
	case values != nil:
		err = q.s.explain(ctx, err, m, values, true)
	}
	return store.Task{}, fmt.Errorf("create task: %w", err)
}

func (s *Store) create(ctx context.Context, c conn, n store.NewTask) (t store.Task, values []any, err error) {
	if t, err = s.fresh(ctx, c, n); err != nil {
		return t, nil, err
	}
	if n.Schedule != nil { // before the task: a tick that somebody else has taken is no conflict
		if t.ScheduleID == nil {
			return t, nil, fmt.Errorf("a tick needs the task's schedule: %w", store.ErrInvalid)
		}
		if err := s.advance(ctx, c, *t.ScheduleID, n.Schedule.Prev, n.Schedule.Advance); err != nil {
			return t, nil, err
		}
	}
	m := s.tables["task"]
	if values, err = m.values(reflect.ValueOf(t)); err != nil {
		return t, nil, err
	}
	if err := s.insert(ctx, c, m, values); err != nil {
		return t, values, err
	}
	if err := m.set(reflect.ValueOf(&t).Elem(), values); err != nil {
		return t, values, err
	}
	secrets := n.Secrets
	if t.Status.Finished() {
		secrets = nil
		if err := s.tell(ctx, c, store.OutboxFinished, t); err != nil {
			return t, values, err
		}
	}
	if _, err := c.exec(ctx, "UPDATE task SET snapshot = $1, secrets = $2 WHERE id = $3", n.Snapshot, secrets, t.ID); err != nil {
		return t, values, err
	}
	for _, e := range n.Events {
		e.ObjectID = &t.ID
		if err := s.note(ctx, c, t, e); err != nil {
			return t, values, err
		}
	}
	c.notice(noticeAdded, t)
	if n.Schedule == nil || !n.Schedule.Advance.Delete {
		return t, values, nil
	}
	if err := s.erase(ctx, c, s.tables["schedule"], *t.ScheduleID); err != nil {
		return t, values, err
	}
	t.ScheduleID = nil
	return t, values, nil
}

// fresh returns a task as it begins, counted in its template.
func (s *Store) fresh(ctx context.Context, c conn, n store.NewTask) (store.Task, error) {
	t := n.Task
	t.Attempt, t.Start, t.Unreachable, t.Late = 0, nil, false, false
	t.LogLines, t.LogBytes, t.Command, t.Plan = 0, 0, nil, nil
	t.RunnerID, t.StopLevel, t.ConfirmBefore, t.Owner, t.Prompt = nil, store.StopNone, nil, "", ""
	switch t.Status {
	case "":
		t.Status = store.Waiting
	case store.Waiting:
	case store.Failed:
		if t.End == nil {
			now, err := s.clock(ctx, c)
			if err != nil {
				return t, err
			}
			t.End = &now
		}
	default:
		return t, fmt.Errorf("a new task cannot be %s: %w", t.Status, store.ErrInvalid)
	}
	// The count also makes two launches of one template wait for each other.
	counted, err := c.exec(ctx, "UPDATE template SET tasks = tasks + 1 WHERE id = $1 AND project_id = $2", t.TemplateID, t.ProjectID)
	if err != nil {
		return t, err
	}
	if counted == 0 {
		return t, &store.ReferenceError{Table: "task", Column: "template_id"}
	}
	if n.NextVersion {
		previous, err := newestVersion(ctx, c, t.TemplateID)
		if err != nil {
			return t, err
		}
		version := store.NextVersion(n.StartVersion, previous)
		t.Version = &version
	}
	return t, nil
}

func newestVersion(ctx context.Context, c conn, template int64) (string, error) {
	var version sql.NullString
	err := c.row(ctx, "SELECT version FROM task WHERE template_id = $1 AND version IS NOT NULL ORDER BY id DESC LIMIT 1", []any{template}, &version)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	return version.String, nil
}

// Get returns a task.
func (q tasks) Get(ctx context.Context, project, id int64) (store.Task, error) {
	return of[store.Task](q.s).Get(ctx, project, id)
}

// Snapshot returns what Create was given.
func (q tasks) Snapshot(ctx context.Context, project, id int64) (snapshot, secrets []byte, err error) {
	err = q.s.read().row(ctx, "SELECT snapshot, secrets FROM task WHERE id = $1 AND project_id = $2", []any{id, project}, &snapshot, &secrets)
	if err != nil {
		return nil, nil, fmt.Errorf("get snapshot of task %d: %w", id, err)
	}
	return snapshot, secrets, nil
}

// Delete removes a finished task.
func (q tasks) Delete(ctx context.Context, project, id int64) error {
	t, err := q.Get(ctx, project, id)
	if err != nil {
		return err
	}
	if !t.Status.Finished() {
		return stateError(t)
	}
	if err := q.s.wipe(ctx, []int64{id}); err != nil {
		return fmt.Errorf("delete task %d: %w", id, err)
	}
	return nil
}

// stateError tells in which state a task is.
func stateError(t store.Task) error {
	return fmt.Errorf("task %d is %s: %w", t.ID, t.Status, store.ErrState)
}
