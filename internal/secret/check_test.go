package secret_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/secret"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// field returns the field that an error names, "" for no error.
func field(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var f *job.FieldError
	require.ErrorAs(t, err, &f)
	return f.Field
}

func TestCheck(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	tests := []struct {
		key   store.AccessKey
		field string
	}{
		{store.AccessKey{}, ""},
		{b.key(store.KeyString, "", 0, ""), ""},
		{b.key(store.KeyString, "env", 0, "PROJ_A"), ""},
		{b.key(store.KeyString, "env", 0, "SEMAPHORE_DB_PASS"), "source_storage_key"},
		{b.key(store.KeyString, "env", 0, ""), "source_storage_key"},
		{b.key(store.KeyString, "file", 0, filepath.Join(b.dir, "a")), ""},
		{b.key(store.KeyString, "file", 0, "/etc/shadow"), "source_storage_key"},
		{b.key(store.KeyString, "vault", 3, "team/app#f"), ""},
		{b.key(store.KeyString, "", 3, "team/app"), ""},
		{b.key(store.KeyString, "vault", 0, "team/app"), "source_storage_id"},
		{b.key(store.KeyString, "vault", 3, ""), "source_storage_key"},
		{b.key(store.KeyString, "vault", 3, "a#"), "source_storage_key"},
		{b.key(store.KeyString, "", 3, "../x"), "source_storage_key"},
		{b.key(store.KeyString, "aws", 3, "a"), "source_storage_type"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.field, field(t, b.keeper.Check(tt.key)), "%+v", tt.key)
	}
}

func TestValidateStorage(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	env, file, vault := "env", "file", "vault"
	tests := []struct {
		s      store.SecretStorage
		params string
		field  string
	}{
		{store.SecretStorage{Name: "a", Type: "local"}, ``, ""},
		{store.SecretStorage{Name: "a", Type: "vault", Secret: "t"}, `{"url":"https://vault.example.com:8200/base"}`, ""},
		{store.SecretStorage{Name: "a", Type: "vault"}, `{"url":"http://vault","mount":"kv/a","namespace":"n/m","field":"f"}`, ""},
		{store.SecretStorage{Name: "a", Type: "vault", SourceStorageType: &env, Secret: "PROJ_T"}, `{"url":"https://v"}`, ""},
		{store.SecretStorage{Name: "a", Type: "vault", SourceStorageType: &env, Secret: "HOME"}, `{"url":"https://v"}`, "secret"},
		{store.SecretStorage{Name: "a", Type: "vault", SourceStorageType: &file, Secret: "/etc/passwd"}, `{"url":"https://v"}`, "secret"},
		{store.SecretStorage{Name: "a", Type: "vault", SourceStorageType: &vault, Secret: "x"}, `{"url":"https://v"}`, "source_storage_type"},
		{store.SecretStorage{Name: "", Type: "vault"}, `{"url":"https://v"}`, "name"},
		{store.SecretStorage{Name: "a", Type: "aws"}, ``, "type"},
		{store.SecretStorage{Name: "a", Type: "vault"}, `[]`, "params"},
		{store.SecretStorage{Name: "a", Type: "vault"}, ``, "params.url"},
		{store.SecretStorage{Name: "a", Type: "vault"}, `{"url":"file:///etc"}`, "params.url"},
		{store.SecretStorage{Name: "a", Type: "vault"}, `{"url":"https://"}`, "params.url"},
		{store.SecretStorage{Name: "a", Type: "vault"}, `{"url":"https://u:p@v"}`, "params.url"},
		{store.SecretStorage{Name: "a", Type: "vault"}, `{"url":"https://v?x=1"}`, "params.url"},
		{store.SecretStorage{Name: "a", Type: "vault"}, `{"url":"https://v","mount":"../sys"}`, "params.mount"},
		{store.SecretStorage{Name: "a", Type: "vault"}, `{"url":"https://v","namespace":"a//b"}`, "params.namespace"},
		{store.SecretStorage{Name: "a", Type: "vault"}, `{"url":"https://v","field":"a#b"}`, "params.field"},
		{store.SecretStorage{Name: "a", Type: "dvls"}, `{"url":"https://d","vault_id":"1","app_key":"k","insecure_tls":true}`, ""},
		{store.SecretStorage{Name: "a", Type: "dvls"}, `{"url":"https://d","vault_id":"1"}`, "params.app_key"},
		{store.SecretStorage{Name: "a", Type: "dvls"}, `{"url":"https://d","vault_id":"a/b","app_key":"k"}`, "params.vault_id"},
	}
	for _, tt := range tests {
		tt.s.Params = json.RawMessage(tt.params)
		require.Equal(t, tt.field, field(t, b.keeper.ValidateStorage(tt.s)), "%+v %s", tt.s, tt.params)
	}
}

func TestTestTriesTheToken(t *testing.T) {
	t.Parallel()
	f := newFakeVault(t)
	b := setup(t, f.Client())
	s := b.storage(t, store.SecretStorage{Type: "vault"}, map[string]any{"url": f.URL}, vaultToken)
	require.NoError(t, b.keeper.Test(t.Context(), s))
	s.Secret = "hvs.other"
	require.ErrorIs(t, b.keeper.Test(t.Context(), s), secret.ErrRefused, "the token that is given goes first")
	s.ID, s.Secret = 0, vaultToken
	require.NoError(t, b.keeper.Test(t.Context(), s), "a storage that is not stored yet")
	s.Secret = ""
	require.ErrorContains(t, b.keeper.Test(t.Context(), s), "no token")
	require.NoError(t, b.keeper.Test(t.Context(), store.SecretStorage{Name: "l", Type: "local"}))
}

func TestContents(t *testing.T) {
	t.Parallel()
	const pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"
	tests := []struct {
		kind store.KeyType
		raw  string
		want string // "" for an error
	}{
		{store.KeyString, "a\nb\n", "a\nb"},
		{store.KeyString, "a\r\n", "a"},
		{store.KeyString, " a ", " a "},
		{store.KeyString, "\n", ""},
		{store.KeyLoginPassword, "pa ss\n", `{"login":"","password":"pa ss"}`},
		{store.KeyLoginPassword, `{"login":"l","password":"p","x":1}`, `{"login":"l","password":"p"}`},
		{store.KeyLoginPassword, `{"username":"u","password":"p"}`, `{"login":"u","password":"p"}`},
		{store.KeyLoginPassword, `{broken`, `{"login":"","password":"{broken"}`},
		{store.KeyLoginPassword, `{"login":"l"}`, ""},
		{store.KeyLoginPassword, "", ""},
		{store.KeySSH, pem, `{"login":"","passphrase":"","private_key":"` + strings.ReplaceAll(pem, "\n", `\n`) + `\n"}`},
		{store.KeySSH, `{"login":"git","private_key":"k","passphrase":"p"}`, `{"login":"git","passphrase":"p","private_key":"k"}`},
		{store.KeySSH, `{"privateKeyData":"k","privateKeyPassPhrase":"p"}`, `{"login":"","passphrase":"p","private_key":"k"}`},
		{store.KeySSH, "just text", ""},
		{store.KeySSH, `{"password":"p"}`, ""},
		{"other", "x", ""},
	}
	for _, tt := range tests {
		got, err := secret.Decode(tt.kind, tt.raw)
		if tt.want == "" {
			require.Error(t, err, "%s %q", tt.kind, tt.raw)
			continue
		}
		require.NoError(t, err, "%s %q", tt.kind, tt.raw)
		require.Equal(t, tt.want, got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("ssh", "-----BEGIN X")
	f.Add("login_password", `{"login":"CANARY","password":1}`)
	f.Add("string", "CANARYCANARY\n")
	f.Fuzz(func(t *testing.T, kind, raw string) {
		got, err := secret.Decode(store.KeyType(kind), raw)
		switch {
		case err != nil && strings.Contains(err.Error(), "CANARY"):
			t.Fatalf("the error shows the secret: %v", err)
		case err == nil && (kind == "ssh" || kind == "login_password") && !json.Valid([]byte(got)):
			t.Fatalf("not JSON: %q", got)
		}
	})
}

func FuzzEscapePath(f *testing.F) {
	for _, path := range []string{"a/b", "../x", "a%2f..", "a?b#c", "/"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got, err := secret.EscapePath("f", path)
		if err != nil {
			return
		}
		if strings.ContainsAny(got, "?# \n") || strings.HasPrefix(got, "/") {
			t.Fatalf("%q is no path", got)
		}
		for part := range strings.SplitSeq(got, "/") {
			if part == "" || part == "." || part == ".." {
				t.Fatalf("%q leads elsewhere", got)
			}
		}
	})
}
