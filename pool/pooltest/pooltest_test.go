package pooltest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheZeroOptionsAreUsable(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{})
	task := p.Await(p.Add(p.Template(store.Template{})), store.Success)
	require.Empty(t, p.Log(task))
	require.Equal(t, []string{"bash", "run.sh"}, []string{p.Fake.Runs()[0].App, p.Fake.Runs()[0].Playbook})
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{})
	playbook := p.Template(store.Template{App: "ansible", Playbook: "site.yml"})
	require.NotNil(t, playbook.InventoryID, "ansible gets an inventory")
	again := p.Template(store.Template{App: "ansible", Playbook: "site.yml", Arguments: new(`["-v"]`)})
	require.Equal(t, playbook.ID, again.ID, "the same name is the same template")
	p.Await(p.Add(again, func(t *store.Task) { t.Message = "why" }), store.Success)
	require.Equal(t, "why", p.Fake.Runs()[0].Task.Message)
}

func TestAnIdlePoolOnlyQueues(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{Idle: true})
	task := p.Add(p.Template(store.Template{}))
	require.Equal(t, store.Waiting, p.Await(task, store.Waiting).Status)
	stop := p.Start()
	p.Await(task, store.Success)
	stop()
	stop()
}

func TestItsPartsCanBeReplaced(t *testing.T) {
	t.Parallel()
	st := memory.New(memory.Config{})
	broken := errors.New("broken")
	p := pooltest.New(t, pooltest.Options{Store: st, Executor: executor(func() error { return broken })})
	require.Equal(t, st, p.Store())
	task := p.Await(p.Add(p.Template(store.Template{})), store.Failed)
	require.Equal(t, "broken", task.Reason)
	require.Empty(t, p.Fake.Runs())
}

type executor func() error

func (e executor) Run(context.Context, *job.Spec, job.Sink) error { return e() }

// TestTimeCostsNothing waits for an hour in a bubble.
func TestTimeCostsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.New(t, pooltest.Options{Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Delay: time.Hour} }})
		begun := time.Now()
		p.Await(p.Add(p.Template(store.Template{})), store.Success)
		require.InDelta(t, time.Hour.Seconds(), time.Since(begun).Seconds(), 1)
		task := p.Await(p.Add(p.Template(store.Template{})), store.Running)
		_, err := p.StopTask(t.Context(), task.ProjectID, task.ID, false, pool.Caller{})
		require.NoError(t, err)
		p.Await(task, store.Stopped)
	})
}

// failure is a test that another one watches.
type failure struct {
	testing.TB
	said string
}

func (f *failure) Fatalf(format string, _ ...any) { f.said = format; panic(f) }

func TestAwaitFailsWhereATaskEndsOtherwise(t *testing.T) {
	t.Parallel()
	f := &failure{TB: t}
	p := pooltest.New(f, pooltest.Options{Script: func(*job.Spec) jobtest.Script { return jobtest.Script{ExitCode: 1} }})
	task := p.Add(p.Template(store.Template{}))
	require.PanicsWithValue(t, f, func() { p.Await(task, store.Success) })
	require.Contains(t, f.said, "ended as")
}
