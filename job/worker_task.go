package job

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// running is a task that a Worker has a lease for.
type running struct {
	Assignment
	worker  *Worker
	stopper *Stopper
	buffer  *reportBuffer

	mu      sync.Mutex
	contact time.Time // last extension, by the monotonic clock
}

// run takes the task from its start to the answer to Finish. ctx is the
// Worker's, runCtx the tool's.
func (t *running) run(ctx, runCtx context.Context) {
	w := t.worker
	defer w.forget(t)
	defer t.stopper.Stop(nil)
	defer t.buffer.remove()
	err := guard(func() error {
		var delivering sync.WaitGroup
		var failed error
		delivering.Go(func() { failed = w.deliver(ctx, t) })
		res := t.execute(runCtx)
		t.buffer.close()
		delivering.Wait()
		if failed != nil {
			return failed
		}
		return w.finish(ctx, t, res)
	})
	w.logPanic(err, t.Lease)
	if err != nil {
		w.Log.Error("task could not be handed over", "task_id", t.Lease.TaskID, "attempt", t.Lease.Attempt, "error", err)
	}
}

// execute runs the tool and concludes. A task that a shut-down reaches before it
// begins goes back.
func (t *running) execute(ctx context.Context) Result {
	if ctx.Err() != nil {
		return Conclude(notBegun(ctx))
	}
	select {
	case <-ctx.Done():
		return Conclude(notBegun(ctx))
	case t.worker.slots <- struct{}{}: // more tasks than were asked for wait here
		defer func() { <-t.worker.slots }()
	}
	e, err := t.begin(ctx)
	if err != nil {
		t.worker.logPanic(err, t.Lease)
		if !errors.Is(err, ErrNotBegun) {
			t.say(err)
		}
		return Conclude(err)
	}
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { t.watch(ended) })
	defer watching.Wait()
	defer close(ended)
	err = guard(func() error { return e.Run(ctx, t.Spec, workerSink{t.buffer}) })
	t.worker.logPanic(err, t.Lease)
	var caught *panicError
	if errors.As(err, &caught) {
		err = fmt.Errorf("executor %w", err)
	}
	if err != nil && ctx.Err() == nil && t.buffer.silent() {
		t.say(err) // people look for the reason in the output
	}
	return Conclude(err)
}

// say puts an error into the output.
func (t *running) say(err error) {
	t.buffer.add(Report{Lines: []Line{{Time: t.worker.Now().Round(0), Stream: System, Text: err.Error()}}})
}

// notBegun is how a task ends that was stopped before it began.
func notBegun(ctx context.Context) error {
	if cause := stopCause(ctx); !errors.Is(cause, ErrShutdown) {
		return cause
	}
	return fmt.Errorf("%w: %w", ErrNotBegun, ErrShutdown)
}

// begin makes sure that there is something to run, and something to run it.
func (t *running) begin(ctx context.Context) (e Executor, err error) {
	err = guard(func() (err error) {
		if t.Spec == nil && t.Prepare != nil {
			if t.Spec, err = t.Prepare(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return notBegun(ctx)
		}
		if t.Spec == nil {
			return invalid("spec", "is missing: the task was handed out without one")
		}
		if err := t.Spec.Validate(); err != nil {
			return err
		}
		if e = t.worker.executor(t.Spec); e == nil {
			return invalid("app", "%q has no executor here: give the worker one", t.Spec.App)
		}
		return nil
	})
	return e, err
}

func (w *Worker) executor(spec *Spec) Executor {
	if w.Choose != nil {
		if e := w.Choose(spec); e != nil {
			return e
		}
	}
	return w.Executor
}

// signal does what the Source wants. Stops only ever become more urgent.
func (t *running) signal(s Signal) {
	switch {
	case s.Gone:
		t.lose("another attempt has the task, or it was ended")
		return
	case s.Stop == StopNone:
		return
	}
	t.stopper.Stop(s.err())
	switch s.Stop {
	case StopForce:
		t.stopper.Force()
	case StopKill:
		t.stopper.Kill()
	}
}

// lose kills a tool whose lease is not valid any more.
func (t *running) lose(why string) {
	t.stopper.Stop(fmt.Errorf("%w: %s", ErrLeaseLost, why))
	t.stopper.Kill()
}

// extended notes that the lease was extended, at the earliest at that time. The
// answer to a later call may have been faster.
func (t *running) extended(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.After(t.contact) {
		t.contact = at
	}
}

func (t *running) silence() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.contact)
}

// watch ends the tool in time before another attempt may start. It depends on
// nothing but the clock: the call that extends may hang.
func (t *running) watch(ended <-chan struct{}) {
	if t.LostAfter <= 0 {
		return
	}
	stopAfter, killAfter := lostLimits(t.LostAfter, stopGrace(t.Spec))
	stopped := false
	timer := time.NewTimer(stopAfter)
	defer timer.Stop()
	for {
		select {
		case <-ended:
			return
		case <-timer.C:
		}
		silence := t.silence()
		switch {
		case silence >= killAfter:
			t.stopper.Kill()
			return
		case silence < stopAfter:
			timer.Reset(stopAfter - silence)
		default:
			if !stopped {
				stopped = true
				t.stopSilent(silence)
			}
			timer.Reset(killAfter - silence)
		}
	}
}

// stopSilent stops the tool because the Source has not answered for too long.
func (t *running) stopSilent(silence time.Duration) {
	err := fmt.Errorf("%w: no answer for %v, and another attempt may start after %v", ErrLeaseLost, silence.Round(time.Second), t.LostAfter)
	t.stopper.Stop(err)
	t.worker.Log.Warn("task stopped", "task_id", t.Lease.TaskID, "error", err)
	t.buffer.offer(Report{Lines: []Line{{Time: t.worker.Now().Round(0), Stream: System, Text: err.Error()}}})
}

// lostLimits are the silences after which a tool is stopped and killed: the stop
// leaves it the time it has to end by itself, a quarter of the whole at least
// and half of it at most.
func lostLimits(lostAfter, grace time.Duration) (stop, kill time.Duration) {
	margin := min(max(grace, lostAfter/4), lostAfter/2)
	return lostAfter - margin, lostAfter - lostAfter/10
}

// stopGrace is the time between the gentle stop of a tool and its kill.
func stopGrace(spec *Spec) time.Duration {
	switch {
	case spec == nil:
		return 0
	case spec.Limits.StopGrace > 0:
		return spec.Limits.StopGrace
	case familyOf(spec.App) == familyTerraform || spec.App == "pulumi":
		return leaderGrace
	default:
		return treeGrace
	}
}
