package sqlstore

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// Stop asks for an end.
func (q tasks) Stop(ctx context.Context, project, id int64, level store.StopLevel, e store.Event) (store.Task, error) {
	if level.Rank() == 0 {
		return store.Task{}, fmt.Errorf("stop level %q is unknown: %w", level, store.ErrInvalid)
	}
	return q.answer(ctx, project, id, e, func(ctx context.Context, c conn, t store.Task) (store.Task, error) {
		if t.Status.Finished() {
			return t, stateError(t)
		}
		if level.Rank() < t.StopLevel.Rank() {
			level = t.StopLevel
		}
		if t.Status.Leased() {
			c.notice(noticeStop, t)
			return q.s.change(ctx, c, "UPDATE task SET status = 'stopping', stop_level = $2 WHERE id = $1", id, string(level))
		}
		if _, err := c.exec(ctx, "UPDATE task SET stop_level = $1 WHERE id = $2", string(level), id); err != nil {
			return t, err
		}
		return q.s.end(ctx, c, id, store.Stopped, "", t.ExitCode)
	})
}

// Confirm makes a task claimable again.
func (q tasks) Confirm(ctx context.Context, project, id int64, e store.Event) (store.Task, error) {
	return q.answer(ctx, project, id, e, func(ctx context.Context, c conn, t store.Task) (store.Task, error) {
		if t.Status != store.WaitingConfirmation {
			return t, stateError(t)
		}
		return q.s.change(ctx, c, "UPDATE task SET status = 'confirmed', confirm_before = NULL WHERE id = $1", id)
	})
}

// Reject ends a task whose plan nobody wants.
func (q tasks) Reject(ctx context.Context, project, id int64, e store.Event) (store.Task, error) {
	return q.answer(ctx, project, id, e, func(ctx context.Context, c conn, t store.Task) (store.Task, error) {
		if t.Status != store.WaitingConfirmation {
			return t, stateError(t)
		}
		return q.s.end(ctx, c, id, store.Failed, store.RejectedReason, t.ExitCode)
	})
}

// answer changes a task as a person asked, and writes the event with it.
func (q tasks) answer(ctx context.Context, project, id int64, e store.Event,
	change func(context.Context, conn, store.Task) (store.Task, error),
) (t store.Task, err error) {
	err = q.s.durable(ctx, func(ctx context.Context, c conn) error {
		if t, err = of[store.Task](q.s).get(ctx, c, project, id, c.locking(forChange)); err != nil {
			return err
		}
		if t, err = change(ctx, c, t); err != nil {
			return err
		}
		return q.s.note(ctx, c, t, e)
	})
	if err != nil {
		return store.Task{}, err
	}
	return t, nil
}
