package api_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// members are the names of a JSON object, sorted.
func members(t *testing.T, body string) []string {
	t.Helper()
	var m map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(body), &m), body)
	return slices.Sorted(maps.Keys(m))
}

// fakeSecrets is a storage outside, in memory.
type fakeSecrets struct {
	mu   sync.Mutex
	kept map[string]string
	fail error
}

func (f *fakeSecrets) Check(k store.AccessKey) error {
	if k.SourceStorageType != nil && *k.SourceStorageType == "env" && *k.SourceStorageKey == "HOME" {
		return &job.FieldError{Field: "source_storage_key", Reason: "may not be named"}
	}
	return nil
}

func (f *fakeSecrets) ValidateStorage(s store.SecretStorage) error {
	var params map[string]any
	if err := json.Unmarshal(s.Params, &params); err != nil || s.Type != "local" && params["url"] == nil {
		return &job.FieldError{Field: "params.url", Reason: "is missing"}
	}
	return nil
}

func (f *fakeSecrets) Save(_ context.Context, _ store.Store, k store.AccessKey) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	if k.SourceStorageID != nil {
		f.kept[*k.SourceStorageKey] = k.String + k.LoginPassword.Password + k.SSH.PrivateKey
	}
	return nil
}

func (f *fakeSecrets) Remove(_ context.Context, k store.AccessKey) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, *k.SourceStorageKey)
	return f.fail
}

func (f *fakeSecrets) External(_ context.Context, k store.AccessKey) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf(`{"login":"ci","password":%q}`, f.kept[*k.SourceStorageKey]), f.fail
}

// content is what a fake storage holds, sorted.
func (f *fakeSecrets) content() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Values(f.kept))
}

func withSecrets(f *fakeSecrets) options {
	f.kept = map[string]string{}
	return options{idle: true, api: func(c *api.Config) { c.Secrets = f }}
}

// secretOf opens the secret of a key as it is stored.
func (w *world) secretOf(id int64) string {
	k, err := w.st.Keys().Get(w.t.Context(), w.ids["p"], id)
	require.NoError(w.t, err)
	if k.Secret == nil {
		return ""
	}
	plain, err := w.ring.Open(*k.Secret, crypto.AD{Table: "access_key", ProjectID: k.ProjectID, ID: k.ID, Field: "secret"})
	require.NoError(w.t, err)
	return string(plain)
}

// privateKey is a fresh SSH key without passphrase.
func privateKey(t *testing.T) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	return string(pem.EncodeToMemory(block))
}

// quoted is a text as JSON.
func quoted(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	require.NoError(t, err)
	return string(b)
}

// wire are the members of a plain key.
var wireKey = []string{"id", "login_password", "name", "project_id", "ssh", "string", "type"}

func TestKeys(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		private := privateKey(t)
		a := w.created("deploy", "manager", "/project/{p}/keys", `{"name":"deploy","type":"ssh","project_id":{p},"owner":"variable","environment_id":{environment},"secret":"x","ssh":{"login":"git","passphrase":"","private_key":`+quoted(t, private)+`}}`)
		require.Equal(t, wireKey, members(t, a.Body))
		require.JSONEq(t, w.fill(`{"id":{deploy},"name":"deploy","type":"ssh","project_id":{p},"string":"","login_password":{"login":"","password":""},"ssh":{"login":"","passphrase":"","private_key":""}}`), a.Body)
		require.Contains(t, w.secretOf(w.ids["deploy"]), "PRIVATE KEY")
		w.created("blank", "owner", "/project/{p}/keys", `{"name":"blank","type":"login_password"}`)
		w.created("none", "owner", "/project/{p}/keys", `{"name":"a none","type":"none"}`)
		env, err := w.pool.SaveKey(t.Context(), store.AccessKey{ProjectID: w.ids["p"], Name: "TOKEN", Type: store.KeyString, Owner: store.OwnerVariable, EnvironmentID: new(w.ids["environment"]), String: "canary-token"})
		require.NoError(t, err)
		w.ids["variable"] = env.ID
		w.play([]scenario{
			{name: "are listed without those of variable groups", as: "guest", method: "GET", path: "/project/{p}/keys", status: 200,
				contains: []string{`"name":"deploy"`, `"name":"blank","type":"login_password","project_id":{p},"string":"","login_password":{"login":"","password":""},"ssh":{"login":"","passphrase":"","private_key":""},"empty":true`},
				lacks:    []string{"TOKEN", "canary", "PRIVATE"},
				after: func(t *testing.T, _ *world, a answer) {
					var keys []store.AccessKey
					a.decode(t, &keys)
					var names, empty []string
					for _, k := range keys {
						names = append(names, k.Name)
						if k.Empty {
							empty = append(empty, k.Name)
						}
					}
					require.Equal(t, []string{"a none", "blank", "deploy", "key"}, names)
					require.Equal(t, []string{"blank"}, empty)
				}},
			{name: "are sorted by type", method: "GET", path: "/project/{p}/keys?sort=type&order=desc", status: 200},
			{name: "cannot be sorted by what they have not", method: "GET", path: "/project/{p}/keys?sort=secret", status: 400, contains: []string{"name, type"}},
			{name: "one is shown without its secret", as: "guest", method: "GET", path: "/project/{p}/keys/{key}", status: 200, lacks: []string{"canary", "empty", `"git"`}},
			{name: "that of a variable group is no key by itself", method: "GET", path: "/project/{p}/keys/{variable}", status: 404},
			{name: "that of a variable group is not deleted here", method: "DELETE", path: "/project/{p}/keys/{variable}", status: 404},
			{name: "a guest may not add one", as: "guest", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"none"}`, status: 403},
			{name: "a task runner may not add one", as: "task_runner", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"none"}`, status: 403},
			{name: "a stranger sees no project", as: "stranger", method: "GET", path: "/project/{p}/keys", status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: "/project/{p}/keys", status: 401},
			{name: "one of another project does not exist", method: "PUT", path: "/project/{p}/keys/{q_key}", body: `{"name":"x","type":"none","override_secret":true}`, status: 404},
			{name: "ids of a body do not lead elsewhere", method: "PUT", path: "/project/{p}/keys/{key}", body: `{"id":{q_key},"project_id":{q},"name":"x","type":"none","override_secret":true}`, status: 400},
			{name: "a name is needed", method: "POST", path: "/project/{p}/keys", body: `{"name":"","type":"none"}`, status: 400, contains: []string{"name"}},
			{name: "an unknown type is named", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"pgp"}`, status: 400, contains: []string{"pgp", "login_password"}},
			{name: "a login needs a password", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"login_password","login_password":{"login":"bob"}}`, status: 400, contains: []string{"password"}},
			{name: "garbage is no private key and is not echoed", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"ssh","ssh":{"private_key":"canary-garbage"}}`, status: 400, contains: []string{"private_key"}, lacks: []string{"canary"}},
			{name: "a source outside needs a server that reaches it", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"string","source_storage_type":"env","source_storage_key":"HOME"}`, status: 400, contains: []string{"administrator"}},
			{name: "one in use stays", method: "DELETE", path: "/project/{p}/keys/{key}", status: 400, contains: []string{`"inUse":true`, "repositories"}},
			{name: "what refers to it is listed", as: "guest", method: "GET", path: "/project/{p}/keys/{key}/refs", status: 200,
				contains: []string{`"repositories":[{"id":{repository},"name":"code"}]`, `"templates":[]`, `"schedules":[]`, `"integrations":[]`}},
			{name: "the name alone changes", as: "manager", method: "PUT", path: "/project/{p}/keys/{key}", body: `{"id":{key},"project_id":{p},"name":"renamed","type":"none"}`, status: 204,
				after: func(t *testing.T, w *world, _ answer) {
					require.Contains(t, w.secretOf(w.ids["key"]), "canary-password")
				}},
			{name: "the secret is replaced when asked for", as: "manager", method: "PUT", path: "/project/{p}/keys/{key}", body: `{"id":{key},"name":"renamed","type":"login_password","override_secret":true,"login_password":{"login":"ann","password":"fresh"}}`, status: 204,
				after: func(t *testing.T, w *world, _ answer) {
					require.JSONEq(t, `{"login":"ann","password":"fresh"}`, w.secretOf(w.ids["key"]))
				}},
			{name: "one that nobody needs is deleted", method: "DELETE", path: "/project/{p}/keys/{deploy}", status: 204},
			{name: "and gone", method: "GET", path: "/project/{p}/keys/{deploy}", status: 404},
		})
		w.wantEvents(t, store.EventKey, `Key "deploy" created`, `Key "renamed" updated`, `Key "deploy" deleted`)
	})
}

// wantEvents wants events of a kind in project {p} among those recorded.
func (w *world) wantEvents(t *testing.T, kind store.EventType, texts ...string) {
	t.Helper()
	page, err := w.st.Events().List(t.Context(), w.ids["p"], store.Query{Limit: -1})
	require.NoError(t, err)
	var found []string
	for _, e := range page.Items {
		if e.ObjectType == kind {
			require.NotNil(t, e.UserID)
			found = append(found, e.Description)
		}
	}
	require.Subset(t, found, texts)
}

func TestKeysOutside(t *testing.T) {
	t.Parallel()
	for _, open := range []func(*testing.T) (store.Store, func() string){openMemory, openSQLite} {
		secrets := &fakeSecrets{}
		w := newWorldOn(t, withSecrets(secrets), open)
		storage, err := w.st.SecretStorages().Create(t.Context(), store.SecretStorage{ProjectID: w.ids["p"], Name: "vault", Type: "vault", Params: json.RawMessage(`{}`)})
		require.NoError(t, err)
		w.ids["storage"] = storage.ID
		w.created("outside", "owner", "/project/{p}/keys", `{"name":"outside","type":"login_password","source_storage_id":{storage},"source_storage_key":"ci/git","login_password":{"login":"ci","password":"canary-outside"}}`)
		require.Equal(t, []string{"canary-outside"}, secrets.content())
		require.Empty(t, w.secretOf(w.ids["outside"]))
		w.play([]scenario{
			{name: "says where it lives", as: "guest", method: "GET", path: "/project/{p}/keys/{outside}", status: 200, contains: []string{`"source_storage_id":{storage}`, `"source_storage_key":"ci/git"`, `"source_storage_type":"vault"`}, lacks: []string{"canary"}},
			{name: "is not empty", method: "GET", path: "/project/{p}/keys", status: 200, lacks: []string{`"empty"`}},
			{name: "a storage of another project is refused", method: "POST", path: "/project/{q}/keys", as: "stranger", body: `{"name":"x","type":"string","source_storage_id":{storage},"source_storage_key":"k"}`, status: 400},
			{name: "a path is needed", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"string","source_storage_id":{storage}}`, status: 400, contains: []string{"source_storage_key"}},
			{name: "a storage is needed", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"string","source_storage_type":"vault","source_storage_key":"k"}`, status: 400, contains: []string{"source_storage_id"}},
			{name: "an unknown source is named", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"string","source_storage_type":"s3","source_storage_key":"k"}`, status: 400, contains: []string{"s3"}},
			{name: "a variable of the server is refused", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"string","source_storage_type":"env","source_storage_key":"HOME"}`, status: 400, contains: []string{"may not be named"}},
		})
		secrets.fail = errors.New("the storage is sealed: unseal it")
		w.play([]scenario{
			{name: "a storage that refuses changes nothing here", method: "POST", path: "/project/{p}/keys", body: `{"name":"x","type":"string","source_storage_id":{storage},"source_storage_key":"k","string":"canary-x"}`, status: 400, contains: []string{"unseal"}, lacks: []string{"canary"}},
		})
		secrets.fail = nil
		w.play([]scenario{
			{name: "is replaced where it lives", method: "PUT", path: "/project/{p}/keys/{outside}", body: `{"name":"outside","override_secret":true,"type":"string","source_storage_id":{storage},"source_storage_key":"ci/git","string":"canary-next"}`, status: 204,
				after: func(t *testing.T, _ *world, _ answer) {
					require.Equal(t, []string{"canary-next"}, secrets.content())
				}},
			{name: "is deleted", method: "DELETE", path: "/project/{p}/keys/{outside}", status: 204},
		})
		require.Empty(t, secrets.content())
	}
}
