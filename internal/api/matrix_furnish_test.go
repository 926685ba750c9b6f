package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// ansibleIsMissing stands for a machine without Ansible.
func ansibleIsMissing(context.Context) (string, error) { return "", errors.New("not installed") }

// furnish makes one of everything in a project, through the API where that is
// the only way to it.
func (m *matrix) furnish(prefix, as string) {
	project := map[string]string{"": "p", "q_": "q"}[prefix]
	at := func(text string) string {
		text = strings.ReplaceAll(text, "{P}", "/project/{"+project+"}")
		return strings.ReplaceAll(text, "{@", "{"+prefix)
	}
	create := func(name, path, body string, header ...string) answer {
		m.t.Helper()
		a := m.as(as, "POST", at(path), at(body), header...)
		require.Contains(m.t, []int{http.StatusCreated, http.StatusOK}, a.Status, "%s: %s", path, a.Body)
		var row struct{ ID int64 }
		a.decode(m.t, &row)
		m.ids[prefix+name] = row.ID
		return a
	}
	create("none", "{P}/keys", `{"name":"none","type":"none"}`)
	create("spare_key", "{P}/keys", `{"name":"spare","type":"login_password","login_password":{"login":"l","password":"`+leak+`-login"}}`)
	create("ssh", "{P}/keys", `{"name":"ssh","type":"ssh","ssh":{"login":"git","passphrase":"","private_key":`+quoted(m.t, privateKey(m.t))+`}}`)
	create("text", "{P}/keys", `{"name":"text","type":"string","string":"`+leak+`-string"}`)
	create("storage", "{P}/secret_storages", `{"name":"here","type":"local","params":{},"secret":"`+leak+`-storage"}`)
	create("vault", "{P}/secret_storages", `{"name":"vault","type":"vault","params":{"url":"https://vault.example.org"},"secret":"`+leak+`-vault"}`)
	create("spare_repository", "{P}/repositories", `{"name":"spare","git_url":"https://git.example.org/spare.git","git_branch":"main","ssh_key_id":{@none}}`)
	create("spare_inventory", "{P}/inventory", `{"name":"spare","type":"static","inventory":"localhost"}`)
	create("group", "{P}/environment", `{"name":"group","json":"{}","env":"{}","secrets":[{"type":"env","name":"TOKEN","secret":"`+leak+`-env","operation":"create"},{"type":"var","name":"pw","secret":"`+leak+`-var","operation":"create"}]}`)
	m.groupSecret(prefix, project)
	create("spare_view", "{P}/views", `{"title":"spare","position":2}`)
	create("build", "{P}/templates", `{"name":"build","app":"bash","playbook":"b.sh","repository_id":{@repository},"environment_id":{@environment},"type":"build","start_version":"1.0.0"}`)
	create("deploy", "{P}/templates", `{"name":"deploy","app":"bash","playbook":"d.sh","repository_id":{@repository},"inventory_id":{@inventory},"environment_id":{@environment},"type":"deploy","build_template_id":{@build}}`)
	create("sibling", "{P}/templates", `{"name":"sibling","app":"ansible","playbook":"site.yml","repository_id":{@repository},"inventory_id":{@inventory},
		"survey_vars":[{"name":"pw","title":"P","type":"secret"}],"vaults":[{"name":null,"type":"password","vault_key_id":{@key}}]}`)
	create("tf", "{P}/templates", `{"name":"tf","app":"terraform","playbook":"","repository_id":{@repository}}`)
	create("workspace", "{P}/inventory", `{"name":"prod","type":"terraform-workspace","inventory":"prod","template_id":{@tf}}`)
	create("loose", "{P}/inventory", `{"name":"loose","type":"terraform-workspace","inventory":"loose"}`)
	create("role", "{P}/roles", `{"slug":"`+prefix+`helper","name":"Helper","permissions":1}`)
	m.vars[prefix+"role"] = prefix + "helper"
	create("used_role", "{P}/roles", `{"slug":"`+prefix+`used","name":"Used","permissions":1}`)
	m.vars[prefix+"used_role"] = prefix + "used"
	create("perm", "{P}/templates/{@template}/perms", `{"role_slug":"{@used_role}","permissions":1}`)
	create("known_host", "{P}/known_hosts", `{"host":"git.example.org","key":"`+hostKey+`"}`)
	create("integration", "{P}/integrations", `{"name":"hook","template_id":{@template},"auth_method":"","searchable":false}`)
	create("other_integration", "{P}/integrations", `{"name":"other","template_id":{@template},"auth_method":"","searchable":false}`)
	create("matcher", "{P}/integrations/{@integration}/matchers", `{"name":"m","match_type":"header","method":"equals","key":"X-Kind","value":"push"}`)
	create("value", "{P}/integrations/{@integration}/values", `{"name":"v","value_source":"header","key":"X-V","variable":"v"}`)
	create("alias", "{P}/integrations/aliases", ``)
	hook := create("own_alias", "{P}/integrations/{@integration}/aliases", ``)
	_, address, found := strings.Cut(hook.Body, "/api/integrations/")
	require.True(m.t, found)
	m.vars[prefix+"hook"], _, _ = strings.Cut(address, `"`)
	invite := create("invite", "{P}/invites", `{"user_id":{spare},"role":"guest"}`)
	_, token, found := strings.Cut(invite.Body, "/accept-invite?token=")
	require.True(m.t, found)
	m.vars[prefix+"invite_token"], _, _ = strings.Cut(token, `"`)
	m.state(prefix, as, at)
	m.rows(prefix, m.ids[project])
	m.tasksOf(prefix, as, at)
}

// groupSecret notes the ids of the secrets of the variable group.
func (m *matrix) groupSecret(prefix, project string) {
	page, err := m.st.Keys().List(m.t.Context(), m.ids[project], store.Query{Where: map[string]any{"environment_id": m.ids[prefix+"group"]}, Limit: -1})
	require.NoError(m.t, err)
	require.Len(m.t, page.Items, 2)
	m.ids[prefix+"group_secret"] = page.Items[0].ID
}

// state makes an address of a Terraform state with a version behind it.
func (m *matrix) state(prefix, as string, at func(string) string) {
	var row struct{ Alias string }
	m.must(201, as, "POST", at("{P}/inventory/{@workspace}/terraform/aliases"), at(`{"auth_key_id":{@key}}`)).decode(m.t, &row)
	m.vars[prefix+"state_alias"] = row.Alias
	m.must(200, "nobody", "POST", "/terraform/"+row.Alias, strings.Replace(tfState(1), "canary-state", leak+"-state", 1), "Authorization", basicAuth("git", hookSecret))
	var list []struct{ ID int64 }
	m.must(200, as, "GET", at("{P}/inventory/{@workspace}/terraform/states"), "").decode(m.t, &list)
	require.Len(m.t, list, 1)
	m.ids[prefix+"state"] = list[0].ID
}

// rows makes what needs no API.
func (m *matrix) rows(prefix string, project int64) {
	ctx := m.t.Context()
	p, err := m.st.Projects().Get(ctx, 0, project)
	require.NoError(m.t, err)
	p.Alert = true
	require.NoError(m.t, m.st.Projects().Update(ctx, p))
	runner, err := m.st.Runners().Create(ctx, store.Runner{ProjectID: &project, Name: "runner", Tag: "linux", TokenHash: prefix + "runner", Active: true})
	require.NoError(m.t, err)
	m.ids[prefix+"runner"] = runner.ID
	cron, err := m.st.Schedules().Create(ctx, store.Schedule{ProjectID: project, TemplateID: m.ids[prefix+"template"], Name: "nightly", CronFormat: "0 2 * * *", Active: true, Created: time.Now()})
	require.NoError(m.t, err)
	m.ids[prefix+"schedule"] = cron.ID
}

// tasksOf makes a task that has ended, one that waits for confirmation and one
// that waits, and a delivery.
func (m *matrix) tasksOf(prefix, as string, at func(string) string) {
	for _, of := range [][2]string{{"built", "build"}, {"done", "template"}, {"asks", "template"}} {
		m.add(prefix+of[0], as, at(`{P}/tasks`), at(`{"template_id":{@`+of[1]+`},"message":"`+of[0]+`"}`))
		m.finish(prefix+of[0], of[0] == "asks")
	}
	m.add(prefix+"task", as, at(`{P}/tasks`), at(`{"template_id":{@template},"message":"waits"}`))
	m.must(204, "nobody", "POST", at("/integrations/{@hook}"), `{"ref":"main"}`, "X-Kind", "push", "X-V", "1")
	var list []struct{ ID int64 }
	m.must(200, as, "GET", at("{P}/integrations/deliveries"), "").decode(m.t, &list)
	require.Len(m.t, list, 1)
	m.ids[prefix+"delivery"] = list[0].ID
}

func (m *matrix) add(name, as, path, body string) {
	m.t.Helper()
	var row struct{ ID int64 }
	m.must(201, as, "POST", path, body).decode(m.t, &row)
	m.ids[name] = row.ID
}

// finish lets a worker take the only task that waits and end it.
func (m *matrix) finish(name string, asks bool) {
	ctx := m.t.Context()
	claimed, err := m.st.Queue().Claim(ctx, store.ClaimRequest{Owner: "worker", Tags: []string{""}, Max: 1, TTL: time.Minute})
	require.NoError(m.t, err)
	require.Len(m.t, claimed, 1)
	require.Equal(m.t, m.ids[name], claimed[0].Task.ID)
	lease := claimed[0].Lease
	at := time.Date(2026, 1, 2, 3, 4, 6, 123456000, time.UTC)
	require.NoError(m.t, m.st.Queue().Append(ctx, lease, store.Append{Seq: 1, Status: store.Running, Lines: []store.LogLine{{Time: at, Text: "\x1b[32mPLAY [all]\x1b[0m"}}}))
	end := store.Finish{Status: store.Success}
	if asks {
		until := time.Now().Add(time.Hour)
		end = store.Finish{Status: store.WaitingConfirmation, Prompt: "apply", ConfirmBefore: &until}
	}
	_, err = m.st.Queue().Finish(ctx, lease, end)
	require.NoError(m.t, err)
}
