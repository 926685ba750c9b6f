package jobtest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
)

// RunExecutorSuite proves an executor that runs bash scripts from a repository
// on a path of this machine, which it may copy or mount. newExecutor is called
// once per test.
func RunExecutorSuite(t *testing.T, newExecutor func(t *testing.T) job.Executor) {
	t.Run("a script that succeeds ends without error", func(t *testing.T) {
		t.Parallel()
		rec, err := runScript(t, newExecutor(t), "echo one; echo two >&2; printf three")
		require.NoError(t, err)
		require.Equal(t, "one\ntwo\nthree\n", rec.Output())
	})
	t.Run("the exit code of a script that fails is told", func(t *testing.T) {
		t.Parallel()
		rec, err := runScript(t, newExecutor(t), "echo before; exit 7")
		var exit *job.ExitError
		require.ErrorAs(t, err, &exit)
		require.Equal(t, 7, exit.Code)
		require.Equal(t, "before\n", rec.Output())
		require.Equal(t, job.Failure, job.Conclude(err).Outcome)
	})
	t.Run("a thousand lines arrive in order", func(t *testing.T) {
		t.Parallel()
		rec, err := runScript(t, newExecutor(t), "for i in $(seq 1000); do echo $i; done")
		require.NoError(t, err)
		require.Len(t, strings.Fields(rec.Output()), 1000)
		require.True(t, strings.HasSuffix(rec.Output(), "999\n1000\n"))
	})
	t.Run("a stop ends the run as stopped", func(t *testing.T) {
		t.Parallel()
		ctx, stopper := job.WithStopper(t.Context())
		err := runUntil(ctx, t, newExecutor(t), "echo ready; exec sleep 60", func() { stopper.Stop(nil) })
		require.ErrorIs(t, err, job.ErrStopped)
	})
	t.Run("the cause of a stop is what Run returns", func(t *testing.T) {
		t.Parallel()
		ctx, stopper := job.WithStopper(t.Context())
		err := runUntil(ctx, t, newExecutor(t), "echo ready; exec sleep 60", func() { stopper.Stop(job.ErrShutdown) })
		require.ErrorIs(t, err, job.ErrShutdown)
	})
	t.Run("force ends a script that does not listen", func(t *testing.T) {
		t.Parallel()
		ctx, stopper := job.WithStopper(t.Context())
		err := runUntil(ctx, t, newExecutor(t), "trap '' TERM INT; echo ready; while :; do sleep 1; done", stopper.Force)
		require.ErrorIs(t, err, job.ErrStopped)
	})
	t.Run("a time-out ends the run", func(t *testing.T) {
		t.Parallel()
		spec := scriptIn(t, "exec sleep 60")
		spec.Limits.Timeout = 300 * time.Millisecond
		require.ErrorIs(t, newExecutor(t).Run(t.Context(), spec, &Recorder{}), job.ErrTimeout)
	})
	t.Run("a cancelled context starts nothing", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		rec := &Recorder{}
		err := newExecutor(t).Run(ctx, scriptIn(t, "echo ran"), rec)
		require.ErrorIs(t, err, job.ErrStopped)
		require.Empty(t, rec.Output())
	})
	t.Run("a spec that cannot be used names its field", func(t *testing.T) {
		t.Parallel()
		spec := scriptIn(t, "true")
		spec.Playbook = "../outside.sh"
		err := newExecutor(t).Run(t.Context(), spec, &Recorder{})
		require.ErrorIs(t, err, job.ErrInvalid)
		require.Contains(t, err.Error(), "playbook")
	})
	t.Run("secrets do not show in the output", func(t *testing.T) {
		t.Parallel()
		spec := scriptIn(t, "echo it is $TOKEN; echo $TOKEN | base64")
		spec.Secrets = []job.SecretVar{{Name: "TOKEN", Kind: job.SecretEnv, Value: job.NewSecret("correct-horse-battery")}}
		rec := &Recorder{}
		require.NoError(t, newExecutor(t).Run(t.Context(), spec, rec))
		require.Contains(t, rec.Output(), "it is ***")
		require.NotContains(t, rec.Log(), "correct-horse")
		require.NotContains(t, rec.Log(), "Y29ycmVjdC1ob3JzZS")
	})
}

// suiteTask numbers the tasks of the suite: two at once never share an id.
func suiteTask() int64 { return taskIDs.Add(1) }

var taskIDs = func() *atomic.Int64 {
	ids := new(atomic.Int64)
	ids.Store(time.Now().UnixMicro())
	return ids
}()

// scriptIn makes a Spec for a bash script in a directory of its own.
func scriptIn(t *testing.T, body string) *job.Spec {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run.sh"), []byte(body+"\n"), 0o600))
	return &job.Spec{
		Version: job.SpecVersion, App: "bash", Playbook: "run.sh", Task: job.Task{ID: suiteTask()},
		Repository: job.Repository{URL: dir},
	}
}

func runScript(t *testing.T, e job.Executor, body string) (*Recorder, error) {
	t.Helper()
	rec := &Recorder{}
	err := e.Run(t.Context(), scriptIn(t, body), rec)
	return rec, err
}

// runUntil runs a script and calls stop once it has printed its first line.
func runUntil(ctx context.Context, t *testing.T, e job.Executor, body string, stop func()) error {
	t.Helper()
	ready := make(chan struct{}, 1)
	rec := &Recorder{OnLine: func(l job.Line) {
		if l.Stream != job.System && l.Text == "ready" {
			ready <- struct{}{}
		}
	}}
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx, scriptIn(t, body), rec) }()
	select {
	case <-ready:
	case err := <-done:
		require.FailNow(t, "the run ended before its first line", "%v\n%s", err, rec.Log())
	case <-time.After(30 * time.Second):
		require.FailNow(t, "the script did not start")
	}
	stop()
	select {
	case err := <-done:
		return err
	case <-time.After(30 * time.Second):
		require.FailNow(t, "the run did not end after its stop")
		return nil
	}
}
