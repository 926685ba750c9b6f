package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// TestATaskThatDidNotReachItsRunnerIsTakenBack proves that a task whose handing
// out got lost begins elsewhere as soon as a lease is over, whether or not it may
// be tried again; and that the runner which then hears of it does not begin.
func TestATaskThatDidNotReachItsRunnerIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, retries := range map[string]int{"that runs once": 0, "that may be tried again": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newFarPool(t, store.TemplateOptions{MaxRetries: retries})
				defer r.stop()
				task := r.add(t)
				gone, a := r.claim(t, "gone")
				begun := time.Now()
				time.Sleep(10 * time.Second)
				there, b := r.claim(t, "there")
				require.InDelta(t, 15*time.Second, time.Since(begun), float64(3*time.Second))
				require.Equal(t, task.ID, b.Lease.TaskID)
				_, err := gone.Spec(t.Context(), a.Lease)
				require.ErrorIs(t, err, job.ErrLeaseLost)
				signals, err := gone.Extend(t.Context(), []job.Lease{a.Lease})
				require.NoError(t, err)
				require.Equal(t, []job.Signal{{Lease: a.Lease, Gone: true}}, signals)
				_, err = there.Spec(t.Context(), b.Lease)
				require.NoError(t, err)
				require.NoError(t, there.Finish(t.Context(), b.Lease, job.Result{Outcome: job.Success}))
				row, err := r.Task(t.Context(), task.ProjectID, task.ID)
				require.NoError(t, err)
				require.Equal(t, store.Success, row.Status)
			})
		})
	}
}

// TestATaskThatWasHeardOfIsNotTakenBack lets a runner fall silent after it has
// asked what to do: its tool may run.
func TestATaskThatWasHeardOfIsNotTakenBack(t *testing.T) {
	t.Parallel()
	for name, hear := range map[string]func(*testing.T, *farPool, job.Assignment){
		"with what it is to do": func(t *testing.T, r *farPool, a job.Assignment) {
			_, err := r.Runner(r.row, "dir", "1").Spec(t.Context(), a.Lease)
			require.NoError(t, err)
		},
		"by another server": func(t *testing.T, r *farPool, a job.Assignment) {
			_, err := r.another(t).Runner(r.row, "dir", "1").Spec(t.Context(), a.Lease)
			require.NoError(t, err)
		},
		"with an extension": func(t *testing.T, r *farPool, a job.Assignment) { heard(t, r.Runner(r.row, "dir", "1"), a) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newFarPool(t, store.TemplateOptions{})
				defer r.stop()
				task := r.add(t)
				runner, a := r.claim(t, "1")
				time.Sleep(10 * time.Second)
				hear(t, r, a)
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				row, err := r.Task(t.Context(), task.ProjectID, task.ID)
				require.NoError(t, err)
				require.Equal(t, store.Starting, row.Status)
				require.True(t, row.Unreachable)
				require.NoError(t, runner.Finish(t.Context(), a.Lease, job.Result{Outcome: job.Success}))
			})
		})
	}
}
