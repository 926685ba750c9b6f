package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/internal/secret"
)

func TestSecretsOfTheServer(t *testing.T) {
	t.Parallel()
	variables := map[string]string{"CI_HOOK": `{"login":"git","password":"` + hookSecret + `"}`, "SEMAPHORE_DB_PASS": "canary-database"}
	o := options{idle: true, api: func(c *api.Config) {
		c.Secrets = secret.New(c.Store, c.Ring, secret.Config{EnvPrefix: "CI_", LookupEnv: func(name string) (string, bool) {
			value, ok := variables[name]
			return value, ok
		}})
	}}
	backends(t, o, func(t *testing.T, w *world) {
		w.created("named", "owner", "/project/{p}/keys", `{"name":"named","type":"login_password","source_storage_type":"env","source_storage_key":"CI_HOOK"}`)
		w.created("hook", "owner", integrations, `{"name":"hook","template_id":{template},"auth_method":"basic","auth_secret_id":{named}}`)
		path := w.alias(t, integrations+"/{hook}/aliases")
		w.play([]scenario{
			{name: "those outside the prefix cannot be named", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"string","source_storage_type":"env","source_storage_key":"SEMAPHORE_DB_PASS"}`, status: 400, contains: []string{"source_storage_key"}, lacks: []string{"canary"}},
			{name: "nor by way of a storage's token", method: "POST", path: storages, body: `{"name":"x","type":"local","source_storage_type":"env","secret":"SEMAPHORE_DB_PASS"}`, status: 400},
			{name: "files are not offered", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"string","source_storage_type":"file","source_storage_key":"/etc/passwd"}`, status: 400},
			{name: "one of them lets a webhook in", as: "nobody", method: "POST", path: path, header: []string{"Authorization", basicAuth("git", hookSecret)}, status: 204},
			{name: "and nobody else", as: "nobody", method: "POST", path: path, header: []string{"Authorization", basicAuth("git", "x")}, status: 401},
		})
		require.Equal(t, 1, w.tasks(t))
	})
}
