package pool_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// gate holds scripted runs back until it is opened.
type gate struct {
	job.Executor
	open chan struct{}
}

func (g gate) Run(ctx context.Context, spec *job.Spec, sink job.Sink) error {
	if err := sink.Status(context.WithoutCancel(ctx), job.Status{State: job.Running, Phase: job.PhaseRun}); err != nil {
		return err
	}
	select {
	case <-g.open:
		return g.Executor.Run(ctx, spec, sink)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func newGate() gate { return gate{Executor: &jobtest.Fake{}, open: make(chan struct{})} }

func events(t *testing.T, p *pooltest.Pool) []string {
	t.Helper()
	page, err := p.Store().Events().List(t.Context(), p.Project.ID, store.Query{})
	require.NoError(t, err)
	var list []string
	for _, e := range page.Items {
		list = append(list, e.Description)
	}
	return list
}

func TestTheLifeOfATask(t *testing.T) {
	t.Parallel()
	t.Run("from launch to success, with output, commit and command", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Script: func(*job.Spec) jobtest.Script {
			return jobtest.Script{Lines: []string{"one", "two"}, Commit: job.Commit{Hash: "abc", Message: "first"}}
		}})
		task := p.Add(p.Template(store.Template{}))
		require.Equal(t, store.Waiting, task.Status)
		done, err := p.Wait(t.Context(), task.ProjectID, task.ID)
		require.NoError(t, err)
		require.Equal(t, store.Success, done.Status, done.Reason)
		require.Equal(t, 1, done.Attempt)
		require.NotNil(t, done.Start)
		require.NotNil(t, done.End)
		require.Equal(t, "abc", *done.CommitHash)
		require.Equal(t, "first", done.CommitMessage)
		require.Equal(t, []string{"one", "two"}, p.Log(task))
		require.Len(t, events(t, p), 2)
	})
	t.Run("to error, with the tool's exit code", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Script: func(*job.Spec) jobtest.Script { return jobtest.Script{ExitCode: 7} }})
		done := p.Await(p.Add(p.Template(store.Template{})), store.Failed)
		require.Equal(t, 7, done.ExitCode)
		require.Contains(t, done.Reason, "exit code 7")
	})
	t.Run("to error when its key was deleted, naming it in the log", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Idle: true})
		env, err := p.Store().Environments().Create(t.Context(), store.Environment{ProjectID: p.Project.ID, Name: "e", JSON: "{}"})
		require.NoError(t, err)
		key, err := p.SaveKey(t.Context(), store.AccessKey{ProjectID: p.Project.ID, Name: "TOKEN", Type: store.KeyString, Owner: store.OwnerEnvironment, EnvironmentID: &env.ID, String: "s3cret-value"})
		require.NoError(t, err)
		task := p.Add(p.Template(store.Template{EnvironmentID: &env.ID}))
		require.NoError(t, p.Store().Keys().Delete(t.Context(), p.Project.ID, key.ID))
		p.Start()
		done := p.Await(task, store.Failed)
		require.Contains(t, done.Reason, "was deleted")
		require.Contains(t, p.Log(task)[0], "TOKEN")
	})
	t.Run("panics of the executor end the task, not the pool", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Script: func(s *job.Spec) jobtest.Script {
			if s.Playbook == "bad.sh" {
				panic("oops")
			}
			return jobtest.Script{}
		}})
		p.Await(p.Add(p.Template(store.Template{Playbook: "bad.sh"})), store.Failed)
		p.Await(p.Add(p.Template(store.Template{})), store.Success)
	})
}

func TestStopping(t *testing.T) {
	t.Parallel()
	t.Run("a waiting task ends at once and never runs", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Idle: true})
		task := p.Add(p.Template(store.Template{}))
		stopped, err := p.StopTask(t.Context(), task.ProjectID, task.ID, true, pool.Caller{})
		require.NoError(t, err)
		require.Equal(t, store.Stopped, stopped.Status)
		p.Start()
		p.Await(p.Add(p.Template(store.Template{})), store.Success)
		require.Len(t, p.Fake.Runs(), 1)
		_, err = p.StopTask(t.Context(), task.ProjectID, task.ID, true, pool.Caller{})
		require.ErrorIs(t, err, store.ErrState)
	})
	t.Run("a running task is stopped at once", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Executor: newGate()})
		task := p.Await(p.Add(p.Template(store.Template{})), store.Running)
		_, err := p.StopTask(t.Context(), task.ProjectID, task.ID, false, pool.Caller{})
		require.NoError(t, err)
		done, err := p.Wait(t.Context(), task.ProjectID, task.ID)
		require.NoError(t, err)
		require.Equal(t, store.Stopped, done.Status)
	})
	t.Run("a template's tasks all end", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Executor: newGate()})
		tpl := p.Template(store.Template{})
		first := p.Await(p.Add(tpl), store.Running)
		for range 3 {
			p.Add(tpl)
		}
		n, err := p.StopTemplate(t.Context(), tpl.ProjectID, tpl.ID, false, pool.Caller{})
		require.NoError(t, err)
		require.Equal(t, 4, n)
		p.Await(first, store.Stopped)
	})
	t.Run("a shut-down ends running tasks, and those that may be retried wait again", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Executor: newGate(), Idle: true, Config: pool.Config{ShutdownGrace: time.Millisecond}})
		plain, again := p.Template(store.Template{Name: "plain"}), p.Template(store.Template{Name: "again", Options: store.TemplateOptions{MaxRetries: 1}})
		stop := p.Start()
		first, second := p.Await(p.Add(plain), store.Running), p.Await(p.Add(again), store.Running)
		waiting := p.Add(plain)
		stop()
		ended := p.Await(first, store.Stopped)
		require.Contains(t, ended.Reason, "shut down")
		require.Equal(t, store.Waiting, p.Await(second, store.Waiting).Status)
		require.Equal(t, store.Waiting, p.Await(waiting, store.Waiting).Status)
	})
}

// planned plays a Terraform run: plan and question first, apply when resumed.
func planned(s *job.Spec) jobtest.Script {
	if s.Resume {
		return jobtest.Script{Lines: []string{"applied"}}
	}
	return jobtest.Script{Lines: []string{"planned"}, Plan: &job.PlanSummary{Add: 1, Changes: []job.PlanChange{}}, Commit: job.Commit{Hash: "c0ffee"}}
}

func TestConfirmation(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T, o store.TemplateOptions) (*pooltest.Pool, store.Task) {
		t.Helper()
		p := newPool(t, pooltest.Options{Script: planned})
		return p, p.Await(p.Add(p.Template(store.Template{App: "terraform", Playbook: "infra", Options: o})), store.WaitingConfirmation)
	}
	t.Run("confirmed, the plan is applied at the recorded commit", func(t *testing.T) {
		t.Parallel()
		p, task := setup(t, store.TemplateOptions{})
		require.Equal(t, "apply", task.Prompt)
		var plan job.PlanSummary
		require.NoError(t, json.Unmarshal(task.Plan, &plan))
		require.Equal(t, 1, plan.Add)
		_, err := p.Confirm(t.Context(), task.ProjectID, task.ID, pool.Caller{})
		require.NoError(t, err)
		p.Await(task, store.Success)
		require.Equal(t, []string{"planned", "applied"}, p.Log(task))
		require.Equal(t, "c0ffee", p.Fake.Runs()[1].Repository.Commit)
		_, err = p.Confirm(t.Context(), task.ProjectID, task.ID, pool.Caller{})
		require.ErrorIs(t, err, store.ErrState)
	})
	t.Run("rejected, it ends as error and nothing follows", func(t *testing.T) {
		t.Parallel()
		p, task := setup(t, store.TemplateOptions{})
		_, err := p.Reject(t.Context(), task.ProjectID, task.ID, pool.Caller{})
		require.NoError(t, err)
		require.Contains(t, p.Await(task, store.Failed).Reason, "rejected")
		require.Len(t, p.Fake.Runs(), 1)
	})
	t.Run("while it waits, others of its template wait and a stop ends it", func(t *testing.T) {
		t.Parallel()
		p, task := setup(t, store.TemplateOptions{})
		next := p.Add(store.Template{ProjectID: task.ProjectID, ID: task.TemplateID})
		place, err := p.Place(t.Context(), next.ProjectID, next.ID)
		require.NoError(t, err)
		require.Equal(t, store.WaitTemplate, place.Reason)
		require.Equal(t, "waits for task 1 of the same template", pool.Explain(place))
		_, err = p.StopTask(t.Context(), task.ProjectID, task.ID, false, pool.Caller{})
		require.NoError(t, err)
		p.Await(next, store.WaitingConfirmation)
	})
	t.Run("nobody confirms in time", func(t *testing.T) {
		t.Parallel()
		var offset atomic.Int64
		now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
		p := newPool(t, pooltest.Options{Script: planned, Config: pool.Config{Now: now, Poll: 10 * time.Millisecond}})
		task := p.Await(p.Add(p.Template(store.Template{App: "terraform", Options: store.TemplateOptions{ConfirmSeconds: 60}})), store.WaitingConfirmation)
		offset.Store(int64(2 * time.Minute))
		require.Contains(t, p.Await(task, store.Failed).Reason, "in time")
	})
}

func TestHooks(t *testing.T) {
	t.Parallel()
	veto := errors.New("not on Fridays")
	t.Run("a launch can be refused", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Config: pool.Config{Hooks: pool.Hooks{BeforeLaunch: func(context.Context, *pool.AddRequest) error { return veto }}}})
		tpl := p.Template(store.Template{})
		_, err := p.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
		require.ErrorIs(t, err, veto)
		counts, err := p.Store().Tasks().Counts(t.Context(), store.TaskFilter{})
		require.NoError(t, err)
		require.Empty(t, counts)
	})
	t.Run("a run can be refused", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Config: pool.Config{Hooks: pool.Hooks{BeforeRun: func(context.Context, store.Task, *job.Spec) error { return veto }}}})
		require.Contains(t, p.Await(p.Add(p.Template(store.Template{})), store.Failed).Reason, "not on Fridays")
		require.Empty(t, p.Fake.Runs())
	})
	t.Run("a success can be turned down, and every end is told once", func(t *testing.T) {
		t.Parallel()
		var told atomic.Int32
		p := newPool(t, pooltest.Options{Config: pool.Config{Hooks: pool.Hooks{
			BeforeFinish: func(context.Context, store.Task, job.Result) error { return veto },
			AfterFinish:  func(context.Context, store.Task) { told.Add(1) },
		}}})
		p.Await(p.Add(p.Template(store.Template{})), store.Failed)
		require.Eventually(t, func() bool { return told.Load() == 1 }, 5*time.Second, time.Millisecond)
	})
}

func TestExecutorsAreChosenByAppAndTag(t *testing.T) {
	t.Parallel()
	special, tagged := &jobtest.Fake{}, &jobtest.Fake{}
	p := newPool(t, pooltest.Options{Config: pool.Config{Tags: []string{"gpu"}, Choose: func(s *job.Spec) job.Executor {
		switch {
		case s.Task.RunnerTag == "gpu":
			return tagged
		case s.App == "python":
			return special
		}
		return nil
	}}})
	tag, other := "gpu", "elsewhere"
	for _, tpl := range []store.Template{{Name: "a"}, {Name: "b", App: "python"}, {Name: "c", RunnerTag: &tag}} {
		p.Await(p.Add(p.Template(tpl)), store.Success)
	}
	require.Len(t, p.Fake.Runs(), 1)
	require.Len(t, special.Runs(), 1)
	require.Len(t, tagged.Runs(), 1)

	waits := p.Add(p.Template(store.Template{Name: "d", RunnerTag: &other}))
	p.Await(p.Add(p.Template(store.Template{Name: "e"})), store.Success)
	p.Await(waits, store.Waiting)
}
