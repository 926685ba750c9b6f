package pool_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// rotating is a pool with a ring of its own, a template with a secret variable
// and a secret survey value, and a Terraform state.
type rotating struct {
	*pooltest.Pool
	ring *crypto.Ring
	tpl  store.Template
	key  job.StateKey
}

func newRotating(t *testing.T, idle bool, script func(*job.Spec) jobtest.Script) *rotating {
	t.Helper()
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	p := newPool(t, pooltest.Options{Idle: idle, Script: script, Config: pool.Config{Ring: ring}})
	env, err := p.Store().Environments().Create(t.Context(), store.Environment{ProjectID: p.Project.ID, Name: "e", JSON: "{}"})
	require.NoError(t, err)
	_, err = p.SaveKey(t.Context(), store.AccessKey{ProjectID: p.Project.ID, Name: "TOKEN", Type: store.KeyString, Owner: store.OwnerEnvironment, EnvironmentID: &env.ID, String: "correct-horse"})
	require.NoError(t, err)
	tpl := p.Template(store.Template{EnvironmentID: &env.ID, AllowParallelTasks: true, SurveyVars: []store.SurveyVar{{Name: "pw", Type: store.SurveySecret}}})
	key := job.StateKey{ProjectID: p.Project.ID, TemplateID: tpl.ID, Workspace: "default"}
	require.NoError(t, pool.States(p.Store(), ring).Save(t.Context(), key, job.TerraformState{}, job.TerraformState{Lineage: "l", Serial: 1, Data: []byte(`{"serial":1}`)}))
	return &rotating{Pool: p, ring: ring, tpl: tpl, key: key}
}

func (r *rotating) secret(task *store.Task) { task.Secret = `{"pw":"battery-staple"}` }

func TestRotation(t *testing.T) {
	t.Parallel()
	t.Run("everything opens with the new key alone afterwards", func(t *testing.T) {
		t.Parallel()
		r := newRotating(t, true, nil)
		task := r.Add(r.tpl, r.secret)
		old := r.ring.Primary()
		require.NoError(t, r.ring.Add(crypto.GenerateKey()))
		report, err := r.Rotate(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, report.Done, "key, survey value and state")
		require.Zero(t, report.Failed)
		report, err = r.Rotate(t.Context())
		require.NoError(t, err)
		require.True(t, report.Clean())
		require.NoError(t, r.ring.Forget(old))
		r.Start()
		r.Await(task, store.Success)
		spec := r.Fake.Runs()[0]
		require.Equal(t, "battery-staple", spec.Survey["pw"].Reveal())
		require.Equal(t, "correct-horse", spec.Secrets[0].Value.Reveal())
		state, err := pool.States(r.Store(), r.ring).Load(t.Context(), r.key)
		require.NoError(t, err)
		require.JSONEq(t, `{"serial":1}`, string(state.Data))
	})
	t.Run("under load no task fails", func(t *testing.T) {
		t.Parallel()
		r := newRotating(t, false, func(s *job.Spec) jobtest.Script {
			if s.Survey["pw"].Reveal() != "battery-staple" || s.Secrets[0].Value.Reveal() != "correct-horse" {
				return jobtest.Script{Err: errors.New("wrong secret")}
			}
			return jobtest.Script{}
		})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := r.ring.Add(crypto.GenerateKey()); err != nil {
					t.Error(err)
				}
				if _, err := r.Rotate(ctx); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
		var tasks []store.Task
		for range 100 {
			tasks = append(tasks, r.Add(r.tpl, r.secret))
		}
		for _, task := range tasks {
			r.Await(task, store.Success)
		}
		cancel()
		wg.Wait()
	})
	t.Run("a state that was moved to another template does not open", func(t *testing.T) {
		t.Parallel()
		r := newRotating(t, true, nil)
		row, err := r.Store().Artifacts().State(t.Context(), store.StateKey(r.key))
		require.NoError(t, err)
		other := store.StateKey{ProjectID: r.key.ProjectID, TemplateID: r.Template(store.Template{Name: "other"}).ID, Workspace: "default"}
		require.NoError(t, r.Store().Artifacts().SaveState(t.Context(), other, "", 0, row, 10))
		_, err = pool.States(r.Store(), r.ring).Load(t.Context(), job.StateKey(other))
		require.ErrorContains(t, err, "sealed for another place")
	})
}
