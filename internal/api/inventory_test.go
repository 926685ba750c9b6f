package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func TestInventories(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		a := w.created("yaml", "manager", "/project/{p}/inventory", `{"name":"yaml","project_id":{p},"type":"static-yaml","inventory":"all: {vars: {ansible_password: canary}}","ssh_key_id":{key},"become_key_id":{key},"repository_id":{repository},"runner_tag":"","host_keys":"strict"}`)
		require.Equal(t, []string{"become_key_id", "host_keys", "id", "inventory", "name", "project_id", "repository_id", "ssh_key_id", "template_id", "type"}, members(t, a.Body))
		w.created("file", "owner", "/project/{p}/inventory", `{"name":"file","type":"file","inventory":"inventories/prod","repository_id":{repository},"runner_tag":"dmz"}`)
		for _, kind := range []string{"terraform", "tofu", "terragrunt"} {
			w.created(kind, "owner", "/project/{p}/inventory", `{"name":"`+kind+`","type":"`+kind+`-workspace","inventory":"default"}`)
		}
		w.created("owned", "owner", "/project/{p}/inventory", `{"name":"owned","type":"tofu-workspace","inventory":"prod","template_id":{template}}`)
		names := func(want ...string) func(*testing.T, *world, answer) {
			return func(t *testing.T, _ *world, a answer) {
				var rows []store.Inventory
				a.decode(t, &rows)
				var got []string
				for _, r := range rows {
					got = append(got, r.Name)
				}
				require.Equal(t, want, got)
			}
		}
		const all = "/project/{p}/inventory"
		w.play([]scenario{
			{name: "those that no template owns are listed by name", method: "GET", path: all, status: 200, after: names("file", "hosts", "terraform", "terragrunt", "tofu", "yaml")},
			{name: "those of an app", method: "GET", path: all + "?app=ansible", status: 200, after: names("file", "hosts", "yaml")},
			{name: "workspaces of an app", method: "GET", path: all + "?app=tofu", status: 200, after: names("tofu")},
			{name: "those of a template", method: "GET", path: all + "?app=tofu&template_id={template}", status: 200, after: names("owned")},
			{name: "an unknown column to sort by is left alone", method: "GET", path: all + "?sort=secret&app=ansible", status: 200, after: names("file", "hosts", "yaml")},
			{name: "a template that is no number", method: "GET", path: all + "?template_id=x", status: 400, contains: []string{"template_id"}},
			{name: "a guest sees no text where passwords may stand", as: "guest", method: "GET", path: all, status: 200, contains: []string{"inventories/prod"}, lacks: []string{"canary", "localhost"}},
			{name: "a guest sees no text of one either", as: "guest", method: "GET", path: all + "/{yaml}", status: 200, contains: []string{`"inventory":""`}},
			{name: "who may run tasks sees it", as: "task_runner", method: "GET", path: all + "/{yaml}", status: 200, contains: []string{"canary"}},
			{name: "a task runner may not add one", as: "task_runner", method: "POST", path: all, body: `{"name":"x","type":"static"}`, status: 403},
			{name: "a stranger sees no project", as: "stranger", method: "GET", path: all + "/{yaml}", status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: all, status: 401},
			{name: "an unknown type is named", method: "POST", path: all, body: `{"name":"x","type":"dynamic"}`, status: 400, contains: []string{"dynamic", "static-yaml"}},
			{name: "a file needs a path", method: "POST", path: all, body: `{"name":"x","type":"file","inventory":""}`, status: 400, contains: []string{"inventory"}},
			{name: "a file stays inside the repository", method: "POST", path: all, body: `{"name":"x","type":"file","inventory":"a/../../etc"}`, status: 400, contains: []string{".."}},
			{name: "an absolute path stays absolute", method: "POST", path: all, body: `{"name":"x","type":"file","inventory":"/etc/../root/hosts"}`, status: 400, contains: []string{".."}},
			{name: "a path is no option", method: "POST", path: all, body: `{"name":"x","type":"file","inventory":"-e"}`, status: 400},
			{name: "a workspace has a name", method: "POST", path: all, body: `{"name":"x","type":"terraform-workspace","inventory":"a b"}`, status: 400, contains: []string{"workspace name"}},
			{name: "a static one belongs to no template", method: "POST", path: all, body: `{"name":"x","type":"static","template_id":{template}}`, status: 400, contains: []string{"template_id"}},
			{name: "host keys have three ways", method: "POST", path: all, body: `{"name":"x","type":"static","host_keys":"maybe"}`, status: 400, contains: []string{"host_keys"}},
			{name: "a key of another project is refused", method: "POST", path: all, body: `{"name":"x","type":"static","ssh_key_id":{q_key}}`, status: 400},
			{name: "a template of another project is refused", method: "POST", path: all, body: `{"name":"x","type":"tofu-workspace","inventory":"a","template_id":{q_template}}`, status: 400},
			{name: "a repository of another project is refused", method: "PUT", path: all + "/{file}", body: `{"name":"x","type":"file","inventory":"a","repository_id":{q_repository}}`, status: 400},
			{name: "one of another project does not exist", method: "PUT", path: all + "/{q_inventory}", body: `{"name":"x","type":"static"}`, status: 404},
			{name: "one that a template needs stays", method: "DELETE", path: all + "/{inventory}", status: 400, contains: []string{`"inUse":true`}},
			{name: "and the template is named", as: "guest", method: "GET", path: all + "/{inventory}/refs", status: 200, contains: []string{`"templates":[{"id":{template},"name":"hello"}]`, `"access_keys":[]`}},
			{name: "one is replaced, and what a client does not know stays", as: "manager", method: "PUT", path: all + "/{yaml}", body: `{"id":{yaml},"project_id":{p},"name":"yaml","type":"static-yaml","inventory":"all:"}`, status: 204,
				after: func(t *testing.T, w *world, _ answer) {
					row, err := w.st.Inventories().Get(t.Context(), w.ids["p"], w.ids["yaml"])
					require.NoError(t, err)
					require.Nil(t, row.SSHKeyID)
					require.Equal(t, "strict", row.HostKeys)
				}},
			{name: "one is deleted", method: "DELETE", path: all + "/{yaml}", status: 204},
			{name: "and gone", method: "GET", path: all + "/{yaml}", status: 404},
		})
		w.wantEvents(t, store.EventInventory, `Inventory "yaml" created`, `Inventory "yaml" updated`, `Inventory "yaml" deleted`)
	})
}
