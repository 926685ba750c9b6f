package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

const taskTemplate = `{"name":"infra","app":"terraform","playbook":"infra","repository_id":{repository},"task_params":{"override_backend":true}}`

func TestATaskReachesItsStateWhileItRuns(t *testing.T) {
	t.Parallel()
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	for name, open := range map[string]func(*testing.T) (store.Store, func() string){"memory": openMemory, "sqlite": openSQLite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w *world
			var address string
			var statuses []int
			o := options{ring: ring, idle: true, pool: func(c *pool.Config) {
				c.StateAddress = func(t store.Task, attempt int) string {
					return api.TaskStateAddress(ring, "https://semaphore.example.org/prefix/", t, attempt)
				}
			}, script: func(spec *job.Spec) jobtest.Script {
				address = spec.Terraform.BackendAddress
				ask := func(method, at, body string) {
					rec := httptest.NewRecorder()
					w.handler.ServeHTTP(rec, httptest.NewRequest(method, at, strings.NewReader(body)))
					statuses = append(statuses, rec.Code)
				}
				key := job.StateKey{ProjectID: spec.Task.ProjectID, TemplateID: spec.Template.ID, Workspace: "default"}
				unlock, err := pool.States(w.st, ring).Lock(t.Context(), key, job.TaskRef{TaskID: spec.Task.ID, Attempt: spec.Task.Attempt})
				if err != nil {
					return jobtest.Script{Err: err}
				}
				ask(http.MethodGet, address, "")
				ask(http.MethodPost, address, tfState(1))
				ask(http.MethodGet, address, "")
				end := address[len(address)-1:]
				ask(http.MethodGet, address[:len(address)-1]+map[bool]string{true: "1", false: "0"}[end == "0"], "")
				ask(http.MethodGet, strings.Replace(address, "task-", "task-1", 1), "")
				return jobtest.Script{Err: unlock()}
			}}
			w = newWorldOn(t, o, open)
			w.created("infra", "owner", "/project/{p}/templates", taskTemplate)
			w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{infra}}`)
			w.run()
			w.alive()
			w.reaches("task", store.Success)
			require.Equal(t, []int{404, 200, 200, 401, 401}, statuses)
			u, err := url.Parse(address)
			require.NoError(t, err)
			path := strings.TrimPrefix(u.Path, "/prefix/api")
			w.play([]scenario{
				{name: "not afterwards", as: "nobody", method: "GET", path: path, status: 401},
				{name: "nor with a login", as: "nobody", method: "GET", path: path, header: []string{"Authorization", basicAuth("git", hookSecret)}, status: 401},
				{name: "nor made up", as: "nobody", method: "GET", path: "/terraform/task-", status: 401},
			})
		})
	}
}
