package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// firstOf is the first element of a JSON array.
func firstOf(t *testing.T, body string) string {
	t.Helper()
	var list []json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(body), &list), body)
	require.NotEmpty(t, list)
	return string(list[0])
}

const deployBody = `{"project_id":{p},"name":"Deploy","app":"ansible","playbook":"site.yml","inventory_id":{inventory},"repository_id":{repository},
	"environment_id":{environment},"type":"deploy","build_template_id":{build},"autorun":true,"arguments":"[\"--flush-cache\"]","suppress_success_alerts":true,
	"survey_vars":[{"name":"ver","title":"Version","required":true,"type":"","values":[]},{"name":"pw","title":"Password","type":"secret"}],
	"vaults":[{"name":null,"type":"password","vault_key_id":{key}},{"name":"b","type":"script","script":"vault.sh"}],
	"task_params":{"allow_debug":true,"allow_override_limit":true,"limit":["web"],"tags":[]},"view_id":{view},"options":{"max_retries":2},
	"tasks":99,"id":0,"last_task":{"id":1}}`

func TestTemplates(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.created("build", "manager", "/project/{p}/templates", `{"name":"Build","app":"bash","playbook":"build.sh","repository_id":{repository},"type":"build","start_version":"1.0.0"}`)
		a := w.created("deploy", "manager", "/project/{p}/templates", deployBody)
		require.Equal(t, []string{"allow_override_args_in_task", "app", "arguments", "autorun", "build_template_id", "environment_id", "id", "inventory_id", "name", "options",
			"permissions", "playbook", "project_id", "repository_id", "suppress_success_alerts", "survey_vars", "task_params", "tasks", "type", "vaults", "view_id"},
			slices.Sorted(slices.Values(append(members(t, a.Body), "allow_override_args_in_task"))))
		require.NotContains(t, a.Body, "canary")
		require.Contains(t, a.Body, `"tasks":0`)
		row, err := w.st.Templates().Get(t.Context(), w.ids["p"], w.ids["deploy"])
		require.NoError(t, err)
		row.SurveyVars[1].DefaultValue = "canary-default" // as a host program may
		require.NoError(t, w.st.Templates().Update(t.Context(), row))
		w.play([]scenario{
			{name: "are listed by name", as: "guest", method: "GET", path: "/project/{p}/templates", status: 200, contains: []string{`"permissions":null`, `"name":"Build"`}, lacks: []string{"vaults", "canary", "last_task"}},
			{name: "are filtered by app", as: "guest", method: "GET", path: "/project/{p}/templates?app=ansible&sort=name&order=asc", status: 200, contains: []string{`"id":{deploy}`}, lacks: []string{"Build"}},
			{name: "are paged", method: "GET", path: "/project/{p}/templates?limit=1", status: 200, after: func(t *testing.T, _ *world, a answer) { require.NotEmpty(t, a.Header.Get("X-Next-Cursor")) }},
			{name: "one has its vaults and the caller's rights", as: "task_runner", method: "GET", path: "/project/{p}/templates/{deploy}", status: 200, contains: []string{`"vault.sh"`, `"permissions":1`, `"autorun":true`}, lacks: []string{"canary"}},
			{name: "a view of type all has them all", as: "guest", method: "GET", path: "/project/{p}/views/{view}/templates", status: 200, contains: []string{"Build", "Deploy", "hello"}},
			{name: "a stranger sees none", as: "stranger", method: "GET", path: "/project/{p}/templates", status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: "/project/{p}/templates", status: 401},
			{name: "a guest makes none", as: "guest", method: "POST", path: "/project/{p}/templates", body: deployBody, status: 403},
			{name: "a task runner changes none", as: "task_runner", method: "PUT", path: "/project/{p}/templates/{build}", body: deployBody, status: 403},
			{name: "one of another project does not exist", method: "GET", path: "/project/{p}/templates/{q_template}", status: 404},
			{name: "a description is set alone", method: "PUT", path: "/project/{p}/templates/{build}/description", body: `{"description":"builds"}`, status: 204},
			{name: "and shown", method: "GET", path: "/project/{p}/templates/{build}", status: 200, contains: []string{`"description":"builds"`, `"start_version":"1.0.0"`}},
			{name: "a build that is deployed stays", method: "DELETE", path: "/project/{p}/templates/{build}", status: 400, contains: []string{`"inUse":true`}},
			{name: "what refers to it is told", method: "GET", path: "/project/{p}/templates/{build}/refs", status: 200, contains: []string{`"templates":[{"id":{deploy},"name":"Deploy"}]`, `"schedules":[]`}},
			{name: "one is replaced with its vaults, options and hidden defaults stay", method: "PUT", path: "/project/{p}/templates/{deploy}", status: 204,
				body: `{"id":{deploy},"project_id":{p},"name":"Deploy 2","app":"ansible","playbook":"site.yml","inventory_id":{inventory},"repository_id":{repository},"survey_vars":[{"name":"pw","title":"Password","type":"secret"}],"vaults":[{"name":"c","vault_key_id":{key}}]}`,
				after: func(t *testing.T, w *world, _ answer) {
					row, err := w.st.Templates().Get(t.Context(), w.ids["p"], w.ids["deploy"])
					require.NoError(t, err)
					require.Equal(t, "canary-default", row.SurveyVars[0].DefaultValue)
					require.Equal(t, 2, row.Options.MaxRetries)
					require.Nil(t, row.BuildTemplateID)
					vaults, err := w.st.Templates().Vaults().List(t.Context(), w.ids["p"], store.Query{})
					require.NoError(t, err)
					require.Len(t, vaults.Items, 1)
					require.Equal(t, "c", *vaults.Items[0].Name)
				}},
			{name: "one is deleted", method: "DELETE", path: "/project/{p}/templates/{deploy}", status: 204},
			{name: "and gone", method: "GET", path: "/project/{p}/templates/{deploy}", status: 404},
		})
	})
}

func TestTemplatesThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	base := map[string]any{"name": "x", "app": "bash", "playbook": "x.sh", "repository_id": "{repository}"}
	cases := []struct {
		name, set, field string
	}{
		{"without a name", `"name":""`, "name"},
		{"with a long name", `"name":"` + string(slices.Repeat([]byte("n"), 256)) + `"`, "name"},
		{"without an app", `"app":""`, "app"},
		{"with an unknown app", `"app":"cobol"`, "app"},
		{"with an app that is off", `"app":"python"`, "switched off"},
		{"without a playbook", `"playbook":""`, "playbook"},
		{"with a playbook outside", `"playbook":"../x"`, "playbook"},
		{"without a repository", `"repository_id":0`, "repository_id"},
		{"with a repository elsewhere", `"repository_id":{q_repository}`, "repository"},
		{"with an inventory elsewhere", `"inventory_id":{q_inventory}`, "inventory_id"},
		{"with variables elsewhere", `"environment_id":{q_environment}`, "environment"},
		{"with a view elsewhere", `"view_id":{q_view}`, "view"},
		{"of ansible without an inventory", `"app":"ansible"`, "inventory_id"},
		{"of terraform with hosts", `"app":"terraform","inventory_id":{inventory}`, "workspace"},
		{"with arguments that are no JSON", `"arguments":"-v"`, "arguments"},
		{"with staged arguments for a script", `"arguments":"{\"plan\":[]}"`, "arguments"},
		{"with an empty runner tag", `"runner_tag":""`, "runner_tag"},
		{"with a branch that is an option", `"git_branch":"--upload-pack=x"`, "git_branch"},
		{"with an unknown type", `"type":"test"`, "type"},
		{"with a long start version", `"type":"build","start_version":"123456789012345678901"`, "start_version"},
		{"that deploy what is no build", `"type":"deploy","build_template_id":{template}`, "build_template_id"},
		{"that deploy a build elsewhere", `"type":"deploy","build_template_id":{q_template}`, "build_template_id"},
		{"with a variable that is there twice", `"survey_vars":[{"name":"a"},{"name":"a"}]`, "survey_vars[1].name"},
		{"with a variable without a name", `"survey_vars":[{"name":""}]`, "survey_vars[0].name"},
		{"with a reserved variable", `"survey_vars":[{"name":"LD_PRELOAD"}]`, "reserved"},
		{"with an enum without values", `"survey_vars":[{"name":"a","type":"enum"}]`, "values"},
		{"with a secret that would lie there in clear", `"survey_vars":[{"name":"a","type":"secret","default_value":"x"}]`, "default_value"},
		{"with a number that is none", `"survey_vars":[{"name":"a","type":"int","default_value":"x"}]`, "default_value"},
		{"with a variable of unknown type", `"survey_vars":[{"name":"a","type":"date"}]`, "type"},
		{"with parameters of the wrong type", `"task_params":{"limit":"web"}`, "task_params.limit"},
		{"with parameters that are a list", `"task_params":[]`, "task_params"},
		{"with a backend file of another kind", `"app":"tofu","task_params":{"backend_filename":"../x"}`, "task_params.backend_filename"},
		{"with a vault without a key", `"vaults":[{"type":"password"}]`, "vaults[0].vault_key_id"},
		{"with a vault key elsewhere", `"vaults":[{"type":"password","vault_key_id":{q_key}}]`, "vaults[0].vault_key_id"},
		{"with a vault of unknown type", `"vaults":[{"type":"magic"}]`, "vaults[0].type"},
		{"with a vault of another template", `"vaults":[{"id":77,"vault_key_id":{key}}]`, "vaults[0].id"},
		{"with vaults of one name", `"app":"ansible","inventory_id":{inventory},"vaults":[{"vault_key_id":{key}},{"vault_key_id":{key}}]`, "vaults[1].name"},
		{"with a negative option", `"options":{"depth":-1}`, "options.depth"},
		{"with an unknown workspace", `"options":{"workspace":"shared"}`, "options.workspace"},
		{"with a project elsewhere", `"project_id":{q}`, "project_id"},
	}
	backends(t, options{idle: true}, func(_ *testing.T, w *world) {
		var list []scenario
		for _, tc := range cases {
			var set map[string]any
			require.NoError(t, json.Unmarshal([]byte(w.fill("{"+tc.set+"}")), &set), tc.name)
			body := maps.Clone(base)
			body["repository_id"] = w.ids["repository"]
			maps.Copy(body, set)
			text, err := json.Marshal(body)
			require.NoError(t, err)
			list = append(list, scenario{name: tc.name, method: "POST", path: "/project/{p}/templates", body: string(text), status: 400, contains: []string{tc.field}})
		}
		w.play(list)
	})
}

func TestABuildChainHasNoEndlessLoop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	body := `{"name":"%","app":"bash","playbook":"x.sh","repository_id":{repository},"type":"deploy"}`
	w.created("a", "owner", "/project/{p}/templates", body)
	w.created("b", "owner", "/project/{p}/templates", body[:len(body)-1]+`,"build_template_id":{a}}`)
	w.play([]scenario{
		{name: "to itself", method: "PUT", path: "/project/{p}/templates/{a}", body: body[:len(body)-1] + `,"build_template_id":{a}}`, status: 400, contains: []string{"leads back"}},
		{name: "by another one", method: "PUT", path: "/project/{p}/templates/{a}", body: body[:len(body)-1] + `,"build_template_id":{b}}`, status: 400, contains: []string{"leads back"}},
	})
}

func TestTemplatesOfTheTerraformFamilyHaveWorkspaces(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.created("infra", "owner", "/project/{p}/templates", `{"name":"infra","app":"terragrunt","playbook":"","repository_id":{repository}}`)
		row, err := w.st.Templates().Get(t.Context(), w.ids["p"], w.ids["infra"])
		require.NoError(t, err)
		inv, err := w.st.Inventories().Get(t.Context(), w.ids["p"], *row.InventoryID)
		require.NoError(t, err)
		require.Equal(t, store.Inventory{ID: inv.ID, ProjectID: w.ids["p"], Name: "default", Inventory: "default", Type: store.InventoryTerragrunt, TemplateID: &row.ID}, inv)
		w.ids["default"] = inv.ID
		other, err := w.st.Inventories().Create(t.Context(), store.Inventory{ProjectID: w.ids["p"], Name: "prod", Inventory: "prod", Type: store.InventoryTerragrunt})
		require.NoError(t, err)
		w.ids["prod"] = other.ID
		one := "/project/{p}/templates/{infra}/inventory/"
		w.play([]scenario{
			{name: "a foreign one is no default", method: "POST", path: one + "{prod}/set_default", status: 400, contains: []string{"attach"}},
			{name: "hosts are no workspace", method: "POST", path: one + "{inventory}/attach", status: 400, contains: []string{"workspace"}},
			{name: "one of another project does not exist", method: "POST", path: one + "{q_inventory}/attach", status: 404},
			{name: "a guest attaches none", as: "guest", method: "POST", path: one + "{prod}/attach", status: 403},
			{name: "one is attached", as: "manager", method: "POST", path: one + "{prod}/attach", status: 204},
			{name: "but once", method: "POST", path: one + "{prod}/attach", status: 400, contains: []string{"already"}},
			{name: "and becomes the default", method: "POST", path: one + "{prod}/set_default", status: 204},
			{name: "which is shown", method: "GET", path: "/project/{p}/templates/{infra}", status: 200, contains: []string{`"inventory_id":{prod}`}},
			{name: "the old one is detached", method: "POST", path: one + "{default}/detach", status: 204},
			{name: "but once too", method: "POST", path: one + "{default}/detach", status: 400},
			{name: "a free one belongs to the template that takes it", method: "POST", path: "/project/{p}/templates", status: 201,
				body: `{"name":"more","app":"terragrunt","repository_id":{repository},"inventory_id":{default}}`,
				after: func(t *testing.T, w *world, _ answer) {
					inv, err := w.st.Inventories().Get(t.Context(), w.ids["p"], w.ids["default"])
					require.NoError(t, err)
					require.NotNil(t, inv.TemplateID)
				}},
		})
	})
}

func TestPermissionsOfATemplate(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		elsewhere := w.ids["q"]
		_, err := w.st.Projects().Roles().Create(t.Context(), store.Role{Slug: "foreign", Name: "Foreign", ProjectID: &elsewhere})
		require.NoError(t, err)
		_, err = w.st.Projects().Roles().Create(t.Context(), store.Role{Slug: "operator", Name: "Operator"})
		require.NoError(t, err)
		perms, task := "/project/{p}/templates/{template}/perms", `{"template_id":{template}}`
		w.play([]scenario{
			{name: "are none at first", as: "guest", method: "GET", path: perms, status: 200, contains: []string{"[]"}},
			{name: "a guest starts no task", as: "guest", method: "POST", path: "/project/{p}/tasks", body: task, status: 403},
			{name: "a task runner gives none", as: "task_runner", method: "POST", path: perms, body: `{"role_slug":"guest","permissions":1}`, status: 403},
			{name: "other bits are refused", method: "POST", path: perms, body: `{"role_slug":"guest","permissions":8}`, status: 400, contains: []string{"permissions"}},
			{name: "an unknown role is refused", method: "POST", path: perms, body: `{"role_slug":"nobody","permissions":1}`, status: 400, contains: []string{"role_slug"}},
			{name: "a role of another project is refused", method: "POST", path: perms, body: `{"role_slug":"foreign","permissions":1}`, status: 400, contains: []string{"role_slug"}},
			{name: "a global role gets some", method: "POST", path: perms, body: `{"role_slug":"operator","permissions":5}`, status: 201},
		})
		a := w.created("perm", "manager", perms, `{"role_slug":"guest","permissions":1}`)
		require.Equal(t, []string{"id", "permissions", "project_id", "role_slug", "template_id"}, members(t, a.Body))
		w.play([]scenario{
			{name: "a role has one row", method: "POST", path: perms, body: `{"role_slug":"guest","permissions":4}`, status: 409},
			{name: "a guest now starts a task", as: "guest", method: "POST", path: "/project/{p}/tasks", body: task, status: 201},
			{name: "and sees so", as: "guest", method: "GET", path: "/project/{p}/templates/{template}", status: 200, contains: []string{`"permissions":1`}},
			{name: "in the list too", as: "guest", method: "GET", path: "/project/{p}/templates", status: 200, contains: []string{`"permissions":1`, `"last_task":{`}},
			{name: "they are changed", method: "PUT", path: perms + "/{perm}", body: `{"id":{perm},"role_slug":"guest","permissions":4}`, status: 204},
			{name: "who manages a template changes it", as: "guest", method: "PUT", path: "/project/{p}/templates/{template}/description", body: `{"description":"x"}`, status: 204},
			{name: "but gives no rights", as: "guest", method: "POST", path: perms, body: `{"role_slug":"task_runner","permissions":4}`, status: 403},
			{name: "nor takes them", as: "guest", method: "DELETE", path: perms + "/{perm}", status: 403},
			{name: "one is shown", as: "guest", method: "GET", path: perms + "/{perm}", status: 200, contains: []string{`"permissions":4`}},
			{name: "not below another template", method: "GET", path: "/project/{q}/templates/{q_template}/perms/{perm}", as: "stranger", status: 404},
			{name: "they are taken away", method: "DELETE", path: perms + "/{perm}", status: 204},
			{name: "and gone", method: "GET", path: perms + "/{perm}", status: 404},
		})
	})
}

func TestVaultPasswordsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		const body = `"name":"T","app":"ansible","playbook":"site.yml","inventory_id":{inventory},"repository_id":{repository},"vaults":`
		script := func(id int64, name string) string {
			return fmt.Sprintf(`{"id":%d,"name":%q,"type":"script","script":"%s.sh"}`, id, name, name)
		}
		w.created("t", "owner", "/project/{p}/templates", "{"+body+"["+script(0, "a")+","+script(0, "b")+","+script(0, "c")+"]}")
		stored := func() ([]string, map[string]int64) {
			page, err := w.st.Templates().Vaults().List(t.Context(), w.ids["p"], store.Query{Where: map[string]any{"template_id": w.ids["t"]}, Limit: -1})
			require.NoError(t, err)
			var names []string
			ids := map[string]int64{}
			for _, v := range page.Items {
				names, ids[*v.Name] = append(names, *v.Name), v.ID
			}
			return names, ids
		}
		for _, order := range []string{"abc", "bca", "cab", "nbac", "cn"} {
			_, ids := stored()
			var list, want []string
			for name := range strings.SplitSeq(order, "") {
				list, want = append(list, script(ids[name], name)), append(want, name)
			}
			a := w.do("owner", "PUT", "/project/{p}/templates/{t}", `{"id":{t},"project_id":{p},`+body+"["+strings.Join(list, ",")+"]}")
			require.Equal(t, 204, a.Status, a.Body)
			names, after := stored()
			require.Equal(t, want, names)
			if order == "abc" {
				require.Equal(t, ids, after, "what stays in its place is the same row")
			}
		}
	})
}
