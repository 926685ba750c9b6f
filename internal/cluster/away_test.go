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

// TestADatabaseThatIsAwayEndsNoTask takes the database away for longer than any
// time but that after which a task is lost.
func TestADatabaseThatIsAwayEndsNoTask(t *testing.T) {
	t.Parallel()
	length := 25 * time.Second
	if soak() {
		length = 90 * time.Second
	}
	f := newFleet(t, pgtest.Own(t), "SEMAPHORE_LOST_AFTER_SEC=600", "SEMAPHORE_LOST_AFTER_RETRY_SEC=30", "SEMAPHORE_MAX_PARALLEL_TASKS=0")
	f.maxParallel, f.capacity = 0, 4
	for _, name := range []string{"server 1", "server 2"} {
		f.server(name).start().serves()
	}
	f.runnerOf("runner", tag).start().serves()
	during := script{lines: int(length.Seconds()), pause: 500}
	beyond := script{lines: 2*int(length.Seconds()) + 20, pause: 999, again: 5}
	var plain, retried []store.Task
	for _, tag := range []string{"", tag} {
		once := f.template("one", tag, store.Template{Name: "once " + tag, AllowParallelTasks: true})
		plain = append(plain, f.add(once, during), f.add(once, beyond))
		again := f.template("two", tag, store.Template{Name: "again " + tag, AllowParallelTasks: true, Options: store.TemplateOptions{MaxRetries: 2}})
		retried = append(retried, f.add(again, beyond))
	}
	for _, task := range append(plain, retried...) {
		f.awaitEvent(task, 1, crash.Started)
	}
	for _, m := range f.machines { // none of them can tell that it lives
		f.kills = append(f.kills, crash.Kill{At: time.Now(), Where: m.name})
	}
	f.pg.Kill(t)
	time.Sleep(length) // it is away
	f.pg.Start(t)
	since := time.Now()
	over := f.awaitEnd(since, 2*time.Minute)
	for _, m := range f.machines {
		m.stop()
	}
	for _, fault := range crash.Check(f.evidence(since, over, 2*time.Minute)) {
		t.Error(fault)
	}
	for _, task := range plain {
		now := f.task(task)
		require.Equal(t, store.Success, now.Status, "task %d: %s", now.ID, now.Reason)
		require.Equal(t, 1, now.Attempt, "task %d runs on", now.ID)
	}
	for _, task := range retried {
		now := f.task(task)
		require.Equal(t, store.Success, now.Status, "task %d: %s", now.ID, now.Reason)
		t.Logf("task %d, which may be tried again, has succeeded in attempt %d", now.ID, now.Attempt)
	}
}
