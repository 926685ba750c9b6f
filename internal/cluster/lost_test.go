//go:build linux

package cluster_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/nodes"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
)

func TestTheOthersGoOnWhereAServerIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Shared(t), "SEMAPHORE_LOST_AFTER_SEC=20", "SEMAPHORE_LOST_AFTER_RETRY_SEC=20")
	gated := w.template("gated.sh", nil)
	task := w.a.run(gated)
	victim, survivor := w.host(task)
	behind := survivor.run(gated)
	live := survivor.watch()

	killed := time.Now()
	victim.signal(syscall.SIGKILL)
	require.Equal(t, -1, victim.exit())
	quick := w.templateBy(survivor, "quick.sh", nil)
	for range 3 {
		survivor.becomes(survivor.run(quick), store.Success)
	}
	t.Logf("tasks that waited have run %v after the kill", time.Since(killed).Round(time.Millisecond))

	eventually(t, func() bool { return survivor.task(task).Unreachable }, "the task is to be unreachable")
	took := time.Since(killed)
	t.Logf("unreachable after %v", took.Round(time.Millisecond))
	require.Less(t, took, 17*time.Second, "15 s, and what it takes to look")
	require.Equal(t, store.Running, survivor.task(task).Status, "nothing is ended yet")
	require.Equal(t, store.Waiting, survivor.task(behind).Status, "and what it excludes waits")
	eventually(t, func() bool { return survivor.alive() == 1 }, "the server is to be gone from the list")
	took = time.Since(killed)
	t.Logf("gone from the list after %v", took.Round(time.Millisecond))
	require.Less(t, took, nodes.Dead+2*time.Second)

	lost := survivor.becomes(task, store.Failed)
	t.Logf("lost after %v", time.Since(killed).Round(time.Millisecond))
	require.Equal(t, store.LostReason, lost.Reason)
	live.status(task, store.Failed)
	w.open()
	survivor.becomes(behind, store.Success)
	require.NotContains(t, survivor.output(task), "through", "its script ended with the server")

	again := w.begin().serves()
	eventually(t, func() bool { return survivor.alive() == 2 }, "another server is to be on the list")
	again.becomes(again.run(quick), store.Success)
}
