package sqlstore

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// partsAtOnce is how many parts of a bundle one statement deletes. What the end
// of a larger bundle's task leaves is out of reach, and cleared in small steps.
const partsAtOnce = 4

// SaveBundle stores a part of a bundle.
func (a artifacts) SaveBundle(ctx context.Context, project, task int64, part int, data []byte) error {
	if part < 0 {
		return fmt.Errorf("part %d of a bundle: %w", part, store.ErrInvalid)
	}
	if part == 0 {
		if err := a.DeleteBundle(ctx, project, task); err != nil {
			return err
		}
	}
	err := a.s.durable(ctx, func(ctx context.Context, c conn) error {
		found, err := c.exists(ctx, "SELECT id FROM task WHERE id = $1 AND project_id = $2", task, project)
		if err == nil && !found {
			err = &store.ReferenceError{Table: "task_bundle", Column: "task_id"}
		}
		if err != nil {
			return err
		}
		_, err = c.exec(ctx, `INSERT INTO task_bundle (task_id, project_id, part, data) VALUES ($1, $2, $3, $4)
			ON CONFLICT (task_id, part) DO UPDATE SET data = excluded.data`, task, project, part, notNull(data))
		return err
	})
	if err != nil {
		return fmt.Errorf("save bundle of task %d: %w", task, err)
	}
	return nil
}

// Bundle returns a part.
func (a artifacts) Bundle(ctx context.Context, project, task int64, part int) (data []byte, err error) {
	err = a.s.read().row(ctx, `SELECT b.data FROM task_bundle b JOIN task t ON t.id = b.task_id
		WHERE b.task_id = $1 AND b.project_id = $2 AND b.part = $3 AND NOT t.`+isFinished, []any{task, project, part}, &data)
	if err != nil {
		return nil, fmt.Errorf("get part %d of the bundle of task %d: %w", part, task, err)
	}
	return data, nil
}

// DeleteBundle forgets all parts, the first ones first: a bundle without them is
// none.
func (a artifacts) DeleteBundle(ctx context.Context, project, task int64) error {
	for n := int64(1); n > 0; {
		err := a.s.write(ctx, func(ctx context.Context, c conn) (err error) {
			n, err = c.exec(ctx, `DELETE FROM task_bundle WHERE task_id = $1 AND project_id = $2 AND part IN
				(SELECT part FROM task_bundle WHERE task_id = $1 ORDER BY part LIMIT $3)`, task, project, partsAtOnce)
			return err
		})
		if err != nil {
			return fmt.Errorf("delete bundle of task %d: %w", task, err)
		}
	}
	return nil
}

// dropBundle deletes a bundle at the end of its task, if that is quick.
func dropBundle(ctx context.Context, c conn, task int64) error {
	_, err := c.exec(ctx, `DELETE FROM task_bundle WHERE task_id = $1 AND
		(SELECT count(*) FROM task_bundle WHERE task_id = $1) <= $2`, task, partsAtOnce)
	return err
}
