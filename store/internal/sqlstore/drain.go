package sqlstore

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// What one step of bulk work takes: the writer is held for milliseconds only.
const (
	stepRows   = 500
	stepBudget = 64 // tasks and log chunks
)

// drain takes most of what goes with a row, or refers to it, in small steps, so
// that the deletion itself is short. It does nothing in a transaction, which is
// one step anyway.
func (s *Store) drain(ctx context.Context, m *meta, id int64, check func(context.Context, conn) error) error {
	if s.tx != nil {
		return nil
	}
	var steps []string
	for _, r := range schema.To(m.Name) {
		if r.OnDelete == schema.Nullify && (r.Table == "task" || r.Table == "event") {
			steps = append(steps, detach(r.Table, r.Column))
		}
	}
	if len(steps) == 0 && m.Name != "template" {
		return nil
	}
	if err := check(ctx, s.read()); err != nil {
		return err
	}
	for _, query := range steps {
		if err := s.repeat(ctx, query, id, stepRows); err != nil {
			return err
		}
	}
	return s.drainTasks(ctx, m.Name, id)
}

func detach(table, column string) string {
	return fmt.Sprintf("UPDATE %[1]s SET %[2]s = NULL WHERE id IN (SELECT id FROM %[1]s WHERE %[2]s = $1 LIMIT $2)", table, column)
}

// repeat runs a statement in transactions of its own until it has nothing left
// to do.
func (s *Store) repeat(ctx context.Context, query string, id int64, limit int) error {
	for n := int64(limit); n >= int64(limit); {
		err := s.bulk(ctx, func(ctx context.Context, c conn) (err error) {
			n, err = c.exec(ctx, query, id, limit)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) drainTasks(ctx context.Context, table string, id int64) error {
	var query string
	switch table {
	case "project":
		query = "SELECT id FROM task WHERE project_id = $1 AND status IN ('success', 'error', 'stopped') ORDER BY id LIMIT $2"
	case "template":
		query = "SELECT id FROM task WHERE template_id = $1 AND status IN ('success', 'error', 'stopped') ORDER BY id LIMIT $2"
	default:
		return nil
	}
	for {
		ids, err := s.read().ids(ctx, query, id, stepRows)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := s.wipe(ctx, ids); err != nil {
			return err
		}
	}
}

// wipe deletes finished tasks with all that is kept for them, in steps.
func (s *Store) wipe(ctx context.Context, ids []int64) error {
	for len(ids) > 0 {
		gone := 0
		err := s.bulk(ctx, func(ctx context.Context, c conn) error {
			gone = 0
			for budget := stepBudget; budget > 0 && gone < len(ids); budget-- {
				n, err := shed(ctx, c, ids[gone], budget)
				if err != nil {
					return err
				}
				if budget -= n; budget <= 0 {
					return nil
				}
				if err := s.erase(ctx, c, s.tables["task"], ids[gone]); err != nil {
					return err
				}
				gone++
			}
			return nil
		})
		if err != nil {
			return err
		}
		ids = ids[gone:]
	}
	return nil
}

// shed deletes at most limit chunks of a task's output and parts of its bundle,
// and tells how many. Fewer than limit mean that none are left.
func shed(ctx context.Context, c conn, id int64, limit int) (int, error) {
	n, err := c.exec(ctx, `DELETE FROM log_chunk WHERE task_id = $1 AND first_line IN
		(SELECT first_line FROM log_chunk WHERE task_id = $1 ORDER BY first_line LIMIT $2)`, id, limit)
	if err != nil || int(n) >= limit {
		return int(n), err
	}
	m, err := c.exec(ctx, `DELETE FROM task_bundle WHERE task_id = $1 AND part IN
		(SELECT part FROM task_bundle WHERE task_id = $1 ORDER BY part LIMIT $2)`, id, max(1, (limit-int(n))/8))
	return int(n + m*8), err
}
