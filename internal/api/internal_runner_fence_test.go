package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// noSweep finds no dead run.
func noSweep(context.Context) ([]job.Swept, error) { return nil, nil }

// claimOne claims the task that waits.
func claimOne(t *testing.T, s *job.RemoteSource) job.Assignment {
	t.Helper()
	list, err := s.Claim(t.Context(), 1)
	require.NoError(t, err)
	require.Len(t, list, 1)
	return list[0]
}

// TestRunnerReachesNoStateOfWhatHasEndedWell nor one that a later task has stored.
func TestRunnerReachesNoStateOfWhatHasEndedWell(t *testing.T) {
	t.Parallel()
	farBackends(t, options{idle: true}, func(t *testing.T, w *world, _ *wire, url string) {
		mine := newRunner(t, w, url, `{"name":"mine"}`).source()
		require.NoError(t, mine.Recover(t.Context(), noSweep))
		key := job.StateKey{ProjectID: w.ids["p"], TemplateID: w.ids["template"], Workspace: "default"}
		run := func(outcome job.Outcome) job.TaskRef {
			w.launch("task")
			a := claimOne(t, mine)
			require.NoError(t, mine.Finish(t.Context(), a.Lease, job.Result{Outcome: outcome}))
			return job.TaskRef{TaskID: a.Lease.TaskID, Attempt: a.Lease.Attempt}
		}
		failed, done := run(job.Failure), run(job.Success)
		_, err := mine.States().Lock(t.Context(), key, done)
		require.ErrorIs(t, err, job.ErrLeaseLost)
		unlock, err := mine.States().Lock(t.Context(), key, failed)
		require.NoError(t, err, "what it wrote may not be stored yet")
		require.NoError(t, unlock())
		require.NoError(t, w.st.Artifacts().SaveState(t.Context(), store.StateKey(key), "", 0, store.StateVersion{Lineage: "l", Serial: 1, TaskID: done.TaskID, Data: []byte("x")}, 3))
		_, err = mine.States().Lock(t.Context(), key, failed)
		require.ErrorIs(t, err, job.ErrLeaseLost)
	})
}

// TestRunnerReachesItsOwnLeasesOnly asks, as one runner, about the task of
// another.
func TestRunnerReachesItsOwnLeasesOnly(t *testing.T) {
	t.Parallel()
	farBackends(t, options{idle: true}, func(t *testing.T, w *world, _ *wire, url string) {
		owner, other := newRunner(t, w, url, `{"name":"mine"}`), newRunner(t, w, url, `{"name":"thief"}`)
		mine, thief := owner.source(), other.source()
		w.launch("task")
		a := claimOne(t, mine)
		require.NoError(t, thief.Recover(t.Context(), noSweep))
		key := job.StateKey{ProjectID: w.ids["p"], TemplateID: w.ids["template"], Workspace: "default"}
		unlock, err := mine.States().Lock(t.Context(), key, job.TaskRef{TaskID: w.ids["task"], Attempt: 1})
		require.NoError(t, err)
		stolen, cipher := other.hello()
		ticket, _ := owner.hello()
		before := w.dump()
		signals, err := thief.Extend(t.Context(), []job.Lease{a.Lease})
		require.NoError(t, err)
		require.Equal(t, []job.Signal{{Lease: a.Lease, Gone: true}}, signals)
		require.ErrorIs(t, thief.Append(t.Context(), a.Lease, job.Report{Seq: 1, Lines: []job.Line{{Time: time.Now(), Text: "forged"}}}), job.ErrLeaseLost)
		require.ErrorIs(t, thief.Finish(t.Context(), a.Lease, job.Result{Outcome: job.Success}), job.ErrLeaseLost)
		_, err = thief.States().Lock(t.Context(), key, job.TaskRef{TaskID: w.ids["task"], Attempt: 1})
		require.ErrorIs(t, err, job.ErrLeaseLost)
		_, err = thief.States().Load(t.Context(), key)
		require.ErrorIs(t, err, job.ErrLeaseLost)
		require.ErrorIs(t, thief.States().Save(t.Context(), key, job.TerraformState{}, job.TerraformState{Lineage: "x", Serial: 1, Data: []byte("{}")}), job.ErrLeaseLost)
		for call, body := range map[string]any{
			"spec":        job.RemoteLease{Lease: a.Lease},
			"bundle/load": job.RemoteBundle{Lease: a.Lease},
			"bundle/save": job.RemoteBundle{Lease: a.Lease, Last: true, Data: cipher.Seal([]byte("forged"), job.RemoteBundlePlace(job.RemoteUp, a.Lease.TaskID, 0, true))},
		} {
			require.Equal(t, http.StatusGone, other.post(call, stolen, body).Status, call)
		}
		made := a.Lease
		made.ID = "made up"
		require.ErrorIs(t, mine.Append(t.Context(), made, job.Report{Seq: 1, Lines: []job.Line{{Time: time.Now(), Text: "forged"}}}), job.ErrLeaseLost)
		require.Equal(t, http.StatusGone, owner.post("spec", ticket, job.RemoteLease{Lease: made}).Status)
		require.Equal(t, http.StatusConflict, owner.post("spec", stolen, job.RemoteLease{Lease: a.Lease}).Status, "sessions are the runner's own")
		elsewhere := key
		elsewhere.TemplateID = w.ids["q_template"]
		_, err = mine.States().Lock(t.Context(), elsewhere, job.TaskRef{TaskID: w.ids["task"], Attempt: 1})
		require.ErrorIs(t, err, job.ErrLeaseLost, "nor the states of other templates")
		require.Equal(t, before, w.dump(), "nothing was changed")
		require.NoError(t, unlock())
		_, err = mine.States().Load(t.Context(), key)
		require.ErrorIs(t, err, job.ErrLeaseLost, "a state is read under its lock")
		spec, err := a.Prepare(t.Context())
		require.NoError(t, err)
		require.Equal(t, w.ids["task"], spec.Task.ID)
	})
}

// TestRunnerWithoutItsKey cannot use the token alone.
func TestRunnerWithoutItsKey(t *testing.T) {
	t.Parallel()
	farBackends(t, options{idle: true}, func(t *testing.T, w *world, _ *wire, url string) {
		r := newRunner(t, w, url, `{"name":"box"}`)
		other, public, err := crypto.GenerateBoxKey()
		require.NoError(t, err)
		_, err = r.source(func(c *job.RemoteConfig) { c.Key, c.PublicKey = other, public.String() }).Claim(t.Context(), 1)
		require.ErrorContains(t, err, "another key")
		_, err = r.source(func(c *job.RemoteConfig) { c.Key = other }).Claim(t.Context(), 1)
		require.ErrorContains(t, err, "private key")
		_, err = r.source(func(c *job.RemoteConfig) { c.Token = "wrong" }).Claim(t.Context(), 1)
		require.ErrorIs(t, err, job.ErrRevoked)
		require.ErrorContains(t, err, "register it again")
		_, err = r.source().Claim(t.Context(), 0)
		require.NoError(t, err)
	})
}

func TestRunnerOfAnotherProtocolIsTold(t *testing.T) {
	t.Parallel()
	farBackends(t, options{idle: true}, func(t *testing.T, w *world, x *wire, url string) {
		r := newRunner(t, w, url, `{"name":"box"}`)
		x.set(func() {
			x.edit = func(_ string, h http.Header, _ *[]byte) { h.Set(job.RemoteVersionHeader, "0") }
		})
		_, err := r.source().Claim(t.Context(), 1)
		require.ErrorContains(t, err, "install the runner of the server's version")
		plain := r.source(func(c *job.RemoteConfig) { c.URL = strings.TrimSuffix(url, "/prefix") + "/elsewhere" })
		_, err = plain.Claim(t.Context(), 1)
		require.ErrorContains(t, err, "check the address")
	})
}

// TestRunnerIsRevoked removes a runner: its polls end, its tool is killed, and
// its program is told.
func TestRunnerIsRevoked(t *testing.T) {
	t.Parallel()
	farBackends(t, options{}, func(t *testing.T, w *world, _ *wire, url string) {
		for _, busy := range []bool{true, false} {
			r := newRunner(t, w, url, `{"name":"box"}`)
			w.ids["box"] = r.id
			running, ended := make(chan struct{}), make(chan error, 1)
			p := r.start(executorFunc(func(ctx context.Context, _ *job.Spec, _ job.Sink) error {
				close(running)
				<-ctx.Done()
				ended <- context.Cause(ctx)
				return context.Cause(ctx)
			}))
			if busy {
				w.launch("task")
				<-running
			}
			begun := time.Now()
			require.Equal(t, http.StatusNoContent, w.do("admin", "DELETE", "/runners/{box}", "").Status)
			require.ErrorIs(t, <-p.failed, job.ErrRevoked)
			if busy {
				require.ErrorIs(t, <-ended, job.ErrLeaseLost)
			}
			require.Less(t, time.Since(begun), 5*time.Second)
			p.stop()
		}
	})
}

// executorFunc makes an Executor of a function.
type executorFunc func(context.Context, *job.Spec, job.Sink) error

// Run calls the function.
func (f executorFunc) Run(ctx context.Context, spec *job.Spec, sink job.Sink) error {
	return f(ctx, spec, sink)
}

func TestRunnerThatIsSwitchedOffGetsNothing(t *testing.T) {
	t.Parallel()
	farBackends(t, options{}, func(t *testing.T, w *world, _ *wire, url string) {
		r := newRunner(t, w, url, `{"name":"box"}`)
		w.ids["box"] = r.id
		idle := newRunner(t, w, url, `{"name":"idle"}`)
		w.ids["idle"] = idle.id
		polled := make(chan error, 1)
		require.Equal(t, http.StatusNoContent, w.do("admin", "POST", "/runners/{idle}", `{"name":"idle","active":true,"tag":"gpu","max_parallel_tasks":1}`).Status)
		p := r.start(printing(300, 10*time.Millisecond), func(w *job.Worker) { w.Capacity = 1 })
		w.launch("task")
		w.prints("task", 1)
		begun := time.Now()
		require.Equal(t, http.StatusNoContent, w.do("admin", "POST", "/runners/{box}/active", `{"active":false}`).Status)
		s := idle.source()
		go func() {
			_, err := s.Claim(t.Context(), 1)
			polled <- err
		}()
		require.Equal(t, http.StatusNoContent, w.do("admin", "POST", "/runners/{idle}/active", `{"active":false}`).Status)
		require.ErrorContains(t, <-polled, "switched off", "an open poll ends")
		require.Less(t, time.Since(begun), 5*time.Second)
		w.launch("waits")
		w.reaches("task", store.Success)
		require.Equal(t, store.Waiting, w.task("waits").Status, "what runs goes on, nothing more begins")
		require.Equal(t, http.StatusNoContent, w.do("admin", "POST", "/runners/{box}/active", `{"active":true}`).Status)
		w.reaches("waits", store.Success)
		p.stop()
	})
}

// TestRunnersShareByTagProjectAndLimit runs many tasks on three runners.
func TestRunnersShareByTagProjectAndLimit(t *testing.T) {
	t.Parallel()
	o := options{pool: func(c *pool.Config) { c.MaxParallel = 20 }}
	farBackends(t, o, func(t *testing.T, w *world, _ *wire, url string) {
		parallel := func(tag string) {
			tpl, err := w.st.Templates().Create(t.Context(), store.Template{
				ProjectID: w.ids["p"], Name: "many " + tag, App: "bash", Playbook: "x.sh", RepositoryID: w.ids["repository"],
				AllowParallelTasks: true, RunnerTag: &tag,
			})
			require.NoError(t, err)
			w.ids["many"+tag] = tpl.ID
		}
		parallel("gpu")
		parallel("")
		one := newRunner(t, w, url, `{"name":"gpu","tag":"gpu","max_parallel_tasks":2}`)
		two := newRunner(t, w, url, `{"name":"plain","max_parallel_tasks":3}`)
		foreign := newRunner(t, w, url, `{"name":"foreign","project_id":{q}}`)
		counts := map[int64]*tally{one.id: {}, two.id: {}, foreign.id: {}}
		for _, r := range []*farRunner{one, two, foreign} {
			r.start(counts[r.id], func(w *job.Worker) { w.Capacity = 10 })
		}
		for i := range 12 {
			tag := []string{"gpu", ""}[i%2]
			w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{many`+tag+`}}`)
		}
		require.Eventually(t, func() bool {
			n, err := w.st.Tasks().Counts(t.Context(), store.TaskFilter{ProjectID: w.ids["p"]})
			return err == nil && n[store.Success] == 12
		}, 20*time.Second, 5*time.Millisecond)
		require.Zero(t, counts[foreign.id].runs.Load(), "a runner of another project gets nothing")
		require.LessOrEqual(t, counts[one.id].most.Load(), int64(2), "limits are kept")
		require.LessOrEqual(t, counts[two.id].most.Load(), int64(3))
		require.GreaterOrEqual(t, counts[one.id].runs.Load(), int64(6), "tagged tasks go to the runner of the tag")
		require.Zero(t, counts[two.id].tagged.Load())
	})
}

// tally counts what a runner is given.
type tally struct{ now, most, runs, tagged atomic.Int64 }

// Run takes a moment.
func (c *tally) Run(ctx context.Context, spec *job.Spec, _ job.Sink) error {
	c.runs.Add(1)
	if spec.Task.RunnerTag != "" {
		c.tagged.Add(1)
	}
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for m := c.most.Load(); n > m; m = c.most.Load() {
		if c.most.CompareAndSwap(m, n) {
			break
		}
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(30 * time.Millisecond):
		return nil
	}
}

// TestRunnersLeaveUntaggedTasksToTheServer runs them where they were added,
// however busy that is, unless it runs none.
func TestRunnersLeaveUntaggedTasksToTheServer(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) (store.Store, func() string){"memory": openMemory, "sqlite": openSQLite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release, began := make(chan struct{}), make(chan struct{}, 2)
			local := executorFunc(func(context.Context, *job.Spec, job.Sink) error {
				began <- struct{}{}
				<-release
				return nil
			})
			w, _, url := farWorld(t, options{pool: func(c *pool.Config) { c.Executor, c.Capacity = local, 1 }}, open)
			tagged, plain := printing(2, 0), printing(3, 0)
			newRunner(t, w, url, `{"name":"box","tag":"gpu"}`).start(tagged)
			newRunner(t, w, url, `{"name":"plain"}`).start(plain)
			tpl, err := w.st.Templates().Get(t.Context(), w.ids["p"], w.ids["template"])
			require.NoError(t, err)
			tpl.AllowParallelTasks = true
			require.NoError(t, w.st.Templates().Update(t.Context(), tpl))
			w.launch("first")
			<-began
			w.launch("second")
			gpu := "gpu"
			tpl.RunnerTag = &gpu
			require.NoError(t, w.st.Templates().Update(t.Context(), tpl))
			w.launch("tagged")
			w.reaches("tagged", store.Success)
			require.Equal(t, store.Waiting, w.task("second").Status)
			close(release)
			w.reaches("second", store.Success)
			require.Len(t, w.output("tagged"), 2)
			require.Len(t, tagged.Runs(), 1)
			require.Empty(t, plain.Runs())
		})
	}
}

// TestRunnerReachesItsOwnLeasesAfterARestart asks a server that has no memory
// of the lease.
func TestRunnerReachesItsOwnLeasesAfterARestart(t *testing.T) {
	t.Parallel()
	farBackends(t, options{idle: true}, func(t *testing.T, w *world, x *wire, url string) {
		mine, thief := newRunner(t, w, url, `{"name":"mine"}`).source(), newRunner(t, w, url, `{"name":"thief"}`).source()
		w.launch("task")
		a := claimOne(t, mine)
		require.NoError(t, thief.Recover(t.Context(), noSweep))
		before := w.dump()
		next := assemble(t, options{ring: w.ring, pool: func(c *pool.Config) { c.Executor = nil }},
			func(*testing.T) (store.Store, func() string) { return w.st, w.dump })
		x.set(func() { x.handler = next.handler })
		report := job.Report{Seq: 1, Lines: []job.Line{{Time: time.Now(), Text: "line 0"}}}
		require.ErrorIs(t, thief.Append(t.Context(), a.Lease, report), job.ErrLeaseLost)
		require.ErrorIs(t, thief.Finish(t.Context(), a.Lease, job.Result{Outcome: job.Success}), job.ErrLeaseLost)
		earlier := a.Lease
		earlier.Attempt--
		require.ErrorIs(t, mine.Append(t.Context(), earlier, report), job.ErrLeaseLost)
		require.Equal(t, before, w.dump())
		require.NoError(t, mine.Append(t.Context(), a.Lease, report))
		require.NoError(t, mine.Append(t.Context(), a.Lease, report))
		wantLines(t, w.output("task"), 1)
	})
}

func TestRunnerClearsItsCaches(t *testing.T) {
	t.Parallel()
	farBackends(t, options{idle: true}, func(t *testing.T, w *world, _ *wire, url string) {
		r := newRunner(t, w, url, `{"name":"box"}`)
		w.ids["box"] = r.id
		cleaned := 0
		s := r.source(func(c *job.RemoteConfig) {
			c.Clean = func(context.Context) error { cleaned++; return errors.New("in use") }
		})
		require.Equal(t, http.StatusNoContent, w.do("admin", "DELETE", "/runners/{box}/cache", "").Status)
		_, err := s.Claim(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, 1, cleaned)
		w.launch("task")
		claimOne(t, s)
		row, err := w.st.Runners().Get(t.Context(), 0, r.id)
		require.NoError(t, err)
		require.Nil(t, row.CleaningRequested)
		require.Equal(t, 1, cleaned)
	})
}
