package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool/internal/stage"
	"github.com/alexandervashurin/semaphore/store"
)

// source is the pool as its own worker sees it.
type source struct {
	pool *TaskPool
	// alone tells that no other process may start another attempt while this one
	// lives: however long it was suspended, its tools run on. Set before the worker
	// runs.
	alone bool

	mu   sync.Mutex
	runs map[store.Lease]*leased
}

// leased is a task that this process runs.
type leased struct {
	mu      sync.Mutex
	task    store.Task
	app     string
	confirm time.Duration // how long a plan waits for confirmation; 0: for ever
	parser  stage.Parser
	results results
	prompt  string
	next    int64        // number of the next line, for the parser
	parsed  int64        // sequence number of the last report that the parser has seen
	saved   int64        // and of the last one that is stored
	unsaved bool         // the parser knows something that is not stored
	stages  int          // how many stages earlier attempts had
	status  store.Status // last one that was stored
}

// Claim hands out tasks that may run, and waits for one otherwise.
func (s *source) Claim(ctx context.Context, free int) ([]job.Assignment, error) {
	poll := time.NewTicker(s.pool.cfg.Poll)
	defer poll.Stop()
	for {
		assigned, again, err := s.claim(ctx, free)
		if err != nil || len(assigned) > 0 {
			return assigned, err
		}
		if again {
			continue
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-s.pool.wake.c:
		case <-poll.C:
		}
	}
}

// claim takes what there is. Again tells that tasks were taken which could not
// be resolved and have ended.
func (s *source) claim(ctx context.Context, free int) (assigned []job.Assignment, again bool, err error) {
	if s.pool.drained.Load() {
		return nil, false, nil
	}
	claimed, err := s.pool.st.Queue().Claim(ctx, store.ClaimRequest{
		Owner: s.pool.self, Tags: append([]string{""}, s.pool.cfg.Tags...), Max: free,
		TTL: s.pool.cfg.LeaseTTL, MaxParallel: s.pool.cfg.MaxParallel,
	})
	if err != nil {
		return nil, false, fmt.Errorf("claim: %w", err)
	}
	for _, c := range claimed {
		s.hold(c.Lease, &leased{task: c.Task, parser: stage.New("")})
	}
	for _, c := range claimed {
		s.pool.hub.task(c.Task)
		if m := s.pool.cfg.Metrics.Waited; m != nil && c.Lease.Attempt == 1 && c.Task.Start != nil {
			m(appOf(c.Snapshot), c.Task.Start.Sub(c.Task.Created))
		}
		var a job.Assignment
		err := s.pool.guard(ctx, func(ctx context.Context) (err error) {
			a, err = s.prepare(ctx, c)
			return err
		})
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			s.giveUp(ctx, c, err)
			continue
		}
		assigned = append(assigned, a)
	}
	return assigned, len(claimed) > len(assigned), nil
}

// hold notes that this process has a lease. One that it has and does not know
// is handed back by the reaper.
func (s *source) hold(l store.Lease, run *leased) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[l] = run
}

func (s *source) release(l store.Lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runs, l)
}

func appOf(snapshot []byte) string {
	var s struct {
		Spec struct {
			App string `json:"app"`
		} `json:"spec"`
	}
	_ = json.Unmarshal(snapshot, &s) // a damaged one is told of where it is needed
	return s.Spec.App
}

// prepare opens the secrets of a task and asks the host program.
func (s *source) prepare(ctx context.Context, c store.Claimed) (job.Assignment, error) {
	spec, err := s.pool.resolve(ctx, c)
	if err != nil {
		return job.Assignment{}, err
	}
	if hook := s.pool.cfg.Hooks.BeforeRun; hook != nil {
		if err := hook(ctx, c.Task, spec); err != nil {
			return job.Assignment{}, fmt.Errorf("run refused: %w", err)
		}
	}
	return s.assign(ctx, c, spec)
}

// giveUp ends a task that cannot be resolved: it says why in its log. When the
// program itself is ending the task goes back.
func (s *source) giveUp(ctx context.Context, c store.Claimed, why error) {
	defer s.release(c.Lease)
	ended := ctx.Err() != nil || errors.Is(why, store.ErrBusy)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if ended {
		if err := s.pool.handBack(ctx, c.Lease, c.Task.Prompt, appOf(c.Snapshot)); err != nil {
			s.pool.cfg.Log.Error("hand a task back", "task_id", c.Task.ID, "error", err)
		}
		return
	}
	s.fail(ctx, c, why)
}

// fail ends a task that cannot be resolved.
func (s *source) fail(ctx context.Context, c store.Claimed, why error) {
	f := store.Finish{Status: store.Failed, Reason: cut(why.Error(), 1000)}
	line := store.LogLine{Time: s.pool.cfg.Now(), Stream: uint8(job.System), Text: why.Error()}
	if err := s.pool.st.Queue().Append(ctx, c.Lease, store.Append{Seq: c.NextSeq, Lines: []store.LogLine{line}}); err != nil {
		s.pool.cfg.Log.Error("store why a task cannot run", "task_id", c.Task.ID, "error", err)
	}
	f.Events = []store.Event{taskEvent(c.Task, "ended as error: "+f.Reason)}
	t, err := s.pool.st.Queue().Finish(ctx, c.Lease, f)
	if err != nil {
		s.pool.cfg.Log.Error("end a task that cannot run", "task_id", c.Task.ID, "error", err)
		return
	}
	s.pool.finished(t, appOf(c.Snapshot))
}

// handBack gives a claimed task back that was not begun. One that a person has
// confirmed stays so: its plan is not made and asked about anew.
func (p *TaskPool) handBack(ctx context.Context, l store.Lease, prompt, app string) error {
	f := store.Finish{Status: store.Waiting, Reason: "handed back: it was not begun"}
	if prompt != "" {
		f.Status, f.Prompt = store.WaitingConfirmation, prompt
	}
	var t store.Task
	err := p.st.InTx(ctx, func(ctx context.Context, tx store.Store) (err error) {
		t, err = tx.Queue().Finish(ctx, l, f)
		if err == nil && t.Status == store.WaitingConfirmation {
			t, err = tx.Tasks().Confirm(ctx, l.ProjectID, l.TaskID, taskEvent(t, "was not begun, its confirmation stands"))
		}
		return err
	})
	if err != nil {
		return err
	}
	p.finished(t, app)
	return nil
}

func taskEvent(t store.Task, what string) store.Event {
	return store.Event{
		UserID: t.UserID, ProjectID: &t.ProjectID, IntegrationID: t.IntegrationID, ObjectID: &t.ID,
		ObjectType: store.EventTask, Description: fmt.Sprintf("Task %d %s", t.ID, what),
	}
}

func (s *source) assign(ctx context.Context, c store.Claimed, spec *job.Spec) (job.Assignment, error) {
	l := &leased{task: c.Task, status: c.Task.Status, app: spec.App, parser: stage.New(spec.App), next: c.Task.LogLines}
	if snap, err := decodeSnapshot(c.Snapshot); err == nil {
		l.confirm = seconds(snap.ConfirmSeconds)
	}
	if c.Lease.Attempt > 1 {
		stages, err := s.pool.st.Tasks().Stages(ctx, c.Task.ProjectID, c.Task.ID)
		if err != nil {
			return job.Assignment{}, fmt.Errorf("stages of earlier attempts: %w", err)
		}
		if n := len(stages); n > 0 {
			l.stages = stages[n-1].Number + 1
		}
	}
	s.hold(c.Lease, l)
	a := job.Assignment{Lease: job.Lease(c.Lease), Spec: spec, TTL: s.pool.cfg.LeaseTTL, NextSeq: c.NextSeq}
	if !s.alone && c.Task.MaxRetries >= c.Lease.Attempt {
		a.LostAfter = time.Duration(c.Task.LostAfter) * time.Millisecond
	}
	return a, nil
}

func (s *source) run(l store.Lease) *leased {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[l]
}

// Extend renews leases.
func (s *source) Extend(ctx context.Context, leases []job.Lease) ([]job.Signal, error) {
	own := make([]store.Lease, len(leases))
	for i, l := range leases {
		own[i] = store.Lease(l)
	}
	signals, err := s.pool.st.Queue().Extend(ctx, s.pool.self, own, s.pool.cfg.LeaseTTL)
	if err != nil {
		return nil, fmt.Errorf("extend leases: %w", err)
	}
	var list []job.Signal
	for _, sig := range signals {
		if sig.Stop == store.StopNone && !sig.Gone {
			continue
		}
		list = append(list, job.Signal{Lease: job.Lease(sig.Lease), Stop: job.StopLevel(sig.Stop), Cause: sig.Cause, Gone: sig.Gone})
	}
	return list, nil
}

// Signals wakes the worker when somebody in this process asks for a stop.
func (s *source) Signals() <-chan struct{} { return s.pool.poke.c }

// Append stores a report and shows it.
func (s *source) Append(ctx context.Context, lease job.Lease, r job.Report) error {
	l := store.Lease(lease)
	run := s.run(l)
	if run == nil {
		run = &leased{parser: stage.New("")} // the process that claimed it has restarted
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	a := run.append(r, s.pool.cfg.Now())
	if run.nothingNew(a, r) {
		return nil
	}
	err := s.pool.st.Queue().Append(ctx, l, a)
	switch {
	case errors.Is(err, store.ErrLease):
		s.pool.out.ring()
		return job.ErrLeaseLost
	case err != nil:
		return fmt.Errorf("append: %w", err)
	}
	run.stored(a)
	if err := s.pool.trustHosts(ctx, run.task, r.HostKeys); err != nil {
		return err
	}
	if m := s.pool.cfg.Metrics.Lines; m != nil && len(a.Lines) > 0 {
		m(len(a.Lines))
	}
	s.pool.hub.lines(l, a.Lines)
	if r.Status != nil || r.Commit != nil || r.Plan != nil {
		s.pool.changed(ctx, l.ProjectID, l.TaskID)
	}
	return nil
}

// trustHosts remembers keys of hosts that a task met first. One that the store
// does not take holds up no output: it is met again.
func (p *TaskPool) trustHosts(ctx context.Context, t store.Task, keys []job.HostKey) error {
	for _, k := range keys {
		_, err := p.st.Projects().KnownHosts().Create(ctx, store.KnownHost{
			ProjectID: t.ProjectID, Host: k.Host, KeyType: keyType(k.Key), Key: k.Key, Created: p.cfg.Now(), TaskID: &t.ID,
		})
		switch {
		case errors.Is(err, store.ErrBusy):
			return fmt.Errorf("remember host key: %w", err)
		case err != nil && !errors.Is(err, store.ErrConflict):
			p.cfg.Log.Error("remember host key", "task_id", t.ID, "host", k.Host, "error", err)
		}
	}
	return nil
}

// Finish ends the lease.
func (s *source) Finish(ctx context.Context, lease job.Lease, res job.Result) error {
	l := store.Lease(lease)
	run := s.run(l)
	if run == nil {
		run = &leased{parser: stage.New("")}
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	if hook := s.pool.cfg.Hooks.BeforeFinish; hook != nil {
		err := s.pool.guard(ctx, func(ctx context.Context) error { return hook(ctx, run.task, res) })
		if err != nil && res.Outcome == job.Success {
			res = job.Result{Outcome: job.Failure, Message: err.Error()}
		}
	}
	t, err := s.pool.st.Queue().Finish(ctx, l, run.finish(res, s.pool.cfg.Now()))
	if err != nil && !errors.Is(err, store.ErrLease) {
		return fmt.Errorf("finish: %w", err)
	}
	s.release(l)
	if err != nil {
		s.pool.out.ring()
		return job.ErrLeaseLost
	}
	s.pool.finished(t, run.app)
	return nil
}

// finished tells everybody that a task has left its worker.
func (p *TaskPool) finished(t store.Task, app string) {
	p.hub.task(t)
	p.wake.ring()
	p.out.ring()
	p.tidy.ring()
	if m := p.cfg.Metrics.Finished; m != nil && t.Status.Finished() && t.Start != nil && t.End != nil {
		m(app, t.Status, t.End.Sub(*t.Start))
	}
}
