package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// Finish ends a lease.
func (q queue) Finish(ctx context.Context, l store.Lease, f store.Finish) (t store.Task, err error) {
	switch f.Status {
	case store.Success, store.Failed, store.Stopped, store.WaitingConfirmation, store.Waiting, store.Confirmed:
	default:
		return t, fmt.Errorf("a run cannot end as %q: %w", f.Status, store.ErrInvalid)
	}
	var late error // told after the commit: the result is kept
	err = q.s.durable(ctx, func(ctx context.Context, c conn) error {
		late = nil
		h, err := q.s.held(ctx, c, l)
		switch {
		case err != nil:
			return err
		case f.Owner != "" && (!h.valid || h.Owner != f.Owner):
			return fmt.Errorf("owner of the lease has changed: %w", store.ErrLease)
		case h.valid && f.Status == store.Confirmed && !h.resumed:
			return fmt.Errorf("nobody has confirmed it: %w", store.ErrInvalid)
		case h.valid:
			t, err = q.s.finish(ctx, c, h.Task, f)
			return err
		case h.known && h.finished:
			t = h.Task
			return nil
		}
		late = fmt.Errorf("lease of attempt %d: %w", l.Attempt, store.ErrLease)
		if !h.known || h.late {
			return nil
		}
		return q.s.finishLate(ctx, c, h.Task, l, f)
	})
	if err == nil {
		err = late
	}
	if err != nil {
		return store.Task{}, fmt.Errorf("finish task %d: %w", l.TaskID, err)
	}
	return t, nil
}

func (s *Store) finish(ctx context.Context, c conn, t store.Task, f store.Finish) (store.Task, error) {
	if f.Append != nil {
		if err := s.results(ctx, c, &t, *f.Append); err != nil {
			return t, err
		}
		if err := saveRun(ctx, c, t); err != nil {
			return t, err
		}
	}
	if _, err := c.exec(ctx, "UPDATE task_attempt SET finished = TRUE WHERE task_id = $1 AND attempt = $2", t.ID, t.Attempt); err != nil {
		return t, err
	}
	next := f.Status
	if t.Status == store.Stopping && !next.Finished() {
		next = store.Stopped
	}
	var err error
	switch next {
	case store.WaitingConfirmation:
		t, err = s.pause(ctx, c, t.ID, next, f.Prompt, stamp(f.ConfirmBefore))
		if err == nil {
			err = s.tell(ctx, c, store.OutboxConfirm, t)
		}
	case store.Waiting:
		t, err = s.pause(ctx, c, t.ID, next, "", nil)
	case store.Confirmed:
		t, err = s.pause(ctx, c, t.ID, next, t.Prompt, nil)
	default:
		t, err = s.end(ctx, c, t.ID, next, f.Reason, f.ExitCode)
	}
	for _, e := range f.Events {
		if err == nil {
			err = s.note(ctx, c, t, e)
		}
	}
	return t, err
}

// pause takes a task from its worker without ending it.
func (s *Store) pause(ctx context.Context, c conn, id int64, next store.Status, prompt string, before any) (store.Task, error) {
	return s.change(ctx, c, `UPDATE task SET status = $2, prompt = $3, confirm_before = $4, lease_owner = '', lease_id = '',
		unreachable = FALSE WHERE id = $1`, id, string(next), prompt, before)
}

// end makes a task final: what only a run needs goes in the same statement, or
// in the same transaction.
func (s *Store) end(ctx context.Context, c conn, id int64, next store.Status, reason string, code int) (store.Task, error) {
	now, err := s.clock(ctx, c)
	if err != nil {
		return store.Task{}, err
	}
	t, err := s.change(ctx, c, `UPDATE task SET status = $2, reason = $3, exit_code = $4, "end" = $5, prompt = '', confirm_before = NULL,
		lease_owner = '', lease_id = '', unreachable = FALSE, secrets = NULL WHERE id = $1`, id, string(next), reason, code, now.UnixMilli())
	if err != nil {
		return t, err
	}
	if err := dropBundle(ctx, c, id); err != nil {
		return t, err
	}
	return t, s.tell(ctx, c, store.OutboxFinished, t)
}

// change runs an UPDATE of task $1 and returns the task.
func (s *Store) change(ctx context.Context, c conn, query string, id int64, args ...any) (store.Task, error) {
	m := s.tables["task"]
	list, err := scanAll[store.Task](ctx, c, m, query+" RETURNING "+m.columns, append([]any{id}, args...)...)
	if err == nil && len(list) == 0 {
		err = notFound(m, id)
	}
	if err != nil {
		return store.Task{}, err
	}
	c.notice(noticeChanged, list[0])
	return list[0], nil
}

// finishLate keeps a result that arrives after the end of its lease, once.
func (s *Store) finishLate(ctx context.Context, c conn, t store.Task, l store.Lease, f store.Finish) error {
	result, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode late result: %w", err)
	}
	_, err = c.exec(ctx, "UPDATE task_attempt SET late = TRUE, late_result = $1 WHERE task_id = $2 AND attempt = $3", string(result), l.TaskID, l.Attempt)
	if err != nil {
		return err
	}
	t.Late = true
	if err := saveRun(ctx, c, t); err != nil {
		return err
	}
	if err := s.tell(ctx, c, store.OutboxLate, t); err != nil {
		return err
	}
	what := string(f.Status)
	if f.Reason != "" {
		what += ", " + f.Reason
	}
	return s.notef(ctx, c, t, "got a late result of attempt %d: %s", l.Attempt, what)
}
