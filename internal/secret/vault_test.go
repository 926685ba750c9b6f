package secret_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/secret"
	"github.com/alexandervashurin/semaphore/pool"
)

func vaultOn(t *testing.T, f *fakeVault, token string) *secret.Vault {
	t.Helper()
	v, err := secret.NewVault(secret.VaultParams{URL: f.URL, Namespace: f.namespace}, token, f.Client())
	require.NoError(t, err)
	return v
}

func TestVaultReadsFieldsAndDocuments(t *testing.T) {
	t.Parallel()
	f := newFakeVault(t)
	f.put("app", map[string]any{"login": "ci", "password": "p", "port": 22, "none": nil})
	v := vaultOn(t, f, vaultToken)
	for key, want := range map[string]string{
		"app#password": "p", "/app/#password": "p", "app#port": "22", "app": `{"login":"ci","none":null,"password":"p","port":22}`,
	} {
		got, err := v.Get(t.Context(), key)
		require.NoError(t, err, key)
		require.Equal(t, want, got, key)
	}
	for _, key := range []string{"app#other", "app#none", "other"} {
		_, err := v.Get(t.Context(), key)
		require.ErrorIs(t, err, secret.ErrNotFound, key)
	}
	f.put("app", map[string]any{"value": "v", "password": "p"})
	got, err := v.Get(t.Context(), "app")
	require.NoError(t, err)
	require.Equal(t, "v", got, "the usual field goes before the document")
}

func TestVaultLeavesOtherFieldsAlone(t *testing.T) {
	t.Parallel()
	f := newFakeVault(t)
	f.put("app", map[string]any{"other": "stays", "n": 12345})
	v := vaultOn(t, f, vaultToken)
	require.NoError(t, v.Put(t.Context(), "app#own", "x"))
	require.Equal(t, map[string]any{"other": "stays", "n": 12345.0, "own": "x"}, f.newest("app"))
	require.NoError(t, v.Delete(t.Context(), "app#own"))
	require.Equal(t, map[string]any{"other": "stays", "n": 12345.0}, f.newest("app"))
	require.NoError(t, v.Delete(t.Context(), "app#own"))
	require.NoError(t, v.Delete(t.Context(), "app"), "a whole document")
	require.Nil(t, f.newest("app"))
}

func TestVaultWritesOverADeletedVersion(t *testing.T) {
	t.Parallel()
	f := newFakeVault(t)
	f.put("app", map[string]any{"value": "old"})
	f.put("app", nil)
	v := vaultOn(t, f, vaultToken)
	_, err := v.Get(t.Context(), "app")
	require.ErrorIs(t, err, secret.ErrNotFound)
	require.NoError(t, v.Put(t.Context(), "app", "new"))
	got, err := v.Get(t.Context(), "app")
	require.NoError(t, err)
	require.Equal(t, "new", got)
}

func TestVaultBeginsAnewWhereSomebodyElseWrote(t *testing.T) {
	t.Parallel()
	f := newFakeVault(t)
	f.put("app", map[string]any{"a": "1"})
	once := true
	f.set(func() {
		f.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost && once {
				once = false
				f.data["app"] = append(f.data["app"], map[string]any{"a": "2"})
			}
			return false
		}
	})
	require.NoError(t, vaultOn(t, f, vaultToken).Put(t.Context(), "app#b", "x"))
	require.Equal(t, map[string]any{"a": "2", "b": "x"}, f.newest("app"))
}

func TestVaultErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		want   error
		not    error
	}{
		{"sealed", 503, pool.ErrTemporary, secret.ErrNotFound},
		{"standing by", 429, pool.ErrTemporary, secret.ErrRefused},
		{"a follower that lags", 412, pool.ErrTemporary, secret.ErrRefused},
		{"a performance standby", 473, pool.ErrTemporary, secret.ErrRefused},
		{"a broken server", 500, pool.ErrTemporary, secret.ErrRefused},
		{"permission denied", 403, secret.ErrRefused, pool.ErrTemporary},
		{"nothing there", 404, secret.ErrNotFound, pool.ErrTemporary},
		{"a bad request", 400, nil, pool.ErrTemporary},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFakeVault(t)
			f.set(func() { f.status = tt.status })
			_, err := vaultOn(t, f, vaultToken).Get(t.Context(), "app")
			require.Error(t, err)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
			}
			require.NotErrorIs(t, err, tt.not)
			require.NotContains(t, err.Error(), vaultToken)
		})
	}
	t.Run("a server that is gone", func(t *testing.T) {
		t.Parallel()
		f := newFakeVault(t)
		v := vaultOn(t, f, vaultToken)
		f.Close()
		_, err := v.Get(t.Context(), "app")
		require.ErrorIs(t, err, pool.ErrTemporary)
	})
	t.Run("a certificate that nobody trusts", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewTLSServer(http.NotFoundHandler())
		t.Cleanup(srv.Close)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		v, err := secret.NewVault(secret.VaultParams{URL: srv.URL}, vaultToken, client)
		require.NoError(t, err)
		_, err = v.Get(t.Context(), "app")
		require.ErrorContains(t, err, "not trusted")
		require.NotErrorIs(t, err, pool.ErrTemporary)
	})
	t.Run("a page that is no API", func(t *testing.T) {
		t.Parallel()
		f := newFakeVault(t)
		f.set(func() {
			f.before = func(w http.ResponseWriter, _ *http.Request) bool { answer(w, 404, "<html>"+vaultToken); return true }
		})
		_, err := vaultOn(t, f, vaultToken).Get(t.Context(), "app")
		require.ErrorContains(t, err, "check the url")
		require.NotErrorIs(t, err, secret.ErrNotFound)
		require.NotContains(t, err.Error(), vaultToken)
	})
	t.Run("an engine of version 1", func(t *testing.T) {
		t.Parallel()
		f := newFakeVault(t)
		f.set(func() {
			f.before = func(w http.ResponseWriter, _ *http.Request) bool {
				answer(w, 200, `{"data":{"value":"x"}}`)
				return true
			}
		})
		_, err := vaultOn(t, f, vaultToken).Get(t.Context(), "app")
		require.ErrorContains(t, err, "version 2")
	})
}

func TestVaultTokenStaysWithItsServer(t *testing.T) {
	t.Parallel()
	stolen := make(chan string, 10)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen <- r.Header.Get("X-Vault-Token") }))
	t.Cleanup(thief.Close)
	f := newFakeVault(t)
	f.put("app", map[string]any{"value": "v"})
	to := thief.URL
	f.set(func() {
		f.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Has("again") {
				return false
			}
			http.Redirect(w, r, to+r.URL.Path+"?again", http.StatusTemporaryRedirect)
			return true
		}
	})
	v := vaultOn(t, f, vaultToken)
	_, err := v.Get(t.Context(), "app")
	require.ErrorContains(t, err, "another address")
	require.NotErrorIs(t, err, pool.ErrTemporary)
	require.Empty(t, stolen)

	f.set(func() { to = f.URL })
	got, err := v.Get(t.Context(), "app")
	require.NoError(t, err, "the same server may redirect")
	require.Equal(t, "v", got)
}

func TestVaultNamespaceAndMount(t *testing.T) {
	t.Parallel()
	f := newFakeVault(t)
	f.set(func() { f.namespace = "team/dev" })
	f.put("app", map[string]any{"value": "v"})
	got, err := vaultOn(t, f, vaultToken).Get(t.Context(), "app")
	require.NoError(t, err)
	require.Equal(t, "v", got)

	v, err := secret.NewVault(secret.VaultParams{URL: f.URL, Mount: "kv/team b", Namespace: "team/dev"}, vaultToken, f.Client())
	require.NoError(t, err)
	_, err = v.Get(t.Context(), "x?y/z%2f..#a")
	require.Error(t, err)
	f.set(func() { require.Equal(t, "GET /v1/kv/team%20b/data/x%3Fy/z%252f..", f.requests[len(f.requests)-1]) })
	for _, key := range []string{"", "#f", "a#", "../sys/x", "a//b", "a/./b", "a\nb"} {
		_, err := v.Get(t.Context(), key)
		require.ErrorContains(t, err, "source_storage_key", "%q", key)
	}
}
