package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Worker runs the tasks that a [Source] hands out, several at once, and tells it
// what becomes of them.
//
// A Source that cannot be reached ends no task that it may still want: output
// and events are kept, in memory and then in a file, and delivered in order when
// it is back. Only where another attempt may start meanwhile
// ([Assignment.LostAfter]) is the tool ended, before that moment.
//
// A Worker answers [Hold] to every question of a run: the task ends held, and
// the Source hands it out again once a person has answered.
//
// The fields are not to be changed after the first call of a method. A Worker
// runs once.
type Worker struct {
	Source   Source
	Executor Executor             // Runs the tasks that Choose has no Executor for.
	Choose   func(*Spec) Executor // Picks an Executor by app or anything else; nil means Executor. Defaults to none.

	Capacity int    // Tasks at once. Defaults to 1.
	Memory   int    // Bytes of undelivered reports kept in memory, per task. Defaults to 8 MiB.
	Spool    string // Directory of this Worker alone for what does not fit into memory; what is in it outlives the process, see [Worker.Recover]. Defaults to none: a tool whose output nobody takes is held back.

	ShutdownGrace time.Duration // How long running tasks are awaited at a shut-down before they are stopped; negative for not at all. Defaults to 8 s.
	FinishTimeout time.Duration // How long a Source that does not answer is tried during a shut-down. Defaults to 5 min.

	Log *slog.Logger     // Defaults to slog.Default().
	Now func() time.Time // Gives the Worker's own lines their time. Defaults to time.Now.

	once    sync.Once
	drained chan struct{} // closed by Drain
	hurried chan struct{} // closed by Hurry
	changed chan struct{} // receives when tasks came or went
	freed   chan struct{} // receives when a task went
	slots   chan struct{} // holds one per tool that runs
	wg      sync.WaitGroup

	mu        sync.Mutex
	started   bool
	recovered bool // of the goroutine that calls Recover, and then Run
	draining  bool
	hurrying  bool
	tasks     map[Lease]*running
}

// init fills in the defaults.
func (w *Worker) init() {
	w.once.Do(func() {
		w.Capacity = max(w.Capacity, 1)
		w.Memory = cmp.Or(w.Memory, 8<<20)
		w.ShutdownGrace = cmp.Or(w.ShutdownGrace, 8*time.Second)
		w.FinishTimeout = cmp.Or(w.FinishTimeout, 5*time.Minute)
		w.Log = cmp.Or(w.Log, slog.Default())
		if w.Now == nil {
			w.Now = time.Now
		}
		w.drained, w.hurried = make(chan struct{}), make(chan struct{})
		w.changed, w.freed = make(chan struct{}, 1), make(chan struct{}, 1)
		w.slots = make(chan struct{}, w.Capacity)
		w.tasks = map[Lease]*running{}
	})
}

// Run claims and runs tasks until ctx ends or [Worker.Drain] is called, and
// returns when everything it started has ended and was delivered.
//
// When ctx ends nothing more is claimed. Running tasks are awaited for
// ShutdownGrace, then stopped as their app wants it, with [ErrShutdown];
// [Worker.Hurry] cuts that short. The error tells why Run could not begin.
func (w *Worker) Run(ctx context.Context) error {
	w.init()
	if err := w.begin(); err != nil {
		return err
	}
	unlock, err := openSpool(w.Spool)
	if err != nil {
		return err
	}
	w.recover(ctx)
	claiming, stopClaiming := context.WithCancel(ctx)
	extending, stopExtending := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(func() {
		select {
		case <-w.drained:
			stopClaiming()
		case <-claiming.Done():
		}
	})
	helpers.Go(func() { w.extendLoop(extending) })
	w.claimLoop(ctx, claiming)
	w.await(ctx)
	stopClaiming()
	stopExtending()
	helpers.Wait()
	return unlock()
}

// begin makes sure that the Worker can run, and runs once.
func (w *Worker) begin() error {
	if w.Source == nil {
		return errors.New("worker has no Source: give it one")
	}
	if w.Executor == nil && w.Choose == nil {
		return errors.New("worker has no Executor: give it one, or Choose")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started {
		return errors.New("worker runs once: make another one")
	}
	w.started = true
	return nil
}

// Drain ends the claiming of tasks: Run returns when those that are running have
// ended by themselves. It returns at once and may be called again.
func (w *Worker) Drain() {
	w.init()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.draining {
		w.draining = true
		close(w.drained)
	}
}

// Hurry cuts a shut-down short, as the second signal to a program does: the rest
// of ShutdownGrace is skipped and stopped tasks are forced (see
// [Stopper.Force]). Before ctx ends it does nothing but be remembered. It
// returns at once and may be called again.
func (w *Worker) Hurry() {
	w.init()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.hurrying {
		w.hurrying = true
		close(w.hurried)
	}
}

// Running lists the leases that are held, in order of their tasks: those whose
// tool runs, and those whose last reports are not delivered yet.
func (w *Worker) Running() []Lease {
	w.init()
	var leases []Lease
	for _, t := range w.list() {
		leases = append(leases, t.Lease)
	}
	slices.SortFunc(leases, func(a, b Lease) int {
		return cmp.Or(cmp.Compare(a.TaskID, b.TaskID), cmp.Compare(a.Attempt, b.Attempt))
	})
	return leases
}

func (w *Worker) list() []*running {
	w.mu.Lock()
	defer w.mu.Unlock()
	tasks := make([]*running, 0, len(w.tasks))
	for _, t := range w.tasks {
		tasks = append(tasks, t)
	}
	return tasks
}

// await returns when all tasks have ended, and ends them if ctx does.
func (w *Worker) await(ctx context.Context) {
	idle := make(chan struct{})
	go func() {
		w.wg.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return
	case <-ctx.Done():
	}
	w.Log.Info("worker shuts down", "running", len(w.list()), "grace", w.ShutdownGrace)
	timer := time.NewTimer(w.ShutdownGrace)
	defer timer.Stop()
	select {
	case <-idle:
		return
	case <-timer.C:
	case <-w.hurried:
	}
	for _, t := range w.list() {
		t.stopper.Stop(ErrShutdown)
	}
	select {
	case <-idle:
		return
	case <-w.hurried:
	}
	for _, t := range w.list() {
		t.stopper.Force()
	}
	<-idle
}

// logPanic keeps the stack of a caught panic, which no task shows.
func (w *Worker) logPanic(err error, lease Lease) {
	var caught *panicError
	if errors.As(err, &caught) {
		w.Log.Error("panic in worker", "task_id", lease.TaskID, "panic", fmt.Sprint(caught.value), "stack", string(caught.stack))
	}
}
