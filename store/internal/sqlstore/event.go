package sqlstore

import (
	"context"
	"fmt"
	"reflect"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

type events struct{ table table[store.Event] }

// Add stores an event.
func (e events) Add(ctx context.Context, row store.Event) error {
	_, err := e.table.Create(ctx, row)
	return err
}

// List sorts by id, newest first, unless the query says otherwise.
func (e events) List(ctx context.Context, scope int64, q store.Query) (store.Page[store.Event], error) {
	if q.Sort == "" {
		q.Sort, q.Desc = "id", true
	}
	return e.table.List(ctx, scope, q)
}

// Purge deletes the oldest events first; before is in milliseconds since 1970.
func (e events) Purge(ctx context.Context, before int64, limit int) (int, error) {
	total := 0
	for total < limit {
		var n int64
		step := min(limit-total, stepRows)
		err := e.table.s.bulk(ctx, func(ctx context.Context, c conn) (err error) {
			n, err = c.exec(ctx, `DELETE FROM event WHERE id IN
				(SELECT id FROM event WHERE created < $1 ORDER BY created, id LIMIT $2)`, before, step)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("purge events: %w", err)
		}
		total += int(n)
		if int(n) < step {
			break
		}
	}
	return total, nil
}

// note stores an event of a task; what it does not say is filled in.
func (s *Store) note(ctx context.Context, c conn, t store.Task, e store.Event) error {
	m := s.tables["event"]
	values, err := m.values(reflect.ValueOf(schema.TaskEvent(t, e)))
	if err != nil {
		return err
	}
	return s.insert(ctx, c, m, values)
}

// notef records what happened to a task by itself.
func (s *Store) notef(ctx context.Context, c conn, t store.Task, format string, args ...any) error {
	return s.note(ctx, c, t, store.Event{Description: fmt.Sprintf("Task %d ", t.ID) + fmt.Sprintf(format, args...)})
}
