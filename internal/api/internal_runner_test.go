package api_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

func decodeAnswer(a answer, v any) error { return json.Unmarshal([]byte(a.Body), v) }

// farBackends runs a test on every store.
func farBackends(t *testing.T, o options, f func(t *testing.T, w *world, x *wire, url string)) {
	for _, name := range storesOf() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, x, url := farWorld(t, o, func(t *testing.T) (store.Store, func() string) { return openStore(t, name) })
			w.alive()
			f(t, w, x, url)
		})
	}
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

// prints waits until a task has printed some lines.
func (w *world) prints(name string, n int) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return len(w.output(name)) >= n }, 20*time.Second, time.Millisecond)
}

// launch starts a task of {template} that is called name.
func (w *world) launch(name string) {
	w.t.Helper()
	w.created(name, "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
}

func (w *world) task(name string) store.Task {
	w.t.Helper()
	row, err := w.st.Tasks().Get(w.t.Context(), w.ids["p"], w.ids[name])
	require.NoError(w.t, err)
	return row
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
		r := newRunner(t, w, url, `{"name":"box","max_parallel_tasks":2}`)
		fake := printing(500, 0)
		r.start(fake)
		w.launch("task")
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
		require.Equal(t, r.id, *w.task("task").RunnerID)
	})
}

func TestCallsOfRunnersAreLoggedWhereSomethingIsWrong(t *testing.T) {
	t.Parallel()
	var calls journal
	log := slog.New(slog.NewTextHandler(&calls, nil))
	w, _, url := farWorld(t, options{api: func(c *api.Config) { c.AccessLog = log }}, openSQLite)
	newRunner(t, w, url, `{"name":"box"}`).start(printing(5, 0))
	w.launch("task")
	w.reaches("task", store.Success)
	require.Contains(t, calls.String(), "/runner/v1/enroll", "who enrolled is told")
	require.NotContains(t, calls.String(), "{call...}", "several a second for each task")
	w.do("", "POST", "/internal/runner/v1/claim", `{}`, job.RemoteVersionHeader, "1", "Authorization", "Bearer x")
	require.Contains(t, calls.String(), `status=401`)
}

// TestRunnerIsStoppedAtOnce leaves nothing to polls and extensions: the task and
// its stop travel by wake-ups alone.
func TestRunnerIsStoppedAtOnce(t *testing.T) {
	t.Parallel()
	o := options{pool: func(c *pool.Config) { c.Poll, c.LeaseTTL = time.Minute, time.Minute }}
	farBackends(t, o, func(t *testing.T, w *world, _ *wire, url string) {
		r := newRunner(t, w, url, `{"name":"box"}`)
		r.start(printing(1_000_000, 10*time.Millisecond))
		w.launch("task")
		w.prints("task", 3)
		begun := time.Now()
		require.Equal(t, http.StatusNoContent, w.do("owner", "POST", "/project/{p}/tasks/{task}/stop", "{}").Status)
		w.reaches("task", store.Stopped)
		require.Less(t, time.Since(begun), 2*time.Second)
		got := w.output("task")
		wantLines(t, got, len(got))
	})
}

// TestRunnerLosesNoAnswer loses the answer to calls that were served: what was
// claimed comes again, and nothing is told twice.
func TestRunnerLosesNoAnswer(t *testing.T) {
	t.Parallel()
	farBackends(t, options{}, func(t *testing.T, w *world, x *wire, url string) {
		r := newRunner(t, w, url, `{"name":"box"}`)
		lost := map[string]int{}
		x.set(func() {
			x.lose = func(path string) bool {
				lost[path]++
				return lost[path]%2 == 1
			}
		})
		fake := printing(30, 20*time.Millisecond)
		r.start(fake)
		w.launch("task")
		w.reaches("task", store.Success)
		wantLines(t, w.output("task"), 30)
		require.Len(t, fake.Runs(), 1)
		require.Equal(t, 1, w.task("task").Attempt)
		for _, call := range []string{"claim", "spec", "append", "finish"} {
			require.Eventually(t, func() (twice bool) {
				x.set(func() { twice = lost["/prefix/api/internal/runner/v1/"+call] >= 2 })
				return twice
			}, 20*time.Second, time.Millisecond, call)
		}
	})
}

func TestRunnerOutlastsAnOutage(t *testing.T) {
	t.Parallel()
	farBackends(t, options{}, func(t *testing.T, w *world, x *wire, url string) {
		r := newRunner(t, w, url, `{"name":"box"}`)
		r.start(printing(200, 10*time.Millisecond), func(w *job.Worker) { w.Memory = 2000 })
		w.launch("task")
		w.prints("task", 3)
		x.set(func() { x.cut = true })
		require.Eventually(t, func() bool { return w.task("task").Unreachable }, 20*time.Second, 10*time.Millisecond, "it is known to be unreachable")
		x.set(func() { x.cut = false })
		w.reaches("task", store.Success)
		wantLines(t, w.output("task"), 200)
		require.Equal(t, 1, w.task("task").Attempt)
	})
}

// TestRunnerOutlastsTheServer replaces the server in mid task: the same attempt
// goes on at the new one.
func TestRunnerOutlastsTheServer(t *testing.T) {
	t.Parallel()
	farBackends(t, options{idle: true}, func(t *testing.T, w *world, x *wire, url string) {
		stop := w.runUntil()
		r := newRunner(t, w, url, `{"name":"box"}`)
		r.start(printing(200, 10*time.Millisecond))
		w.launch("task")
		w.prints("task", 3)
		x.set(func() { x.cut = true })
		stop()
		next := assemble(t, options{ring: w.ring, pool: func(c *pool.Config) { c.Executor, c.LeaseTTL = nil, 3*time.Second }},
			func(*testing.T) (store.Store, func() string) { return w.st, w.dump })
		next.run()
		x.set(func() { x.cut, x.handler = false, next.handler })
		w.reaches("task", store.Success)
		wantLines(t, w.output("task"), 200)
		require.Equal(t, 1, w.task("task").Attempt)
		w.pool = next.pool
		w.handler = next.handler
		w.launch("another")
		w.reaches("another", store.Success)
	})
}

// TestRunnerThatRestarts tells that its former process is dead: its tasks end
// at once.
func TestRunnerThatRestarts(t *testing.T) {
	t.Parallel()
	farBackends(t, options{}, func(t *testing.T, w *world, _ *wire, url string) {
		r := newRunner(t, w, url, `{"name":"box"}`)
		other := newRunner(t, w, url, `{"name":"other"}`)
		dead := r.source()
		claimed, err := dead.Claim(t.Context(), 0)
		require.NoError(t, err)
		require.Empty(t, claimed)
		w.launch("task")
		claimed, err = dead.Claim(t.Context(), 1)
		require.NoError(t, err)
		require.Len(t, claimed, 1)
		require.NoError(t, other.source().Recover(t.Context(), noSweep), "another runner says nothing of this one")
		require.NoError(t, r.source(func(c *job.RemoteConfig) { c.Instance = "elsewhere" }).Recover(t.Context(), noSweep), "nor the same from another directory")
		require.Equal(t, store.Starting, w.task("task").Status)
		require.NoError(t, r.source().Recover(t.Context(), noSweep))
		require.Equal(t, store.Failed, w.task("task").Status)
		require.Equal(t, store.LostReason, w.task("task").Reason)
		err = dead.Append(t.Context(), claimed[0].Lease, job.Report{Seq: 1, Lines: []job.Line{{Time: time.Now(), Text: "still here"}}})
		require.ErrorIs(t, err, job.ErrLeaseLost)
		require.Equal(t, []string{"still here"}, w.output("task"), "what it still says is kept as late")
		require.True(t, w.task("task").Late)
	})
}
