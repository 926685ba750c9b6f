package memory

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// store.RejectedReason is the Reason of a task whose plan was rejected.

func (q tasks) Stop(ctx context.Context, project, id int64, level store.StopLevel, e store.Event) (store.Task, error) {
	if level.Rank() == 0 {
		return store.Task{}, fmt.Errorf("stop level %q is unknown: %w", level, store.ErrInvalid)
	}
	return q.answer(ctx, project, id, e, func(st *state, t *store.Task, w *work) error {
		switch {
		case t.Status.Finished():
			return stateError(*t)
		case !t.Status.Leased():
			st.end(t, w, store.Stopped, "")
		default:
			t.Status = store.Stopping
			st.notice(noticeStop, *t)
		}
		if level.Rank() > t.StopLevel.Rank() {
			t.StopLevel = level
		}
		return nil
	})
}

func (q tasks) Confirm(ctx context.Context, project, id int64, e store.Event) (store.Task, error) {
	return q.answer(ctx, project, id, e, func(_ *state, t *store.Task, _ *work) error {
		if t.Status != store.WaitingConfirmation {
			return stateError(*t)
		}
		t.Status, t.ConfirmBefore = store.Confirmed, nil
		return nil
	})
}

func (q tasks) Reject(ctx context.Context, project, id int64, e store.Event) (store.Task, error) {
	return q.answer(ctx, project, id, e, func(st *state, t *store.Task, w *work) error {
		if t.Status != store.WaitingConfirmation {
			return stateError(*t)
		}
		st.end(t, w, store.Failed, store.RejectedReason)
		return nil
	})
}

// answer changes a task as a person asked, and writes the event with it.
func (q tasks) answer(ctx context.Context, project, id int64, e store.Event, change func(*state, *store.Task, *work) error) (t store.Task, err error) {
	err = q.s.write(ctx, func(st *state) error {
		if t, err = st.task(project, id); err != nil {
			return err
		}
		w := st.edit(id)
		if err := change(st, &t, w); err != nil {
			return err
		}
		st.notice(noticeChanged, t)
		if err := st.addEvent(t, e); err != nil {
			return err
		}
		return st.save(t, w)
	})
	if err != nil {
		return store.Task{}, err
	}
	return t, nil
}
