package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool/internal/stage"
	"github.com/alexandervashurin/semaphore/store"
)

// source is the pool as its own worker sees it, or as remote runners do.
type source struct {
	pool   *TaskPool
	remote bool
	// alone tells that no other process may start another attempt while this one
	// lives: however long it was suspended, its tools run on. Set before the worker
	// runs.
	alone bool

	mu    sync.Mutex
	runs  map[store.Lease]*leased
	fails int       // tasks in a row that could not be begun
	rest  time.Time // until when nothing is claimed after that
	last  struct {  // of an earlier process, whose output is handed over
		lease store.Lease
		run   *leased
	}
}

// leased is a task that this process runs.
type leased struct {
	used time.Time // when a remote runner was heard of last; guarded by source.mu

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
	judged  *job.Result  // what BeforeFinish has made of the result
}

func taskEvent(t store.Task, what string) store.Event {
	return store.Event{
		UserID: t.UserID, ProjectID: &t.ProjectID, IntegrationID: t.IntegrationID, ObjectID: &t.ID,
		ObjectType: store.EventTask, Description: fmt.Sprintf("Task %d %s", t.ID, what),
	}
}

func (s *source) run(l store.Lease) *leased {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[l]
}

// works tells whether this process runs a task.
func (s *source) works(task int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.runs {
		if l.TaskID == task {
			return true
		}
	}
	return false
}

// Extend renews leases.
func (s *source) Extend(ctx context.Context, leases []job.Lease) ([]job.Signal, error) {
	own := make([]store.Lease, len(leases))
	for i, l := range leases {
		own[i] = store.Lease(l)
	}
	return s.pool.extend(ctx, s.pool.self, own)
}

// extend renews leases for whoever holds them.
func (p *TaskPool) extend(ctx context.Context, owner string, leases []store.Lease) ([]job.Signal, error) {
	signals, err := p.st.Queue().Extend(ctx, owner, leases, p.cfg.LeaseTTL)
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
	run, err := s.known(ctx, l)
	if err != nil {
		return err
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	if r.Seq <= run.saved { // only the host keys of it were not taken
		return s.pool.trustHosts(ctx, run.task, r.HostKeys)
	}
	a := run.append(r, s.pool.cfg.Now())
	if run.nothingNew(a, r) {
		return nil
	}
	err = s.pool.st.Queue().Append(ctx, l, a)
	switch {
	case errors.Is(err, store.ErrLease):
		s.pool.out.ring()
		return job.ErrLeaseLost
	case err != nil:
		return fmt.Errorf("append: %w", err)
	}
	run.stored(a)
	if m := s.pool.cfg.Metrics.Lines; m != nil && len(a.Lines) > 0 {
		m(len(a.Lines))
	}
	if s.remote && s.pool.elsewhere.on() {
		s.pool.elsewhere.bell.ring()
	} else {
		s.pool.hub.lines(l, a.Lines)
	}
	if r.Status != nil || r.Commit != nil || r.Plan != nil {
		s.pool.changed(ctx, l.ProjectID, l.TaskID)
	}
	return s.pool.trustHosts(ctx, run.task, r.HostKeys)
}

// known is the run of a lease. That of a process before this one, which has left
// output behind, is built anew.
func (s *source) known(ctx context.Context, l store.Lease) (*leased, error) {
	if run := s.run(l); run != nil {
		return run, nil
	}
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	if last.run != nil && last.lease == l {
		return last.run, nil
	}
	t, err := s.pool.st.Tasks().Get(ctx, l.ProjectID, l.TaskID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, job.ErrLeaseLost
	case err != nil:
		return nil, fmt.Errorf("task of lease: %w", err)
	}
	t.Attempt = l.Attempt
	run, err := s.pool.restore(ctx, t)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last.lease, s.last.run = l, run
	return run, nil
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
	if res.Outcome == job.Returned {
		return s.returned(ctx, l, run, res)
	}
	t, err := s.pool.st.Queue().Finish(ctx, l, run.finish(s.judged(ctx, run, res), s.pool.cfg.Now()))
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

// judged is a result as the host program sees it, which is asked once.
func (s *source) judged(ctx context.Context, run *leased, res job.Result) job.Result {
	hook := s.pool.cfg.Hooks.BeforeFinish
	if hook == nil {
		return res
	}
	if run.judged == nil {
		err := s.pool.guard(ctx, func(ctx context.Context) error { return hook(ctx, run.task, res) })
		if err != nil && res.Outcome == job.Success {
			res = job.Result{Outcome: job.Failure, Message: err.Error()}
		}
		run.judged = &res
	}
	return *run.judged
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
