package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/store"
)

// conformOptions are those of a server that the pages of Semaphore UI talk to.
func conformOptions() options {
	return options{
		script: func(*job.Spec) jobtest.Script { return jobtest.Script{Lines: []string{"PLAY [all]", "ok: [web1]"}} },
		api: func(c *api.Config) {
			c.Settings = api.Settings{TOTP: true, TOTPRecovery: true, GitClient: "cmd_git", Timezone: "UTC", InviteType: "username", Ansible: ansibleIsMissing}
		},
	}
}

// TestPagesGetWhatTheyAskFor plays the requests that the pages of Semaphore UI
// make, by moment.
func TestPagesGetWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, conformOptions())
	w.walk(t, []step{
		{method: "GET", path: "/user", as: "nobody", status: 401, shape: "error"},
		{method: "GET", path: "/auth/login", as: "nobody", status: 200, shape: "login"},
		{method: "POST", path: "/auth/login", as: "nobody", body: `{"auth":"owner","password":"` + password + `"}`, status: 204, after: func(t *testing.T, a answer) {
			require.Contains(t, a.Header.Get("Set-Cookie"), "semaphore=")
			require.Contains(t, a.Header.Get("Set-Cookie"), "Path=/")
			require.Contains(t, a.Header.Get("Set-Cookie"), "HttpOnly")
		}},
		// The application starts.
		{method: "GET", path: "/user", status: 200, shape: "self"},
		{method: "GET", path: "/info", status: 200, shape: "info"},
		{method: "GET", path: "/projects", status: 200, shape: "[]project"},
		{method: "GET", path: "/project/{p}/role", status: 200, shape: "role"},
		{method: "GET", path: "/project/{p}", status: 200, shape: "project"},
		// The page of templates.
		{method: "GET", path: "/project/{p}/views", status: 200, shape: "[]view"},
		{method: "GET", path: "/project/{p}/views/{view}/templates", status: 200, shape: "[]templateItem"},
		{method: "GET", path: "/project/{p}/templates", status: 200, shape: "[]templateItem"},
		{method: "GET", path: "/project/{p}/inventory", status: 200, shape: "[]inventory"},
		{method: "GET", path: "/project/{p}/environment", status: 200, shape: "[]group"},
		{method: "GET", path: "/project/{p}/repositories", status: 200, shape: "[]repository"},
		// The form of a template.
		{method: "GET", path: "/project/{p}/inventory?app=ansible&template_id=1", status: 200, after: isEmptyList, shape: "any"},
		{method: "GET", path: "/project/{p}/inventory?app=ansible", status: 200, shape: "[]inventory"},
		{method: "GET", path: "/project/{p}/templates/{template}/schedules", status: 200, after: isEmptyList, shape: "any"},
		{method: "GET", path: "/project/{p}/runner_tags", status: 200, after: isEmptyList, shape: "any"},
		{method: "GET", path: "/project/{p}/keys", status: 200, shape: "[]key"},
		{method: "POST", path: "/project/{p}/templates", keep: "form", status: 201, shape: "template", body: `{"project_id":{p},"name":"Form","app":"bash","playbook":"a.sh","inventory_id":null,"repository_id":{repository},
			"environment_id":{environment},"type":"","survey_vars":[],"vaults":[],"task_params":{},"allow_override_args_in_task":false,"autorun":false,"arguments":"[]","description":"","git_branch":null,"view_id":null}`},
		{method: "POST", path: "/project/{p}/schedules", keep: "watcher", status: 201, shape: "schedule",
			body: `{"project_id":{p},"template_id":{form},"cron_format":"0 0 1 1 *","repository_id":{repository}}`},
		{method: "GET", path: "/project/{p}/templates/{form}/schedules", status: 200, shape: "[]schedule"},
		{method: "PUT", path: "/project/{p}/schedules/{watcher}", status: 204, body: `{"id":{watcher},"project_id":{p},"template_id":{form},"cron_format":"0 0 2 1 *","repository_id":{repository}}`},
		{method: "DELETE", path: "/project/{p}/schedules/{watcher}", status: 204},
		// The dialog that runs a task, and the one that shows it.
		{method: "GET", path: "/project/{p}/templates/{template}", status: 200, shape: "template"},
		{method: "GET", path: "/project/{p}/templates/{template}/tasks?status=success", status: 200, after: isEmptyList, shape: "any"},
		{method: "POST", path: "/project/{p}/tasks", keep: "task", status: 201, shape: "task", after: func(_ *testing.T, _ answer) { w.reaches("task", store.Success) },
			body: `{"template_id":{template},"project_id":{p},"environment":"{}","secret":"{}","git_branch":null,"inventory_id":{inventory},"params":{},"message":""}`},
		{method: "GET", path: "/project/{p}/tasks/{task}", status: 200, shape: "task"},
		{method: "GET", path: "/project/{p}/tasks/{task}/output", status: 200, shape: "[]line"},
		{method: "GET", path: "/users/{owner}", status: 200, shape: "account"},
		{method: "GET", path: "/project/{p}/tasks/{task}/ansible/errors", status: 200, after: isEmptyList, shape: "any"},
		{method: "GET", path: "/project/{p}/tasks/{task}/ansible/hosts", status: 200, after: isEmptyList, shape: "any"},
		{method: "GET", path: "/project/{p}/tasks/{task}/stages", status: 200, after: isList, shape: "any"},
		{method: "POST", path: "/project/{p}/tasks/{task}/stop", body: `{"force":true}`, status: 400, shape: "error"},
		{method: "POST", path: "/project/{p}/tasks/{task}/confirm", body: `{}`, status: 400, shape: "error"},
		{method: "POST", path: "/project/{p}/tasks/{task}/reject", body: `{}`, status: 400, shape: "error"},
		{method: "GET", path: "/project/{p}/tasks/999", status: 400, shape: "error"},
		// History, activity, figures.
		{method: "GET", path: "/project/{p}/tasks/last", status: 200, shape: "[]taskItem"},
		{method: "GET", path: "/project/{p}/tasks", status: 200, shape: "[]taskItem"},
		{method: "GET", path: "/project/{p}/templates/{template}/tasks/last?limit=1", status: 200, shape: "[]taskItem"},
		{method: "GET", path: "/project/{p}/events/last", status: 200, shape: "[]event"},
		{method: "GET", path: "/events/last", status: 200, shape: "[]event"},
		{method: "GET", path: "/project/{p}/users?sort=name&order=asc", status: 200, shape: "[]member"},
		// Members and users.
		{method: "GET", path: "/users", status: 200, shape: "[]person"},
		{method: "GET", path: "/users", as: "admin", name: "admin", status: 200, shape: "[]account"},
		{method: "GET", path: "/project/{p}/roles/all", status: 200, after: isEmptyList, shape: "any"},
		{method: "GET", path: "/project/{p}/users/{guest}", status: 200, shape: "emptied"},
		{method: "GET", path: "/apps", status: 200, shape: "[]app"},
		{method: "DELETE", path: "/project/{p}/tasks/{task}", status: 401, shape: "error"},
		{method: "POST", path: "/projects", body: `{"name":"mine"}`, status: 401, shape: "error"},
	})
	a := w.do("owner", "GET", "/project/{p}/stats?start=2026-01-01", "")
	require.Equal(t, 200, a.Status, a.Body)
	wantShape(t, "stats", "[]stat", a.Body)
	a = w.do("owner", "GET", "/project/{p}/tasks/{task}/raw_output", "")
	require.Equal(t, 200, a.Status)
	require.Equal(t, "text/plain; charset=utf-8", a.Header.Get("Content-Type"))
	require.Contains(t, a.Body, "PLAY [all]\nok: [web1]\n")
}

// isEmptyList and isList check replies that are lists, never null.
func isEmptyList(t *testing.T, a answer) { require.Equal(t, "[]\n", a.Body) }

func isList(t *testing.T, a answer) { require.True(t, strings.HasPrefix(a.Body, "["), a.Body) }

// TestFramesAreAsPagesKnowThem looks at both kinds of frames.
func TestFramesAreAsPagesKnowThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, conformOptions())
	conn := w.dial(t, w.serve(t), "guest", "")
	w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
	kinds := map[string]string{}
	for _, frame := range until(t, conn, `"status":"success"`) {
		var f struct{ Type string }
		answer{Body: frame}.decode(t, &f)
		kinds[f.Type] = frame
	}
	for kind, members := range map[string][]string{
		"update": {"end", "project_id", "start", "status", "task_id", "template_id", "type", "version"},
		"log":    {"output", "project_id", "task_id", "time", "type"},
	} {
		require.Contains(t, kinds, kind)
		require.Subset(t, keys(t, kinds[kind]), members)
	}
}
