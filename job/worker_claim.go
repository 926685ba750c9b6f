package job

import (
	"context"
	"math/rand/v2"
	"time"
)

// claimLoop claims tasks while there is room for them, until claiming ends.
func (w *Worker) claimLoop(ctx, claiming context.Context) {
	var wait backoff
	for {
		free := w.awaitFree(claiming)
		if free == 0 {
			return
		}
		begun := time.Now()
		list, err := w.claim(claiming, free)
		for _, a := range list {
			w.start(ctx, a, claiming.Err() != nil)
		}
		switch {
		case claiming.Err() != nil:
			return
		case err != nil:
			if wait == 0 { // the first failure in a row stands for all
				w.Log.Warn("claim tasks", "error", err)
			}
			pause(claiming, wait.next())
			continue
		case len(list) == 0 && time.Since(begun) < minPoll:
			pause(claiming, minPoll) // a Source that does not wait is not to be flooded
		}
		wait = 0
	}
}

// minPoll is the shortest time between two claims that yield nothing.
const minPoll = 100 * time.Millisecond

func (w *Worker) claim(ctx context.Context, free int) (list []Assignment, err error) {
	err = guard(func() (err error) {
		list, err = w.Source.Claim(ctx, free)
		return err
	})
	w.logPanic(err, Lease{})
	return list, err
}

// awaitFree waits until there is room for a task and tells for how many; 0 when
// ctx has ended.
func (w *Worker) awaitFree(ctx context.Context) int {
	for ctx.Err() == nil {
		w.mu.Lock()
		free := w.Capacity - len(w.tasks)
		w.mu.Unlock()
		if free > 0 {
			return free
		}
		select {
		case <-w.freed:
		case <-ctx.Done():
		}
	}
	return 0
}

// start runs a task in a goroutine of its own. One that was handed out too late,
// when nothing more was to be claimed, is stopped before it begins.
func (w *Worker) start(ctx context.Context, a Assignment, late bool) {
	if a.TTL <= 0 {
		a.TTL = 15 * time.Second
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tasks[a.Lease] != nil {
		return // handed out twice, and running already
	}
	runCtx, stopper := WithStopper(context.WithoutCancel(ctx))
	if late || w.draining || ctx.Err() != nil {
		stopper.Stop(ErrShutdown)
	}
	t := &running{
		Assignment: a, worker: w, stopper: stopper, contact: time.Now(),
		buffer: newReportBuffer(a, w.Memory, w.Spool, w.Log.With("task_id", a.Lease.TaskID)),
	}
	w.tasks[a.Lease] = t
	w.wg.Go(func() { t.run(ctx, runCtx) })
	notify(w.changed)
}

// forget gives the task's room back.
func (w *Worker) forget(t *running) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.tasks, t.Lease)
	notify(w.changed)
	notify(w.freed)
}

// notify sends without waiting; one value stands for several.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// backoff is the pause between tries: 100 ms at first, doubled up to 5 s. Up to
// half of it is left out at random, so that many workers do not come back at
// once.
type backoff time.Duration

func (b *backoff) next() time.Duration {
	wait := max(time.Duration(*b), 100*time.Millisecond)
	*b = backoff(min(2*wait, 5*time.Second))
	return wait - rand.N(wait/2) //nolint:gosec // spreads tries, guards nothing
}

// pause waits, or less if ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
