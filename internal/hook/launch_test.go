package hook_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// TestPushStartsATask goes the whole way, from a signed request to a frozen
// task.
func TestPushStartsATask(t *testing.T) {
	t.Parallel()
	const key = "wh-secret"
	p := pooltest.New(t, pooltest.Options{Idle: true})
	tpl := p.Template(store.Template{Name: "deploy", SurveyVars: []store.SurveyVar{{Name: "pin", Type: store.SurveySecret}}})
	i, err := p.Store().Integrations().Create(t.Context(), store.Integration{ProjectID: p.Project.ID, Name: "push", TemplateID: tpl.ID, AuthMethod: "github"})
	require.NoError(t, err)
	_, err = p.SaveTaskParams(t.Context(), p.Store(), store.TaskParams{
		ProjectID: p.Project.ID, IntegrationID: &i.ID, Environment: `{"commit":"saved","stage":"prod"}`, Params: json.RawMessage(`{"diff":true}`),
	})
	require.NoError(t, err)

	r := load(t, "github_push.txt")
	r.Header.Set("X-Hub-Signature-256", "sha256="+sign(r.Body, key))
	launch := func(list ...store.IntegrationExtractor) (store.Task, error) {
		if err := hook.Authenticate(i, store.LoginPassword{Password: key}, r); err != nil {
			return store.Task{}, err
		}
		env, task, err := hook.Extract(list, r)
		if err != nil {
			return store.Task{}, err
		}
		req, err := p.RequestOf(t.Context(), i)
		if err != nil {
			return store.Task{}, err
		}
		if req, err = hook.Merge(req, env, task); err != nil {
			return store.Task{}, err
		}
		return p.AddTask(t.Context(), req)
	}

	task, err := launch(extractor("body", "json", "after", "commit", ""), extractor("body", "json", "head_commit.message", "text", ""))
	require.NoError(t, err)
	require.Equal(t, i.ID, *task.IntegrationID)
	frozen, err := p.Snapshot(t.Context(), p.Project.ID, task.ID)
	require.NoError(t, err)
	require.Equal(t, "59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5", frozen.Spec.Variables["commit"])
	require.Equal(t, "Roll out {{ version }} & <more>", frozen.Spec.Variables["text"])
	require.Equal(t, "prod", frozen.Spec.Variables["stage"])
	require.ElementsMatch(t, []string{"commit", "text"}, frozen.Spec.Unsafe, "a stranger's text would be templated")

	_, err = launch(extractor("body", "json", "after", "pin", ""))
	require.ErrorIs(t, err, job.ErrInvalid, "a webhook filled in a secret")
}

// TestSimultaneousDeliveriesStartOneTask holds the promise with a real pool.
func TestSimultaneousDeliveriesStartOneTask(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{Idle: true})
	tpl := p.Template(store.Template{Name: "deploy"})
	i, err := p.Store().Integrations().Create(t.Context(), store.Integration{ProjectID: p.Project.ID, Name: "push", TemplateID: tpl.ID})
	require.NoError(t, err)
	d := hook.NewDeliveries(hook.DeliveriesConfig{})
	r := load(t, "gitea_push.txt")
	tasks := make(chan int64, 8)
	for range cap(tasks) {
		go func() {
			answer, err := d.Do(t.Context(), at(p.Project.ID, "a", i.ID), r, func(ctx context.Context) (hook.Answer, error) {
				req, err := p.RequestOf(ctx, i)
				if err != nil {
					return hook.Answer{}, err
				}
				task, err := p.AddTask(ctx, req)
				return hook.Answer{Status: 204, Tasks: []int64{task.ID}}, err
			})
			if err != nil || len(answer.Tasks) != 1 {
				tasks <- -1
				return
			}
			tasks <- answer.Tasks[0]
		}()
	}
	first := <-tasks
	require.Positive(t, first)
	for range cap(tasks) - 1 {
		require.Equal(t, first, <-tasks)
	}
	counts, err := p.Store().Tasks().Counts(t.Context(), store.TaskFilter{ProjectID: p.Project.ID})
	require.NoError(t, err)
	require.Equal(t, map[store.Status]int{store.Waiting: 1}, counts)
}
