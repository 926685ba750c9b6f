package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool/internal/stage"
	"github.com/alexandervashurin/semaphore/store"
)

// Errors of remote runners.
var (
	ErrRunnerInactive = errors.New("runner is switched off: an administrator has to switch it on")
	ErrRunnerGone     = errors.New("runner was removed")
	ErrClosing        = errors.New("the server is about to end: ask again") // what runs is still heard of
)

// remoteMemory is how long a lease that nobody holds any more is remembered, so
// that what its runner still tells is kept as late.
const remoteMemory = time.Hour

// remotes is what this process knows of the tasks of remote runners.
type remotes struct {
	source
	claims sync.Mutex      // one claim at a time, so that no runner gets more than it may have
	left   map[string]bool // owners that have said goodbye; guarded by claims
}

func newRemotes(p *TaskPool) *remotes {
	return &remotes{source: source{pool: p, remote: true, runs: map[store.Lease]*leased{}}, left: map[string]bool{}}
}

// forget drops leases that are over.
func (r *remotes) forget(held []store.HeldLease) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for l, run := range r.runs {
		over := !slices.ContainsFunc(held, func(h store.HeldLease) bool { return h.Lease == l })
		if over && now.Sub(run.used) > remoteMemory {
			delete(r.runs, l)
		}
	}
}

// Runner is the pool as one process of a remote runner reaches it: the half of
// a [job.Source] that is at the server. It reaches leases of its own only; any
// other is answered as lost, and nothing is changed. It may be made anew for
// every call.
type Runner struct {
	pool  *TaskPool
	far   *remotes
	row   store.Runner
	owner string
}

// Runner returns the pool for a process of a runner. The instance names the
// runner's data directory, boot its process; neither contains a slash.
func (p *TaskPool) Runner(row store.Runner, instance, boot string) *Runner {
	return &Runner{pool: p, far: p.far, row: row, owner: fmt.Sprintf("runner-%d/%s/%s", row.ID, instance, boot)}
}

// scope is where the runner's row is.
func (r *Runner) scope() int64 {
	if r.row.ProjectID == nil {
		return 0
	}
	return *r.row.ProjectID
}

// refresh reads the row anew: a runner that is removed or switched off gets
// nothing from then on.
func (r *Runner) refresh(ctx context.Context) error {
	row, err := r.pool.st.Runners().Get(ctx, r.scope(), r.row.ID)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && row.TokenHash != r.row.TokenHash:
		return ErrRunnerGone
	case err != nil:
		return fmt.Errorf("runner: %w", err)
	}
	r.row = row
	return nil
}

// errEarlier is an ErrLeaseLost: another attempt has begun, and the rows do not
// tell any more who had this one. The store does, by the lease.
var errEarlier = fmt.Errorf("of an earlier attempt: %w", job.ErrLeaseLost)

// own returns the run of a lease of this runner. After a restart of this
// process it is built anew from the store.
func (r *Runner) own(ctx context.Context, lease job.Lease) (*leased, error) {
	l := store.Lease(lease)
	if run := r.far.run(l); run != nil {
		if run.task.RunnerID == nil || *run.task.RunnerID != r.row.ID {
			return nil, job.ErrLeaseLost
		}
		r.far.touch(run)
		return run, nil
	}
	t, err := r.pool.st.Tasks().Get(ctx, l.ProjectID, l.TaskID)
	switch {
	case err == nil && l.Attempt < t.Attempt:
		return nil, errEarlier
	case errors.Is(err, store.ErrNotFound), err == nil && (t.RunnerID == nil || *t.RunnerID != r.row.ID || t.Attempt != l.Attempt):
		return nil, job.ErrLeaseLost
	case err != nil:
		return nil, fmt.Errorf("task of lease: %w", err)
	}
	run, err := r.pool.restore(ctx, t)
	if err != nil {
		return nil, err
	}
	return r.far.keep(l, run), nil
}

// restore builds what is known of a run that another process has handed out.
func (p *TaskPool) restore(ctx context.Context, t store.Task) (*leased, error) {
	text, _, err := p.st.Tasks().Snapshot(ctx, t.ProjectID, t.ID)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	snap, err := decodeSnapshot(text)
	if err != nil {
		return nil, err
	}
	stages, err := p.st.Tasks().Stages(ctx, t.ProjectID, t.ID)
	if err != nil {
		return nil, fmt.Errorf("stages so far: %w", err)
	}
	run := &leased{
		task: t, app: snap.Spec.App, confirm: seconds(snap.ConfirmSeconds), parser: stage.New(snap.Spec.App),
		prompt: t.Prompt, next: t.LogLines, status: t.Status,
	}
	if n := len(stages); n > 0 {
		run.stages = stages[n-1].Number + 1
	}
	return run, nil
}

// keep makes a run known, unless another call was faster.
func (s *source) keep(l store.Lease, run *leased) *leased {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.runs[l]; known != nil {
		return known
	}
	run.used = time.Now()
	s.runs[l] = run
	return run
}

func (s *source) touch(run *leased) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run.used = time.Now()
}

// mine lists the leases that this runner holds, whichever process of it.
func (r *Runner) mine(ctx context.Context) ([]store.HeldLease, error) {
	held, err := r.pool.st.Queue().Leases(ctx)
	if err != nil {
		return nil, fmt.Errorf("leases: %w", err)
	}
	held = slices.DeleteFunc(held, func(h store.HeldLease) bool { return h.RunnerID == nil || *h.RunnerID != r.row.ID })
	for i := range held {
		held[i].Owner = strings.TrimSuffix(held[i].Owner, unheard)
	}
	return held, nil
}

// valid refuses a lease that this runner does not hold now.
func (r *Runner) valid(ctx context.Context, lease job.Lease) error {
	held, err := r.mine(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(held, func(h store.HeldLease) bool { return h.Lease == store.Lease(lease) }) {
		return job.ErrLeaseLost
	}
	return nil
}

// Extend renews leases.
func (r *Runner) Extend(ctx context.Context, leases []job.Lease) ([]job.Signal, error) {
	var own []store.Lease
	var list []job.Signal
	for _, l := range leases {
		switch _, err := r.own(ctx, l); {
		case errors.Is(err, job.ErrLeaseLost):
			list = append(list, job.Signal{Lease: l, Gone: true})
		case err != nil:
			return nil, err
		default:
			own = append(own, store.Lease(l))
		}
	}
	signals, err := r.pool.extend(ctx, r.owner, own)
	return append(list, signals...), err
}

// Append stores a report and shows it.
func (r *Runner) Append(ctx context.Context, lease job.Lease, report job.Report) error {
	if err := r.reports(ctx, lease); err != nil {
		return err
	}
	return r.far.Append(ctx, lease, report)
}

// Finish ends a lease.
func (r *Runner) Finish(ctx context.Context, lease job.Lease, res job.Result) error {
	if err := r.reports(ctx, lease); err != nil {
		return err
	}
	return r.far.Finish(ctx, lease, res)
}

// reports refuses reports of a lease that this runner never held. What comes
// after the end of one that it did hold is the store's to keep.
func (r *Runner) reports(ctx context.Context, lease job.Lease) error {
	_, err := r.own(ctx, lease)
	if errors.Is(err, errEarlier) {
		return nil
	}
	return err
}

// Swept tells that nothing runs any more of earlier processes with the same
// instance: what they held is dealt with at once.
func (r *Runner) Swept(ctx context.Context) error {
	held, err := r.mine(ctx)
	if err != nil {
		return err
	}
	instance := r.owner[:strings.LastIndexByte(r.owner, '/')+1]
	var dead []string
	for _, h := range held {
		if h.Owner != r.owner && strings.HasPrefix(h.Owner, instance) {
			dead = append(dead, h.Owner, h.Owner+unheard)
		}
	}
	if len(dead) == 0 {
		return nil
	}
	_, err = r.pool.expire(ctx, store.Expiry{Self: r.pool.self, Dead: dead, Calm: true})
	return err
}
