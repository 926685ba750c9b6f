package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool/internal/stage"
	"github.com/alexandervashurin/semaphore/store"
)

// ErrTemporary is for [Config.External] and [Hooks.BeforeRun]: an error that
// wraps it gives the task back, to be tried again, where any other ends it.
var ErrTemporary = errors.New("try again later")

// Figures of tasks that cannot be begun.
const (
	prepareTimeout = 30 * time.Second // for secrets and hook
	maxReturns     = 20               // how often a task goes back before it ends
	restFirst      = time.Second      // claims rest after a task that went back
	restMost       = 30 * time.Second
)

// Claim hands out tasks that may run, and waits for one otherwise.
func (s *source) Claim(ctx context.Context, free int) ([]job.Assignment, error) {
	poll := time.NewTicker(s.pool.cfg.Poll)
	defer poll.Stop()
	for {
		if rest := s.resting(); rest > 0 {
			sleep(ctx, rest)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		assigned, err := s.claim(ctx, free)
		if err != nil || len(assigned) > 0 {
			return assigned, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-s.pool.wake.c:
		case <-poll.C:
		}
	}
}

// claim takes what there is. Each task is prepared by its own goroutine of the
// worker, so that one that is slow holds up no other.
func (s *source) claim(ctx context.Context, free int) ([]job.Assignment, error) {
	if s.pool.drained.Load() {
		return nil, nil
	}
	return s.take(ctx, store.ClaimRequest{
		Owner: s.pool.self, Tags: append([]string{""}, s.pool.cfg.Tags...), Max: free,
		TTL: s.pool.cfg.LeaseTTL, MaxParallel: s.pool.cfg.MaxParallel,
	})
}

// take claims and makes what it got this source's.
func (s *source) take(ctx context.Context, r store.ClaimRequest) (assigned []job.Assignment, err error) {
	claimed, err := s.pool.st.Queue().Claim(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	for _, c := range claimed {
		assigned = append(assigned, s.assign(c))
	}
	for _, c := range claimed {
		s.pool.hub.task(c.Task)
		if m := s.pool.cfg.Metrics.Waited; m != nil && c.Lease.Attempt == 1 && c.Task.Start != nil {
			m(appOf(c.Snapshot), c.Task.Start.Sub(c.Task.Created))
		}
	}
	return assigned, nil
}

// assign makes a claimed task this process's. A lease that it has and does not
// know is handed back by the reaper.
func (s *source) assign(c store.Claimed) job.Assignment {
	app := appOf(c.Snapshot)
	l := &leased{task: c.Task, status: c.Task.Status, app: app, parser: stage.New(app), next: c.Task.LogLines}
	s.mu.Lock()
	s.runs[c.Lease] = l
	s.mu.Unlock()
	a := job.Assignment{Lease: job.Lease(c.Lease), TTL: s.pool.cfg.LeaseTTL, NextSeq: c.NextSeq}
	if !s.alone && c.Task.MaxRetries >= c.Lease.Attempt {
		a.LostAfter = time.Duration(c.Task.LostAfter) * time.Millisecond
	}
	a.Prepare = func(ctx context.Context) (*job.Spec, error) { return s.prepare(ctx, c, l, prepareLimit(a.LostAfter)) }
	return a
}

// prepareLimit is how long a task may take to be prepared.
func prepareLimit(lostAfter time.Duration) time.Duration {
	if lostAfter > 0 {
		return min(prepareTimeout, lostAfter/2)
	}
	return prepareTimeout
}

func (s *source) release(l store.Lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runs, l)
}

// appOf is the app of a frozen task.
func appOf(snapshot []byte) string {
	var s struct {
		Spec struct {
			App string `json:"app"`
		} `json:"spec"`
	}
	_ = json.Unmarshal(snapshot, &s) // a damaged one is told of where it is needed
	return s.Spec.App
}

// prepare opens the secrets of a task and asks the host program. What does not
// answer in time, or not to a stop, is not waited for.
func (s *source) prepare(ctx context.Context, c store.Claimed, l *leased, limit time.Duration) (*job.Spec, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("secrets and hooks took more than %v", limit))
	defer cancel()
	var spec *job.Spec
	done := make(chan error, 1)
	go func() {
		done <- s.pool.guard(ctx, func(ctx context.Context) (err error) {
			spec, err = s.open(ctx, c, l)
			return err
		})
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	switch {
	case err == nil:
		s.begun()
		return spec, nil
	case ctx.Err() == nil && !temporary(err):
		return nil, err
	case c.Lease.Attempt > c.Task.MaxRetries+maxReturns:
		return nil, fmt.Errorf("given up after %d tries: %w", c.Lease.Attempt, err)
	default:
		return nil, fmt.Errorf("%w: %w", job.ErrNotBegun, err)
	}
}

// temporary tells whether an error may be gone at the next try.
func temporary(err error) bool {
	for _, kind := range []error{ErrTemporary, store.ErrBusy, store.ErrFull, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// open makes the Spec of a claimed task, secrets opened.
func (s *source) open(ctx context.Context, c store.Claimed, l *leased) (*job.Spec, error) {
	spec, err := s.pool.resolve(ctx, c)
	if err != nil {
		return nil, err
	}
	if hook := s.pool.cfg.Hooks.BeforeRun; hook != nil {
		if err := hook(ctx, c.Task, spec); err != nil {
			return nil, fmt.Errorf("run refused: %w", err)
		}
	}
	snap, err := decodeSnapshot(c.Snapshot)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.confirm = seconds(snap.ConfirmSeconds)
	if c.Lease.Attempt == 1 {
		return spec, nil
	}
	stages, err := s.pool.st.Tasks().Stages(ctx, c.Task.ProjectID, c.Task.ID)
	if err != nil {
		return nil, fmt.Errorf("stages of earlier attempts: %w", err)
	}
	if n := len(stages); n > 0 {
		l.stages = stages[n-1].Number + 1
	}
	return spec, nil
}

// returned takes a task back that was not begun.
func (s *source) returned(ctx context.Context, l store.Lease, run *leased, res job.Result) error {
	err := s.pool.handBack(ctx, l, run.task.Prompt, run.app)
	if err != nil && !errors.Is(err, store.ErrLease) {
		return fmt.Errorf("hand back: %w", err)
	}
	s.release(l)
	if !s.remote { // there the fault may be the runner's alone
		s.failed()
	}
	s.pool.cfg.Log.Warn("task could not be begun", "task_id", l.TaskID, "attempt", l.Attempt, "error", res.Message)
	if err != nil {
		s.pool.out.ring()
		return job.ErrLeaseLost
	}
	return nil
}

// begun and failed decide how long claims rest: a store of secrets that is away
// would have every task handed out and back.
func (s *source) begun() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails, s.rest = 0, time.Time{}
}

func (s *source) failed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = time.Now().Add(min(restFirst<<min(s.fails, 10), restMost))
	s.fails++
}

func (s *source) resting() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rest.IsZero() {
		return 0
	}
	return time.Until(s.rest)
}

// handBack gives a claimed task back that was not begun. One that a person has
// confirmed stays so: its plan is not made and asked about anew.
func (p *TaskPool) handBack(ctx context.Context, l store.Lease, prompt, app string) error {
	return p.handBackOf(ctx, "", l, prompt, app)
}

// handBackOf is handBack while the lease has this owner, "" for any.
func (p *TaskPool) handBackOf(ctx context.Context, owner string, l store.Lease, prompt, app string) error {
	f := store.Finish{Status: store.Waiting, Reason: "handed back: it was not begun", Owner: owner}
	if prompt != "" {
		f.Status, f.Prompt = store.Confirmed, prompt
	}
	t, err := p.st.Queue().Finish(ctx, l, f)
	if err != nil {
		return err
	}
	p.finished(t, app)
	return nil
}
