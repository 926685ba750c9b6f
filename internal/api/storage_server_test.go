package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/internal/secret"
	"github.com/alexandervashurin/semaphore/store"
)

func TestTheTokenOfAStorageGoesToItsServerAlone(t *testing.T) {
	t.Parallel()
	o := options{idle: true, api: func(c *api.Config) {
		c.Secrets = secret.New(c.Store, c.Ring, secret.Config{HTTP: http.DefaultClient})
	}}
	backends(t, o, func(_ *testing.T, w *world) {
		w.created("vault", "owner", storages, `{"name":"vault","type":"vault","params":{"url":"https://vault.example.org","mount":"kv"},"secret":"canary-root"}`)
		const one = storages + "/{vault}"
		const dvls = `"type":"dvls","params":{"url":"https://vault.example.org","vault_id":"v","app_key":"k"`
		w.play([]scenario{
			{name: "not to another", as: "manager", method: "PUT", path: one, body: `{"name":"vault","type":"vault","params":{"url":"https://evil.example.org","mount":"kv"}}`, status: 400, contains: []string{"secret: is missing"}},
			{name: "whatever the spelling of the setting", as: "manager", method: "PUT", path: one, body: `{"name":"vault","type":"vault","params":{"url":"https://vault.example.org","URL":"https://evil.example.org"}}`, status: 400, contains: []string{"secret: is missing"}},
			{name: "not as something else", as: "manager", method: "PUT", path: one, body: `{"name":"vault",` + dvls + `}}`, status: 400, contains: []string{"secret: is missing"}},
			{name: "unless it is given", as: "manager", method: "PUT", path: one, body: `{"name":"vault",` + dvls + `},"secret":"canary-app"}`, status: 200},
			{name: "not to whoever has no certificate", as: "manager", method: "PUT", path: one, body: `{"name":"vault",` + dvls + `,"insecure_tls":true}}`, status: 400, contains: []string{"secret: is missing"}},
			{name: "the rest changes without it", as: "manager", method: "PUT", path: one, body: `{"name":"new","readonly":true,"type":"dvls","params":{"app_key":"k","vault_id":"w","url":"https://vault.example.org"}}`, status: 200, contains: []string{`"name":"new"`}},
			{name: "and it is kept where there is no server", as: "manager", method: "PUT", path: one, body: `{"name":"new","type":"local","params":{"url":"https://evil.example.org"}}`, status: 200},
			{name: "but does not come back by that way", as: "manager", method: "PUT", path: one, body: `{"name":"new","type":"vault","params":{"url":"https://evil.example.org"}}`, status: 400, contains: []string{"secret: is missing"}},
		})
	})
}

func TestWhatUsesASecretStorageIsNamedByItsKind(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		p := w.ids["p"]
		storage, err := w.st.SecretStorages().Create(t.Context(), store.SecretStorage{ProjectID: p, Name: "vault", Type: "vault", Params: []byte("{}")})
		require.NoError(t, err)
		env, err := w.st.Environments().Create(t.Context(), store.Environment{ProjectID: p, Name: "production", JSON: "{}", SecretStorageID: &storage.ID})
		require.NoError(t, err)
		_, err = w.st.Keys().Create(t.Context(), store.AccessKey{ProjectID: p, Name: "TOKEN", Type: store.KeyString, Owner: store.OwnerEnvironment, EnvironmentID: &env.ID, SourceStorageID: &storage.ID})
		require.NoError(t, err)
		w.ids["storage"], w.ids["env"] = storage.ID, env.ID
		w.play([]scenario{{name: "the group once, by its own name", method: "GET", path: "/project/{p}/secret_storages/{storage}/refs", status: 200,
			contains: []string{`"access_keys":[{"id":{env},"name":"production","kind":"environment"}]`}, lacks: []string{"TOKEN"}}})
	})
}
