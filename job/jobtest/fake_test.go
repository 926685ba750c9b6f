package jobtest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestFakePlaysItsScript(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := &jobtest.Fake{Script: func(*job.Spec) jobtest.Script {
			return jobtest.Script{Lines: []string{"a", "b"}, Delay: time.Minute, Commit: job.Commit{Hash: "abc"}, Plan: &job.PlanSummary{Add: 1}}
		}}
		begun := time.Now()
		rec := &jobtest.Recorder{Answer: job.Hold}
		require.ErrorIs(t, fake.Run(t.Context(), &job.Spec{App: "x"}, rec), job.ErrHeld)
		require.Equal(t, 2*time.Minute, time.Since(begun))
		require.Equal(t, "a\nb\n", rec.Output())
		require.Equal(t, "abc", rec.Commits()[0].Hash)
		require.Equal(t, 1, rec.Plans()[0].Add)
		require.Len(t, rec.Prompts(), 1)
		require.Equal(t, "x", fake.Runs()[0].App)
		require.ErrorIs(t, fake.Run(t.Context(), &job.Spec{}, &jobtest.Recorder{}), job.ErrRejected)
	})
}

func TestFakeStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := &jobtest.Fake{Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Delay: time.Hour} }}
		ctx, stopper := job.WithStopper(t.Context())
		time.AfterFunc(time.Second, func() { stopper.Stop(job.ErrShutdown) })
		require.ErrorIs(t, fake.Run(ctx, &job.Spec{}, &jobtest.Recorder{}), job.ErrShutdown)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, fake.Run(ctx, &job.Spec{}, &jobtest.Recorder{}), job.ErrTimeout)
	})
}

func TestFakeFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	fake := &jobtest.Fake{Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Err: broken, ExitCode: 3} }}
	require.ErrorIs(t, fake.Run(t.Context(), &job.Spec{}, job.Discard{}), broken)
}
