package crash_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/store"
)

// errPlain is what a store answers that does not know better.
var errPlain = errors.New("injected: connection reset")

// deep is up to which call of each method is made to fail.
func deep() int {
	if soak() {
		return 12
	}
	return 3
}

// TestEveryCallMayFail lets single calls of the store fail under a pool that
// does a bit of everything: all ends as it should, and nothing is done twice.
func TestEveryCallMayFail(t *testing.T) {
	t.Parallel()
	var counts map[string]int
	t.Run("none", func(t *testing.T) { counts = withFaults(t, &crash.Faults{}) })
	for _, method := range []string{
		"Queue.Claim", "Queue.Extend", "Queue.Append", "Queue.Finish", "Queue.Expire", "Queue.Outbox", "Queue.Settle", "Queue.Leases",
		"Tasks.Create", "Tasks.Get", "Tasks.List", "Logs.Compact", "Schedules.Due", "Schedules.Next", "Schedules.Advance",
		"Artifacts.LockState", "Artifacts.UnlockState", "Artifacts.State", "Artifacts.SaveState", "Artifacts.SaveBundle", "InTx",
	} {
		require.Positive(t, counts[method], "the workload never calls %s", method)
	}
	for method, calls := range counts {
		for call := 1; call <= min(calls, deep()); call++ {
			for _, f := range []*crash.Faults{
				{Method: method, Call: call, Err: fmt.Errorf("injected: %w", store.ErrBusy)},
				{Method: method, Call: call, Err: fmt.Errorf("injected: %w", store.ErrBusy), After: true},
				{Method: method, Call: call, Err: errPlain},
			} {
				t.Run(fmt.Sprintf("%s/%d/after=%t/busy=%t", method, call, f.After, !errors.Is(f.Err, errPlain)), func(t *testing.T) {
					t.Parallel()
					withFaults(t, f)
					require.Equal(t, 1, f.Fired(), "the fault has to fire")
				})
			}
		}
	}
}

// withFaults does the work in a bubble, where waiting takes no time.
func withFaults(t *testing.T, f *crash.Faults) (counts map[string]int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t, f)
		w.do()
		w.check()
		counts = f.Counts()
	})
	return counts
}

// check holds what became of the work against what should have.
func (w *work) check() {
	t := w.t
	t.Helper()
	tasks, err := w.st.Tasks().List(t.Context(), store.TaskFilter{ProjectID: w.pool.Project.ID, Limit: 1000})
	require.NoError(t, err)
	names := map[string]int{}
	for _, task := range tasks.Items {
		names[task.TemplateName]++
		want := w.want[task.TemplateName]
		if want.status == store.Success && w.mayFail(task.Task) {
			continue
		}
		require.Equal(t, want.status, task.Status, "%s: %s", task.TemplateName, task.Reason)
		require.Contains(t, task.Reason, want.reason)
		require.Equal(t, want.runs, w.ran.count(task.ID), "runs of %s", task.TemplateName)
		require.Equal(t, want.lines, w.lines(task.Task), task.TemplateName)
	}
	require.Equal(t, map[string]int{"plain": 1, "infra": 1, "build": 1, "deploy": 1, "broken": 1, "long": 1, "clock": 1}, names)
	leases, err := w.st.Queue().Leases(t.Context())
	require.NoError(t, err)
	require.Empty(t, leases)
	schedule, err := w.st.Schedules().Get(t.Context(), w.pool.Project.ID, w.schedule)
	require.NoError(t, err)
	require.False(t, schedule.Active)
	for _, task := range tasks.Items {
		require.Positive(t, w.told.count(task.ID), "nobody was told of the end of %s", task.TemplateName)
	}
}

// mayFail tells whether the fault is one that a run has to end with: where its
// state or bundle cannot be kept, or its secrets cannot be read, and the store
// does not say that trying again helps.
func (w *work) mayFail(t store.Task) bool {
	if !strings.Contains(t.Reason, "injected") {
		return false
	}
	states := w.nameOf(t) == "infra" && (strings.HasPrefix(w.faults.Method, "Artifacts.") || w.faults.Method == "Queue.Leases")
	return t.Status == store.Failed && (states || errors.Is(w.faults.Err, errPlain))
}

// lines are those of the tool, without what was told about it.
func (w *work) lines(task store.Task) []string {
	page, err := w.st.Logs().Read(w.t.Context(), task.ProjectID, task.ID, 0, 1000)
	require.NoError(w.t, err)
	texts := []string{}
	for _, l := range page.Lines {
		if l.Stream == 0 {
			texts = append(texts, l.Text)
		}
	}
	return slices.Clip(texts)
}
