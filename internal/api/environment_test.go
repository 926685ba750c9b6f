package api_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

const groups = "/project/{p}/environment"

// secrets remembers the ids of a variable group's secrets by their names.
func (w *world) secrets(t *testing.T, group string) []store.EnvironmentSecret {
	t.Helper()
	var e store.Environment
	w.do("owner", "GET", groups+"/{"+group+"}", "").decode(t, &e)
	for _, s := range e.Secrets {
		w.ids["s_"+s.Name] = s.ID
	}
	return e.Secrets
}

func TestVariableGroups(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		a := w.created("prod", "manager", groups, `{"name":"prod","project_id":{p},"password":"canary-relic","json":"{\"region\":{\"a\":\"canary-json\"}}","env":"{\"LANG\":\"canary-env\"}","secrets":[
			{"type":"env","name":"TOKEN","secret":"canary-3","operation":"create"},{"type":"var","name":"db_pw","secret":"canary-4","operation":"create"},{"type":"var","name":"old","secret":"canary-5","operation":"create"}]}`)
		require.Equal(t, []string{"env", "id", "json", "name", "password", "project_id"}, members(t, a.Body))
		require.NotContains(t, a.Body, "canary-3")
		w.secrets(t, "prod")
		w.created("alien", "stranger", "/project/{q}/environment", `{"name":"alien","secrets":[{"type":"var","name":"alien","secret":"x","operation":"create"}]}`)
		keys, err := w.st.Keys().List(t.Context(), w.ids["q"], store.Query{Where: map[string]any{"name": "alien"}})
		require.NoError(t, err)
		w.ids["s_alien"] = keys.Items[0].ID
		w.created("second", "owner", groups, `{"name":"another"}`)
		put := func(secrets string) string {
			return `{"id":{prod},"project_id":{p},"name":"prod","json":"{}","secrets":` + secrets + `}`
		}
		w.play([]scenario{
			{name: "are listed without secrets", method: "GET", path: groups + "?sort=name&order=desc", status: 200, contains: []string{`"name":"vars"`, "canary-json"}, lacks: []string{"secrets", "TOKEN", "relic"}},
			{name: "one is shown with its secrets by name", as: "task_runner", method: "GET", path: groups + "/{prod}", status: 200,
				contains: []string{`"password":null`, `"secrets":[{"id":{s_TOKEN},"type":"env","name":"TOKEN","secret":"","operation":""},{"id":{s_db_pw},"type":"var","name":"db_pw","secret":"","operation":""}`, "canary-json", "canary-env"},
				lacks:    []string{"canary-3", "canary-4", "relic"}},
			{name: "a guest sees names alone", as: "guest", method: "GET", path: groups + "/{prod}", status: 200,
				contains: []string{`"json":"{\"region\":\"\"}"`, `"env":"{\"LANG\":\"\"}"`, "TOKEN"}, lacks: []string{"canary"}},
			{name: "a guest sees names in the list", as: "guest", method: "GET", path: groups, status: 200, contains: []string{"region"}, lacks: []string{"canary", `\"eu\"`}},
			{name: "a guest may not add one", as: "guest", method: "POST", path: groups, body: `{"name":"x"}`, status: 403},
			{name: "a stranger sees no project", as: "stranger", method: "GET", path: groups + "/{prod}", status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: groups, status: 401},
			{name: "a name is needed", method: "POST", path: groups, body: `{"name":""}`, status: 400, contains: []string{"name"}},
			{name: "variables are an object", method: "POST", path: groups, body: `{"name":"x","json":"[1]"}`, status: 400, contains: []string{"json"}},
			{name: "variables are text that holds JSON", method: "POST", path: groups, body: `{"name":"x","json":{}}`, status: 400, contains: []string{"json", "a string"}},
			{name: "variables nest within bounds", method: "POST", path: groups, body: `{"name":"x","json":` + quoted(t, deep(70)) + `}`, status: 400, contains: []string{"64"}},
			{name: "the environment holds no lists", method: "POST", path: groups, body: `{"name":"x","env":"{\"A\":[1]}"}`, status: 400, contains: []string{"env"}},
			{name: "the environment has no empty names", method: "POST", path: groups, body: `{"name":"x","env":"{\"\":1}"}`, status: 400, contains: []string{"env"}},
			{name: "the environment has names that programs read", method: "POST", path: groups, body: `{"name":"x","env":"{\"a b\":1}"}`, status: 400, contains: []string{"a b"}},
			{name: "names of this server are reserved", method: "POST", path: groups, body: `{"name":"x","env":"{\"SEMAPHORE_DB_PASS\":1}"}`, status: 400, contains: []string{"reserved"}},
			{name: "a secret has a type", method: "POST", path: groups, body: `{"name":"x","secrets":[{"type":"file","name":"a","secret":"canary-6","operation":"create"}]}`, status: 400, contains: []string{"secrets[0].type"}, lacks: []string{"canary"}},
			{name: "an operation is known", method: "PUT", path: groups + "/{prod}", body: put(`[{"id":{s_TOKEN},"type":"env","name":"TOKEN","operation":"wipe"}]`), status: 400, contains: []string{"wipe"}},
			{name: "a secret of another project is refused", method: "PUT", path: groups + "/{prod}", body: put(`[{"id":{s_alien},"type":"var","name":"stolen","operation":"update"}]`), status: 400, contains: []string{"secrets[0].id"}},
			{name: "a secret of another group is refused", method: "PUT", path: groups + "/{second}", body: `{"name":"x","secrets":[{"id":{s_TOKEN},"type":"env","name":"TOKEN","operation":"delete"}]}`, status: 400},
			{name: "a key of the project is no secret of a group", method: "PUT", path: groups + "/{prod}", body: put(`[{"id":{key},"operation":"delete"}]`), status: 400},
			{name: "what came before a refusal is undone", method: "PUT", path: groups + "/{prod}", body: put(`[{"id":{s_old},"operation":"delete"},{"type":"var","name":"a b","operation":"create"}]`), status: 400},
			{name: "two secrets of one name are refused", method: "PUT", path: groups + "/{prod}", body: put(`[{"type":"var","name":"old","secret":"x","operation":"create"}]`), status: 400, contains: []string{"old"}},
			{name: "a project of the body that differs is refused", method: "POST", path: groups, body: `{"name":"x","project_id":{q}}`, status: 400},
			{name: "secrets are kept, replaced, renamed, deleted and added together", as: "manager", method: "PUT", path: groups + "/{prod}",
				body:   put(`[{"id":{s_TOKEN},"type":"env","name":"API_TOKEN","secret":"","operation":"update"},{"id":{s_db_pw},"type":"var","name":"db_pw","secret":"canary-new","operation":"update"},{"id":{s_old},"operation":"delete"},{"type":"env","name":"FRESH","secret":"canary-fresh","operation":"create"}]`),
				status: 204, after: func(t *testing.T, w *world, _ answer) {
					names := map[string]string{}
					for _, s := range w.secrets(t, "prod") {
						names[s.Name] = s.Type + " " + w.secretOf(s.ID)
					}
					require.Equal(t, map[string]string{"API_TOKEN": "env canary-3", "db_pw": "var canary-new", "FRESH": "env canary-fresh"}, names)
				}},
			{name: "secrets that come back as they were shown stay", method: "PUT", path: groups + "/{prod}", body: put(`[{"id":{s_API_TOKEN},"type":"env","name":"API_TOKEN","secret":"","operation":""}]`), status: 204,
				after: func(t *testing.T, w *world, _ answer) {
					require.Len(t, w.secrets(t, "prod"), 3)
					require.Equal(t, "canary-3", w.secretOf(w.ids["s_API_TOKEN"]))
				}},
			{name: "one that a template needs stays", method: "DELETE", path: groups + "/{environment}", status: 400, contains: []string{`"inUse":true`}},
			{name: "and the template is named", method: "GET", path: groups + "/{environment}/refs", status: 200, contains: []string{`"name":"hello"`}},
			{name: "one is deleted with its secrets", method: "DELETE", path: groups + "/{prod}", status: 204, after: func(t *testing.T, w *world, _ answer) {
				_, err := w.st.Keys().Get(t.Context(), w.ids["p"], w.ids["s_db_pw"])
				require.ErrorIs(t, err, store.ErrNotFound)
			}},
			{name: "and gone", method: "GET", path: groups + "/{prod}", status: 404},
		})
		w.wantEvents(t, store.EventEnvironment, `Variable group "prod" created`, `Variable group "prod" updated`, `Variable group "prod" deleted`)
	})
}

// deep is an object that nests n levels.
func deep(n int) string {
	text := "1"
	for range n {
		text = `{"a":` + text + `}`
	}
	return text
}

func TestVariableGroupsOutside(t *testing.T) {
	t.Parallel()
	for _, open := range []func(*testing.T) (store.Store, func() string){openMemory, openSQLite} {
		secrets := &fakeSecrets{}
		w := newWorldOn(t, withSecrets(secrets), open)
		w.created("storage", "owner", "/project/{p}/secret_storages", `{"name":"vault","type":"vault","params":{"url":"https://vault.example.org"},"secret":"canary-root"}`)
		w.created("locked", "owner", "/project/{p}/secret_storages", `{"name":"locked","type":"vault","readonly":true,"params":{"url":"https://vault.example.org"},"secret":"canary-root"}`)
		a := w.created("group", "owner", groups, `{"name":"group","secret_storage_id":{storage},"secret_storage_key_prefix":"app/","secrets":[{"type":"var","name":"one","secret":"canary-1","operation":"create"},{"type":"var","name":"two","secret":"canary-2","operation":"create"}]}`)
		require.Contains(t, members(t, a.Body), "secret_storage_key_prefix")
		require.Equal(t, []string{"canary-1", "canary-2"}, secrets.content())
		w.secrets(t, "group")
		key, err := w.st.Keys().Get(t.Context(), w.ids["p"], w.ids["s_one"])
		require.NoError(t, err)
		require.Nil(t, key.Secret)
		require.Regexp(t, `^app/[0-9a-f]{10}$`, *key.SourceStorageKey)
		w.play([]scenario{
			{name: "a storage of another project is refused", as: "stranger", method: "POST", path: "/project/{q}/environment", body: `{"name":"x","secret_storage_id":{storage}}`, status: 400, contains: []string{"secret_storage_id"}},
			{name: "a storage that may only be read takes no secret", method: "POST", path: groups, body: `{"name":"x","secret_storage_id":{locked},"secrets":[{"type":"var","name":"one","secret":"canary","operation":"create"}]}`, status: 400, contains: []string{"locked"}},
			{name: "a storage that a group needs stays", method: "DELETE", path: "/project/{p}/secret_storages/{storage}", status: 400, contains: []string{`"inUse":true`}},
			{name: "a secret is replaced where it lives, its storage stays what it was", method: "PUT", path: groups + "/{group}", body: `{"name":"group","json":"{}","secret_storage_id":{locked},"secrets":[{"id":{s_one},"type":"var","name":"one","secret":"canary-3","operation":"update"}]}`, status: 204,
				after: func(t *testing.T, w *world, _ answer) {
					require.Equal(t, []string{"canary-2", "canary-3"}, secrets.content())
					group, err := w.st.Environments().Get(t.Context(), w.ids["p"], w.ids["group"])
					require.NoError(t, err)
					require.Equal(t, w.ids["storage"], *group.SecretStorageID)
				}},
			{name: "a secret is deleted where it lives", method: "PUT", path: groups + "/{group}", body: `{"name":"group","json":"{}","secrets":[{"id":{s_one},"operation":"delete"}]}`, status: 204,
				after: func(t *testing.T, _ *world, _ answer) { require.Equal(t, []string{"canary-2"}, secrets.content()) }},
			{name: "a group takes its secrets along", method: "DELETE", path: groups + "/{group}", status: 204,
				after: func(t *testing.T, _ *world, _ answer) { require.Empty(t, secrets.content()) }},
		})
	}
}

const storages = "/project/{p}/secret_storages"

func TestSecretStorages(t *testing.T) {
	t.Parallel()
	for _, open := range []func(*testing.T) (store.Store, func() string){openMemory, openSQLite} {
		w := newWorldOn(t, withSecrets(&fakeSecrets{}), open)
		a := w.created("vault", "manager", storages, `{"name":"vault","project_id":{p},"type":"vault","params":{"url":"https://vault.example.org","app_key":"canary-app"},"secret":"canary-root"}`)
		require.Equal(t, []string{"id", "name", "params", "project_id", "readonly", "type"}, members(t, a.Body))
		w.created("named", "owner", storages, `{"name":"named","type":"vault","params":{"url":"https://vault.example.org"},"readonly":true,"source_storage_type":"env","secret":"VAULT_TOKEN"}`)
		token := func(name string) store.AccessKey {
			page, err := w.st.Keys().List(t.Context(), w.ids["p"], store.Query{Where: map[string]any{"storage_id": w.ids[name]}})
			require.NoError(t, err)
			require.Len(t, page.Items, 1)
			return page.Items[0]
		}
		require.Equal(t, store.OwnerVault, token("vault").Owner)
		require.Equal(t, "canary-root", w.secretOf(token("vault").ID))
		w.play([]scenario{
			{name: "are listed without secrets", method: "GET", path: storages, status: 200, contains: []string{`"source_storage_type":"env"`, "canary-app"}, lacks: []string{"canary-root", "VAULT_TOKEN"}},
			{name: "a guest sees no settings", as: "guest", method: "GET", path: storages, status: 200, contains: []string{`"params":{}`}, lacks: []string{"canary"}},
			{name: "a token is not shown", method: "GET", path: storages + "/{vault}", status: 200, lacks: []string{"canary-root", `"secret"`}},
			{name: "the name of a variable is", method: "GET", path: storages + "/{named}", status: 200, contains: []string{`"secret":"VAULT_TOKEN"`}},
			{name: "but not to a guest", as: "guest", method: "GET", path: storages + "/{named}", status: 200, lacks: []string{"VAULT_TOKEN"}},
			{name: "a guest may not add one", as: "guest", method: "POST", path: storages, body: `{"name":"x","type":"local"}`, status: 403},
			{name: "a stranger sees no project", as: "stranger", method: "GET", path: storages, status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: storages, status: 401},
			{name: "the token is no key that people see", method: "GET", path: "/project/{p}/keys", status: 200, lacks: []string{"vault"}},
			{name: "a type is known", method: "POST", path: storages, body: `{"name":"x","type":"s3"}`, status: 400, contains: []string{"s3", "dvls"}},
			{name: "settings are complete", method: "POST", path: storages, body: `{"name":"x","type":"vault","params":{}}`, status: 400, contains: []string{"params.url"}},
			{name: "settings are an object", method: "POST", path: storages, body: `{"name":"x","type":"vault","params":[]}`, status: 400, contains: []string{"params"}},
			{name: "a source is known", method: "POST", path: storages, body: `{"name":"x","type":"local","source_storage_type":"vault","secret":"x"}`, status: 400, contains: []string{"source_storage_type"}},
			{name: "a variable needs a name", method: "POST", path: storages, body: `{"name":"x","type":"local","source_storage_type":"env"}`, status: 400, contains: []string{"secret"}},
			{name: "a variable of the server is refused", method: "POST", path: storages, body: `{"name":"x","type":"local","source_storage_type":"env","secret":"HOME"}`, status: 400, contains: []string{"may not be named"}},
			{name: "another source needs another secret", method: "PUT", path: storages + "/{vault}", body: `{"name":"vault","type":"vault","params":{"url":"u"},"source_storage_type":"file"}`, status: 400, contains: []string{"secret"}},
			{name: "one of another project does not exist", as: "stranger", method: "PUT", path: "/project/{q}/secret_storages/{vault}", body: `{"name":"x","type":"local"}`, status: 404},
			{name: "PUT answers with the row and keeps the token", method: "PUT", path: storages + "/{vault}", body: `{"id":{vault},"name":"renamed","type":"vault","params":{"url":"https://vault.example.org"}}`, status: 200, contains: []string{`"name":"renamed"`},
				after: func(t *testing.T, w *world, _ answer) {
					require.Equal(t, "canary-root", w.secretOf(token("vault").ID))
				}},
			{name: "a token is replaced", method: "PUT", path: storages + "/{vault}", body: `{"name":"renamed","type":"vault","params":{"url":"u"},"secret":"canary-next"}`, status: 200, lacks: []string{"canary"},
				after: func(t *testing.T, w *world, _ answer) {
					require.Equal(t, "canary-next", w.secretOf(token("vault").ID))
				}},
			{name: "what refers to it is listed", method: "GET", path: storages + "/{vault}/refs", status: 200, contains: []string{`"access_keys":`}},
			{name: "one is deleted with its token", method: "DELETE", path: storages + "/{vault}", status: 204},
			{name: "and gone", method: "GET", path: storages + "/{vault}", status: 404},
		})
		keys, err := w.st.Keys().Count(t.Context(), w.ids["p"], store.Query{Where: map[string]any{"storage_id": w.ids["vault"]}})
		require.NoError(t, err)
		require.Zero(t, keys)
		w.wantEvents(t, store.EventSecretStorage, `Secret storage "vault" created`, `Secret storage "renamed" deleted`)
	}
}

func TestSecretStoragesWithoutOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	w.created("local", "owner", storages, `{"name":"local","type":"local","params":null}`)
	w.created("group", "owner", groups, `{"name":"x","secret_storage_id":{local},"secrets":[{"type":"var","name":"one","secret":"s1","operation":"create"}]}`)
	require.Equal(t, "s1", w.secretOf(w.secrets(t, "group")[0].ID))
	row, err := w.st.SecretStorages().Get(t.Context(), w.ids["p"], w.ids["local"])
	require.NoError(t, err)
	require.JSONEq(t, `{}`, string(row.Params))
	require.NotEqual(t, json.RawMessage("null"), row.Params)
	w.play([]scenario{
		{name: "one outside is refused with the cure", method: "POST", path: storages, body: `{"name":"x","type":"vault","params":{"url":"u"}}`, status: 400, contains: []string{"administrator"}},
	})
}
