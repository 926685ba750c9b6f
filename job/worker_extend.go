package job

import (
	"context"
	"time"
)

// extendLoop keeps the leases of all tasks alive until ctx ends: as often as the
// shortest of them needs it, and at once when the Source has something to say.
// A call that failed is soon made again: little time may be left.
func (w *Worker) extendLoop(ctx context.Context) {
	var signals <-chan struct{}
	if s, ok := w.Source.(Signaller); ok {
		signals = s.Signals()
	}
	var wait backoff
	var again time.Duration // after a call that failed
	last := time.Now()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		every := w.extendEvery()
		var due <-chan time.Time
		if every > 0 {
			pause := every
			if wait > 0 {
				pause = again
			}
			timer.Reset(max(0, pause-time.Since(last)))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-w.changed:
			continue
		case _, ok := <-signals:
			if !ok {
				signals = nil
				continue
			}
		case <-due:
		}
		last = time.Now()
		err := w.extend(ctx, every)
		switch {
		case err == nil:
			wait = 0
			continue
		case wait == 0 && ctx.Err() == nil:
			w.Log.Warn("extend leases", "error", err)
		}
		last, again = time.Now(), min(wait.next(), every/5)
	}
}

// extendEvery is the time between two extensions; 0 when there is no lease.
func (w *Worker) extendEvery() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var every time.Duration
	for _, t := range w.tasks {
		if third := t.TTL / 3; every == 0 || third < every {
			every = third
		}
	}
	return every
}

// extend makes one call for all leases. One that fails is made again when the
// next is due; it does not hold that up.
func (w *Worker) extend(ctx context.Context, every time.Duration) error {
	tasks := w.list()
	if len(tasks) == 0 {
		return nil
	}
	leases := make([]Lease, 0, len(tasks))
	for _, t := range tasks {
		leases = append(leases, t.Lease)
	}
	ctx, cancel := context.WithTimeout(ctx, max(every, time.Second))
	defer cancel()
	begun := time.Now() // the lease lasts from when it was extended, which is later
	var signals []Signal
	err := guard(func() (err error) {
		signals, err = w.Source.Extend(ctx, leases)
		return err
	})
	if err != nil {
		w.logPanic(err, Lease{})
		return err
	}
	for _, t := range tasks {
		t.extended(begun)
	}
	for _, s := range signals {
		for _, t := range tasks {
			if t.Lease == s.Lease {
				t.signal(s)
			}
		}
	}
	return nil
}
