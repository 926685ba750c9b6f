package crash_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// status returns a task as it is stored.
func (b *bench) status(r *crash.Record) store.Task {
	b.t.Helper()
	task, err := b.st.Tasks().Get(b.t.Context(), r.Task.ProjectID, r.ID)
	require.NoError(b.t, err)
	return task
}

func (b *bench) wait(r *crash.Record) store.Task {
	b.t.Helper()
	task, err := b.pool.Wait(b.t.Context(), r.Task.ProjectID, r.ID)
	require.NoError(b.t, err)
	return task
}

// terminate sends SIGTERM so often, and tells how long the program took to end.
func terminate(p *process, times int) time.Duration {
	p.b.t.Helper()
	begun := time.Now()
	for range times {
		p.signal(syscall.SIGTERM)
		time.Sleep(100 * time.Millisecond) // two signals at once are one
	}
	err := p.wait(time.Minute)
	require.NoError(p.b.t, err, "exit code 0 is expected: %s", tail(p.errs))
	require.Empty(p.b.t, p.b.left())
	return time.Since(begun)
}

func TestShutDown(t *testing.T) {
	t.Parallel()
	long := script{lines: 600, pause: 200}
	grace := func(d time.Duration) func(*crash.Program) {
		return func(p *crash.Program) { p.ShutdownGrace = d }
	}
	t.Run("what runs is awaited, what waits stays", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, grace(time.Minute))
		p := b.start()
		running := b.add(b.exclusive, script{lines: 40, pause: 60})
		b.awaitEvent(running, 1, crash.Started)
		waiting := b.add(b.exclusive, script{lines: 1})
		terminate(p, 1)
		require.Equal(t, store.Success, b.status(running).Status)
		require.Equal(t, store.Waiting, b.status(waiting).Status)
		b.start()
		require.Equal(t, store.Success, b.wait(waiting).Status)
	})
	t.Run("what runs too long is stopped, and waits again where that is allowed", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, grace(300*time.Millisecond))
		p := b.start()
		plain, again := b.add(b.parallel, long), b.add(b.retry, script{lines: 600, pause: 200, again: 2})
		b.awaitEvent(plain, 1, crash.Started)
		b.awaitEvent(again, 1, crash.Started)
		took := terminate(p, 1)
		require.Less(t, took, 10*time.Second)
		stopped := b.status(plain)
		require.Equal(t, store.Stopped, stopped.Status)
		require.Contains(t, stopped.Reason, "server shut down")
		require.Equal(t, store.Waiting, b.status(again).Status)
		b.awaitEvent(plain, 1, crash.Aborted)
		b.start()
		done := b.wait(again)
		require.Equal(t, store.Success, done.Status)
		require.Equal(t, 2, done.Attempt)
	})
	t.Run("a second signal hurries", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, grace(time.Hour))
		p := b.start()
		r := b.add(b.parallel, long)
		b.awaitEvent(r, 1, crash.Started)
		require.Less(t, terminate(p, 2), 10*time.Second)
		require.Equal(t, store.Stopped, b.status(r).Status)
	})
}

// TestASleepLosesNothing stops the program for longer than its leases last:
// nobody else may take its tasks, so it goes on with them.
func TestASleepLosesNothing(t *testing.T) {
	t.Parallel()
	sleep := 20 * time.Second
	if soak() {
		sleep = time.Minute
	}
	b := newBench(t)
	p := b.start()
	// One whose script ends meanwhile, and one whose script goes on; each with and
	// without a second attempt allowed.
	during := script{lines: 20, pause: 60}
	beyond := script{lines: 2*int(sleep.Seconds()) + 10, pause: 990}
	for _, tpl := range []store.Template{b.retry, b.parallel} {
		b.awaitEvent(b.add(tpl, during), 1, crash.Started)
	}
	b.awaitEvent(b.add(b.retry, beyond), 1, crash.Started)
	b.awaitEvent(b.add(b.other, beyond), 1, crash.Started)
	for range 5 {
		b.add(b.parallel, script{lines: 1})
	}
	p.signal(syscall.SIGSTOP)
	select {
	case <-time.After(sleep):
	case <-t.Context().Done():
	}
	p.signal(syscall.SIGCONT)
	b.started = time.Now()
	over := b.awaitEnd(2 * time.Minute)
	terminate(p, 1)
	e := b.evidence(over, 2*time.Minute)
	e.MinHits = 0
	for _, f := range crash.Check(e) {
		t.Error(f)
	}
	for _, r := range e.Tasks {
		require.Equal(t, store.Success, r.Task.Status, "task %d: %s", r.ID, r.Task.Reason)
		require.Equal(t, 1, r.Task.Attempt)
	}
}

// TestOneProgramPerFile starts a second one, which refuses, while a command
// beside the first one works.
func TestOneProgramPerFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.start()
	r := b.add(b.parallel, script{lines: 600, pause: 200})
	b.awaitEvent(r, 1, crash.Started)

	second := b.start()
	require.Error(t, second.wait(30*time.Second))
	require.Contains(t, second.errs.String(), b.program.DB)
	require.Contains(t, second.errs.String(), fmt.Sprintf("process %d", p.Process.Pid))

	for line, err := range b.pool.Follow(t.Context(), r.Task.ProjectID, r.ID, 0) {
		require.NoError(t, err)
		if line.Text == "out 1 1" {
			break
		}
	}
	asked := time.Now()
	_, err := b.pool.StopTask(t.Context(), r.Task.ProjectID, r.ID, false, pool.Caller{})
	require.NoError(t, err)
	reached := b.awaitEvent(r, 1, crash.Aborted)
	t.Logf("the stop reached the script after %v", reached.At.Sub(asked).Round(time.Millisecond))
	require.Less(t, reached.At.Sub(asked), 2*time.Second)
	require.Equal(t, store.Stopped, b.wait(r).Status)
	terminate(p, 1)
}

// TestTheJournalIsRecovered kills the program while nobody else has the file
// open, and reads what it had stored.
func TestTheJournalIsRecovered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.start()
	r := b.add(b.parallel, script{lines: 5, pause: 10})
	require.Equal(t, store.Success, b.wait(r).Status)
	b.anew(true, func() {
		p.kill()
		info, err := os.Stat(b.program.DB + "-wal")
		require.NoError(t, err)
		require.NotZero(t, info.Size())
	})
	page, err := b.pool.Output(t.Context(), r.Task.ProjectID, r.ID, 0, 1000)
	require.NoError(t, err)
	require.Equal(t, "out 1 done", page.Lines[len(page.Lines)-1].Text)
}
