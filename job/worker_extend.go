package job

import (
	"context"
	"sync"
	"time"
)

// extendsAtOnce bounds how many extensions are under way at a time: those that
// begin while the first one may still be answered, and some that a hint asks for.
const extendsAtOnce = 8

// extender says when extensions begin.
type extender struct {
	last  time.Time // when one began
	soon  time.Time // when one is to begin out of turn; zero for none
	under int       // how many are under way
	wait  backoff
}

// in tells how long it is until the next one; false for never.
func (e *extender) in(every time.Duration) (time.Duration, bool) {
	if e.under >= extendsAtOnce || every == 0 && e.soon.IsZero() {
		return 0, false
	}
	next := e.last.Add(every)
	if !e.soon.IsZero() && (every == 0 || e.soon.Before(next)) {
		next = e.soon
	}
	return max(0, time.Until(next)), true
}

// begins counts one.
func (e *extender) begins() {
	e.last, e.soon = time.Now(), time.Time{}
	e.under++
}

// extension is one that has ended.
type extension struct {
	begun time.Time
	err   error
}

// answered takes the answer to one, and tells whether it is the first failure in
// a row. A call that failed is soon made again, for little time may be left,
// unless a later one is under way.
func (e *extender) answered(x extension, every time.Duration) (first bool) {
	e.under--
	if x.err == nil {
		e.wait = 0
		return false
	}
	first = e.wait == 0
	if pause := min(e.wait.next(), every/5); x.begun.Equal(e.last) {
		e.soon = time.Now().Add(pause)
	}
	return first
}

// extendLoop keeps the leases of all tasks alive until ctx ends: as often as the
// shortest of them needs it, and at once when the Source has something to say.
// One that is slow to be answered holds up no other.
func (w *Worker) extendLoop(ctx context.Context) {
	var signals <-chan struct{}
	if s, ok := w.Source.(Signaller); ok {
		signals = s.Signals()
	}
	var calls sync.WaitGroup
	defer calls.Wait()
	answers := make(chan extension, extendsAtOnce)
	e := &extender{last: time.Now()}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		every := w.extendEvery()
		var due <-chan time.Time
		if in, ok := e.in(every); ok {
			timer.Reset(in)
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-w.changed:
		case _, ok := <-signals:
			if !ok {
				signals = nil
				continue
			}
			e.soon = time.Now()
		case x := <-answers:
			if e.answered(x, every) && ctx.Err() == nil {
				w.Log.Warn("extend leases", "error", x.err)
			}
		case <-due:
			e.begins()
			begun := e.last
			calls.Go(func() { answers <- extension{begun, w.extend(ctx, every)} })
		}
	}
}

// extendEvery is the time between two extensions; 0 when there is no lease. A
// tool that is stopped after a short silence is heard of more often, so that the
// silence is not that of one slow answer.
func (w *Worker) extendEvery() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var every time.Duration
	for _, t := range w.tasks {
		third := t.TTL / 3
		if t.LostAfter > 0 {
			third = min(third, t.LostAfter/6)
		}
		if every == 0 || third < every {
			every = third
		}
	}
	return every
}

// extendLimit is how long an extension may take: as long as the leases last that
// it extends. After that a tool that another attempt may follow has ended, and
// the calls that began meanwhile serve the others.
func extendLimit(tasks []*running, every time.Duration) time.Duration {
	limit := max(every, time.Second)
	for _, t := range tasks {
		leaves := t.TTL
		if t.LostAfter > 0 {
			leaves = min(leaves, t.LostAfter-t.silence())
		}
		limit = max(limit, leaves)
	}
	return limit
}

// extend makes one call for all leases.
func (w *Worker) extend(ctx context.Context, every time.Duration) error {
	tasks := w.list()
	if len(tasks) == 0 {
		return nil
	}
	leases := make([]Lease, 0, len(tasks))
	for _, t := range tasks {
		leases = append(leases, t.Lease)
	}
	ctx, cancel := context.WithTimeout(ctx, extendLimit(tasks, every))
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
