package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/store"
)

// storeOperations describe what templates are made of.
func storeOperations() []operation {
	const project = "/project/{project}"
	keys := rowOps{
		all: project + "/keys", one: project + "/keys/{key}", many: "the keys", single: "a key",
		list: []store.AccessKey{}, row: store.AccessKey{}, in: keyInput{}, refs: true,
	}
	repositories := rowOps{
		all: project + "/repositories", one: project + "/repositories/{repository}", many: "the repositories", single: "a repository",
		list: []store.Repository{}, row: store.Repository{}, in: repositoryInput{}, refs: true,
	}
	inventories := rowOps{
		all: project + "/inventory", one: project + "/inventory/{inventory}", many: "the inventories", single: "an inventory",
		list: []store.Inventory{}, row: store.Inventory{}, in: inventoryInput{}, refs: true,
		query: []parameter{{"app", "string", "only those that serve this app"}, {"template_id", "integer", "those of a template; without it, those of none"}},
	}
	groups := rowOps{
		all: project + "/environment", one: project + "/environment/{environment}", many: "the variable groups", single: "a variable group",
		list: []store.Environment{}, row: store.Environment{}, in: environmentInput{}, refs: true,
	}
	storages := rowOps{
		all: project + "/secret_storages", one: project + "/secret_storages/{storage}", many: "the secret storages", single: "a secret storage",
		list: []store.SecretStorage{}, row: store.SecretStorage{}, in: storageInput{}, put: store.SecretStorage{}, refs: true,
	}
	views := rowOps{
		all: project + "/views", one: project + "/views/{view}", many: "the views", single: "a view",
		list: []store.View{}, row: store.View{}, in: viewInput{},
	}
	return slices.Concat(
		tagged("Keys", keys.operations()),
		tagged("Repositories", repositories.operations(), []operation{
			{route: "GET " + project + "/repositories/{repository}/branches", summary: "List the branches of the remote", out: []string{}},
		}),
		tagged("Inventories", inventories.operations()),
		tagged("Variable groups", groups.operations()),
		tagged("Secret storages", storages.operations()),
		tagged("Views", views.operations(), []operation{
			{route: "POST " + project + "/views/positions", summary: "Move views", note: "The body names positions by view id.", in: map[string]int{}},
			{route: "GET " + project + "/views/{view}/templates", summary: "List the templates of a view", out: []store.Template{}, query: append(listed(), templateFilter()...), headers: nextHeaders()},
		}),
	)
}

// terraformOperations describe where Terraform keeps states here.
func terraformOperations() []operation {
	const base, alias = "/project/{project}/inventory/{inventory}/terraform", "/terraform/{alias}"
	lock := []parameter{{"ID", "string", "of the lock that is held"}}
	locked := map[int]any{http.StatusLocked: json.RawMessage{}}
	return tagged("Terraform states", []operation{
		{route: "GET " + base + "/aliases", summary: "List the addresses of a workspace's state", out: []stateAlias{}},
		{route: "POST " + base + "/aliases", summary: "Create an address", in: stateAliasInput{}, out: stateAlias{}, status: http.StatusCreated},
		{route: "GET " + base + "/aliases/{alias}", summary: "Show an address", out: stateAlias{}},
		{route: "PUT " + base + "/aliases/{alias}", summary: "Choose another key for an address", in: stateAliasInput{}},
		{route: "DELETE " + base + "/aliases/{alias}", summary: "Delete an address"},
		{route: "GET " + base + "/states", summary: "List the versions of a state, newest first", out: []stateVersion{}},
		{route: "GET " + base + "/states/latest", summary: "Show the newest version of a state", out: stateVersion{}},
		{route: "GET " + base + "/states/{state}", summary: "Show a version of a state", note: "Its text is for those who manage resources.", out: stateVersion{}},
		{route: "DELETE " + base + "/states/{state}", summary: "Delete a version of a state"},
		{route: "GET " + alias, summary: "Read a state, as Terraform's http backend does", note: "These routes take the login and password of the address's key by HTTP basic authentication.", out: json.RawMessage{}, also: map[int]any{http.StatusNoContent: nil}},
		{route: "POST " + alias, summary: "Store a state", in: json.RawMessage{}, status: http.StatusOK, also: locked, query: lock},
		{route: "DELETE " + alias, summary: "Drop a state", status: http.StatusOK, also: locked, query: lock},
		{route: "LOCK " + alias, summary: "Lock a state", note: "423 with who holds it.", in: json.RawMessage{}, status: http.StatusOK, also: locked},
		{route: "UNLOCK " + alias, summary: "Unlock a state", in: json.RawMessage{}, optIn: true, status: http.StatusOK, also: locked},
	})
}

func integrationOperations() []operation {
	const all = "/project/{project}/integrations"
	const one = all + "/{integration}"
	integrations := rowOps{all: all, one: one, many: "the integrations", single: "an integration", list: []store.Integration{}, row: store.Integration{}, in: integrationInput{}}
	matchers := rowOps{
		all: one + "/matchers", one: one + "/matchers/{matcher}", many: "the conditions of an integration", single: "a condition",
		list: []store.IntegrationMatcher{}, row: store.IntegrationMatcher{}, in: matcherInput{}, post: http.StatusOK,
	}
	values := rowOps{
		all: one + "/values", one: one + "/values/{value}", many: "the values that an integration takes", single: "a value",
		list: []store.IntegrationExtractor{}, row: store.IntegrationExtractor{}, in: extractorInput{},
	}
	return tagged("Integrations", integrations.operations(), matchers.operations(), values.operations(),
		aliasOperations(all+"/aliases", "a project's integrations"), aliasOperations(one+"/aliases", "an integration"), []operation{
			{route: "GET " + one + "/refs", summary: "List what uses an integration", out: integrationRefsReply{}},
			{route: "GET " + one + "/matchers/{matcher}/refs", summary: "List what uses a condition", out: partRefsReply{}},
			{route: "GET " + one + "/values/{value}/refs", summary: "List what uses a value", out: partRefsReply{}},
			{route: "GET " + all + "/deliveries", summary: "List what senders have sent, newest first", note: "With id the one delivery, whole.", out: []hook.Entry{}, or: hook.Entry{},
				query: []parameter{{"limit", "integer", "how many at most, up to 1000"}, {"id", "integer", "of one delivery"}}},
			{route: "POST " + all + "/deliveries/{delivery}/replay", summary: "Work on a delivery again", out: replayReply{}},
		}, webhookOperations())
}

func aliasOperations(all, what string) []operation {
	return []operation{
		{route: "GET " + all, summary: "List the addresses of " + what, out: []store.IntegrationAlias{}},
		{route: "POST " + all, summary: "Create an address of " + what, out: store.IntegrationAlias{}},
		{route: "DELETE " + all + "/{alias}", summary: "Delete an address of " + what},
	}
}

func webhookOperations() []operation {
	const path = "/integrations/{alias}"
	headers := map[string]string{"X-Semaphore-Task-ID": "of each task that was started", "X-Semaphore-Template-ID": "of its template",
		"X-Semaphore-Project-ID": "of its project", "X-Semaphore-Integration-ID": "of the integration that started it", "X-Semaphore-Inventory-ID": "of its inventory"}
	note := "401 where the sender has proven itself to no integration, 404 where nobody has the address, 413 over 1 MiB. With webhook_legacy_status an empty 200 or 204 in place of these."
	legacy := map[int]any{http.StatusOK: nil}
	return []operation{
		{route: "POST " + path, summary: "Deliver a webhook", note: note, in: json.RawMessage{}, optIn: true, headers: headers, also: legacy},
		{route: "GET " + path, summary: "Deliver a webhook without a body", note: note, headers: headers, also: legacy},
		{route: "OPTIONS " + path, summary: "Ask what an address takes"},
	}
}
