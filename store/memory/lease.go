package memory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// held returns the task of a lease and tells whether the lease is valid. A task
// that is gone is an ErrLease.
func (st *state) held(l store.Lease) (t store.Task, w *work, valid bool, err error) {
	t, err = st.task(l.ProjectID, l.TaskID)
	if errors.Is(err, store.ErrNotFound) {
		return t, nil, false, fmt.Errorf("task %d is gone: %w", l.TaskID, store.ErrLease)
	}
	if err != nil {
		return t, nil, false, err
	}
	w = st.edit(t.ID)
	return t, w, t.Status.Leased() && leaseOf(t, w) == l, nil
}

func (q queue) Extend(ctx context.Context, owner string, leases []store.Lease, ttl time.Duration) (signals []store.Signal, err error) {
	err = q.s.write(ctx, func(st *state) error {
		signals = make([]store.Signal, 0, len(leases))
		for _, l := range leases {
			signal, err := st.extend(owner, l, ttl)
			if err != nil {
				return err
			}
			signals = append(signals, signal)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return signals, nil
}

func (st *state) extend(owner string, l store.Lease, ttl time.Duration) (store.Signal, error) {
	t, w, valid, err := st.held(l)
	if err != nil && !errors.Is(err, store.ErrLease) {
		return store.Signal{}, err
	}
	if !valid {
		return store.Signal{Lease: l, Gone: true}, nil
	}
	signal := store.Signal{Lease: l, Stop: t.StopLevel}
	w.renewed, w.until = st.at, st.at.Add(ttl)
	if !t.Unreachable && t.Owner == owner {
		st.work = st.work.with(t.ID, w)
		return signal, nil
	}
	if t.Unreachable {
		if err := st.event(t, "is reachable again"); err != nil {
			return signal, err
		}
	}
	t.Unreachable, t.Owner = false, owner
	st.notice(noticeChanged, t)
	return signal, st.save(t, w)
}

func (q queue) Leases(ctx context.Context) ([]store.HeldLease, error) {
	st, err := q.s.view(ctx)
	if err != nil {
		return nil, err
	}
	list := []store.HeldLease{}
	for id := range st.open.all(false) {
		rec, _ := st.rows(st.cat.task).get(id)
		if !store.Status(st.cat.task.text(rec, "status")).Leased() {
			continue
		}
		t, err := load[store.Task](st.cat.task, rec)
		if err != nil {
			return nil, err
		}
		w := st.edit(id)
		list = append(list, store.HeldLease{Lease: leaseOf(t, w), Owner: t.Owner, RunnerID: t.RunnerID, Until: w.until})
	}
	return list, nil
}
