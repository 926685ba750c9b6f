package secret_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/secret"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func TestExternalReadsEveryPlace(t *testing.T) {
	t.Parallel()
	stores := map[string]func(t *testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return memory.New(memory.Config{}) },
		"sqlite": func(t *testing.T) store.Store {
			st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "s.db"), sqlite.Config{})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, st.Close()) })
			return st
		},
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeVault(t)
			b := setupOn(t, open(t), f.Client())
			s := b.storage(t, store.SecretStorage{Type: "vault"}, map[string]any{"url": f.URL}, vaultToken)
			f.put("app", map[string]any{"username": "ci", "password": "p"})
			f.put("text", map[string]any{"value": "v"})
			b.env["PROJ_PASS"] = "bare\n"
			file := filepath.Join(b.dir, "login")
			require.NoError(t, os.WriteFile(file, []byte(`{"login":"a","password":"b"}`+"\n"), 0o600))

			tests := []struct {
				key  store.AccessKey
				want string
			}{
				{b.key(store.KeyLoginPassword, "vault", s.ID, "app"), `{"login":"ci","password":"p"}`},
				{b.key(store.KeyLoginPassword, "vault", s.ID, "text"), `{"login":"","password":"v"}`},
				{b.key(store.KeyString, "vault", s.ID, "text"), "v"},
				{b.key(store.KeyString, "vault", s.ID, "app#password"), "p"},
				{b.key(store.KeyString, "", s.ID, "text"), "v"},
				{b.key(store.KeyString, "env", 0, "PROJ_PASS"), "bare"},
				{b.key(store.KeyLoginPassword, "env", 0, "PROJ_PASS"), `{"login":"","password":"bare"}`},
				{b.key(store.KeyLoginPassword, "file", 0, file), `{"login":"a","password":"b"}`},
				{b.key(store.KeyNone, "env", 0, "PROJ_PASS"), ""},
			}
			for _, tt := range tests {
				got, err := b.keeper.External(t.Context(), tt.key)
				require.NoError(t, err, *tt.key.SourceStorageKey)
				require.Equal(t, tt.want, got)
			}
			_, err := b.keeper.External(t.Context(), b.key(store.KeyString, "vault", s.ID, "app"))
			require.ErrorIs(t, err, secret.ErrNotFound, "a text is never a whole document")
		})
	}
}

func TestExternalServesThePool(t *testing.T) {
	t.Parallel()
	f := newFakeVault(t)
	b := setup(t, f.Client())
	s := b.storage(t, store.SecretStorage{Type: "vault"}, map[string]any{"url": f.URL}, "hvs.wrong")
	_, err := b.keeper.External(t.Context(), b.key(store.KeyString, "vault", s.ID, "app"))
	require.ErrorIs(t, err, secret.ErrRefused)
	require.NotErrorIs(t, err, pool.ErrTemporary)
	require.NotContains(t, err.Error(), "hvs.wrong")
	f.set(func() { f.status = 503 })
	_, err = b.keeper.External(t.Context(), b.key(store.KeyString, "vault", s.ID, "app"))
	require.ErrorIs(t, err, pool.ErrTemporary)
	var _ = pool.Config{External: b.keeper.External}
}

func TestExternalOfAnotherProjectIsNotFound(t *testing.T) {
	t.Parallel()
	f := newFakeVault(t)
	b := setup(t, f.Client())
	s := b.storage(t, store.SecretStorage{Type: "vault"}, map[string]any{"url": f.URL}, vaultToken)
	f.put("app", map[string]any{"value": "v"})
	other, err := b.st.Projects().Create(t.Context(), store.Project{Name: "other"})
	require.NoError(t, err)
	key := b.key(store.KeyString, "vault", s.ID, "app")
	key.ProjectID = other.ID
	_, err = b.keeper.External(t.Context(), key)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestLocalStorageIsTheStore(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	s, err := b.st.SecretStorages().Create(t.Context(), store.SecretStorage{ProjectID: b.project, Name: "l", Type: "local"})
	require.NoError(t, err)
	key := store.AccessKey{Name: "k", Type: store.KeyString, String: "sealed", ProjectID: b.project, SourceStorageID: &s.ID}
	outside, err := b.keeper.Outside(t.Context(), b.st, key)
	require.NoError(t, err)
	require.False(t, outside)
	require.NoError(t, b.keeper.Save(t.Context(), b.st, key))
	saved, err := b.pool.SaveKey(t.Context(), key)
	require.NoError(t, err)
	row, err := b.st.Keys().Get(t.Context(), b.project, saved.ID)
	require.NoError(t, err)
	got, err := b.keeper.External(t.Context(), row)
	require.NoError(t, err)
	require.Equal(t, "sealed", got)
	row.Secret = nil
	got, err = b.keeper.External(t.Context(), row)
	require.NoError(t, err)
	require.Empty(t, got, "an empty key")
}

func TestTokenMayLiveElsewhere(t *testing.T) {
	t.Parallel()
	f := newFakeVault(t)
	f.put("app", map[string]any{"value": "v"})
	b := setup(t, f.Client())
	b.env["PROJ_TOKEN"] = vaultToken
	file := filepath.Join(b.dir, "token")
	require.NoError(t, os.WriteFile(file, []byte(vaultToken+"\n"), 0o600))
	env, inFile, vault := "env", "file", "vault"
	tests := []struct {
		name    string
		storage *string // source_storage_type of the storage
		source  *string // of the key that is the token
		text    string
		want    string // error
	}{
		{"literal", nil, nil, vaultToken, ""},
		{"in a variable, as the storage says", &env, nil, "PROJ_TOKEN", ""},
		{"in a file, as the storage says", &inFile, nil, file, ""},
		{"in a variable, as its key says", nil, &env, "PROJ_TOKEN", ""},
		{"in a file, as its key says", &inFile, &inFile, file, ""},
		{"in a variable that is not offered", &env, nil, "SEMAPHORE_DB_PASS", "not offered"},
		{"in a file that is not offered", &inFile, nil, "/etc/passwd", "not below"},
		{"in another storage", nil, &vault, "app", "use env or file"},
		{"nowhere", nil, nil, "", "is empty"},
		{"with a line feed", nil, nil, "a\nb", "line feed"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			params, _ := json.Marshal(map[string]any{"url": f.URL})
			s, err := b.st.SecretStorages().Create(t.Context(), store.SecretStorage{ProjectID: b.project, Name: fmt.Sprint("s", i), Type: "vault", Params: params, SourceStorageType: tt.storage})
			require.NoError(t, err)
			token := store.AccessKey{Name: fmt.Sprint("t", i), Type: store.KeyString, ProjectID: b.project, Owner: store.OwnerVault, StorageID: &s.ID}
			if tt.source == nil {
				token.String = tt.text
			} else {
				token.SourceStorageType, token.SourceStorageKey = tt.source, &tt.text
			}
			_, err = b.pool.SaveKey(t.Context(), token)
			require.NoError(t, err)
			got, err := b.keeper.External(t.Context(), b.key(store.KeyString, "vault", s.ID, "app"))
			if tt.want == "" {
				require.NoError(t, err)
				require.Equal(t, "v", got)
				require.NoError(t, b.keeper.Test(t.Context(), s))
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestSaveAndRemove(t *testing.T) {
	t.Parallel()
	f := newFakeVault(t)
	b := setup(t, f.Client())
	s := b.storage(t, store.SecretStorage{Type: "vault"}, map[string]any{"url": f.URL}, vaultToken)
	private, _, err := crypto.GenerateSSHKey("k")
	require.NoError(t, err)
	keys := []store.AccessKey{b.key(store.KeyString, "vault", s.ID, "a"), b.key(store.KeyLoginPassword, "vault", s.ID, "b"), b.key(store.KeySSH, "vault", s.ID, "c#key")}
	keys[0].String = "text"
	keys[1].LoginPassword = store.LoginPassword{Login: "l", Password: "p"}
	keys[2].SSH = store.SSHKey{Login: "git", PrivateKey: string(private)}
	for _, key := range keys {
		outside, err := b.keeper.Outside(t.Context(), b.st, key)
		require.NoError(t, err)
		require.True(t, outside)
		require.NoError(t, b.keeper.Save(t.Context(), b.st, key))
	}
	got, err := b.keeper.External(t.Context(), keys[1])
	require.NoError(t, err)
	require.Equal(t, `{"login":"l","password":"p"}`, got)
	got, err = b.keeper.External(t.Context(), keys[2])
	require.NoError(t, err)
	var ssh store.SSHKey
	require.NoError(t, json.Unmarshal([]byte(got), &ssh))
	require.Equal(t, keys[2].SSH, ssh)

	unchanged := keys[0]
	unchanged.String = ""
	require.NoError(t, b.keeper.Save(t.Context(), b.st, unchanged), "no content leaves what is there")
	require.Equal(t, map[string]any{"value": "text"}, f.newest("a"))
	bad := keys[2]
	bad.SSH.PrivateKey = "no key"
	require.Equal(t, "ssh.private_key", field(t, b.keeper.Save(t.Context(), b.st, bad)))
	half := keys[1]
	half.LoginPassword.Password = ""
	require.Equal(t, "login_password.password", field(t, b.keeper.Save(t.Context(), b.st, half)))

	twin := keys[0]
	twin.ID = 0
	twin, err = b.st.Keys().Create(t.Context(), twin)
	require.NoError(t, err)
	require.NoError(t, b.keeper.Remove(t.Context(), keys[0]))
	require.NotNil(t, f.newest("a"), "another key stands for the same secret")
	require.NoError(t, b.keeper.Remove(t.Context(), twin))
	require.Nil(t, f.newest("a"))
	require.NoError(t, b.keeper.Remove(t.Context(), keys[0]), "removing again is fine")
}

func TestReadOnlyPlacesAreNotWritten(t *testing.T) {
	t.Parallel()
	f := newFakeVault(t)
	f.put("app", map[string]any{"value": "theirs"})
	b := setup(t, f.Client())
	b.env["PROJ_A"] = "v"
	s := b.storage(t, store.SecretStorage{Type: "vault", ReadOnly: true}, map[string]any{"url": f.URL}, vaultToken)
	for _, key := range []store.AccessKey{b.key(store.KeyString, "vault", s.ID, "app"), b.key(store.KeyString, "env", 0, "PROJ_A"), b.key(store.KeyString, "file", 0, filepath.Join(b.dir, "x"))} {
		key.String = "mine"
		require.NoError(t, b.keeper.Save(t.Context(), b.st, key))
		require.NoError(t, b.keeper.Remove(t.Context(), key))
	}
	require.Equal(t, map[string]any{"value": "theirs"}, f.newest("app"))
	_, err := os.Stat(filepath.Join(b.dir, "x"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestStoragesNeedAClient(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	s := b.storage(t, store.SecretStorage{Type: "vault"}, map[string]any{"url": "http://127.0.0.1:1"}, vaultToken)
	_, err := b.keeper.External(t.Context(), b.key(store.KeyString, "vault", s.ID, "app"))
	require.ErrorContains(t, err, "give it an HTTP client")
}

type guard struct{ err error }

func (g guard) RoundTrip(*http.Request) (*http.Response, error) { return nil, g.err }

func TestRefusedAddressIsFinal(t *testing.T) {
	t.Parallel()
	errPrivate := errors.New("private address")
	client := &http.Client{Transport: guard{errPrivate}}
	b := setup(t, client)
	s := b.storage(t, store.SecretStorage{Type: "vault"}, map[string]any{"url": "http://127.0.0.1:1"}, vaultToken)
	key := b.key(store.KeyString, "vault", s.ID, "app")
	_, err := b.keeper.External(t.Context(), key)
	require.ErrorIs(t, err, pool.ErrTemporary)
	keeper := secret.New(b.st, b.ring, secret.Config{HTTP: client, Final: func(err error) bool { return errors.Is(err, errPrivate) }})
	_, err = keeper.External(t.Context(), key)
	require.ErrorIs(t, err, errPrivate)
	require.NotErrorIs(t, err, pool.ErrTemporary)
}
