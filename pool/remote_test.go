package pool_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// farPool is a pool that leaves its tasks to runners, and one of them.
type farPool struct {
	*pool.TaskPool
	st   store.Store
	row  store.Runner
	tpl  store.Template
	stop func()
}

func newFarPool(t *testing.T, options store.TemplateOptions, change ...func(*pool.Config)) *farPool {
	t.Helper()
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	r := &farPool{st: newStore()}
	cfg := pool.Config{Ring: ring, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	r.TaskPool, err = pool.New(r.st, cfg)
	require.NoError(t, err)
	r.tpl, err = r.Ensure(t.Context(), pool.Blueprint{
		Repository: store.Repository{Name: "code", GitURL: "https://git.example.org/x.git", GitBranch: "main"},
		Template:   store.Template{App: "bash", Playbook: "x.sh", Options: options},
	})
	require.NoError(t, err)
	r.row, err = r.st.Runners().Create(t.Context(), store.Runner{Name: "far", Active: true, TokenHash: "x"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		require.NoError(t, <-done)
	}
	return r
}

func (r *farPool) add(t *testing.T) store.Task {
	t.Helper()
	task, err := r.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: r.tpl.ProjectID, TemplateID: r.tpl.ID}})
	require.NoError(t, err)
	return task
}

func (r *farPool) claim(t *testing.T, boot string) (*pool.Runner, job.Assignment) {
	t.Helper()
	runner := r.Runner(r.row, "dir", boot)
	list, err := runner.Claim(t.Context(), pool.RunnerClaim{Free: 1, Wait: time.Minute})
	require.NoError(t, err)
	require.Len(t, list, 1)
	return runner, list[0]
}

// heard lets a runner tell that it has its task.
func heard(t *testing.T, runner *pool.Runner, a job.Assignment) {
	t.Helper()
	signals, err := runner.Extend(t.Context(), []job.Lease{a.Lease})
	require.NoError(t, err)
	require.Empty(t, signals)
}

// TestARunnerThatIsSilentLosesItsTask by time, in two steps.
func TestARunnerThatIsSilentLosesItsTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newFarPool(t, store.TemplateOptions{})
		defer r.stop()
		task := r.add(t)
		runner, a := r.claim(t, "1")
		require.Zero(t, a.LostAfter, "no other attempt may start: its tool runs on")
		now := func() store.Task {
			synctest.Wait()
			row, err := r.Task(t.Context(), task.ProjectID, task.ID)
			require.NoError(t, err)
			return row
		}
		for range 10 { // it is heard of for long
			time.Sleep(5 * time.Second)
			signals, err := runner.Extend(t.Context(), []job.Lease{a.Lease})
			require.NoError(t, err)
			require.Empty(t, signals)
		}
		require.False(t, now().Unreachable)
		time.Sleep(20 * time.Second)
		require.True(t, now().Unreachable)
		require.Equal(t, store.Starting, now().Status)
		_, err := runner.Extend(t.Context(), []job.Lease{a.Lease})
		require.NoError(t, err)
		require.False(t, now().Unreachable, "it is back")
		time.Sleep(11 * time.Minute)
		require.Equal(t, store.Failed, now().Status)
		require.Equal(t, store.LostReason, now().Reason)
		signals, err := runner.Extend(t.Context(), []job.Lease{a.Lease})
		require.NoError(t, err)
		require.Equal(t, []job.Signal{{Lease: a.Lease, Gone: true}}, signals)
	})
}

// TestARunnerWhoseTaskMayBeRetriedIsTold when another attempt may start, and
// that one is fenced from the first.
func TestARunnerWhoseTaskMayBeRetriedIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newFarPool(t, store.TemplateOptions{MaxRetries: 1})
		defer r.stop()
		task := r.add(t)
		first, a := r.claim(t, "1")
		heard(t, first, a)
		require.Equal(t, 30*time.Second, a.LostAfter)
		time.Sleep(40 * time.Second)
		second, b := r.claim(t, "2")
		require.Equal(t, 2, b.Lease.Attempt)
		require.Zero(t, b.LostAfter)
		r.late(t, task, first, a.Lease, "old")
		r.late(t, task, r.another(t).Runner(r.row, "dir", "1"), a.Lease, "by another server")
		forged := a.Lease
		forged.ID = b.Lease.ID
		require.ErrorIs(t, first.Append(t.Context(), forged, job.Report{Seq: 9, Lines: []job.Line{{Text: "forged"}}}), job.ErrLeaseLost)
		require.NotContains(t, r.output(t, task), "forged")
		require.NoError(t, second.Finish(t.Context(), b.Lease, job.Result{Outcome: job.Failure, ExitCode: 3}))
		row, err := r.Task(t.Context(), task.ProjectID, task.ID)
		require.NoError(t, err)
		require.Equal(t, store.Failed, row.Status)
		require.Equal(t, 3, row.ExitCode)
	})
}

// TestARunnerIsToldThatTheServerEnds so that it does not ask without a pause.
func TestARunnerIsToldThatTheServerEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newFarPool(t, store.TemplateOptions{})
		r.add(t)
		runner, a := r.claim(t, "1")
		polled := make(chan error, 2)
		go func() {
			_, err := runner.Claim(t.Context(), pool.RunnerClaim{Free: 1, Held: []job.Lease{a.Lease}, Wait: time.Hour})
			polled <- err
		}()
		go func() {
			_, err := r.Runner(r.row, "dir", "1").Signals(t.Context(), []job.Signal{{Lease: a.Lease}}, time.Hour)
			polled <- err
		}()
		synctest.Wait()
		r.stop()
		require.ErrorIs(t, <-polled, pool.ErrClosing)
		require.ErrorIs(t, <-polled, pool.ErrClosing)
		require.NoError(t, runner.Append(t.Context(), a.Lease, job.Report{Seq: 1, Lines: []job.Line{{Time: time.Now(), Text: "still"}}}))
		require.NoError(t, runner.Finish(t.Context(), a.Lease, job.Result{Outcome: job.Success}), "what runs is heard to its end")
	})
}

// TestATaskThatNeverReachedItsRunnerGoesBack when the runner leaves.
func TestATaskThatNeverReachedItsRunnerGoesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newFarPool(t, store.TemplateOptions{})
		defer r.stop()
		task := r.add(t)
		runner, a := r.claim(t, "1")
		require.NoError(t, runner.Leave(t.Context(), []job.Lease{a.Lease}))
		require.Equal(t, store.Starting, r.status(t, task), "it is known")
		require.NoError(t, runner.Leave(t.Context(), nil))
		_, b := r.claim(t, "2")
		require.Equal(t, task.ID, b.Lease.TaskID)
		require.Equal(t, 2, b.Lease.Attempt)
	})
}

func (r *farPool) status(t *testing.T, task store.Task) store.Status {
	t.Helper()
	row, err := r.Task(t.Context(), task.ProjectID, task.ID)
	require.NoError(t, err)
	return row.Status
}

// TestADrainedServerServesRunnersOn because what they run outlives it.
func TestADrainedServerServesRunnersOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newFarPool(t, store.TemplateOptions{})
		defer r.stop()
		r.Drain()
		task := r.add(t)
		runner, a := r.claim(t, "1")
		require.Equal(t, task.ID, a.Lease.TaskID)
		require.NoError(t, runner.Finish(t.Context(), a.Lease, job.Result{Outcome: job.Success}))
		require.Equal(t, store.Success, r.status(t, task))
	})
}

// late reports what comes after another attempt has begun: it is refused, and kept.
func (r *farPool) late(t *testing.T, task store.Task, runner *pool.Runner, l job.Lease, line string) {
	t.Helper()
	report := job.Report{Seq: int64(len(r.output(t, task)) + 1), Lines: []job.Line{{Time: time.Now(), Text: line}}}
	require.ErrorIs(t, runner.Append(t.Context(), l, report), job.ErrLeaseLost)
	require.ErrorIs(t, runner.Finish(t.Context(), l, job.Result{Outcome: job.Success}), job.ErrLeaseLost)
	require.Contains(t, r.output(t, task), line)
	row, err := r.Task(t.Context(), task.ProjectID, task.ID)
	require.NoError(t, err)
	require.True(t, row.Late)
}

func (r *farPool) output(t *testing.T, task store.Task) []string {
	t.Helper()
	page, err := r.st.Logs().Read(t.Context(), task.ProjectID, task.ID, 0, 100)
	require.NoError(t, err)
	list := []string{}
	for _, line := range page.Lines {
		list = append(list, line.Text)
	}
	return list
}

// another is a server beside the pool that remembers none of its leases.
func (r *farPool) another(t *testing.T) *pool.TaskPool {
	t.Helper()
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	p, err := pool.New(r.st, pool.Config{Ring: ring, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return p
}
