package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/store"
)

func decodeAnswer(a answer, v any) error { return json.Unmarshal([]byte(a.Body), v) }

// farBackends runs a test on every store.
func farBackends(t *testing.T, o options, f func(t *testing.T, w *world, x *wire, url string)) {
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		w, x, url := farWorld(t, o, openMemory)
		f(t, w, x, url)
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		w, x, url := farWorld(t, o, openSQLite)
		f(t, w, x, url)
	})
}

// printing is an executor that prints n lines.
func printing(n int, pause time.Duration) *jobtest.Fake {
	return &jobtest.Fake{Script: func(*job.Spec) jobtest.Script {
		s := jobtest.Script{Delay: pause}
		for i := range n {
			s.Lines = append(s.Lines, fmt.Sprintf("line %d", i))
		}
		return s
	}}
}

// output is what a task has printed, its own lines only.
func (w *world) output(name string) []string {
	w.t.Helper()
	page, err := w.st.Logs().Read(w.t.Context(), w.ids["p"], w.ids[name], 0, 1_000_000)
	require.NoError(w.t, err)
	var list []string
	for _, l := range page.Lines {
		if l.Stream == uint8(job.Out) {
			list = append(list, l.Text)
		}
	}
	return list
}

func wantLines(t *testing.T, got []string, n int) {
	t.Helper()
	require.Len(t, got, n)
	for i, line := range got {
		require.Equal(t, fmt.Sprintf("line %d", i), line)
	}
}

func TestRunnerRunsATask(t *testing.T) {
	t.Parallel()
	farBackends(t, options{}, func(t *testing.T, w *world, x *wire, url string) {
		w.alive()
		r := newRunner(t, w, url, `{"name":"box","max_parallel_tasks":2}`)
		fake := printing(500, 0)
		r.start(fake)
		w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
		w.reaches("task", store.Success)
		wantLines(t, w.output("task"), 500)
		require.Len(t, fake.Runs(), 1)
		key := fake.Runs()[0].Repository.Key
		require.Equal(t, "canary-password", key.Password.Reveal(), "secrets arrive")
		require.NotContains(t, x.seen(), "canary-password", "and are never in clear on the way")
		require.Contains(t, x.seen(), `"text":"line 499"`, "which is seen whole")
		row, err := w.st.Runners().Get(t.Context(), 0, r.id)
		require.NoError(t, err)
		require.Equal(t, "9.9.9", row.Version)
		require.Equal(t, "far linux/amd64", row.Host)
		require.NotNil(t, row.Touched)
		require.Nil(t, row.EnrollBefore)
		task, err := w.st.Tasks().Get(t.Context(), w.ids["p"], w.ids["task"])
		require.NoError(t, err)
		require.Equal(t, r.id, *task.RunnerID)
	})
}

func TestRunnerIsStoppedAtOnce(t *testing.T) {
	t.Parallel()
	farBackends(t, options{}, func(t *testing.T, w *world, _ *wire, url string) {
		w.alive()
		r := newRunner(t, w, url, `{"name":"box"}`)
		r.start(printing(1_000_000, 10*time.Millisecond))
		w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
		require.Eventually(t, func() bool { return len(w.output("task")) > 2 }, 20*time.Second, time.Millisecond)
		begun := time.Now()
		require.Equal(t, http.StatusNoContent, w.do("owner", "POST", "/project/{p}/tasks/{task}/stop", "{}").Status)
		w.reaches("task", store.Stopped)
		require.Less(t, time.Since(begun), 2*time.Second)
		got := w.output("task")
		wantLines(t, got, len(got))
	})
}
