package job

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// callTimeout bounds one call of Append or Finish.
const callTimeout = 30 * time.Second

// deliver hands the reports of a task to the Source, one after the other, until
// the run has ended and all of them are acknowledged. It gives up only in a
// shut-down.
func (w *Worker) deliver(ctx context.Context, t *running) error {
	for {
		r, ok := t.buffer.next()
		if !ok {
			return nil
		}
		err := w.retry(ctx, t.Lease, "append report", func(ctx context.Context) error {
			return w.Source.Append(ctx, t.Lease, r)
		})
		switch {
		case errors.Is(err, ErrLeaseLost): // what follows may still be kept as late
			t.lose("the source refused a report")
		case err != nil:
			t.buffer.abandon()
			return err
		}
		t.buffer.ack()
	}
}

// finish tells the Source how the task ended.
func (w *Worker) finish(ctx context.Context, t *running, res Result) error {
	err := w.retry(ctx, t.Lease, "finish task", func(ctx context.Context) error {
		return w.Source.Finish(ctx, t.Lease, res)
	})
	if errors.Is(err, ErrLeaseLost) {
		w.Log.Warn("task ended after its lease", "task_id", t.Lease.TaskID, "attempt", t.Lease.Attempt, "outcome", res.Outcome)
		return nil
	}
	return err
}

// retry makes a call until it is answered with nil or ErrLeaseLost. A shut-down
// does not cancel it, but once ctx has ended it is given up after FinishTimeout
// without an answer.
func (w *Worker) retry(ctx context.Context, lease Lease, what string, call func(context.Context) error) error {
	var wait backoff
	var limit time.Time
	for tries := 1; ; tries++ {
		callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		err := guard(func() error { return call(callCtx) })
		cancel()
		if err == nil || errors.Is(err, ErrLeaseLost) {
			return err
		}
		w.logPanic(err, lease)
		if tries == 1 {
			w.Log.Warn(what, "task_id", lease.TaskID, "error", err)
		}
		if ctx.Err() != nil && limit.IsZero() {
			limit = time.Now().Add(w.FinishTimeout)
		}
		if !limit.IsZero() && !time.Now().Before(limit) {
			return fmt.Errorf("%s: given up in the shut-down after %d tries: %w", what, tries, err)
		}
		pause(context.WithoutCancel(ctx), wait.next())
	}
}
