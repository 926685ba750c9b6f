package pool

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// Sweeper is an optional interface of [Config].Executor: it cleans up what runs
// of a dead process have left. [job.LocalJob] is one; an executor that wraps one
// has a method Unwrap() job.Executor. Without it a pool takes the tools of a
// dead predecessor for ended.
type Sweeper interface {
	Sweep(ctx context.Context) ([]job.Swept, error)
}

// Run works until ctx ends, and returns when everything it started has ended:
// tasks are claimed and run, schedules fire, lost tasks are reaped, alerts are
// sent, logs are compacted.
//
// A store that only one pool may work on ([store.Owned]) is taken first: the
// error then is a *[store.OwnedError] that names the holder. What a dead
// predecessor held is dealt with at once.
//
// When ctx ends nothing more is claimed. Running tasks are awaited for
// ShutdownGrace, then stopped as their app wants it; those whose template allows
// retries go back to waiting. [TaskPool.Hurry] cuts that short. Tasks that wait
// stay. Run works once.
func (p *TaskPool) Run(ctx context.Context) (err error) {
	p.mu.Lock()
	if p.running {
		p.mu.Unlock()
		return errors.New("pool runs once: make another one")
	}
	p.running = true
	p.mu.Unlock()

	owned := false
	if o, ok := store.As[store.Owned](p.st); ok {
		release, err := o.Own(ctx)
		if err != nil {
			return fmt.Errorf("run pool: %w", err)
		}
		owned, p.src.alone = true, true
		defer func() { err = errors.Join(err, release()) }()
	}
	p.elsewhere.mu.Lock()
	p.elsewhere.shared = !owned
	p.elsewhere.mu.Unlock()
	if err := p.recover(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var loops sync.WaitGroup
	loops.Go(func() {
		<-ctx.Done()
		close(p.over)
	})
	for _, loop := range p.loops(owned) {
		loops.Go(func() { p.keep(ctx, loop.name, loop.run) })
	}
	if p.worker != nil {
		if err = p.worker.Run(ctx); err != nil {
			cancel() // it could not begin
		}
	}
	<-ctx.Done()
	loops.Wait()
	p.watch.wait()
	p.flush(ctx)
	return err
}

// recoverTimeout bounds how long a start waits for the store to take what a dead
// predecessor has left.
const recoverTimeout = time.Minute

// recover hands over output that a dead predecessor had spooled, before its
// tasks end.
func (p *TaskPool) recover(ctx context.Context) error {
	if p.worker == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, recoverTimeout)
	defer cancel()
	if err := p.worker.Recover(ctx); err != nil {
		return fmt.Errorf("run pool: %w", err)
	}
	return nil
}

func (p *TaskPool) newWorker() *job.Worker {
	return &job.Worker{
		Source: p.src, Executor: p.cfg.Executor, Choose: p.cfg.Choose, Capacity: p.cfg.Capacity,
		Spool: p.cfg.Spool, ShutdownGrace: p.cfg.ShutdownGrace, Log: p.cfg.Log, Now: p.cfg.Now,
	}
}

// flush deals with what the last tasks have left in the outbox.
func (p *TaskPool) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, err := p.deliver(ctx); err != nil {
		p.cfg.Log.Warn("deliver at the end", "error", err)
	}
	p.alerting.Wait()
}

// Drain ends the claiming of tasks for this process, if need be before Run:
// those that run go on, and everything else too: schedules, alerts, what remote
// runners ask for. A claim that is under way may still bring tasks. Run still has
// to be ended by its context. [TaskPool.Undrain] takes it back.
func (p *TaskPool) Drain() { p.drained.Store(true) }

// Undrain lets this process claim tasks again.
func (p *TaskPool) Undrain() {
	p.drained.Store(false)
	p.wake.ring()
}

// Draining tells whether this process claims nothing for itself.
func (p *TaskPool) Draining() bool { return p.drained.Load() }

// Hurry cuts a shut-down short.
func (p *TaskPool) Hurry() {
	if p.worker != nil {
		p.worker.Hurry()
	}
}

// loop is something that Run does again and again.
type loop struct {
	name string
	run  func(context.Context) error
}

func (p *TaskPool) loops(owned bool) []loop {
	list := []loop{
		{"reaper", func(ctx context.Context) error { return p.reap(ctx, owned) }},
		{"schedules", p.schedules},
		{"outbox", p.outbox},
		{"logs", p.compact},
		{"retention", p.retain},
		{"wake-ups", p.listen},
		{"signals", p.signal},
		{"runners", p.summon},
	}
	if !owned {
		list = append(list, loop{"others", p.elsewhere.run})
	}
	return list
}

// keep runs a loop until ctx ends, again after an error or a panic, with
// growing pauses.
func (p *TaskPool) keep(ctx context.Context, name string, run func(context.Context) error) {
	const first, most = 100 * time.Millisecond, 5 * time.Second
	for pause := first; ctx.Err() == nil; pause = min(2*pause, most) {
		begun := time.Now()
		err := p.guard(ctx, run)
		if ctx.Err() != nil || err == nil {
			return
		}
		if time.Since(begun) > time.Minute {
			pause = first
		}
		p.cfg.Log.Error("pool loop", "loop", name, "error", err)
		sleep(ctx, pause)
	}
}

// guard makes an error of a panic. The stack is for the log alone.
func (p *TaskPool) guard(ctx context.Context, run func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			p.cfg.Log.Error("panic in pool", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return run(ctx)
}

// sleep waits so long, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// each calls f now, whenever a bell rings, and every so often, until ctx ends
// or f fails.
func each(ctx context.Context, every time.Duration, b *bell, f func(context.Context) error) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var rung <-chan struct{}
	if b != nil {
		rung = b.c
	}
	for {
		if err := f(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-rung:
		}
	}
}

// listen turns notices of other processes into wake-ups.
func (p *TaskPool) listen(ctx context.Context) error {
	l, ok := store.As[store.Listener](p.st)
	if !ok {
		return nil
	}
	err := l.Listen(ctx, func(n store.Notice) {
		switch n.Kind {
		case "added":
			p.wake.ring()
		case "stop":
			p.poke.ring()
		case "changed":
			p.wake.ring()
			p.out.ring()
		}
		p.elsewhere.bell.ring()
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

// signal makes the worker look for stops that another process asked for, as
// often as tasks are looked for.
func (p *TaskPool) signal(ctx context.Context) error {
	return each(ctx, p.cfg.Poll, nil, func(context.Context) error {
		p.src.mu.Lock()
		busy := len(p.src.runs) > 0
		p.src.mu.Unlock()
		if busy {
			p.poke.ring()
		}
		return nil
	})
}
