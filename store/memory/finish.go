package memory

import (
	"context"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

func (q queue) Finish(ctx context.Context, l store.Lease, f store.Finish) (t store.Task, err error) {
	switch f.Status {
	case store.Success, store.Failed, store.Stopped, store.WaitingConfirmation, store.Waiting, store.Confirmed:
	default:
		return t, fmt.Errorf("a run cannot end as %q: %w", f.Status, store.ErrInvalid)
	}
	var late error
	err = q.s.write(ctx, func(st *state) error {
		var w *work
		var valid bool
		if t, w, valid, err = st.held(l); err != nil {
			return err
		}
		known := w.attempts[l.Attempt]
		switch {
		case f.Owner != "" && (!valid || t.Owner != f.Owner):
			return fmt.Errorf("finish task %d: its owner has changed: %w", t.ID, store.ErrLease)
		case valid:
			if err := st.finish(&t, w, f); err != nil {
				return err
			}
			t, err = st.task(t.ProjectID, t.ID)
			return err
		case known.lease == l.ID && known.finished:
			return nil
		default:
			late = fmt.Errorf("finish task %d: %w", t.ID, store.ErrLease)
			return st.lateResult(t, w, l, f)
		}
	})
	if err = errors.Join(err, late); err != nil {
		return store.Task{}, err
	}
	return t, nil
}

func (st *state) finish(t *store.Task, w *work, f store.Finish) error {
	if f.Status == store.Confirmed && !w.attempts[t.Attempt].resumed {
		return fmt.Errorf("finish task %d: nobody has confirmed it: %w", t.ID, store.ErrInvalid)
	}
	if f.Append != nil {
		if err := st.results(t, w, *f.Append); err != nil {
			return err
		}
	}
	known := w.attempts[t.Attempt]
	known.finished = true
	w.attempts[t.Attempt] = known
	next := f.Status
	if t.Status == store.Stopping && !next.Finished() {
		next = store.Stopped
	}
	switch next {
	case store.WaitingConfirmation:
		t.Status, t.Prompt, t.ConfirmBefore = next, f.Prompt, f.ConfirmBefore
		st.unlease(t, w)
		st.tell(store.OutboxConfirm, *t)
	case store.Waiting:
		t.Status, t.Prompt = next, ""
		st.unlease(t, w)
	case store.Confirmed:
		t.Status = next
		st.unlease(t, w)
	default:
		t.ExitCode = f.ExitCode
		st.end(t, w, next, f.Reason)
	}
	st.notice(noticeChanged, *t)
	for _, e := range f.Events {
		if err := st.addEvent(*t, e); err != nil {
			return err
		}
	}
	return st.save(*t, w)
}

// lateResult keeps a result that arrives after the end of its lease, once.
func (st *state) lateResult(t store.Task, w *work, l store.Lease, f store.Finish) error {
	known, ok := w.attempts[l.Attempt]
	if !ok || known.lease != l.ID || known.late {
		return nil
	}
	known.late = true
	w.attempts[l.Attempt] = known
	t.Late = true
	st.tell(store.OutboxLate, t)
	st.notice(noticeChanged, t)
	what := string(f.Status)
	if f.Reason != "" {
		what += ", " + f.Reason
	}
	if err := st.event(t, "got a late result of attempt %d: %s", l.Attempt, what); err != nil {
		return err
	}
	return st.save(t, w)
}
