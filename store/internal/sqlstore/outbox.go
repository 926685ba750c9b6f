package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// tell adds an entry about a task as it is now.
func (s *Store) tell(ctx context.Context, c conn, kind store.OutboxKind, t store.Task) error {
	now, err := s.clock(ctx, c)
	if err != nil {
		return err
	}
	_, err = c.exec(ctx, `INSERT INTO outbox (project_id, task_id, kind, status, created, due, tries)
		VALUES ($1, $2, $3, $4, $5, $5, 0)`, t.ProjectID, t.ID, string(kind), string(t.Status), now.UnixMilli())
	return err
}

// Outbox lists entries that are due.
func (q queue) Outbox(ctx context.Context, now time.Time, limit int) ([]store.OutboxEntry, error) {
	list := []store.OutboxEntry{}
	query := "SELECT id, project_id, task_id, kind, status, created, tries FROM outbox WHERE due <= $1 ORDER BY id LIMIT $2"
	err := q.s.read().each(ctx, query, []any{schema.Millis(now), max(limit, 0)}, func(rows *sql.Rows) error {
		var e store.OutboxEntry
		var created int64
		if err := rows.Scan(&e.ID, &e.ProjectID, &e.TaskID, &e.Kind, &e.Status, &created, &e.Tries); err != nil {
			return err
		}
		e.Created = schema.FromMillis(created)
		list = append(list, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list outbox: %w", err)
	}
	return list, nil
}

// Settle of an entry that is gone changes nothing: two nodes may have dealt
// with it.
func (q queue) Settle(ctx context.Context, id int64, retry *time.Time) error {
	err := q.s.write(ctx, func(ctx context.Context, c conn) (err error) {
		if retry == nil {
			_, err = c.exec(ctx, "DELETE FROM outbox WHERE id = $1", id)
		} else {
			_, err = c.exec(ctx, "UPDATE outbox SET due = $1, tries = tries + 1 WHERE id = $2", schema.Millis(*retry), id)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("settle outbox entry: %w", err)
	}
	return nil
}
