package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// TestSigningInIsAsClientsKnowIt plays a sign-in with a second factor.
func TestSigningInIsAsClientsKnowIt(t *testing.T) {
	t.Parallel()
	o := conformOptions()
	o.idle = true
	w := newWorld(t, o)
	url, row := w.enroll("owner")
	cookie := w.signInAs("owner")
	w.walk(t, []step{
		{as: "nobody", method: "GET", path: "/user", name: "totp", header: cookie, status: 401, shape: "error", after: func(t *testing.T, a answer) { require.JSONEq(t, `{"error":"TOTP_REQUIRED"}`, a.Body) }},
		{as: "nobody", method: "POST", path: "/auth/verify", header: cookie, body: `{"passcode":"000000"}`, status: 401, shape: "error"},
		{as: "nobody", method: "POST", path: "/auth/verify", header: cookie, body: `{"passcode":"` + code(t, url, 0) + `"}`, status: 200},
		{as: "nobody", method: "GET", path: "/user", name: "verified", header: cookie, status: 200, shape: "self", after: func(t *testing.T, a answer) { require.NotContains(t, a.Body, "otpauth") }},
		{as: "nobody", method: "POST", path: "/auth/logout", header: cookie, status: 204},
	})
	cookie = w.signInAs("owner")
	w.walk(t, []step{
		{as: "nobody", method: "POST", path: "/auth/recovery", header: cookie, body: `{"recovery_code":"wrong"}`, status: 401, shape: "error"},
		{as: "nobody", method: "POST", path: "/auth/recovery", header: cookie, body: `{"recovery_code":"` + row.RecoveryCode + `"}`, status: 204},
		{as: "nobody", method: "POST", path: "/auth/verify", header: cookie, body: `{"passcode":"123456"}`, status: 204},
		{as: "nobody", method: "POST", path: "/auth/login", body: `{"auth":"owner","password":"wrong"}`, status: 401, shape: "error"},
		{method: "POST", path: "/users/{owner}/2fas/totp", status: 200, shape: "totp", keep: "totp"},
		{method: "GET", path: "/user/tokens", status: 200, shape: "[]token"},
		{method: "POST", path: "/user/tokens", status: 201, shape: "token", after: func(t *testing.T, a answer) {
			var token struct{ ID string }
			a.decode(t, &token)
			require.Len(t, token.ID, 44)
			w.tokens["fresh"] = token.ID
		}},
		{as: "fresh", method: "GET", path: "/user", name: "fresh", status: 200, shape: "self"},
	})
	w.walk(t, []step{{method: "DELETE", path: "/user/tokens/" + w.tokens["fresh"][:8], status: 204}})
	require.Equal(t, http.StatusUnauthorized, w.do("fresh", "GET", "/user", "").Status)
}

// settled waits until the pool has dealt with what ended tasks have caused.
func (w *world) settled() {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		list, err := w.st.Queue().Outbox(w.t.Context(), time.Now().Add(time.Hour), 1)
		return err == nil && len(list) == 0
	}, 20*time.Second, 2*time.Millisecond)
}

// TestExamplesAreAnsweredAsDocumented plays keys, variable groups, templates,
// tasks and schedules with the bodies that clients send.
func TestExamplesAreAnsweredAsDocumented(t *testing.T) {
	t.Parallel()
	w := newWorld(t, conformOptions())
	key := `"name":"deploy","type":"ssh","project_id":{p},"ssh":{"login":"git","passphrase":"","private_key":` + quoted(t, privateKey(t)) + `}`
	w.walk(t, []step{
		{method: "POST", path: "/project/{p}/keys", name: "ssh", body: `{` + key + `}`, status: 201, shape: "key", keep: "ssh"},
		{method: "PUT", path: "/project/{p}/keys/{ssh}", body: `{"id":{ssh},"override_secret":true,` + key + `}`, status: 204},
		{method: "PUT", path: "/project/{p}/keys/{ssh}", body: `{"id":{ssh},"name":"renamed","type":"ssh","project_id":{p}}`, status: 204},
		{method: "POST", path: "/project/{p}/environment", name: "secrets", status: 201, shape: "group", keep: "prod", body: `{"name":"prod","project_id":{p},"json":"{\"region\":\"eu\"}","env":"{\"LANG\":\"C\"}",
			"secrets":[{"type":"env","name":"TOKEN","secret":"s3","operation":"create"},{"type":"var","name":"db_pw","secret":"s4","operation":"create"}]}`},
		{method: "GET", path: "/project/{p}/environment/{prod}", status: 200, shape: "groupSingle", after: func(t *testing.T, a answer) {
			var e store.Environment
			a.decode(t, &e)
			w.ids["token"] = e.Secrets[0].ID
			require.Equal(t, "TOKEN", e.Secrets[0].Name)
		}},
		{method: "PUT", path: "/project/{p}/environment/{prod}", status: 204, body: `{"id":{prod},"name":"prod","project_id":{p},"json":"{}","env":"{}","secrets":[{"id":{token},"type":"env","name":"TOKEN","secret":"","operation":"update"}]}`,
			after: func(t *testing.T, _ answer) {
				require.Equal(t, "s3", w.secretOf(w.ids["token"]), "an empty secret has replaced the stored one")
			}},
		{method: "POST", path: "/project/{p}/templates", name: "build", status: 201, shape: "template", keep: "build",
			body: `{"project_id":{p},"name":"Build","app":"bash","playbook":"b.sh","repository_id":{repository},"environment_id":{environment},"type":"build","start_version":"1.0.0"}`},
		{method: "POST", path: "/project/{p}/tasks", name: "build", body: `{"template_id":{build}}`, status: 201, shape: "task", keep: "built", after: func(t *testing.T, a answer) {
			require.Contains(t, a.Body, `"version":"1.0.0"`)
			w.reaches("built", store.Success)
			w.settled() // or the deployment below would start by itself
		}},
		{method: "POST", path: "/project/{p}/templates", name: "deploy", status: 201, shape: "template", keep: "deploy", body: `{"project_id":{p},"name":"Deploy","app":"ansible","playbook":"site.yml","inventory_id":{inventory},"repository_id":{repository},
			"environment_id":{prod},"type":"deploy","build_template_id":{build},"autorun":true,"arguments":"[\"--flush-cache\"]",
			"survey_vars":[{"name":"ver","title":"Version","required":true,"type":"","values":[]}],"vaults":[{"name":null,"type":"password","vault_key_id":{key}}],
			"task_params":{"allow_debug":true,"allow_override_limit":true,"limit":["web"],"tags":[]}}`},
		{method: "POST", path: "/project/{p}/tasks", name: "deploy", status: 201, shape: "task", keep: "task", after: func(_ *testing.T, _ answer) { w.reaches("task", store.Success) },
			body: `{"template_id":{deploy},"message":"hotfix","environment":"{\"ver\":\"1.2\"}","secret":"{}","build_task_id":{built},"params":{"limit":["web1"],"dry_run":true,"diff":true,"debug":true,"debug_level":2}}`},
		{method: "GET", path: "/project/{p}/tasks/last?limit=1", status: 200, shape: "[]taskItem", after: func(t *testing.T, a answer) {
			require.Contains(t, a.Body, `"build_task":{`)
			require.Contains(t, a.Body, `"tpl_type":"deploy"`)
		}},
		{method: "POST", path: "/project/{p}/schedules", name: "cron", status: 201, shape: "schedule", keep: "cron", body: `{"project_id":{p},"template_id":{template},"name":"nightly","cron_format":"0 2 1 1 *","active":true,"type":"",
			"task_params":{"environment":"{}","params":{}}}`},
		{method: "POST", path: "/project/{p}/schedules", name: "once", status: 201, shape: "schedule",
			body: `{"project_id":{p},"template_id":{template},"name":"once","type":"run_at","run_at":"2099-03-01T10:00:00Z","active":true,"delete_after_run":true}`},
		{method: "GET", path: "/project/{p}/schedules", status: 200, shape: "[]scheduleItem", after: func(t *testing.T, a answer) { require.NotContains(t, a.Body, "task_params") }},
		{method: "PUT", path: "/project/{p}/schedules/{cron}/active", body: `{"active":false}`, status: 204},
		{method: "POST", path: "/project/{p}/schedules/validate", body: `{"cron_format":"0 2 * * *"}`, status: 200},
		{method: "POST", path: "/project/{p}/schedules/validate", body: `{"cron_format":"often"}`, status: 400, shape: "error", after: func(t *testing.T, a answer) { require.Contains(t, a.Body, `"error":"Cron: `) }},
		{method: "DELETE", path: "/project/{p}/environment/{environment}", status: 400, shape: "used"},
		{as: "guest", method: "POST", path: "/project/{p}/keys", name: "guest", body: `{}`, status: 403, shape: "error"},
		{as: "stranger", method: "GET", path: "/project/{p}/keys", name: "stranger", status: 404, shape: "error"},
		{as: "admin", method: "GET", path: "/runners", status: 200, after: isEmptyList, shape: "any"},
		{as: "admin", method: "POST", path: "/options", body: `{"key":"git_client","value":"go_git"}`, status: 200, shape: "option"},
		{method: "POST", path: "/project/{p}/integrations/aliases", status: 200, shape: "alias"},
		{as: "nobody", method: "POST", path: "/auth/token", body: `{"auth":"owner","password":"` + password + `"}`, status: 200, shape: "pair"},
	})
}

// TestRequestsAreTakenAsClientsMakeThem tries what clients differ in.
func TestRequestsAreTakenAsClientsMakeThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	for _, word := range []string{"Bearer", "bearer", "BEARER", "bEaReR"} {
		require.Equal(t, 200, w.do("", "GET", "/user", "", "Authorization", word+" "+w.tokens["owner"]).Status, word)
	}
	for _, path := range []string{"/user/", "/project/{p}/keys/", "/project/{p}/keys//", "//user"} {
		require.Equal(t, 200, w.do("owner", "GET", path, "").Status, path)
	}
	require.Equal(t, 201, w.do("owner", "POST", "/project/{p}/keys/", `{"name":"n","type":"none"}`).Status)
	for _, path := range []string{"/ping", "/user", "/projects", "/project/{p}/templates", "/info"} {
		a := w.do("owner", "HEAD", path, "")
		require.Equal(t, 200, a.Status, path)
		require.Equal(t, w.do("owner", "GET", path, "").Header.Get("Content-Type"), a.Header.Get("Content-Type"), path)
	}
	// do() puts /api in front: the prefix of the web host is before that.
	bearer := []string{"Authorization", "Bearer " + w.tokens["owner"]}
	for _, prefix := range []string{"", "/prefix"} {
		a := w.raw("GET", "http://semaphore.example.org"+prefix+"/api/user", "", bearer...)
		require.Equal(t, 200, a.Status, prefix)
	}
	require.Equal(t, 404, w.raw("GET", "http://semaphore.example.org/other/api/user", "", bearer...).Status)
	require.True(t, strings.HasPrefix(w.do("", "GET", "/ping", "").Header.Get("Content-Type"), "text/plain"))
}
