package api_test

import (
	"strings"
	"testing"
)

// TestNamesHaveOneLimit makes rows of every kind with a name as long as may be,
// and with one that is a byte longer.
func TestNamesHaveOneLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	w.created("hook", "owner", "/project/{p}/integrations", `{"name":"hook","template_id":{template},"auth_method":""}`)
	kinds := []struct {
		as, path, field, rest string
		status                int
	}{
		{"owner", "/project/{p}/keys", "name", `"type":"none"`, 201},
		{"owner", "/project/{p}/repositories", "name", `"git_url":"https://h/r","git_branch":"main","ssh_key_id":{key}`, 201},
		{"owner", "/project/{p}/inventory", "name", `"type":"static","inventory":"h"`, 201},
		{"owner", "/project/{p}/environment", "name", `"json":"{}"`, 201},
		{"owner", "/project/{p}/templates", "name", `"app":"bash","playbook":"x.sh","repository_id":{repository},"environment_id":null`, 201},
		{"owner", "/project/{p}/schedules", "name", `"template_id":{template},"cron_format":"@daily"`, 201},
		{"owner", "/project/{p}/integrations", "name", `"template_id":{template},"auth_method":""`, 201},
		{"owner", "/project/{p}/integrations/{hook}/matchers", "name", `"match_type":"header","method":"equals","key":"k","value":"v"`, 200},
		{"owner", "/project/{p}/integrations/{hook}/values", "name", `"value_source":"header","key":"k","variable":"v"`, 201},
		{"owner", "/project/{p}/views", "title", `"position":1`, 201},
		{"owner", "/project/{p}/roles", "name", `"slug":"one","permissions":1`, 201},
		{"owner", "/project/{p}/runners", "name", `"active":true`, 201},
		{"owner", "/project/{p}/secret_storages", "name", `"type":"local"`, 201},
		{"owner", "/user/tokens", "name", `"scopes":[]`, 201},
		{"admin", "/projects", "name", `"alert":false`, 201},
		{"admin", "/users", "name", `"username":"long","email":"long@example.org","password":"a-long-password-1"`, 201},
	}
	for _, k := range kinds {
		body := func(n int) string { return `{"` + k.field + `":"` + strings.Repeat("n", n) + `",` + k.rest + `}` }
		w.play([]scenario{
			{name: k.path + " takes no longer one", as: k.as, method: "POST", path: k.path, body: body(256), status: 400, contains: []string{k.field + ": is longer than 255 bytes"}},
			{name: k.path + " takes one of 255 bytes", as: k.as, method: "POST", path: k.path, body: body(255), status: k.status},
		})
	}
}
