package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// got checks that a row, read anew, is what was put: every member of the body
// that is no secret.
func (w *world) got(t *testing.T, as, path, put string) {
	t.Helper()
	a := w.do(as, "GET", path, "")
	require.Equal(t, http.StatusOK, a.Status, a.Body)
	var want, is map[string]any
	require.NoError(t, json.Unmarshal([]byte(w.fill(put)), &want))
	a.decode(t, &is)
	for name, value := range want {
		require.True(t, holds(name, is[name], value), "%s of %s: %s", name, path, a.Body)
	}
}

// holds tells whether what was read is what was put; ids may have come to it.
func holds(name string, is, put any) bool {
	switch name {
	case "override_secret", "password", "string", "login_password", "ssh", "secret", "operation":
		return true // which are taken only
	}
	if empty(put) && empty(is) {
		return true // which may be left out
	}
	switch put := put.(type) {
	case map[string]any:
		is, ok := is.(map[string]any)
		for n, v := range put {
			ok = ok && holds(n, is[n], v)
		}
		return ok
	case []any:
		is, ok := is.([]any)
		ok = ok && len(is) == len(put)
		for i := range put {
			ok = ok && holds("", is[i], put[i])
		}
		return ok
	}
	return is == put
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case float64:
		return v == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// crud is a kind of row as tools keep it: they create, read, change, read again
// and delete.
type crud struct {
	name, path, shape string
	posts             []string // bodies, whose last one stays
	put               string
	putStatus         int // defaults to 204
	postStatus        int // defaults to 201
	as                string
}

// kinds of rows in the order in which they need each other. {P} is the project.
func toolKinds(t *testing.T) []crud {
	const aTemplate = `"project_id":{project},"inventory_id":{inventory},"repository_id":{repository},"environment_id":{group},"description":"d","arguments":"[\"-v\"]","git_branch":"dev",
		"survey_vars":[{"name":"v","title":"V","required":true,"type":"int","description":"d","default_value":"1"},{"name":"e","title":"E","type":"enum","values":[{"name":"one","value":"1"}]}]`
	return []crud{
		{name: "user", path: "/users", shape: "account", as: "admin", posts: []string{`{"name":"Bot","username":"bot","email":"bot@example.org","password":"correct horse","admin":false,"external":false,"alert":true}`},
			put: `{"id":{user},"name":"Robot","username":"robot","email":"robot@example.org","admin":true,"alert":false}`},
		{name: "key", path: "{P}/keys", shape: "key", posts: []string{
			`{"project_id":{project},"name":"none","type":"none"}`,
			`{"project_id":{project},"name":"text","type":"string","string":"secret"}`,
			`{"project_id":{project},"name":"ssh","type":"ssh","ssh":{"login":"git","passphrase":"","private_key":` + quoted(t, privateKey(t)) + `}}`,
			`{"project_id":{project},"name":"login","type":"login_password","login_password":{"login":"l","password":"p"}}`},
			put: `{"id":{key},"project_id":{project},"name":"renamed","type":"login_password","override_secret":true,"login_password":{"login":"m","password":"q"}}`},
		{name: "repository", path: "{P}/repositories", shape: "repository", posts: []string{
			`{"project_id":{project},"name":"ssh","git_url":"git@git.example.org:a/b.git","git_branch":"main","ssh_key_id":{key}}`,
			`{"project_id":{project},"name":"here","git_url":"/srv/code","git_branch":"","ssh_key_id":{key}}`,
			`{"project_id":{project},"name":"code","git_url":"https://git.example.org/a.git","git_branch":"main","ssh_key_id":{key}}`},
			put: `{"id":{repository},"project_id":{project},"name":"other","git_url":"https://git.example.org/b.git","git_branch":"release/1.0","ssh_key_id":{key}}`},
		{name: "inventory", path: "{P}/inventory", shape: "inventory", posts: []string{
			`{"project_id":{project},"name":"yaml","type":"static-yaml","inventory":"all: {}","ssh_key_id":{key}}`,
			`{"project_id":{project},"name":"file","type":"file","inventory":"inventories/prod","ssh_key_id":{key},"become_key_id":{key},"repository_id":{repository}}`,
			`{"project_id":{project},"name":"tofu","type":"tofu-workspace","inventory":"default"}`,
			`{"project_id":{project},"name":"static","type":"static","inventory":"localhost","ssh_key_id":{key},"become_key_id":null}`},
			put: `{"id":{inventory},"project_id":{project},"name":"hosts","type":"static","inventory":"[web]\nweb1\n","ssh_key_id":{key},"become_key_id":{key}}`},
		{name: "group", path: "{P}/environment", shape: "group", posts: []string{
			`{"project_id":{project},"name":"group","json":"{\"region\":\"eu\"}","env":"{\"LANG\":\"C\"}","secrets":[{"type":"env","name":"TOKEN","secret":"s3","operation":"create"}]}`},
			put: `{"id":{group},"project_id":{project},"name":"group 2","json":"{\"a\":{\"b\":[1]}}","env":"{\"N\":1}"}`},
		{name: "view", path: "{P}/views", shape: "view", posts: []string{`{"project_id":{project},"title":"Build","position":1}`},
			put: `{"id":{view},"project_id":{project},"title":"Deploy","position":2,"hidden":true,"sort_column":"name","sort_reverse":true}`},
		{name: "template", path: "{P}/templates", shape: "template", posts: []string{
			`{"name":"bash","app":"bash","playbook":"a.sh",` + aTemplate + `}`, `{"name":"terraform","app":"terraform","playbook":"","project_id":{project},"repository_id":{repository},"environment_id":{group},"task_params":{"auto_approve":true,"allow_destroy":true}}`,
			`{"name":"tofu","app":"tofu","playbook":"dir","project_id":{project},"repository_id":{repository}}`, `{"name":"terragrunt","app":"terragrunt","playbook":"","project_id":{project},"repository_id":{repository},"arguments":"{\"init\":[],\"plan\":[],\"apply\":[]}"}`,
			`{"name":"ansible","app":"ansible","playbook":"site.yml","vaults":[{"name":"prod","type":"password","vault_key_id":{key}}],` + aTemplate + `}`},
			put: `{"id":{template},"name":"ansible 2","app":"ansible","playbook":"other.yml","type":"build","start_version":"1.0.0","view_id":{view},"allow_override_args_in_task":true,"allow_override_branch_in_task":true,
				"allow_parallel_tasks":true,"suppress_success_alerts":true,"task_params":{"allow_debug":true,"limit":["web"],"tags":["a"]},"vaults":[],` + aTemplate + `}`},
		{name: "schedule", path: "{P}/schedules", shape: "schedule", posts: []string{
			`{"project_id":{project},"template_id":{template},"name":"once","type":"run_at","run_at":"2099-03-01T10:00:00Z","active":true,"delete_after_run":true}`,
			`{"project_id":{project},"template_id":{template},"name":"nightly","cron_format":"0 2 * * *","active":true,"type":"","task_params":{"environment":"{}","params":{"dry_run":true}}}`},
			put: `{"id":{schedule},"project_id":{project},"template_id":{template},"name":"weekly","cron_format":"@weekly","active":false,"type":"","task_params":{"environment":"{\"v\":\"2\"}","params":{"diff":true}}}`},
		{name: "integration", path: "{P}/integrations", shape: "integration", posts: []string{
			`{"project_id":{project},"template_id":{template},"name":"open","auth_method":"","searchable":true}`,
			`{"project_id":{project},"template_id":{template},"name":"hook","auth_method":"github","auth_secret_id":{key},"auth_header":"","searchable":false}`},
			put: `{"id":{integration},"project_id":{project},"template_id":{template},"name":"hook 2","auth_method":"hmac","auth_secret_id":{key},"auth_header":"X-Sign","searchable":true,"task_params":{"environment":"{}"}}`},
		{name: "matcher", path: "{P}/integrations/{integration}/matchers", shape: "matcher", postStatus: 200, posts: []string{
			`{"integration_id":{integration},"name":"m","match_type":"header","method":"equals","body_data_type":"string","key":"X-Kind","value":"push"}`},
			put: `{"id":{matcher},"integration_id":{integration},"name":"n","match_type":"body","method":"contains","body_data_type":"json","key":"ref","value":"main"}`},
		{name: "value", path: "{P}/integrations/{integration}/values", shape: "value", posts: []string{
			`{"integration_id":{integration},"name":"v","value_source":"body","body_data_type":"json","key":"ref","variable":"ref","variable_type":"environment"}`},
			put: `{"id":{value},"integration_id":{integration},"name":"w","value_source":"header","body_data_type":"string","key":"X-V","variable":"dry_run","variable_type":"task"}`},
		{name: "storage", path: "{P}/secret_storages", shape: "storage", putStatus: 200, posts: []string{`{"project_id":{project},"name":"s","type":"local","params":{},"readonly":false,"secret":"x"}`},
			put: `{"id":{storage},"project_id":{project},"name":"t","type":"local","params":{},"readonly":true,"secret":""}`},
	}
}

// TestToolsKeepWhatTheyDescribe does what the provider for Terraform and the
// collection for Ansible do with every kind of row.
func TestToolsKeepWhatTheyDescribe(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.walk(t, []step{{as: "admin", method: "POST", path: "/projects", name: "tools", body: `{"name":"Tools","alert":true,"alert_chat":"1","max_parallel_tasks":3}`, status: 201, shape: "project", keep: "project"}})
		project := `{"id":{project},"name":"Tools 2","alert":false,"alert_chat":"2","max_parallel_tasks":0,"type":""}`
		w.walk(t, []step{{as: "admin", method: "PUT", path: "/project/{project}", body: project, status: 204}})
		w.got(t, "admin", "/project/{project}", project)
		kinds := toolKinds(t)
		for _, k := range kinds {
			k.keep(t, w)
		}
		w.walk(t, []step{
			{as: "admin", method: "POST", path: "/project/{project}/users", body: `{"user_id":{user},"role":"guest"}`, status: 204},
			{as: "admin", method: "POST", path: "/project/{project}/users", body: `{"user_id":{user},"role":"guest"}`, status: 409, shape: "error"},
			{as: "admin", method: "PUT", path: "/project/{project}/users/{user}", body: `{"role":"manager"}`, status: 204},
			{as: "admin", method: "DELETE", path: "/project/{project}/keys/{key}", status: 400, shape: "used"},
			{as: "admin", method: "DELETE", path: "/project/{project}/repositories/{repository}", status: 400, shape: "used"},
			{as: "admin", method: "GET", path: "/project/{project}/keys/{key}/refs", status: 200, shape: "refs"},
		})
		w.got(t, "admin", "/project/{project}/users/{user}", `{"id":{user},"username":"robot","role":"manager"}`)
		w.walk(t, []step{{as: "admin", method: "DELETE", path: "/project/{project}/users/{user}", status: 204}})
		for i := len(kinds) - 1; i >= 0; i-- {
			kinds[i].forget(t, w)
		}
		w.walk(t, []step{
			{as: "admin", method: "DELETE", path: "/project/{project}", status: 204},
			{as: "admin", method: "GET", path: "/project/{project}", name: "gone", status: 404, shape: "error"},
		})
	})
}

// keep creates rows of a kind, changes the last one and reads it.
func (k crud) keep(t *testing.T, w *world) {
	t.Helper()
	path := strings.Replace(k.path, "{P}", "/project/{project}", 1)
	for i, body := range k.posts {
		status := k.postStatus
		if status == 0 {
			status = http.StatusCreated
		}
		w.walk(t, []step{{as: "admin", method: "POST", path: path, name: "tools" + string(rune('a'+i)), body: body, status: status, shape: k.shape, keep: k.name}})
		w.ids[k.name+string(rune('a'+i))] = w.ids[k.name]
		w.got(t, "admin", path+"/{"+k.name+"}", body)
	}
	one := path + "/{" + k.name + "}"
	put := step{as: "admin", method: "PUT", path: one, body: k.put, status: http.StatusNoContent}
	if k.putStatus != 0 {
		put.status, put.shape = k.putStatus, k.shape
	}
	w.walk(t, []step{put, {as: "admin", method: "GET", path: one, name: "tools", status: 200, shape: k.shape}})
	w.got(t, "admin", one, k.put)
	w.walk(t, []step{put}) // once more changes nothing
	w.got(t, "admin", one, k.put)
}

// forget deletes the rows of a kind.
func (k crud) forget(t *testing.T, w *world) {
	t.Helper()
	path := strings.Replace(k.path, "{P}", "/project/{project}", 1)
	for i := range k.posts {
		one := path + "/{" + k.name + string(rune('a'+i)) + "}"
		w.walk(t, []step{{as: "admin", method: "DELETE", path: one, status: 204}})
		require.Equal(t, http.StatusNotFound, w.do("admin", "GET", one, "").Status)
		require.Equal(t, http.StatusNotFound, w.do("admin", "DELETE", one, "").Status)
	}
}
