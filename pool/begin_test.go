package pool_test

import (
	"context"
	"errors"
	"fmt"
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
)

func TestBeginning(t *testing.T) {
	t.Parallel()
	t.Run("a hook that hangs holds up no other task, and a stop ends its own", func(t *testing.T) {
		t.Parallel()
		release := make(chan struct{})
		defer close(release)
		p := pooltest.New(t, pooltest.Options{Config: pool.Config{Hooks: pool.Hooks{BeforeRun: func(_ context.Context, _ store.Task, s *job.Spec) error {
			if s.Playbook == "slow.sh" {
				<-release
			}
			return nil
		}}}})
		slow := p.Await(p.Add(p.Template(store.Template{Playbook: "slow.sh"})), store.Starting)
		p.Await(p.Add(p.Template(store.Template{})), store.Success)
		_, err := p.StopTask(t.Context(), slow.ProjectID, slow.ID, false, pool.Caller{})
		require.NoError(t, err)
		p.Await(slow, store.Stopped)
	})
	t.Run("what waits goes back in a shut-down, also while it is prepared", func(t *testing.T) {
		t.Parallel()
		p := pooltest.New(t, pooltest.Options{Idle: true, Config: pool.Config{ShutdownGrace: time.Millisecond, Hooks: pool.Hooks{
			BeforeRun: func(ctx context.Context, _ store.Task, _ *job.Spec) error {
				<-ctx.Done()
				return context.Cause(ctx)
			},
		}}})
		tpl := p.Template(store.Template{AllowParallelTasks: true})
		tasks := []store.Task{p.Add(tpl), p.Add(tpl)}
		stop := p.Start()
		for _, task := range tasks {
			p.Await(task, store.Starting)
		}
		stop()
		for _, task := range tasks {
			p.Await(task, store.Waiting)
		}
		require.Empty(t, p.Fake.Runs())
	})
	t.Run("a vault that is away costs no task, and claims rest meanwhile", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var tries, away atomic.Int32
			away.Store(1)
			p := pooltest.New(t, pooltest.Options{Config: pool.Config{Hooks: pool.Hooks{BeforeRun: func(context.Context, store.Task, *job.Spec) error {
				tries.Add(1)
				if away.Load() == 1 {
					return fmt.Errorf("vault: %w", pool.ErrTemporary)
				}
				return nil
			}}}})
			task := p.Add(p.Template(store.Template{}))
			time.Sleep(time.Minute)
			require.InDelta(t, 7, tries.Load(), 2)
			away.Store(0)
			p.Await(task, store.Success)
		})
	})
	t.Run("what is temporary for ever ends as error", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Config: pool.Config{Hooks: pool.Hooks{BeforeRun: func(context.Context, store.Task, *job.Spec) error {
				return pool.ErrTemporary
			}}}})
			task := p.Add(p.Template(store.Template{}))
			time.Sleep(time.Hour)
			require.Contains(t, p.Await(task, store.Failed).Reason, "given up after")
		})
	})
}

// sweeping is an executor whose clean-up fails at first.
type sweeping struct {
	job.Executor
	fails atomic.Int32
}

func (s *sweeping) Sweep(context.Context) ([]job.Swept, error) {
	if s.fails.Add(-1) >= 0 {
		return nil, errors.New("input/output error")
	}
	return nil, nil
}

// wrapped hides the sweeper, but for Unwrap.
type wrapped struct{ inner job.Executor }

func (w wrapped) Run(ctx context.Context, s *job.Spec, sink job.Sink) error {
	return w.inner.Run(ctx, s, sink)
}

func (w wrapped) Unwrap() job.Executor { return w.inner }

func TestNoSecondAttemptBeforeASweepHasSucceeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &sweeping{Executor: &jobtest.Fake{}}
		e.fails.Store(3)
		p := pooltest.New(t, pooltest.Options{Idle: true, Executor: wrapped{e}})
		task := p.Add(p.Template(store.Template{Options: store.TemplateOptions{MaxRetries: 1}}))
		claimed, err := p.Store().Queue().Claim(t.Context(), store.ClaimRequest{Owner: "dead", Tags: []string{""}, Max: 1, TTL: time.Second})
		require.NoError(t, err)
		require.Len(t, claimed, 1)
		p.Start()
		time.Sleep(5 * time.Second)
		now, err := p.Task(t.Context(), task.ProjectID, task.ID)
		require.NoError(t, err)
		require.Equal(t, store.Starting, now.Status, "its tool may still run")
		time.Sleep(5 * time.Second)
		require.Equal(t, 2, p.Await(task, store.Success).Attempt)
	})
}

func TestHooksRunOutsideOfThePoolsTransactions(t *testing.T) {
	t.Parallel()
	var p *pooltest.Pool
	write := func(ctx context.Context) error {
		_, err := p.Store().Views().Create(ctx, store.View{ProjectID: p.Project.ID, Title: "seen"})
		return err
	}
	p = pooltest.New(t, pooltest.Options{Idle: true, Config: pool.Config{Hooks: pool.Hooks{
		BeforeLaunch: func(ctx context.Context, _ *pool.AddRequest) error { return write(ctx) },
		AfterLaunch: func(ctx context.Context, _ store.Task) {
			if err := write(ctx); err != nil {
				t.Error(err)
			}
		},
	}}})
	build := p.Template(store.Template{Name: "build", Type: store.TemplateBuild})
	deploy := p.Template(store.Template{Name: "deploy", Type: store.TemplateDeploy, BuildTemplateID: &build.ID, Autorun: true})
	p.Start()
	p.Await(p.Add(build), store.Success)
	require.Eventually(t, func() bool {
		counts, err := p.Store().Tasks().Counts(t.Context(), store.TaskFilter{TemplateID: deploy.ID, Statuses: []store.Status{store.Success}})
		return err == nil && counts[store.Success] == 1
	}, 10*time.Second, 5*time.Millisecond)
	views, err := p.Store().Views().Count(t.Context(), p.Project.ID, store.Query{})
	require.NoError(t, err)
	require.Equal(t, 4, views)
}
