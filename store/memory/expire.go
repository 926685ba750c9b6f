package memory

import (
	"context"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

const defaultExpire = 100

func (q queue) Expire(ctx context.Context, e store.Expiry) (list []store.Expired, err error) {
	if e.Limit <= 0 {
		e.Limit = defaultExpire
	}
	err = q.s.write(ctx, func(st *state) error {
		list = nil
		for id := range st.open.all(false) {
			if len(list) >= e.Limit {
				break
			}
			if slices.Contains(e.Spare, id) {
				continue
			}
			rec, _ := st.rows(st.cat.task).get(id)
			t, err := load[store.Task](st.cat.task, rec)
			if err != nil {
				return err
			}
			outcome, err := st.expire(&t, e)
			if err != nil {
				return err
			}
			if outcome != "" {
				list = append(list, store.Expired{Task: t, Outcome: outcome})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// expire deals with one task, "" meaning that nothing was to be done.
func (st *state) expire(t *store.Task, e store.Expiry) (store.ExpiryOutcome, error) {
	w := st.edit(t.ID)
	outcome := st.outcome(*t, w, e)
	what := ""
	switch outcome {
	case "":
		return "", nil
	case store.BecameUnreachable:
		t.Unreachable = true
		st.tell(store.OutboxUnreachable, *t)
		what = "is unreachable: its worker has not been heard of"
	case store.BecameWaiting:
		t.Status, t.Prompt = store.Waiting, ""
		st.unlease(t, w)
		what = "waits again: " + store.LostReason
	case store.BecameUnconfirmed:
		st.end(t, w, store.Failed, store.UnconfirmedReason)
		what = "ended: " + store.UnconfirmedReason
	case store.BecameLost:
		next := store.Failed
		if t.Status == store.Stopping && isDead(e, *t) {
			next = store.Stopped
		}
		st.end(t, w, next, store.LostReason)
		what = "ended: " + store.LostReason
	}
	st.notice(noticeChanged, *t)
	if err := st.event(*t, "%s", what); err != nil {
		return "", err
	}
	return outcome, st.save(*t, w)
}

// outcome tells what is to become of a task.
func (st *state) outcome(t store.Task, w *work, e store.Expiry) store.ExpiryOutcome {
	if t.Status == store.WaitingConfirmation {
		if t.ConfirmBefore != nil && !st.at.Before(*t.ConfirmBefore) {
			return store.BecameUnconfirmed
		}
		return ""
	}
	if !t.Status.Leased() || t.Owner == e.Self {
		return ""
	}
	lostAfter := time.Duration(t.LostAfter) * time.Millisecond
	switch {
	case isDead(e, t), !e.Calm && lostAfter > 0 && st.at.Sub(w.renewed) >= lostAfter:
		if t.Status != store.Stopping && t.Attempt <= t.MaxRetries {
			return store.BecameWaiting
		}
		return store.BecameLost
	case !t.Unreachable && !st.at.Before(w.until):
		return store.BecameUnreachable
	}
	return ""
}

func isDead(e store.Expiry, t store.Task) bool {
	return e.AllDead && t.RunnerID == nil || slices.Contains(e.Dead, t.Owner)
}
