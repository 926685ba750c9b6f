package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

func TestRunners(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		mine := w.created("own", "manager", "/project/{p}/runners", `{"name":"own","tag":"gpu","active":true,"project_id":{p},"touched":"2020-01-01T00:00:00Z"}`)
		require.Contains(t, mine.Body, w.fill(`"project_id":{p}`))
		require.NotContains(t, mine.Body, "touched")
		a := w.created("box", "admin", "/runners", `{"name":"box","tag":"gpu","webhook":"https://hooks.example.org/x","max_parallel_tasks":2,"active":true,"project_id":null}`)
		require.Equal(t, []string{"active", "id", "max_parallel_tasks", "name", "private_key", "project_id", "tag", "token", "webhook"}, keys(t, a.Body))
		require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
		var made struct {
			Token      string
			PrivateKey string `json:"private_key"`
		}
		a.decode(t, &made)
		require.Len(t, made.Token, 44)
		private, err := crypto.ParseOldRunnerPrivate([]byte(made.PrivateKey))
		require.NoError(t, err)
		row, err := w.st.Runners().Get(t.Context(), 0, w.ids["box"])
		require.NoError(t, err)
		require.Equal(t, crypto.HashToken(made.Token), row.TokenHash)
		require.Equal(t, string(private.Public().PEM()), *row.PublicKey)
		require.NotContains(t, w.dump(), made.Token)

		body := `{"name":"x","active":true}`
		w.play([]scenario{
			{name: "all are listed to administrators", as: "admin", method: "GET", path: "/runners", status: 200, contains: []string{`"name":"box"`, `"name":"own"`}, lacks: []string{"token", "key"}},
			{name: "not to others", method: "GET", path: "/runners", status: 403},
			{name: "those of a project are", as: "guest", method: "GET", path: "/project/{p}/runners", status: 200, contains: []string{`"name":"own"`}, lacks: []string{"box", "token", "key"}},
			{name: "of another project are none", as: "stranger", method: "GET", path: "/project/{q}/runners", status: 200, contains: []string{"[]"}},
			{name: "not to strangers", as: "stranger", method: "GET", path: "/project/{p}/runners", status: 404},
			{name: "one", as: "admin", method: "GET", path: "/runners/{box}", status: 200, contains: []string{`"max_parallel_tasks":2`, `"project_id":null`}},
			{name: "one of a project is not one of all", as: "admin", method: "GET", path: "/runners/{own}", status: 404, contains: []string{"runner not found"}},
			{name: "nor the other way", method: "GET", path: "/project/{p}/runners/{box}", status: 404},
			{name: "one of another project", as: "stranger", method: "PUT", path: "/project/{q}/runners/{own}", body: body, status: 404},
			{name: "nor deleted there", as: "stranger", method: "DELETE", path: "/project/{q}/runners/{own}", status: 404},
			{name: "not added by others", method: "POST", path: "/runners", body: body, status: 403},
			{name: "not added to a project by those who run tasks", as: "task_runner", method: "POST", path: "/project/{p}/runners", body: body, status: 403},
			{name: "not with another project", as: "admin", method: "POST", path: "/runners", body: `{"name":"x","project_id":{p}}`, status: 400},
			{name: "not with a webhook that is none", as: "admin", method: "POST", path: "/runners", body: `{"name":"x","webhook":"file:///etc/passwd"}`, status: 400, contains: []string{"webhook"}},
			{name: "not with less than no limit", as: "admin", method: "POST", path: "/runners", body: `{"name":"x","max_parallel_tasks":-1}`, status: 400},
			{name: "not with a name too long", as: "admin", method: "POST", path: "/runners", body: `{"name":"` + strings.Repeat("a", 256) + `"}`, status: 400},
			{name: "not with a key that is none", as: "admin", method: "POST", path: "/runners", body: `{"name":"x","public_key":"x"}`, status: 400, contains: []string{"public_key"}},
			{name: "with a key of its own", as: "admin", method: "POST", path: "/runners", body: `{"name":"x","public_key":"` + strings.ReplaceAll(string(private.Public().PEM()), "\n", `\n`) + `"}`, status: 201, contains: []string{`"private_key":""`}},
			{name: "replaced by PUT", as: "admin", method: "PUT", path: "/runners/{box}", body: `{"id":{box},"name":"Box","tag":"cpu","active":true}`, status: 204},
			{name: "replaced by POST", as: "manager", method: "POST", path: "/project/{p}/runners/{own}", body: `{"name":"Own","tag":"gpu","active":true}`, status: 204},
			{name: "one of all by POST too", as: "admin", method: "POST", path: "/runners/{box}", body: `{"name":"Box","tag":"cpu","active":false}`, status: 204},
			{name: "and switched on", as: "admin", method: "POST", path: "/runners/{box}/active", body: `{"active":true}`, status: 204},
			{name: "one of a project by PUT", as: "manager", method: "PUT", path: "/project/{p}/runners/{own}", body: `{"name":"Own","tag":"gpu","active":true}`, status: 204},
			{name: "another id in the body", as: "admin", method: "PUT", path: "/runners/{box}", body: `{"id":{own},"name":"x"}`, status: 400},
			{name: "switched off", as: "manager", method: "POST", path: "/project/{p}/runners/{own}/active", body: `{"active":false}`, status: 204},
			{name: "not by guests", as: "guest", method: "POST", path: "/project/{p}/runners/{own}/active", body: `{"active":true}`, status: 403},
			{name: "and is off", as: "guest", method: "GET", path: "/project/{p}/runners/{own}", status: 200, contains: []string{`"active":false`, `"name":"Own"`}},
			{name: "asked to clean", as: "admin", method: "DELETE", path: "/runners/{box}/cache", status: 204},
			{name: "and shows it", as: "admin", method: "GET", path: "/runners/{box}", status: 200, contains: []string{"cleaning_requested"}},
			{name: "not by others", method: "DELETE", path: "/runners/{box}/cache", status: 403},
			{name: "one of a project is asked by who manages it", as: "manager", method: "DELETE", path: "/project/{p}/runners/{own}/cache", status: 204},
			{name: "tags of a project and of all", as: "guest", method: "GET", path: "/project/{p}/runner_tags", status: 200, contains: []string{`[{"tag":"cpu","number_of_runners":1},{"tag":"gpu","number_of_runners":1}]`}},
			{name: "tags of others stay theirs", as: "stranger", method: "GET", path: "/project/{q}/runner_tags", status: 200, lacks: []string{"gpu"}},
			{name: "not deleted by guests", as: "guest", method: "DELETE", path: "/project/{p}/runners/{own}", status: 403},
			{name: "deleted", as: "manager", method: "DELETE", path: "/project/{p}/runners/{own}", status: 204},
			{name: "once", as: "manager", method: "DELETE", path: "/project/{p}/runners/{own}", status: 404},
			{name: "one of all deleted", as: "admin", method: "DELETE", path: "/runners/{box}", status: 204},
		})
		row2, err := w.st.Runners().List(t.Context(), store.AnyScope, store.Query{})
		require.NoError(t, err)
		require.Len(t, row2.Items, 1)
		require.Contains(t, eventTexts(t, w), `Runner "Box" asked to clear its caches`)
	})
}
