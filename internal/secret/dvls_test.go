package secret_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/secret"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// newFakeDVLS speaks the part of Devolutions Server's API that reads entries.
func newFakeDVLS() *httptest.Server {
	entries := map[string]string{
		"e1": `{"id":"e1","name":"n","type":"Credential","subType":"Default","data":{"domain":"d","username":"ci","password":"p"}}`,
		"e2": `{"id":"e2","type":"Credential","subType":"PrivateKey","data":{"privateKeyData":"key","privateKeyPassPhrase":"pp"}}`,
		"e3": `{"id":"e3","type":"Folder"}`,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/login", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("AppKey") != "app" || r.FormValue("AppSecret") != "app-secret" {
			answer(w, 401, `{"message":"no"}`)
			return
		}
		answer(w, 200, `{"tokenId":"session"}`)
	})
	mux.HandleFunc("GET /api/v1/vault/v1/entry/{id}", func(w http.ResponseWriter, r *http.Request) {
		entry, ok := entries[r.PathValue("id")]
		switch {
		case r.Header.Get("tokenId") != "session":
			answer(w, 401, "")
		case !ok:
			answer(w, 404, "")
		default:
			answer(w, 200, entry)
		}
	})
	return httptest.NewUnstartedServer(mux)
}

func TestDVLS(t *testing.T) {
	t.Parallel()
	srv := newFakeDVLS()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	b := setup(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	params := map[string]any{"url": srv.URL, "vault_id": "v1", "app_key": "app", "insecure_tls": true}
	s := b.storage(t, store.SecretStorage{Type: "dvls"}, params, "app-secret")
	require.NoError(t, b.keeper.Test(t.Context(), s))
	tests := []struct {
		kind store.KeyType
		key  string
		want string
		err  error
	}{
		{store.KeyLoginPassword, "e1", `{"login":"ci","password":"p"}`, nil},
		{store.KeyString, "e1", "p", nil},
		{store.KeyString, "e1#domain", "d", nil},
		{store.KeySSH, "e2", `{"login":"","passphrase":"pp","private_key":"key"}`, nil},
		{store.KeyString, "e1#other", "", secret.ErrNotFound},
		{store.KeyString, "e3", "", secret.ErrNotFound},
		{store.KeyString, "gone", "", secret.ErrNotFound},
		{store.KeyString, "../login", "", job.ErrInvalid},
	}
	for _, tt := range tests {
		got, err := b.keeper.External(t.Context(), b.key(tt.kind, "vault", s.ID, tt.key))
		require.ErrorIs(t, err, tt.err, tt.key)
		require.Equal(t, tt.want, got)
	}
	key := b.key(store.KeyString, "vault", s.ID, "e1")
	key.String = "new"
	require.Equal(t, "source_storage_id", field(t, b.keeper.Save(t.Context(), b.st, key)), "content must not vanish")
	require.NoError(t, b.keeper.Remove(t.Context(), key))

	s.Secret = "wrong"
	err := b.keeper.Test(t.Context(), s)
	require.ErrorIs(t, err, secret.ErrRefused)
	require.NotContains(t, err.Error(), "wrong")

	strict := b.storage(t, store.SecretStorage{Name: "strict", Type: "dvls"}, map[string]any{"url": srv.URL, "vault_id": "v1", "app_key": "app"}, "app-secret")
	_, err = b.keeper.External(t.Context(), b.key(store.KeyString, "vault", strict.ID, "e1"))
	require.ErrorContains(t, err, "not trusted", "another storage's leave was taken over")
	require.NotErrorIs(t, err, pool.ErrTemporary)
}

func TestUncheckedCertificatesNeedAClient(t *testing.T) {
	t.Parallel()
	srv := newFakeDVLS()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	guarded := &http.Client{Transport: guard{pool.ErrTemporary}}
	b := setup(t, guarded)
	params := map[string]any{"url": srv.URL, "vault_id": "v1", "app_key": "app", "insecure_tls": true}
	s := b.storage(t, store.SecretStorage{Type: "dvls"}, params, "app-secret")
	key := b.key(store.KeyString, "vault", s.ID, "e1")
	_, err := b.keeper.External(t.Context(), key)
	require.Equal(t, "params.insecure_tls", field(t, err))

	trusting := srv.Client()
	t.Cleanup(trusting.CloseIdleConnections)
	keeper := secret.New(b.st, b.ring, secret.Config{HTTP: guarded, InsecureHTTP: trusting})
	got, err := keeper.External(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, "p", got)
}
