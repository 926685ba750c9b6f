package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func TestRepeatedReadsShowEveryChange(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		read := func(as, path string) string {
			a := w.do(as, "GET", path, "")
			require.Equal(t, 200, a.Status, a.Body)
			require.Equal(t, a.Body, w.do(as, "GET", path, "").Body, "the same again")
			return a.Body
		}
		const templates, last = "/project/{p}/templates", "/project/{p}/tasks/last?limit=5"
		require.NotContains(t, read("owner", templates), "renamed")
		require.Equal(t, "[]\n", read("owner", last))

		tpl, err := w.st.Templates().Get(t.Context(), w.ids["p"], w.ids["template"])
		require.NoError(t, err)
		tpl.Name = "renamed"
		require.NoError(t, w.st.Templates().Update(t.Context(), tpl))
		require.Contains(t, read("owner", templates), "renamed")

		w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template},"message":"secret plan"}`)
		require.Contains(t, read("owner", last), `"status":"waiting"`)
		require.Contains(t, read("owner", templates), `"last_task":{`)
		require.Equal(t, 204, w.do("owner", "POST", "/project/{p}/tasks/{task}/stop", "{}").Status)
		require.Contains(t, read("owner", last), `"status":"stopped"`)

		// Whoever loses the right does not see what is kept for others.
		require.Equal(t, 404, w.do("stranger", "GET", templates, "").Status)
		member, err := w.st.Projects().Members().List(t.Context(), w.ids["p"], store.Query{Where: map[string]any{"user_id": w.ids["guest"]}})
		require.NoError(t, err)
		read("guest", templates)
		require.NoError(t, w.st.Projects().Members().Delete(t.Context(), w.ids["p"], member.Items[0].ID))
		require.Equal(t, 404, w.do("guest", "GET", templates, "").Status)
	})
}

func TestKeptRepliesDependOnTheRole(t *testing.T) {
	t.Parallel()
	w := newWorldOn(t, options{idle: true}, openSQLite)
	w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template},"environment":"{\"region\":\"moon\"}"}`)
	for range 2 {
		require.Contains(t, w.do("owner", "GET", "/project/{p}/tasks/last", "").Body, "moon")
		require.NotContains(t, w.do("guest", "GET", "/project/{p}/tasks/last", "").Body, "moon")
	}
}
