package pool_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

func TestATaskWhoseTagNobodyServesSaysSo(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{Idle: true, Config: pool.Config{Tags: []string{"here"}}})
	add := func(tag string) store.Task {
		return p.Add(p.Template(store.Template{Name: "for " + tag, RunnerTag: &tag}))
	}
	reason := func(task store.Task) store.WaitReason {
		place, err := p.Place(t.Context(), task.ProjectID, task.ID)
		require.NoError(t, err)
		return place.Reason
	}
	gpu, here := add("gpu"), add("here")
	plain := p.Add(p.Template(store.Template{Name: "plain"}))
	require.Equal(t, store.WaitWorker, reason(here), "the pool itself serves it")
	require.Equal(t, store.WaitWorker, reason(plain))
	require.Equal(t, store.WaitRunner, reason(gpu))
	require.Contains(t, pool.Explain(store.Place{Reason: store.WaitRunner}), "none that is switched on")

	other, err := p.Store().Projects().Create(t.Context(), store.Project{Name: "other"})
	require.NoError(t, err)
	runner := func(r store.Runner) store.Runner {
		r.TokenHash = r.Name
		made, err := p.Store().Runners().Create(t.Context(), r)
		require.NoError(t, err)
		return made
	}
	runner(store.Runner{Name: "of another project", Tag: "gpu", Active: true, ProjectID: &other.ID})
	runner(store.Runner{Name: "of another tag", Tag: "GPU2", Active: true})
	off := runner(store.Runner{Name: "off", Tag: "gpu"})
	require.Equal(t, store.WaitRunner, reason(gpu))
	off.Active = true
	require.NoError(t, p.Store().Runners().Update(t.Context(), off))
	require.Equal(t, store.WaitSilent, reason(gpu), "it has never been there")
	require.Contains(t, pool.Explain(store.Place{Reason: store.WaitSilent}), "heard of")
	heard := func(r store.Runner, ago time.Duration) store.Runner {
		at := time.Now().Add(-ago)
		r.Touched = &at
		require.NoError(t, p.Store().Runners().Update(t.Context(), r))
		return r
	}
	off = heard(off, time.Minute)
	require.Equal(t, store.WaitWorker, reason(gpu))
	off = heard(off, 10*time.Minute)
	require.Equal(t, store.WaitSilent, reason(gpu), "it is gone")
	own := runner(store.Runner{Name: "own", Tag: "gpu", Active: true, ProjectID: &gpu.ProjectID})
	require.Equal(t, store.WaitSilent, reason(gpu))
	heard(own, 0)
	require.Equal(t, store.WaitWorker, reason(gpu), "one is enough")
	require.NoError(t, p.Store().Runners().Delete(t.Context(), 0, off.ID))
	require.Equal(t, store.WaitWorker, reason(gpu))
}
