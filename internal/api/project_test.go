package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

func TestProjects(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		a := w.created("new", "admin", "/projects", `{"name":"new","alert":true,"alert_chat":"42","max_parallel_tasks":3,"type":"","created":"2001-01-01T00:00:00Z"}`)
		require.Subset(t, members(t, a.Body), []string{"alert", "alert_chat", "created", "id", "max_parallel_tasks", "name", "type"})
		require.NotContains(t, a.Body, "2001")
		w.play([]scenario{
			{name: "a member lists their own", as: "guest", method: "GET", path: "/projects", status: 200, contains: []string{`"name":"first"`}, lacks: []string{`"name":"second"`, `"name":"new"`}},
			{name: "an administrator lists all", as: "admin", method: "GET", path: "/projects", status: 200, contains: []string{`"name":"first"`, `"name":"second"`, `"name":"new"`}},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: "/projects", status: 401},
			{name: "only an administrator makes one", as: "owner", method: "POST", path: "/projects", body: `{"name":"x"}`, status: 401},
			{name: "a limit is not below 0", as: "admin", method: "POST", path: "/projects", body: `{"name":"x","max_parallel_tasks":-1}`, status: 400, contains: []string{"max_parallel_tasks"}},
			{name: "a guest sees one", as: "guest", method: "GET", path: "/project/{p}", status: 200, contains: []string{`"id":{p}`}},
			{name: "a stranger does not", as: "stranger", method: "GET", path: "/project/{p}", status: 404},
			{name: "an unknown one is not there", as: "admin", method: "GET", path: "/project/999", status: 404},
			{name: "it tells what the caller may do", as: "task_runner", method: "GET", path: "/project/{p}/role", status: 200, contains: []string{`"role":"task_runner"`, `"permissions":1`}},
			{name: "a manager may not change it", as: "manager", method: "PUT", path: "/project/{p}", body: `{"name":"x"}`, status: 403},
			{name: "an id of the body that differs is refused", method: "PUT", path: "/project/{p}", body: `{"id":{q},"name":"x"}`, status: 400},
			{name: "a storage of another project is refused", method: "PUT", path: "/project/{p}", body: `{"id":{p},"name":"x","default_secret_storage_id":7}`, status: 400},
			{name: "an owner changes it, and what a client does not know stays", method: "PUT", path: "/project/{new}", as: "admin", body: `{"id":{new},"name":"newer"}`, status: 204,
				after: func(t *testing.T, w *world, _ answer) {
					p, err := w.st.Projects().Get(t.Context(), 0, w.ids["new"])
					require.NoError(t, err)
					require.Equal(t, "pin", p.HostKeys)
					require.False(t, p.Alert)
				}},
			{name: "a guest may not empty its caches", as: "guest", method: "DELETE", path: "/project/{p}/cache", status: 403},
			{name: "an owner may", method: "DELETE", path: "/project/{p}/cache", status: 204},
			{name: "no test notification while alerts are off", method: "POST", path: "/project/{p}/notifications/test", status: 409},
			{name: "a manager may not delete it", as: "manager", method: "DELETE", path: "/project/{p}", status: 403},
			{name: "it starts with what every project has", as: "admin", method: "GET", path: "/project/{new}/keys", status: 200, contains: []string{`"name":"None"`, `"type":"none"`}},
			{name: "with a view", as: "admin", method: "GET", path: "/project/{new}/views", status: 200, contains: []string{`"title":"All"`, `"type":"all"`}},
			{name: "with an empty variable group", as: "admin", method: "GET", path: "/project/{new}/environment", status: 200, contains: []string{`"name":"Empty"`, `"json":"{}"`, `"env":"{}"`}},
		})
	})
}

func TestProjectDeletion(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		task, err := w.pool.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: w.ids["p"], TemplateID: w.ids["template"]}, By: pool.Caller{UserID: w.ids["owner"]}})
		require.NoError(t, err)
		w.play([]scenario{{name: "a task that waits is in the way", method: "DELETE", path: "/project/{p}", status: 400, contains: []string{"waiting", "stop"}}})
		_, err = w.pool.StopTask(t.Context(), w.ids["p"], task.ID, false, pool.Caller{UserID: w.ids["owner"]})
		require.NoError(t, err)
		w.play([]scenario{
			{name: "an owner deletes it with everything in it", method: "DELETE", path: "/project/{p}", status: 204},
			{name: "and it is gone", method: "GET", path: "/project/{p}", status: 404},
			{name: "the other one stays", as: "stranger", method: "GET", path: "/project/{q}/keys/{q_key}", status: 200},
		})
		page, err := w.st.Events().List(t.Context(), store.AnyScope, store.Query{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, `Project "first" deleted`, page.Items[0].Description)
	})
}

// fakeAlerts fails as it is told.
type fakeAlerts struct{ err error }

func (f fakeAlerts) Test(context.Context, store.Project) error { return f.err }

func TestProjectNotifications(t *testing.T) {
	t.Parallel()
	var cleared []int64
	w := newWorld(t, options{idle: true, api: func(c *api.Config) {
		c.Alerts = fakeAlerts{errors.New("slack: no such channel")}
		c.Settings.NonAdminCanCreateProject = true
		c.Settings.ClearCache = func(_ context.Context, project int64) error {
			cleared = append(cleared, project)
			return nil
		}
	}})
	w.created("own", "owner", "/projects", `{"name":"own","alert":true}`)
	w.play([]scenario{
		{name: "a channel that fails is named", method: "POST", path: "/project/{own}/notifications/test", status: 400, contains: []string{"slack"}},
		{name: "caches of this project are emptied", method: "DELETE", path: "/project/{own}/cache", status: 204},
	})
	require.Equal(t, []int64{w.ids["own"]}, cleared)
}

func TestATestNotificationIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true, api: func(c *api.Config) { c.Alerts = fakeAlerts{} }})
	w.play([]scenario{
		{name: "once alerts are on", method: "PUT", path: "/project/{p}", body: `{"name":"first","alert":true}`, status: 204},
		{name: "by who manages the project's resources", as: "manager", method: "POST", path: "/project/{p}/notifications/test", status: 204},
		{name: "not by guests", as: "guest", method: "POST", path: "/project/{p}/notifications/test", status: 403},
	})
}

func TestDemoProject(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.created("demo", "admin", "/projects", `{"name":"demo","demo":true}`)
		p := w.ids["demo"]
		views, err := w.st.Views().List(t.Context(), p, store.Query{Sort: "position"})
		require.NoError(t, err)
		var titles []string
		for _, v := range views.Items {
			titles = append(titles, v.Title)
		}
		require.Equal(t, []string{"All", "Build", "Deploy", "Tools"}, titles)
		templates, err := w.st.Templates().List(t.Context(), p, store.Query{})
		require.NoError(t, err)
		apps, deploys, autoruns := map[string]int{}, 0, 0
		for _, tpl := range templates.Items {
			apps[tpl.App]++
			require.NotNil(t, tpl.ViewID)
			require.NotNil(t, tpl.EnvironmentID)
			if tpl.Type == store.TemplateDeploy {
				deploys++
				require.NotNil(t, tpl.BuildTemplateID)
			}
			if tpl.Autorun {
				autoruns++
			}
			if strings.HasPrefix(tpl.App, "t") {
				inv, err := w.st.Inventories().Get(t.Context(), p, *tpl.InventoryID)
				require.NoError(t, err)
				require.Equal(t, tpl.ID, *inv.TemplateID)
			}
		}
		require.Equal(t, map[string]int{"ansible": 4, "tofu": 1, "terragrunt": 1, "bash": 1, "powershell": 1}, apps)
		require.Equal(t, 2, deploys)
		require.Equal(t, 1, autoruns)
		w.play([]scenario{
			{name: "a key is to be filled in", as: "admin", method: "GET", path: "/project/{demo}/keys", status: 200, contains: []string{`"Vault Password"`, `"empty":true`}},
			{name: "inventories are of three stages", as: "admin", method: "GET", path: "/project/{demo}/inventory?app=ansible", status: 200, contains: []string{`"Build"`, `"Dev"`, `"Prod"`}},
			{name: "a branch is named", as: "admin", method: "GET", path: "/project/{demo}/repositories", status: 200, contains: []string{`"git_branch":"main"`, "semaphore-demo.git"}},
		})
	})
}

func TestKnownHosts(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		signer, err := ssh.ParsePrivateKey([]byte(privateKey(t)))
		require.NoError(t, err)
		line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
		const path = "/project/{p}/known_hosts"
		body := func(host, key string) string { return `{"host":` + quoted(t, host) + `,"key":` + quoted(t, key) + `}` }
		a := w.created("host", "manager", path, body("[git.example.org]:2222", line+" somebody@somewhere\n"))
		require.Equal(t, []string{"created", "host", "id", "key", "key_type", "project_id"}, members(t, a.Body))
		require.Contains(t, a.Body, `"key":"`+line+`"`)
		require.Contains(t, a.Body, `"key_type":"ssh-ed25519"`)
		w.play([]scenario{
			{name: "are listed", as: "guest", method: "GET", path: path, status: 200, contains: []string{"[git.example.org]:2222"}},
			{name: "one is shown", as: "guest", method: "GET", path: path + "/{host}", status: 200, contains: []string{`"id":{host}`}},
			{name: "those of another project are not", as: "stranger", method: "GET", path: "/project/{q}/known_hosts", status: 200, contains: []string{"[]"}},
			{name: "a task runner may not vouch for one", as: "task_runner", method: "POST", path: path, body: body("h", line), status: 403},
			{name: "a stranger sees no project", as: "stranger", method: "DELETE", path: path + "/{host}", status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: path, status: 401},
			{name: "one host and type has one key", method: "POST", path: path, body: body("[git.example.org]:2222", line), status: 409},
			{name: "a host is needed", method: "POST", path: path, body: body(" ", line), status: 400, contains: []string{"host"}},
			{name: "a pattern is no host", method: "POST", path: path, body: body("*.example.org", line), status: 400},
			{name: "garbage is no key", method: "POST", path: path, body: body("h", "ssh-ed25519 AAAA"), status: 400, contains: []string{"key"}},
			{name: "two lines are no key", method: "POST", path: path, body: body("h", line+"\n"+line), status: 400},
			{name: "options are no key", method: "POST", path: path, body: body("h", `command="x" `+line), status: 400},
			{name: "there is no changing one", method: "PUT", path: path + "/{host}", body: body("h", line), status: 405},
			{name: "one is forgotten", method: "DELETE", path: path + "/{host}", status: 204},
			{name: "and gone", method: "GET", path: path + "/{host}", status: 404},
		})
		w.wantEvents(t, store.EventKnownHost, `Known host "[git.example.org]:2222" created`, `Known host "[git.example.org]:2222" deleted`)
	})
}
