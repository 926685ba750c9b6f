package pool_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// told gathers alerts.
type told struct {
	mu    sync.Mutex
	kinds []store.OutboxKind
}

func (a *told) Alert(_ context.Context, alert pool.Alert) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kinds = append(a.kinds, alert.Kind)
	return nil
}

func (a *told) list() []store.OutboxKind {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]store.OutboxKind(nil), a.kinds...)
}

func TestADeadOwnerHoldsNothing(t *testing.T) {
	t.Parallel()
	t.Run("its task ends at once, and says so", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Idle: true})
			task := p.Add(p.Template(store.Template{}))
			claim(t, p.Store(), "dead")
			begun := time.Now()
			p.Start()
			require.Equal(t, store.LostReason, p.Await(task, store.Failed).Reason)
			require.Zero(t, time.Since(begun))
			require.Contains(t, events(t, p)[0], store.LostReason)
			require.Empty(t, p.Fake.Runs(), "it is never run twice")
		})
	})
	t.Run("it runs again where its template allows that", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Idle: true})
			task := p.Add(p.Template(store.Template{Options: store.TemplateOptions{MaxRetries: 1}}))
			claim(t, p.Store(), "dead")
			p.Start()
			require.Equal(t, 2, p.Await(task, store.Success).Attempt)
		})
	})
	t.Run("not more often than it allows", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Idle: true})
			task := p.Add(p.Template(store.Template{Options: store.TemplateOptions{MaxRetries: 1}}))
			for range 2 {
				claim(t, p.Store(), "dead")
				_, err := p.Store().Queue().Expire(t.Context(), store.Expiry{AllDead: true})
				require.NoError(t, err)
			}
			require.Equal(t, store.Failed, p.Await(task, store.Failed).Status)
		})
	})
	t.Run("a stop that it was asked for is kept", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Idle: true})
			task := p.Add(p.Template(store.Template{Options: store.TemplateOptions{MaxRetries: 1}}))
			claim(t, p.Store(), "dead")
			_, err := p.StopTask(t.Context(), task.ProjectID, task.ID, false, pool.Caller{})
			require.NoError(t, err)
			p.Start()
			p.Await(task, store.Stopped)
		})
	})
}

// remote is a pool beside a worker in another process, whose lease it watches.
type remote struct {
	*pooltest.Pool
	t    *testing.T
	told *told
	task store.Task
	c    store.Claimed
}

func setupRemote(t *testing.T, o store.TemplateOptions) *remote {
	t.Helper()
	r := &remote{t: t, told: &told{}}
	r.Pool = pooltest.New(t, pooltest.Options{Idle: true, Store: shared{newStore()}, Config: pool.Config{Alerter: r.told}})
	r.task = r.Add(r.Template(store.Template{Options: o}))
	r.c = claim(t, r.Store(), "other")
	r.Start()
	return r
}

// after lets time pass and returns the task.
func (r *remote) after(d time.Duration) store.Task {
	r.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	task, err := r.Task(r.t.Context(), r.task.ProjectID, r.task.ID)
	require.NoError(r.t, err)
	return task
}

func (r *remote) renew() {
	r.t.Helper()
	signals, err := r.Store().Queue().Extend(r.t.Context(), "other", []store.Lease{r.c.Lease}, leaseTTL)
	require.NoError(r.t, err)
	require.False(r.t, signals[0].Gone)
}

func TestALeaseEndsInTwoSteps(t *testing.T) {
	t.Parallel()
	t.Run("unreachable after 15 s, reachable again when it is renewed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := setupRemote(t, store.TemplateOptions{})
			require.False(t, r.after(14*time.Second).Unreachable)
			now := r.after(2 * time.Second)
			require.True(t, now.Unreachable)
			require.Equal(t, store.Starting, now.Status, "nothing is ended, and no status is new")
			require.Contains(t, events(t, r.Pool)[0], "unreachable")
			require.Equal(t, []store.OutboxKind{store.OutboxUnreachable}, r.told.list())
			next := r.Add(store.Template{ProjectID: r.task.ProjectID, ID: r.task.TemplateID})
			place, err := r.Place(t.Context(), next.ProjectID, next.ID)
			require.NoError(t, err)
			require.Equal(t, store.WaitTemplate, place.Reason, "it still excludes others")
			for range 20 {
				r.renew()
				require.False(t, r.after(5*time.Second).Unreachable)
			}
			require.Contains(t, events(t, r.Pool)[0], "reachable again")
			_, err = r.Store().Queue().Finish(t.Context(), r.c.Lease, store.Finish{Status: store.Success})
			require.NoError(t, err)
			require.Equal(t, store.Success, r.after(time.Second).Status)
		})
	})
	t.Run("lost after ten minutes, and what arrives late is kept", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := setupRemote(t, store.TemplateOptions{})
			require.Equal(t, store.Starting, r.after(10*time.Minute-2*time.Second).Status)
			now := r.after(4 * time.Second)
			require.Equal(t, store.Failed, now.Status)
			require.Equal(t, store.LostReason, now.Reason)
			q := r.Store().Queue()
			require.ErrorIs(t, q.Append(t.Context(), r.c.Lease, store.Append{Seq: 1, Lines: []store.LogLine{{Text: "Apply complete!"}}}), store.ErrLease)
			_, err := q.Finish(t.Context(), r.c.Lease, store.Finish{Status: store.Success})
			require.ErrorIs(t, err, store.ErrLease)
			now = r.after(time.Minute)
			require.True(t, now.Late)
			require.Equal(t, store.Failed, now.Status, "an end is final")
			require.Equal(t, []string{"Apply complete!"}, r.Log(r.task))
			require.Contains(t, events(t, r.Pool)[0], "late result of attempt 1: success")
			require.Contains(t, r.told.list(), store.OutboxLate)
		})
	})
	t.Run("after 30 s where another attempt may start", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := setupRemote(t, store.TemplateOptions{MaxRetries: 1})
			require.Equal(t, store.Starting, r.after(29*time.Second).Status)
			now := r.after(3 * time.Second)
			require.Equal(t, store.Success, now.Status, now.Reason)
			require.Equal(t, 2, now.Attempt)
			_, err := r.Store().Queue().Finish(t.Context(), r.c.Lease, store.Finish{Status: store.Failed})
			require.ErrorIs(t, err, store.ErrLease)
			require.Equal(t, store.Success, r.after(time.Second).Status)
		})
	})
}

// TestAPoolNeverExpiresItsOwnLeases moves the clock, as a suspended machine
// does.
func TestAPoolNeverExpiresItsOwnLeases(t *testing.T) {
	t.Parallel()
	for name, owned := range map[string]bool{"on a store of its own": true, "on a shared one": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c clock
				var st store.Store = memory.New(memory.Config{Now: c.now})
				if !owned {
					st = shared{st}
				}
				p := pooltest.New(t, pooltest.Options{Store: st, Config: pool.Config{Now: c.now}, Script: func(*job.Spec) jobtest.Script {
					return jobtest.Script{Delay: time.Minute}
				}})
				task := p.Await(p.Add(p.Template(store.Template{Options: store.TemplateOptions{MaxRetries: 1}})), store.Running)
				for range 3 {
					c.move(5 * time.Hour)
					time.Sleep(7 * time.Second)
				}
				c.move(-8 * time.Hour)
				require.Equal(t, 1, p.Await(task, store.Success).Attempt)
				require.Len(t, p.Fake.Runs(), 1)
			})
		})
	}
}

func TestWhatIsClaimedAndNotBegunIsHandedBack(t *testing.T) {
	t.Parallel()
	t.Run("the answer to a claim was lost", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Store: &deafening{Store: newStore(), lose: 1}})
			done := p.Await(p.Add(p.Template(store.Template{})), store.Success)
			require.Equal(t, 2, done.Attempt)
			require.Len(t, p.Fake.Runs(), 1)
		})
	})
	t.Run("a hook panicked", func(t *testing.T) {
		t.Parallel()
		p := pooltest.New(t, pooltest.Options{Config: pool.Config{Hooks: pool.Hooks{
			BeforeRun: func(context.Context, store.Task, *job.Spec) error { panic("oops") },
		}}})
		done := p.Await(p.Add(p.Template(store.Template{})), store.Failed)
		require.Equal(t, "panic: oops", done.Reason, "without a stack")
		require.Equal(t, []string{"panic: oops"}, p.Log(done))
	})
}

// deafening loses the answers to some claims.
type deafening struct {
	store.Store
	lose int
}

func (d *deafening) Queue() store.TaskQueue { return deafeningQueue{d.Store.Queue(), d} }

type deafeningQueue struct {
	store.TaskQueue
	d *deafening
}

func (q deafeningQueue) Claim(ctx context.Context, r store.ClaimRequest) ([]store.Claimed, error) {
	list, err := q.TaskQueue.Claim(ctx, r)
	if len(list) > 0 && q.d.lose > 0 {
		q.d.lose--
		return nil, store.ErrBusy
	}
	return list, err
}

// TestAPredecessorThatIsProvenDeadHoldsNothing though others work on the store.
func TestAPredecessorThatIsProvenDeadHoldsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		retries int
		stop    bool
		become  store.Status
		reason  string
	}{
		"its task ends at once":       {0, false, store.Failed, store.LostReason},
		"it runs again where it may":  {1, false, store.Success, ""},
		"a stop that it had is final": {1, true, store.Stopped, store.LostReason},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.New(t, pooltest.Options{Idle: true, Store: shared{newStore()}, Config: pool.Config{Dead: []string{"dead", "older"}}})
				tpl := p.Template(store.Template{AllowParallelTasks: true, Options: store.TemplateOptions{MaxRetries: c.retries}})
				task := p.Add(tpl)
				claim(t, p.Store(), "dead")
				other := p.Add(tpl)
				claim(t, p.Store(), "alive")
				if c.stop {
					_, err := p.StopTask(t.Context(), task.ProjectID, task.ID, false, pool.Caller{})
					require.NoError(t, err)
				}
				begun := time.Now()
				p.Start()
				require.Equal(t, c.reason, p.Await(task, c.become).Reason)
				require.Less(t, time.Since(begun), 2*time.Second)
				require.Equal(t, store.Starting, p.Await(other, store.Starting).Status, "its owner may be alive")
			})
		})
	}
	t.Run("not before its directory is swept", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			e := &brittle{Fake: &jobtest.Fake{}}
			e.broken.Store(true)
			p := pooltest.New(t, pooltest.Options{Idle: true, Executor: e, Store: shared{newStore()}, Config: pool.Config{Dead: []string{"dead"}}})
			task := p.Add(p.Template(store.Template{}))
			claim(t, p.Store(), "dead")
			p.Start()
			time.Sleep(20 * time.Second)
			p.Await(task, store.Starting)
			e.broken.Store(false)
			begun := time.Now()
			p.Await(task, store.Failed)
			require.Less(t, time.Since(begun), 5*time.Second)
		})
	})
}

// TestAPoolOwnsItsLeasesByItsIncarnation so that the next one can name it.
func TestAPoolOwnsItsLeasesByItsIncarnation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.New(t, pooltest.Options{
			Store: shared{newStore()}, Config: pool.Config{Incarnation: "first"},
			Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Delay: time.Hour} },
		})
		p.Await(p.Add(p.Template(store.Template{})), store.Running)
		held, err := p.Store().Queue().Leases(t.Context())
		require.NoError(t, err)
		require.Len(t, held, 1)
		require.Equal(t, "first", held[0].Owner)
	})
}

// brittle is an executor whose sweeps can fail.
type brittle struct {
	*jobtest.Fake
	broken atomic.Bool
}

func (s *brittle) Sweep(context.Context) ([]job.Swept, error) {
	if s.broken.Load() {
		return nil, errors.New("the disk does not answer")
	}
	return nil, nil
}
