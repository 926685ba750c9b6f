//go:build linux

package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
)

// TestARunnerAtTheEndOfALongWayKeepsItsTask runs a task where an answer takes
// most of the pause between two extensions of its lease, and nearly a lease on a
// new connection, of which there are only new ones every so often. All is half
// as long as it would be with leases of 15 s: a second each way, 30 s of work.
func TestARunnerAtTheEndOfALongWayKeepsItsTask(t *testing.T) {
	t.Parallel()
	f := newFleet(t, pgtest.Shared(t))
	f.maxParallel, f.ttl, f.lostAfter = 0, 7500*time.Millisecond, 20*time.Second
	server, runner := f.server("server"), f.runnerOf("far away", "far")
	server.mutant, runner.mutant = complete, complete
	server.start().serves()
	far := weather{there: true, back: true, delay: time.Second, trips: 2}
	runner.way.set(far)
	runner.start().serves()
	tpl := f.template("far", "far", store.Template{Name: "far", AllowParallelTasks: true, Options: store.TemplateOptions{MaxRetries: 2}})
	task := f.add(tpl, script{lines: 60, pause: 999})
	f.awaitEvent(task, 1, crash.Started)
	for range 2 {
		time.Sleep(10 * time.Second) // of the task
		cut := far
		cut.refuse = true
		runner.way.set(cut)
		runner.way.set(far)
	}
	task = f.ends(task)
	require.Equal(t, store.Success, task.Status, task.Reason)
	require.Equal(t, 1, task.Attempt)
	runner.way.set(fair)
	over := time.Now()
	runner.stop()
	server.stop()
	require.Empty(t, crash.Check(f.evidence(over, over, patience)))
}
