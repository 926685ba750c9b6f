package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

const integrations = "/project/{p}/integrations"

func TestIntegrations(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		a := w.created("hook", "manager", integrations, `{"name":"hook","project_id":{p},"template_id":{template},"auth_method":"github","auth_secret_id":{key},"auth_header":"","searchable":true,
			"task_params":{"environment":"{\"who\":\"canary-value\"}","params":{"debug":true},"message":"by hook","inventory_id":{inventory},"secret":"{\"pw\":\"canary-secret\"}"}}`)
		require.Equal(t, []string{"auth_header", "auth_method", "auth_secret_id", "id", "name", "project_id", "searchable", "task_params", "template_id"}, members(t, a.Body))
		require.NotContains(t, a.Body, "canary-secret")
		a = w.created("open", "owner", integrations, `{"name":"open","template_id":{template},"auth_method":"none"}`)
		require.Contains(t, a.Body, `"auth_method":""`)
		require.NotContains(t, a.Body, "task_params")
		w.created("q_hook", "stranger", "/project/{q}/integrations", `{"name":"q","template_id":{q_template},"auth_method":""}`)
		var matcher struct{ ID int64 }
		a = w.do("owner", "POST", integrations+"/{hook}/matchers", `{"name":"push","match_type":"header","method":"equals","key":"X-GitHub-Event","value":"push","integration_id":{hook}}`)
		require.Equal(t, 200, a.Status, a.Body)
		a.decode(t, &matcher)
		w.ids["matcher"] = matcher.ID
		require.Equal(t, []string{"body_data_type", "id", "integration_id", "key", "match_type", "method", "name", "value"}, members(t, a.Body))
		a = w.created("value", "owner", integrations+"/{hook}/values", `{"name":"ref","value_source":"body","body_data_type":"json","key":"ref","variable":"ref"}`)
		require.Equal(t, []string{"body_data_type", "id", "integration_id", "key", "name", "value_source", "variable", "variable_type"}, members(t, a.Body))
		w.play(integrationScenarios())
		w.play(integrationPartScenarios())
		w.wantEvents(t, store.EventIntegration, `Integration "hook" created`, `Integration "hook" updated`, `Integration "hook" deleted`)
		w.wantEvents(t, store.EventMatcher, `Matcher "push" created`, `Matcher "push" deleted`)
		w.wantEvents(t, store.EventExtractor, `Value "ref" created`, `Value "ref" deleted`)
	})
}

func integrationScenarios() []scenario {
	with := func(more string) string { return `{"name":"x","template_id":{template},` + more + `}` }
	return []scenario{
		{name: "are listed", as: "task_runner", method: "GET", path: integrations, status: 200, contains: []string{`"name":"hook"`, `"name":"open"`, "canary-value"}, lacks: []string{"canary-secret", `"name":"q"`}},
		{name: "a guest sees names of variables alone", as: "guest", method: "GET", path: integrations + "/{hook}", status: 200, contains: []string{`{\"who\":\"\"}`}, lacks: []string{"canary"}},
		{name: "a guest may not add one", as: "guest", method: "POST", path: integrations, body: with(`"auth_method":""`), status: 403},
		{name: "a stranger sees no project", as: "stranger", method: "GET", path: integrations, status: 404},
		{name: "nobody has to sign in", as: "nobody", method: "GET", path: integrations, status: 401},
		{name: "one of another project does not exist", method: "GET", path: integrations + "/{q_hook}", status: 404},
		{name: "a name is needed", method: "POST", path: integrations, body: `{"template_id":{template}}`, status: 400, contains: []string{"name"}},
		{name: "a template is needed", method: "POST", path: integrations, body: `{"name":"x"}`, status: 400, contains: []string{"template_id"}},
		{name: "a template of another project is refused", method: "POST", path: integrations, body: `{"name":"x","template_id":{q_template}}`, status: 400},
		{name: "a method is known", method: "POST", path: integrations, body: with(`"auth_method":"magic"`), status: 400, contains: []string{"magic"}},
		{name: "a method needs its secret", method: "POST", path: integrations, body: with(`"auth_method":"github"`), status: 400, contains: []string{"auth_secret_id"}},
		{name: "a token needs a header", method: "POST", path: integrations, body: with(`"auth_method":"token","auth_secret_id":{key}`), status: 400, contains: []string{"auth_header"}},
		{name: "a secret of another project is refused", method: "POST", path: integrations, body: with(`"auth_method":"github","auth_secret_id":{q_key}`), status: 400, contains: []string{"auth_secret_id"}},
		{name: "parameters hold variables", method: "POST", path: integrations, body: with(`"task_params":{"environment":"[]"}`), status: 400, contains: []string{"task_params.environment"}},
		{name: "parameters set no reserved names", method: "POST", path: integrations, body: with(`"task_params":{"environment":"{\"LD_PRELOAD\":\"x\"}"}`), status: 400, contains: []string{"LD_PRELOAD"}},
		{name: "parameters are an object", method: "POST", path: integrations, body: with(`"task_params":{"params":[]}`), status: 400, contains: []string{"task_params.params"}},
		{name: "arguments are JSON", method: "POST", path: integrations, body: with(`"task_params":{"arguments":"-v"}`), status: 400, contains: []string{"task_params.arguments"}},
		{name: "a branch is no option", method: "POST", path: integrations, body: with(`"task_params":{"git_branch":"--upload-pack=x"}`), status: 400, contains: []string{"git_branch"}},
		{name: "an inventory of another project is refused", method: "POST", path: integrations, body: with(`"task_params":{"inventory_id":{q_inventory}}`), status: 400, contains: []string{"inventory_id"}},
		{name: "a secret value is not echoed", method: "POST", path: integrations, body: with(`"task_params":{"secret":"canary"}`), status: 400, lacks: []string{"canary"}},
		{name: "nothing is in the way of its deletion", as: "guest", method: "GET", path: integrations + "/{hook}/refs", status: 200, contains: []string{`{"matchers":[],"values":[]}`}},
		{name: "no parameters in a body forget those stored", method: "PUT", path: integrations + "/{hook}", body: `{"id":{hook},"project_id":{p},"name":"hook","template_id":{template},"auth_method":"github","auth_secret_id":{key}}`, status: 204},
		{name: "and none are shown", method: "GET", path: integrations + "/{hook}", status: 200, lacks: []string{"task_params"}},
	}
}

func integrationPartScenarios() []scenario {
	const matchers, values = integrations + "/{hook}/matchers", integrations + "/{hook}/values"
	return []scenario{
		{name: "matchers are listed", as: "guest", method: "GET", path: matchers, status: 200, contains: []string{`"name":"push"`}},
		{name: "those of another integration are not", method: "GET", path: integrations + "/{open}/matchers", status: 200, contains: []string{"[]"}},
		{name: "those of an integration of another project neither", method: "GET", path: integrations + "/{q_hook}/matchers", status: 404},
		{name: "a matcher belongs to its integration", method: "GET", path: integrations + "/{open}/matchers/{matcher}", status: 404},
		{name: "a matcher is not changed by way of another integration", method: "PUT", path: integrations + "/{open}/matchers/{matcher}", body: `{"name":"x","match_type":"header","method":"equals","key":"A","value":"b"}`, status: 404},
		{name: "a matcher is not deleted by way of another integration", method: "DELETE", path: integrations + "/{open}/matchers/{matcher}", status: 404},
		{name: "an integration of the body that differs is refused", method: "PUT", path: matchers + "/{matcher}", body: `{"integration_id":{open},"name":"x","match_type":"header","method":"equals","key":"A","value":"b"}`, status: 400, contains: []string{"integration_id"}},
		{name: "a matcher names where it looks", method: "POST", path: matchers, body: `{"name":"x","match_type":"query","method":"equals","key":"A","value":"b"}`, status: 400, contains: []string{"match_type"}},
		{name: "a guest may not add a matcher", as: "guest", method: "POST", path: matchers, body: `{}`, status: 403},
		{name: "a matcher is replaced", method: "PUT", path: matchers + "/{matcher}", body: `{"id":{matcher},"name":"push","match_type":"body","body_data_type":"json","method":"equals","key":"a.b","value":"c"}`, status: 204},
		{name: "and shown", as: "guest", method: "GET", path: matchers + "/{matcher}", status: 200, contains: []string{`"match_type":"body"`, `"key":"a.b"`}},
		{name: "nothing is in the way of its end", method: "GET", path: matchers + "/{matcher}/refs", status: 200, contains: []string{`{"integrations":[]}`}},
		{name: "a matcher is deleted", method: "DELETE", path: matchers + "/{matcher}", status: 204},
		{name: "and gone", method: "GET", path: matchers + "/{matcher}/refs", status: 404},
		{name: "values are listed", as: "guest", method: "GET", path: values, status: 200, contains: []string{`"variable":"ref"`, `"variable_type":"environment"`}},
		{name: "one is shown", as: "guest", method: "GET", path: values + "/{value}", status: 200, contains: []string{`"id":{value}`}},
		{name: "a value belongs to its integration", method: "GET", path: integrations + "/{open}/values/{value}", status: 404},
		{name: "a value fills in no reserved name", method: "POST", path: values, body: `{"name":"x","value_source":"header","key":"A","variable":"PATH","variable_type":"environment"}`, status: 400, contains: []string{"PATH"}},
		{name: "a value does not decide how hosts are reached", method: "POST", path: values, body: `{"name":"x","value_source":"header","key":"A","variable":"ansible_host"}`, status: 400, contains: []string{"ansible_host"}},
		{name: "a value is replaced", method: "PUT", path: values + "/{value}", body: `{"name":"ref","value_source":"header","key":"X-Ref","variable":"ref","variable_type":"task"}`, status: 204},
		{name: "nothing is in the way of its deletion", method: "GET", path: values + "/{value}/refs", status: 200, contains: []string{`{"integrations":[]}`}},
		{name: "a value is deleted", method: "DELETE", path: values + "/{value}", status: 204},
		{name: "the integration is deleted", method: "DELETE", path: integrations + "/{hook}", status: 204},
		{name: "with what was its own", method: "GET", path: values, status: 404},
	}
}

func TestIntegrationAliases(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.created("one", "owner", integrations, `{"name":"one","template_id":{template}}`)
		w.created("two", "owner", integrations, `{"name":"two","template_id":{template}}`)
		alias := func(name, path string) {
			a := w.do("manager", "POST", path, "")
			require.Equal(t, 200, a.Status, a.Body)
			require.Equal(t, []string{"id", "url"}, members(t, a.Body))
			var row struct {
				ID  int64
				URL string
			}
			a.decode(t, &row)
			require.Regexp(t, `^https://semaphore\.example\.org/prefix/api/integrations/[0-9a-f]{16}$`, row.URL)
			w.ids[name] = row.ID
		}
		alias("shared", integrations+"/aliases")
		alias("own", integrations+"/{one}/aliases")
		w.play([]scenario{
			{name: "those of the project are listed", method: "GET", path: integrations + "/aliases", status: 200, contains: []string{`[{"id":{shared},"url":"https://`}, lacks: []string{`"id":{own}`}},
			{name: "those of one integration are listed", as: "task_runner", method: "GET", path: integrations + "/{one}/aliases", status: 200, contains: []string{`"id":{own}`, "https"}, lacks: []string{`"id":{shared}`}},
			{name: "a guest does not learn addresses", as: "guest", method: "GET", path: integrations + "/{one}/aliases", status: 200, contains: []string{`"id":{own}`}, lacks: []string{"https"}},
			{name: "a guest may not make one", as: "guest", method: "POST", path: integrations + "/aliases", status: 403},
			{name: "a stranger sees no project", as: "stranger", method: "GET", path: integrations + "/aliases", status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: integrations + "/aliases", status: 401},
			{name: "that of an integration is not the project's", method: "DELETE", path: integrations + "/aliases/{own}", status: 404},
			{name: "that of one is not another's", method: "DELETE", path: integrations + "/{two}/aliases/{own}", status: 404},
			{name: "that of the project is no integration's", method: "DELETE", path: integrations + "/{one}/aliases/{shared}", status: 404},
			{name: "one is deleted", method: "DELETE", path: integrations + "/{one}/aliases/{own}", status: 204},
			{name: "the project's is deleted", method: "DELETE", path: integrations + "/aliases/{shared}", status: 204},
			{name: "and gone", method: "GET", path: integrations + "/aliases", status: 200, contains: []string{"[]"}},
		})
	})
}
