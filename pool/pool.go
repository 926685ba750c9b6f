// Package pool is the flow of tasks: they are added, claimed, resolved, run,
// published, finished and reaped, whatever happens to the processes around
// them.
//
// The table of tasks is the queue; the pool keeps nothing that a restart would
// lose. [TaskPool.AddTask] is the only way to launch: it checks the request
// against what the template allows and freezes everything the run needs but
// key material. A worker claims the task under a lease, keys are opened, a
// [job.Executor] runs it, and what it yields is stored before it is shown.
package pool

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// Config configures a [TaskPool].
type Config struct {
	// Ring opens keys and seals what the pool keeps secret. Required.
	Ring *crypto.Ring
	// Executor runs tasks in this process. Nil runs none: others claim them.
	Executor job.Executor
	// Choose picks the executor of a task, by Spec.App or Spec.Task.RunnerTag for
	// instance; nil means Executor. Defaults to Executor for all.
	Choose func(*job.Spec) job.Executor
	// Capacity is how many tasks this process runs at once. Defaults to
	// MaxParallel, and 10 where that has no limit.
	Capacity int
	// MaxParallel bounds the tasks that run at once, over all processes. Defaults
	// to 10; below 0 there is no limit.
	MaxParallel int
	// Tags are the runner tags that this process serves beside untagged tasks.
	Tags []string
	// Spool is a directory for output that the store does not take. Defaults to
	// none: then the tool is held back.
	Spool string

	// Incarnation names this process among those of the store: it owns the leases
	// of what runs here. No two processes ever have the same. Defaults to a random
	// name.
	Incarnation string
	// Dead are incarnations that are proven dead, and whose runs were in the
	// directory of this Executor: what they held is dealt with as soon as that is
	// swept. Of a store with one owner all others are dead. Defaults to none.
	Dead []string

	WebHost  string                                                      // public address, for the links that tools are told
	Location *time.Location                                              // of cron expressions that name no zone. Defaults to UTC.
	Git      job.Git                                                     // for schedules that watch a branch. Defaults to job.GitCLI{}.
	CheckApp func(ctx context.Context, st store.Store, app string) error // refuses apps that are unknown or switched off; st may be a transaction. Defaults to none.
	// StateAddress is where an attempt of a task finds the state of its workspace
	// by Terraform's http backend; templates with override_backend use it. "" is
	// for none. Defaults to none: their variables have to name an address.
	StateAddress func(t store.Task, attempt int) string
	// External fetches the content of a key that lives outside the store. It has
	// 30 s; an error that wraps ErrTemporary gives the task back for later.
	// Defaults to refusing such keys.
	External func(ctx context.Context, key store.AccessKey) (string, error)

	// Summon calls the webhook of a runner: with [SummonStart] when a task waits for
	// it, so that it can be started, and with [SummonFinish] when a task of it has
	// ended. A call that fails is made again; it has 15 s. Of several processes on
	// one store one makes it. Defaults to none.
	Summon func(ctx context.Context, r store.Runner, action string, t store.Task) error

	MaxDuration time.Duration   // of a run. Defaults to none.
	Retention   store.Retention // of finished tasks, where the project says nothing; a template may keep less. Defaults to keeping all.

	LeaseTTL       time.Duration // Defaults to 15 s.
	LostAfter      time.Duration // Defaults to 10 min.
	LostAfterRetry time.Duration // of tasks whose template allows retries. Defaults to 30 s.
	ShutdownGrace  time.Duration // Defaults to 8 s.
	Poll           time.Duration // how often the store is asked for work that nobody told of. Defaults to 1 s.

	Alerter Alerter // Defaults to none.
	Hooks   Hooks
	Metrics Metrics
	Log     *slog.Logger     // Defaults to slog.Default().
	Now     func() time.Time // Defaults to time.Now.
}

// Alerter tells people about tasks. It is called after the transaction that
// changed the task has committed, again if it fails, at least once per alert.
type Alerter interface {
	Alert(ctx context.Context, a Alert) error
}

// Alert is what people are told.
type Alert struct {
	Kind    store.OutboxKind // finished, waiting_confirmation, unreachable, late
	Status  store.Status     // when it happened
	Task    store.Task       // as it is now
	Project store.Project
	Tries   int
}

// Hooks are called around a task. They may be nil.
type Hooks struct {
	// BeforeLaunch may change the request, or refuse it with an error.
	BeforeLaunch func(ctx context.Context, r *AddRequest) error
	// AfterLaunch is called when the task is stored; not for
	// [TaskPool.AddTaskTx], whose caller commits.
	AfterLaunch func(ctx context.Context, t store.Task)
	// BeforeRun sees the task just before it runs in this process, or is handed
	// to a remote runner, secrets opened, and may refuse it with an error, which
	// ends it, or gives it back for later if it wraps ErrTemporary. It has 30 s.
	BeforeRun func(ctx context.Context, t store.Task, spec *job.Spec) error
	// BeforeFinish sees how a run in this process, or on a remote runner, ended,
	// and may turn a success into a failure with an error.
	BeforeFinish func(ctx context.Context, t store.Task, r job.Result) error
	// AfterFinish is called when the task's end is stored, at least once.
	AfterFinish func(ctx context.Context, t store.Task)
}

// Metrics are called with figures. They may be nil, and must not block.
type Metrics struct {
	Launched func(app string)
	Waited   func(app string, d time.Duration) // from creation to start
	Finished func(app string, s store.Status, d time.Duration)
	Lines    func(n int)
	Lost     func(o store.ExpiryOutcome)
}

// TaskPool launches tasks and runs them. Its methods may be called from any
// goroutine, whether or not [TaskPool.Run] runs, in this process or another.
type TaskPool struct {
	st   store.Store
	cfg  Config
	self string // incarnation: owner of this process's leases
	hub  *hub
	wake *bell // work may be waiting
	poke *bell // a lease of this process may have a signal
	tick *bell // schedules changed
	out  *bell // outbox entries may be due
	tidy *bell // logs may be compacted

	src  *source
	far  *remotes
	over chan struct{} // closed when Run is to end

	elsewhere *elsewhere

	alerts   chan struct{} // one per alert that is under way
	alerting sync.WaitGroup

	watch  *watchers
	worker *job.Worker // nil where nothing is run here

	drained atomic.Bool
	mu      sync.Mutex
	running bool
}

// New returns a pool on a store. It starts nothing.
func New(st store.Store, cfg Config) (*TaskPool, error) {
	if st == nil {
		return nil, errors.New("pool: no store: open one with store/sqlite or store/memory")
	}
	if cfg.Ring == nil {
		return nil, errors.New("pool: no key ring: make one with crypto.NewRing, and keep its key")
	}
	cfg.defaults()
	p := &TaskPool{
		st: st, cfg: cfg, self: cmp.Or(cfg.Incarnation, rand.Text()), hub: newHub(),
		wake: newBell(), poke: newBell(), tick: newBell(), out: newBell(), tidy: newBell(),
		alerts: make(chan struct{}, alertsAtOnce),
	}
	p.src = &source{pool: p, runs: map[store.Lease]*leased{}}
	p.elsewhere = &elsewhere{pool: p, bell: newBell(), seen: map[int64]*foreign{}}
	p.far, p.over = newRemotes(p), make(chan struct{})
	p.watch = &watchers{pool: p, asking: map[int64]bool{}}
	if cfg.Executor != nil || cfg.Choose != nil {
		p.worker = p.newWorker()
	}
	return p, nil
}

func (c *Config) defaults() {
	switch {
	case c.MaxParallel == 0:
		c.MaxParallel = 10
	case c.MaxParallel < 0:
		c.MaxParallel = 0 // the store's word for no limit
	}
	if c.Capacity <= 0 {
		c.Capacity = c.MaxParallel
	}
	if c.Capacity <= 0 {
		c.Capacity = 10
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	if c.Git == nil {
		c.Git = job.GitCLI{}
	}
	for value, fallback := range map[*time.Duration]time.Duration{
		&c.LeaseTTL: 15 * time.Second, &c.LostAfter: 10 * time.Minute, &c.LostAfterRetry: 30 * time.Second,
		&c.ShutdownGrace: 8 * time.Second, &c.Poll: time.Second,
	} {
		if *value <= 0 {
			*value = fallback
		}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Store returns the store that the pool works on.
func (p *TaskPool) Store() store.Store { return p.st }

// Wake makes a running pool look for work at once: after a host's transaction
// with [TaskPool.AddTaskTx] has committed, or after schedules were changed.
func (p *TaskPool) Wake() {
	p.wake.ring()
	p.tick.ring()
	p.out.ring()
}

// Task returns a task.
func (p *TaskPool) Task(ctx context.Context, project, id int64) (store.Task, error) {
	t, err := p.st.Tasks().Get(ctx, project, id)
	if err != nil {
		return t, fmt.Errorf("task %d: %w", id, err)
	}
	return t, nil
}

// Place tells where an unfinished task stands in the queue, and why it waits:
// runner where its tag is served neither by this pool nor by a runner that is
// switched on and may have tasks of its project, silent where such runners have
// not been heard of for three minutes.
func (p *TaskPool) Place(ctx context.Context, project, id int64) (store.Place, error) {
	place, err := p.st.Tasks().Place(ctx, project, id, p.cfg.MaxParallel)
	if err != nil {
		return place, fmt.Errorf("place of task %d: %w", id, err)
	}
	if place.Reason != store.WaitWorker {
		return place, nil
	}
	t, err := p.st.Tasks().Get(ctx, project, id)
	if err != nil {
		return place, fmt.Errorf("place of task %d: %w", id, err)
	}
	if place.Reason, err = p.missed(ctx, t); err != nil {
		return place, fmt.Errorf("runners for task %d: %w", id, err)
	}
	return place, nil
}

// Output returns at most limit lines of a task's output from line number from.
func (p *TaskPool) Output(ctx context.Context, project, id, from int64, limit int) (store.LogPage, error) {
	page, err := p.st.Logs().Read(ctx, project, id, from, limit)
	if err != nil {
		return page, fmt.Errorf("output of task %d: %w", id, err)
	}
	return page, nil
}
