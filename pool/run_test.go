package pool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

func TestWhatAPoolNeeds(t *testing.T) {
	t.Parallel()
	_, err := pool.New(nil, pool.Config{})
	require.ErrorContains(t, err, "store/sqlite or store/memory")
	_, err = pool.New(newStore(), pool.Config{})
	require.ErrorContains(t, err, "crypto.NewRing")
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	p, err := pool.New(newStore(), pool.Config{Ring: ring})
	require.NoError(t, err)
	require.NotNil(t, p.Store())
}

func TestRunWorksOnce(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{})
	p.Await(p.Add(p.Template(store.Template{})), store.Success)
	require.ErrorContains(t, p.Run(t.Context()), "runs once")
}

func TestAStoreHasOneOwner(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{Idle: true})
	stop := p.Start()
	p.Await(p.Add(p.Template(store.Template{})), store.Success)
	second := pooltest.New(t, pooltest.Options{Store: p.Store(), Idle: true})
	err := second.Run(t.Context())
	var owned *store.OwnedError
	require.ErrorAs(t, err, &owned)
	require.Equal(t, os.Getpid(), owned.PID)
	stop()
	third := pooltest.New(t, pooltest.Options{Store: p.Store()})
	third.Await(third.Add(p.Template(store.Template{})), store.Success)
}

func TestRunTellsWhyItCannotBegin(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	p := pooltest.New(t, pooltest.Options{Idle: true, Config: pool.Config{Spool: filepath.Join(file, "spool")}})
	require.Error(t, p.Run(t.Context()), "at once, not when its context ends")
}

func TestDrain(t *testing.T) {
	t.Parallel()
	t.Run("what runs goes on, and nothing new begins", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Delay: time.Hour} }})
			tpl := p.Template(store.Template{AllowParallelTasks: true})
			first := p.Await(p.Add(tpl), store.Running)
			p.Drain()
			p.Drain()
			second := p.Add(tpl)
			p.Await(first, store.Success)
			time.Sleep(time.Minute)
			p.Await(second, store.Waiting)
			require.True(t, p.Draining())
			p.Undrain()
			require.False(t, p.Draining())
			p.Await(second, store.Success)
		})
	})
	t.Run("before Run too", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Idle: true})
			p.Drain()
			p.Start()
			task := p.Add(p.Template(store.Template{}))
			time.Sleep(time.Minute)
			p.Await(task, store.Waiting)
		})
	})
	t.Run("a pool without an executor runs nothing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ring, err := crypto.NewRing(crypto.GenerateKey())
			require.NoError(t, err)
			p, err := pool.New(newStore(), pool.Config{Ring: ring})
			require.NoError(t, err)
			p.Drain()
			p.Hurry()
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			require.NoError(t, p.Run(ctx))
		})
	})
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, length time.Duration, hurry bool) (store.Task, time.Duration) {
		t.Helper()
		p := pooltest.New(t, pooltest.Options{Idle: true, Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Delay: length} }})
		stop := p.Start()
		task := p.Await(p.Add(p.Template(store.Template{})), store.Running)
		begun := time.Now()
		if hurry {
			time.AfterFunc(time.Second, p.Hurry)
		}
		stop()
		now, err := p.Task(t.Context(), task.ProjectID, task.ID)
		require.NoError(t, err)
		return now, time.Since(begun)
	}
	for _, c := range []struct {
		name   string
		length time.Duration
		hurry  bool
		status store.Status
		took   time.Duration
	}{
		{"waits for what ends in time", 5 * time.Second, false, store.Success, 5 * time.Second},
		{"stops the rest after the grace", time.Hour, false, store.Stopped, 8 * time.Second},
		{"is cut short by Hurry", time.Hour, true, store.Stopped, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				task, took := run(t, c.length, c.hurry)
				require.Equal(t, c.status, task.Status, task.Reason)
				require.InDelta(t, c.took.Seconds(), took.Seconds(), 0.5)
			})
		})
	}
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	t.Run("come again when nobody could be told", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var tries atomic.Int32
			var c clock
			p := pooltest.New(t, pooltest.Options{Config: pool.Config{Now: c.now, Alerter: alerter(func(_ context.Context, a pool.Alert) error {
				if tries.Add(1) < 4 {
					return errors.New("no route to host")
				}
				require.Equal(t, []any{store.OutboxFinished, store.Success, 3, "test"}, []any{a.Kind, a.Status, a.Tries, a.Project.Name})
				return nil
			})}})
			p.Await(p.Add(p.Template(store.Template{})), store.Success)
			c.days(3)
			require.EqualValues(t, 4, tries.Load())
		})
	})
	t.Run("are given up at last, and a panic is a failure", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var tries atomic.Int32
			var c clock
			p := pooltest.New(t, pooltest.Options{Config: pool.Config{Now: c.now, Alerter: alerter(func(context.Context, pool.Alert) error {
				tries.Add(1)
				panic("oops")
			})}})
			p.Await(p.Add(p.Template(store.Template{})), store.Success)
			c.days(3)
			given := tries.Load()
			require.Greater(t, given, int32(8))
			c.days(3)
			require.Equal(t, given, tries.Load())
		})
	})
	t.Run("that hang hold up no deploy and no shut-down", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Idle: true, Config: pool.Config{MaxParallel: 50, Alerter: alerter(func(ctx context.Context, _ pool.Alert) error {
				<-ctx.Done()
				return context.Cause(ctx)
			})}})
			stop := p.Start()
			for i := range 10 {
				tpl := p.Template(store.Template{Name: string(rune('a' + i))})
				p.Await(p.Add(tpl), store.Success)
			}
			tpl := p.Template(build())
			d := p.Template(deploy("deploy", tpl, true))
			p.Await(p.Add(tpl), store.Success)
			time.Sleep(3 * time.Second)
			require.Len(t, tasksOf(t, p, d), 1)
			begun := time.Now()
			stop()
			require.LessOrEqual(t, time.Since(begun), time.Minute)
		})
	})
}

type alerter func(context.Context, pool.Alert) error

func (a alerter) Alert(ctx context.Context, alert pool.Alert) error { return a(ctx, alert) }

// TestHooksThatPanic end or hold up nothing but what they are asked about.
func TestHooksThatPanic(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{Config: pool.Config{Hooks: pool.Hooks{
		AfterLaunch:  func(context.Context, store.Task) { panic("oops") },
		AfterFinish:  func(context.Context, store.Task) { panic("oops") },
		BeforeFinish: func(context.Context, store.Task, job.Result) error { panic("oops") },
		BeforeLaunch: func(_ context.Context, r *pool.AddRequest) error {
			if r.Task.Message == "bad" {
				panic("oops")
			}
			r.Task.Message = "changed"
			return nil
		},
	}}})
	tpl := p.Template(build())
	p.Template(deploy("deploy", tpl, true))
	_, err := p.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Message: "bad"}})
	require.EqualError(t, err, "launch refused: panic: oops")
	for range 3 {
		task := p.Await(p.Add(tpl), store.Failed)
		require.Equal(t, []string{"panic: oops", "changed"}, []string{task.Reason, task.Message})
	}
}

// TestMetrics counts one task of each end.
func TestMetrics(t *testing.T) {
	t.Parallel()
	var launched, waited, finished, lines atomic.Int32
	p := pooltest.New(t, pooltest.Options{
		Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Lines: []string{"a", "b"}} },
		Config: pool.Config{Metrics: pool.Metrics{
			Launched: func(app string) { launched.Add(int32(len(app))) },
			Waited:   func(app string, _ time.Duration) { waited.Add(int32(len(app))) },
			Finished: func(app string, s store.Status, _ time.Duration) { finished.Add(int32(len(app + string(s)))) },
			Lines:    func(n int) { lines.Add(int32(n)) },
		}},
	})
	p.Await(p.Add(p.Template(store.Template{})), store.Success)
	require.Eventually(t, func() bool { return finished.Load() == int32(len("bashsuccess")) }, 10*time.Second, time.Millisecond)
	require.EqualValues(t, []int32{4, 4, 2}, []int32{launched.Load(), waited.Load(), lines.Load()})
}

// silenced is an executor whose first run is ended because the lease could not be
// extended.
type silenced struct{ runs atomic.Int64 }

func (e *silenced) Run(context.Context, *job.Spec, job.Sink) error {
	if e.runs.Add(1) == 1 {
		return fmt.Errorf("%w: no answer for 10s", job.ErrLeaseLost)
	}
	return nil
}

func TestAToolThatWasEndedForTheSakeOfAnotherAttemptGetsOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		retries int
		status  store.Status
		attempt int
	}{
		"it runs again":               {1, store.Success, 2},
		"it fails where none is left": {0, store.Failed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.New(t, pooltest.Options{Executor: &silenced{}})
				task := p.Add(p.Template(store.Template{Options: store.TemplateOptions{MaxRetries: c.retries}}))
				require.Equal(t, c.attempt, p.Await(task, c.status).Attempt)
			})
		})
	}
}
