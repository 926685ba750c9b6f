package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// savedSecrets are the names that a reply tells, and what is stored.
func (w *world) savedSecrets(t *testing.T, path, column, name string) (names []string, stored map[string]string) {
	t.Helper()
	a := w.do("guest", http.MethodGet, path, "")
	require.Equal(t, http.StatusOK, a.Status, a.Body)
	var got struct {
		TaskParams struct {
			SecretNames []string `json:"secret_names"`
		} `json:"task_params"`
	}
	a.decode(t, &got)
	page, err := w.st.Integrations().TaskParams().List(t.Context(), w.ids["p"], store.Query{Where: map[string]any{column: w.ids[name]}})
	require.NoError(t, err)
	if page.Items[0].Secret != nil {
		ad := crypto.AD{Table: "task_params", ProjectID: w.ids["p"], ID: page.Items[0].ID, Field: "secret"}
		plain, err := w.ring.Open(*page.Items[0].Secret, ad)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(plain, &stored))
	}
	return got.TaskParams.SecretNames, stored
}

func TestSecretAnswersAreChangedOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	owners := []struct{ name, path, column, rest string }{
		{"sched", "/project/{p}/schedules", "schedule_id", `"name":"n","template_id":{template},"cron_format":"@daily"`},
		{"hook", "/project/{p}/integrations", "integration_id", `"name":"n","template_id":{template},"auth_method":""`},
	}
	for _, o := range owners {
		t.Run(o.name, func(t *testing.T) {
			one := o.path + "/{" + o.name + "}"
			body := func(params string) string { return fmt.Sprintf(`{%s,"task_params":{%s}}`, o.rest, params) }
			put := func(params string) {
				t.Helper()
				require.Equal(t, http.StatusNoContent, w.do("owner", http.MethodPut, one, body(params)).Status)
			}
			check := func(want map[string]string, sorted ...string) {
				t.Helper()
				names, stored := w.savedSecrets(t, one, o.column, o.name)
				require.Equal(t, want, stored)
				require.Equal(t, sorted, names)
			}
			w.created(o.name, "owner", o.path, body(`"secret":"{\"b\":\"two\",\"a\":\"one\"}"`))
			check(map[string]string{"a": "one", "b": "two"}, "a", "b")
			put(`"message":"nothing is said about them"`)
			check(map[string]string{"a": "one", "b": "two"}, "a", "b")
			put(`"secret":"{\"a\":\"new\"}","secret_keep":["a","b"]`)
			check(map[string]string{"a": "new", "b": "two"}, "a", "b")
			put(`"secret_keep":["b"]`)
			check(map[string]string{"b": "two"}, "b")
			a := w.do("owner", http.MethodPut, one, body(`"secret_keep":["b","a"]`))
			require.Equal(t, http.StatusBadRequest, a.Status)
			require.Contains(t, a.Body, "task_params.secret_keep")
			check(map[string]string{"b": "two"}, "b")
			put(`"secret":"{\"c\":\"three\"}"`)
			check(map[string]string{"c": "three"}, "c")
			put(`"secret_keep":[]`)
			check(nil)
		})
	}
}
