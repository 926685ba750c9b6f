package crash_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func soak() bool { return os.Getenv("SEMAPHORE_SOAK") != "" }

// work is one task of each kind, under a pool whose store may fail, and people
// who use the same store beside it.
type work struct {
	t        *testing.T
	faults   *crash.Faults
	st       *memory.Store
	pool     *pooltest.Pool // its store fails
	beside   *pool.TaskPool // its store does not
	schedule int64
	ran      tally // runs by task
	told     tally // alerts by task
	want     map[string]outcome
}

// outcome is what is to become of the task of a template.
type outcome struct {
	status store.Status
	reason string
	runs   int
	lines  []string
}

// tally counts by task.
type tally struct {
	mu sync.Mutex
	n  map[int64]int
}

func (c *tally) add(task int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[int64]int{}
	}
	c.n[task]++
}

func (c *tally) count(task int64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[task]
}

// Alert makes it a pool.Alerter.
func (c *tally) Alert(_ context.Context, a pool.Alert) error {
	if a.Kind == store.OutboxFinished {
		c.add(a.Task.ID)
	}
	return nil
}

func newWork(t *testing.T, f *crash.Faults) *work {
	t.Helper()
	w := &work{t: t, faults: f, st: memory.New(memory.Config{}), want: map[string]outcome{
		"plain":  {store.Success, "", 1, []string{"one", "two"}},
		"clock":  {store.Success, "", 1, []string{"one", "two"}},
		"build":  {store.Success, "", 1, []string{"one", "two"}},
		"deploy": {store.Success, "", 1, []string{"one", "two"}},
		"infra":  {store.Success, "", 2, []string{"planned", "applied"}},
		"broken": {store.Failed, "was deleted", 0, []string{}},
		"long":   {store.Stopped, "", 1, []string{}},
	}}
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	faulty := f.Wrap(w.st)
	w.pool = pooltest.New(t, pooltest.Options{
		Store: faulty, Idle: true, Executor: stateful{w, pool.States(faulty, ring), pool.Bundles(faulty, ring)},
		Config: pool.Config{Ring: ring, LeaseTTL: 3 * time.Second, Alerter: &w.told},
	})
	w.beside, err = pool.New(w.st, pool.Config{Ring: ring})
	require.NoError(t, err)
	return w
}

// stateful is an executor that keeps a state and a bundle for Terraform.
type stateful struct {
	work    *work
	states  job.StateStore
	bundles job.BundleStore
}

func (e stateful) Run(ctx context.Context, spec *job.Spec, sink job.Sink) error {
	e.work.ran.add(spec.Task.ID)
	script := jobtest.Script{Lines: []string{"one", "two"}, Delay: 2 * time.Second}
	switch {
	case spec.Playbook == "long.sh":
		script = jobtest.Script{Delay: time.Hour}
	case spec.App == "terraform" && spec.Resume:
		script.Lines = []string{"applied"}
	case spec.App == "terraform":
		script.Lines, script.Plan = []string{"planned"}, &job.PlanSummary{Add: 1, Changes: []job.PlanChange{}}
	}
	if spec.App == "terraform" {
		if err := e.keep(ctx, spec); err != nil {
			return err
		}
	}
	return (&jobtest.Fake{Script: func(*job.Spec) jobtest.Script { return script }}).Run(ctx, spec, sink)
}

// Sweep gives back what dead runs hold.
func (e stateful) Sweep(ctx context.Context) ([]job.Swept, error) {
	return nil, e.states.(job.DeadReleaser).ReleaseDead(ctx, func(job.TaskRef) bool { return false })
}

func (e stateful) keep(ctx context.Context, spec *job.Spec) error {
	key := job.StateKey{ProjectID: spec.Task.ProjectID, TemplateID: spec.Template.ID, Workspace: "default"}
	unlock, err := e.states.Lock(ctx, key, job.TaskRef{TaskID: spec.Task.ID, Attempt: spec.Task.Attempt})
	if err != nil {
		return err
	}
	old, err := e.states.Load(ctx, key)
	if err == nil {
		err = e.states.Save(ctx, key, old, job.TerraformState{Lineage: "l", Serial: old.Serial + 1, Data: []byte("{}")})
	}
	if err == nil {
		err = e.bundles.Save(ctx, spec.Task.ID, strings.NewReader("bundle"))
	}
	if unlockErr := unlock(); err == nil {
		err = unlockErr
	}
	return err
}

// do runs the pool until everything has ended.
func (w *work) do() {
	t := w.t
	t.Helper()
	build := w.pool.Template(store.Template{Name: "build", Type: store.TemplateBuild})
	w.pool.Template(store.Template{Name: "deploy", Type: store.TemplateDeploy, BuildTemplateID: &build.ID, Autorun: true})
	clock := w.pool.Template(store.Template{Name: "clock"})
	at := time.Now().Add(3 * time.Second)
	schedule, err := w.st.Schedules().Create(t.Context(), store.Schedule{
		ProjectID: clock.ProjectID, TemplateID: clock.ID, Name: "soon", Active: true, Type: store.ScheduleRunAt, RunAt: &at,
	})
	require.NoError(t, err)
	w.schedule = schedule.ID
	w.add(build)
	w.add(w.pool.Template(store.Template{Name: "plain"}))
	w.addBroken()
	infra := w.add(w.pool.Template(store.Template{Name: "infra", App: "terraform", Playbook: "infra"}))
	long := w.add(w.pool.Template(store.Template{Name: "long", Playbook: "long.sh"}))

	w.faults.Arm()
	stop := w.pool.Start()
	defer stop()
	w.until(func() bool { return w.status(long) == store.Running })
	_, err = w.beside.StopTask(t.Context(), long.ProjectID, long.ID, false, pool.Caller{})
	require.NoError(t, err)
	w.until(func() bool { s := w.status(infra); return s == store.WaitingConfirmation || s.Finished() })
	if w.status(infra) == store.WaitingConfirmation {
		_, err = w.beside.Confirm(t.Context(), infra.ProjectID, infra.ID, pool.Caller{})
		require.NoError(t, err)
	}
	w.until(w.over)
}

// until waits for something that takes no time outside of the bubble.
func (w *work) until(done func() bool) {
	w.t.Helper()
	for range 3600 {
		if done() {
			return
		}
		time.Sleep(time.Second) // of the bubble
	}
	tasks, _ := w.st.Tasks().List(w.t.Context(), store.TaskFilter{})
	for _, t := range tasks.Items {
		w.t.Logf("%s: %s %s, attempt %d", t.TemplateName, t.Status, t.Reason, t.Attempt)
	}
	w.t.Fatal("an hour has passed")
}

// over tells whether all that is to come has come, and everybody knows.
func (w *work) over() bool {
	tasks, err := w.st.Tasks().List(w.t.Context(), store.TaskFilter{})
	require.NoError(w.t, err)
	seen := map[string]bool{}
	for _, t := range tasks.Items {
		if !t.Status.Finished() || w.told.count(t.ID) == 0 {
			return false
		}
		seen[t.TemplateName] = true
	}
	return len(seen) == len(w.want) || seen["clock"] && !seen["deploy"] && w.buildFailed()
}

// buildFailed tells that there is no deploy to wait for.
func (w *work) buildFailed() bool {
	counts, err := w.st.Tasks().Counts(w.t.Context(), store.TaskFilter{Statuses: []store.Status{store.Failed}})
	require.NoError(w.t, err)
	return counts[store.Failed] > 1
}

func (w *work) status(task store.Task) store.Status {
	now, err := w.st.Tasks().Get(w.t.Context(), task.ProjectID, task.ID)
	require.NoError(w.t, err)
	return now.Status
}

func (w *work) nameOf(task store.Task) string {
	tpl, err := w.st.Templates().Get(w.t.Context(), task.ProjectID, task.TemplateID)
	require.NoError(w.t, err)
	return tpl.Name
}

func (w *work) add(tpl store.Template) store.Task {
	w.t.Helper()
	task, err := w.beside.AddTask(w.t.Context(), pool.AddRequest{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
	require.NoError(w.t, err)
	return task
}

// addBroken adds a task whose secret is deleted before it can run.
func (w *work) addBroken() {
	ctx, project := w.t.Context(), w.pool.Project.ID
	env, err := w.st.Environments().Create(ctx, store.Environment{ProjectID: project, Name: "e", JSON: "{}"})
	require.NoError(w.t, err)
	key, err := w.beside.SaveKey(ctx, store.AccessKey{
		ProjectID: project, Name: "TOKEN", Type: store.KeyString, Owner: store.OwnerEnvironment, EnvironmentID: &env.ID, String: "a-secret-value",
	})
	require.NoError(w.t, err)
	w.add(w.pool.Template(store.Template{Name: "broken", EnvironmentID: &env.ID}))
	require.NoError(w.t, w.st.Keys().Delete(ctx, project, key.ID))
}
