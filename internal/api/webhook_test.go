package api_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/store"
)

// hookSecret is the password of the key that webhooks are signed with.
const hookSecret = "canary-password"

// alias makes an address and returns its path below /api.
func (w *world) alias(t *testing.T, path string) string {
	t.Helper()
	a := w.do("owner", "POST", path, "")
	require.Equal(t, 200, a.Status, a.Body)
	var row struct{ URL string }
	a.decode(t, &row)
	_, path, found := strings.Cut(row.URL, "/prefix/api")
	require.True(t, found)
	return path
}

// sign is the signature that senders make of a body.
func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// payload is a request as a forge sends it.
func payload(t *testing.T, name string) (header []string, body string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "hook", "testdata", name))
	require.NoError(t, err)
	head, rest, found := bytes.Cut(raw, []byte("\n\n"))
	require.True(t, found)
	values, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(head, "\n\n"...)))).ReadMIMEHeader()
	require.NoError(t, err)
	for name := range values {
		header = append(header, name, values.Get(name))
	}
	return header, string(rest)
}

// tasks counts the tasks of {p}.
func (w *world) tasks(t *testing.T) int {
	t.Helper()
	page, err := w.st.Tasks().List(t.Context(), store.TaskFilter{ProjectID: w.ids["p"]})
	require.NoError(t, err)
	return len(page.Items)
}

func TestWebhooksOfForges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, method, header string
		sign                 func(body string) []string
		key, want            string
	}{
		{"github_push.txt", "github", "", func(b string) []string { return []string{"X-Hub-Signature-256", "sha256=" + sign(b)} }, "ref", "refs/heads/main"},
		{"github_pull_request.txt", "github", "", func(b string) []string { return []string{"X-Hub-Signature-256", "sha256=" + sign(b)} }, "action", "opened"},
		{"gitlab_push.txt", "token", "X-Gitlab-Token", func(string) []string { return []string{"X-Gitlab-Token", hookSecret} }, "project.id", "15"},
		{"gitea_push.txt", "hmac", "X-Gitea-Signature", func(b string) []string { return []string{"X-Gitea-Signature", sign(b)} }, "commits.[0].author.username", "gitea"},
		{"bitbucket_push.txt", "bitbucket", "", func(b string) []string { return []string{"X-Hub-Signature", "sha256=" + sign(b)} }, "push.changes.[0].new.name", "production"},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			backends(t, options{idle: true}, func(t *testing.T, w *world) {
				w.created("hook", "owner", integrations, `{"name":"hook","template_id":{template},"auth_method":"`+c.method+`","auth_secret_id":{key},"auth_header":"`+c.header+`"}`)
				w.created("value", "owner", integrations+"/{hook}/values", `{"name":"v","value_source":"body","body_data_type":"json","key":"`+c.key+`","variable":"found"}`)
				path := w.alias(t, integrations+"/{hook}/aliases")
				header, body := payload(t, c.file)
				a := w.do("", "POST", path, body, header...)
				if c.method != "token" || !strings.Contains(strings.Join(header, " "), hookSecret) {
					require.Equal(t, 401, a.Status, "a request without the secret was let in")
				}
				a = w.do("", "POST", path, body, append(header, c.sign(body)...)...)
				require.Equal(t, 204, a.Status, a.Body)
				require.Equal(t, 1, w.tasks(t))
				require.Equal(t, w.fill("{hook} {template} {p} {inventory}"), a.Header.Get("X-Semaphore-Integration-ID")+" "+a.Header.Get("X-Semaphore-Template-ID")+" "+a.Header.Get("X-Semaphore-Project-ID")+" "+a.Header.Get("X-Semaphore-Inventory-ID"))
				w.ids["task"] = 0
				require.NotEmpty(t, a.Header.Get("X-Semaphore-Task-ID"))
				page, err := w.st.Tasks().List(t.Context(), store.TaskFilter{ProjectID: w.ids["p"]})
				require.NoError(t, err)
				task := page.Items[0].Task
				require.JSONEq(t, `{"found":`+quoted(t, c.want)+`}`, task.Environment)
				require.Equal(t, w.ids["hook"], *task.IntegrationID)
				require.Nil(t, task.UserID)
				again := w.do("", "POST", path, body, append(header, c.sign(body)...)...)
				require.Equal(t, 204, again.Status)
				require.Equal(t, a.Header.Get("X-Semaphore-Task-ID"), again.Header.Get("X-Semaphore-Task-ID"), "a repeat got another answer")
				require.Equal(t, 1, w.tasks(t))
			})
		})
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.created("open", "owner", integrations, `{"name":"open","template_id":{template},"searchable":true}`)
		w.created("closed", "owner", integrations, `{"name":"closed","template_id":{template},"auth_method":"basic","auth_secret_id":{key},"searchable":true}`)
		w.created("broken", "owner", integrations, `{"name":"broken","template_id":{template},"searchable":true,"task_params":{"params":{}}}`)
		w.created("single", "owner", integrations, `{"name":"single","template_id":{template},"auth_method":"basic","auth_secret_id":{key}}`)
		for _, name := range []string{"open", "closed", "broken"} {
			a := w.do("owner", "POST", integrations+"/{"+name+"}/matchers", `{"name":"m","match_type":"header","method":"equals","key":"X-Kind","value":"push"}`)
			require.Equal(t, 200, a.Status, a.Body)
		}
		w.created("v", "owner", integrations+"/{broken}/values", `{"name":"v","value_source":"header","key":"X-Debug","variable":"debug","variable_type":"task"}`)
		shared, own, inert := w.alias(t, integrations+"/aliases"), w.alias(t, integrations+"/{single}/aliases"), w.alias(t, integrations+"/{open}/aliases")
		tasks := func(n int) func(*testing.T, *world, answer) {
			return func(t *testing.T, w *world, _ answer) { require.Equal(t, n, w.tasks(t)) }
		}
		push := []string{"X-Kind", "push", "X-Debug", "maybe"}
		w.play([]scenario{
			{name: "an unknown address is not found", as: "nobody", method: "POST", path: "/integrations/0123456789abcdef", status: 404, contains: []string{"address"}},
			{name: "that of a searchable integration is not its own", as: "nobody", method: "POST", path: inert, status: 404, contains: []string{"searchable"}},
			{name: "credentials that are missing are refused", as: "nobody", method: "POST", path: own, status: 401, after: tasks(0)},
			{name: "a body beyond 1 MiB is refused", as: "nobody", method: "POST", path: shared, body: strings.Repeat("x", 1<<20+1), status: 413, after: tasks(0)},
			{name: "what no integration wants starts nothing", as: "nobody", method: "POST", path: shared, body: "{}", status: 204, after: tasks(0)},
			{name: "one that fails leaves the others alone", as: "nobody", method: "POST", path: shared, body: "{}", header: push, status: 204,
				after: func(t *testing.T, w *world, a answer) {
					require.Equal(t, 1, w.tasks(t))
					require.Equal(t, w.fill("{open}"), a.Header.Get("X-Semaphore-Integration-ID"))
				}},
			{name: "all that let the sender in start", as: "nobody", method: "POST", path: shared, body: "{}", header: []string{"X-Kind", "push", "X-Debug", "true", "Authorization", basicAuth("git", hookSecret)}, status: 204,
				after: func(t *testing.T, w *world, a answer) {
					require.Equal(t, 4, w.tasks(t))
					require.Len(t, a.Header.Values("X-Semaphore-Task-ID"), 3)
				}},
			{name: "a browser that asks first learns what is taken", as: "nobody", method: "OPTIONS", path: shared, status: 204, after: tasks(4)},
			{name: "HEAD starts nothing", as: "nobody", method: "HEAD", path: own, header: []string{"Authorization", basicAuth("git", hookSecret)}, status: 204, after: tasks(4)},
			{name: "GET starts a task", as: "nobody", method: "GET", path: own, header: []string{"Authorization", basicAuth("git", hookSecret)}, status: 204, after: tasks(5)},
			{name: "wrong credentials are refused", as: "nobody", method: "GET", path: own, header: []string{"Authorization", basicAuth("git", "x")}, status: 401, after: tasks(5)},
		})
	})
}

func basicAuth(login, password string) string {
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth(login, password)
	return r.Header.Get("Authorization")
}

func TestWebhookFailures(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.created("hook", "owner", integrations, `{"name":"hook","template_id":{template}}`)
		w.created("v", "owner", integrations+"/{hook}/values", `{"name":"v","value_source":"body","body_data_type":"json","key":"a","variable":"a"}`)
		path := w.alias(t, integrations+"/{hook}/aliases")
		w.play([]scenario{
			{name: "a body that is no JSON starts nothing", as: "nobody", method: "POST", path: path, body: `{"a":`, status: 400},
			{name: "deliveries are for those who manage", as: "task_runner", method: "GET", path: integrations + "/deliveries", status: 403},
			{name: "a stranger sees no project", as: "stranger", method: "GET", path: integrations + "/deliveries", status: 404},
			{name: "an unknown delivery is not there", method: "POST", path: integrations + "/deliveries/99/replay", status: 404},
			{name: "another one starts a task", as: "nobody", method: "POST", path: path, body: `{"a":"canary-body"}`, header: []string{"X-Token", "canary-header"}, status: 204},
			{name: "both are in the log", as: "manager", method: "GET", path: integrations + "/deliveries", status: 200, contains: []string{`"status":204`, `"status":400`, `"integrations":[{hook}]`, `"tasks":[]`}, lacks: []string{"canary"}},
			{name: "the second is shown as it came", as: "manager", method: "GET", path: integrations + "/deliveries?id=2", status: 200, contains: []string{`"body_size":19`}, lacks: []string{"canary-header"}},
			{name: "those of another project are not", as: "stranger", method: "GET", path: "/project/{q}/integrations/deliveries?id=2", status: 404},
			{name: "it starts a task again", as: "manager", method: "POST", path: integrations + "/deliveries/2/replay", status: 200, contains: []string{`"tasks":[`},
				after: func(t *testing.T, w *world, _ answer) {
					page, err := w.st.Tasks().List(t.Context(), store.TaskFilter{ProjectID: w.ids["p"]})
					require.NoError(t, err)
					require.Len(t, page.Items, 2)
					require.Equal(t, w.ids["manager"], *page.Items[0].UserID)
					require.JSONEq(t, `{"a":"canary-body"}`, page.Items[0].Environment)
				}},
			{name: "one that failed fails again", as: "manager", method: "POST", path: integrations + "/deliveries/1/replay", status: 400},
		})
	})
}

func TestWebhookLegacyStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true, api: func(c *api.Config) { c.Settings.WebhookLegacyStatus = true }})
	w.created("hook", "owner", integrations, `{"name":"hook","template_id":{template},"auth_method":"basic","auth_secret_id":{key}}`)
	path := w.alias(t, integrations+"/{hook}/aliases")
	w.play([]scenario{
		{name: "an unknown address is fine", as: "nobody", method: "POST", path: "/integrations/0123456789abcdef", status: 200},
		{name: "so are wrong credentials", as: "nobody", method: "POST", path: path, status: 204},
	})
	require.Zero(t, w.tasks(t))
}

func TestACallToAnAddressThatIsNoLongerOneIsWrittenDown(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		const hook = `"name":"hook","template_id":{template},"auth_method":"token","auth_header":"X-Gitlab-Token","auth_secret_id":{key}`
		w.created("hook", "owner", integrations, "{"+hook+"}")
		own, shared := w.alias(t, integrations+"/{hook}/aliases"), w.alias(t, integrations+"/aliases")
		proof := []string{"X-Gitlab-Token", hookSecret, "X-Gitlab-Event-UUID", "one"}
		w.play([]scenario{
			{name: "its own address starts a task", as: "nobody", method: "POST", path: own, body: "{}", header: proof, status: 204},
			{name: "it moves to the address of the project", method: "PUT", path: integrations + "/{hook}", body: `{"id":{hook},"project_id":{p},` + hook + `,"searchable":true}`, status: 204},
			{name: "its own address is refused", as: "nobody", method: "POST", path: own, body: `{"a":"canary-body"}`, header: proof, status: 404, contains: []string{"searchable"}},
			{name: "that of the project takes it", as: "nobody", method: "POST", path: shared, body: "{}", header: proof, status: 204},
			{name: "all three are in the log", method: "GET", path: integrations + "/deliveries", status: 200, contains: []string{`"id":3`, `"status":404`, "refused: the integration is reached by the addresses of its project"}, lacks: []string{`"id":4`}},
			{name: "the refused one without what its sender has not proven", method: "GET", path: integrations + "/deliveries?id=2", status: 200, contains: []string{`"integrations":[]`, `"tasks":[]`, `"body":null`}, lacks: []string{"canary"}},
			{name: "and it is not played again", method: "POST", path: integrations + "/deliveries/2/replay", status: 400},
		})
		require.Equal(t, 1, w.tasks(t))
	})
}
