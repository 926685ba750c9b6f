package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// sealKeys stores n keys of a project, sealed with the key of the site.
func (s site) sealKeys(t *testing.T, n int) {
	t.Helper()
	st := s.store(t)
	ring, err := crypto.NewRing(s.key)
	require.NoError(t, err)
	p, err := pool.New(st, pool.Config{Ring: ring})
	require.NoError(t, err)
	project, err := st.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	for i := range n {
		_, err := p.SaveKey(t.Context(), store.AccessKey{ProjectID: project.ID, Name: fmt.Sprint("key ", i), Type: store.KeyString, String: "hunter2"})
		require.NoError(t, err)
	}
}

// openedBy counts the stored keys that a key has sealed.
func (s site) openedBy(t *testing.T, k crypto.Key) int {
	t.Helper()
	ring, err := crypto.NewRing(k)
	require.NoError(t, err)
	page, err := s.store(t).Keys().List(t.Context(), store.AnyScope, store.Query{Limit: -1})
	require.NoError(t, err)
	n := 0
	for _, row := range page.Items {
		if row.Secret != nil && ring.Current(*row.Secret) {
			n++
		}
	}
	return n
}

// changeKey writes a new key into the configuration and returns it.
func (s site) changeKey(t *testing.T) crypto.Key {
	t.Helper()
	k := crypto.GenerateKey()
	text, err := json.Marshal(map[string]any{"data_dir": s.dir, "access_key_encryption": k.Encode()})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.file, text, 0o600))
	return k
}

func TestRekeySealsEverythingWithTheNewKey(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.sealKeys(t, 3)
	fresh := s.changeKey(t)
	file := filepath.Join(s.dir, "old.key")
	require.NoError(t, os.WriteFile(file, []byte(s.key.Encode()+"\n"), 0o600))
	require.Contains(t, s.must(t, "", "vault", "rekey", "--old-key-file", file), "sealed again 3")
	require.Equal(t, 3, s.openedBy(t, fresh))
	require.Zero(t, s.openedBy(t, s.key))
	require.Contains(t, s.must(t, "", "vaults", "rekey", "--old-key", s.key.Encode()), "sealed again 0, current already 3", "nothing is left to do")
}

func TestRekeyNamesWhatItCannotOpen(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.sealKeys(t, 2)
	s.changeKey(t)
	code, out, errs := s.call(t, "", "vault", "rekey", "--old-key", crypto.GenerateKey().Encode())
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, out, "not opened 2")
	require.Contains(t, errs, "--old-key-file")
	require.Equal(t, 2, s.openedBy(t, s.key), "nothing is lost")
}

func TestAKeyIsMadeOnlyForADatabaseWithoutSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]any{"access_key_encryption": ""})
	add := []string{"user", "add", "--login", "ann", "--name", "Ann", "--email", "ann@example.org", "--password", "x"}
	code, _, errs := s.call(t, "", add...)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "access.key")
	k, err := crypto.KeyFile(filepath.Join(s.dir, "access.key"))
	require.NoError(t, err)
	s.must(t, "", "user", "totp", "enable", "--login", "ann")
	require.NoError(t, os.Remove(filepath.Join(s.dir, "access.key")))
	code, _, errs = s.call(t, "", "user", "totp", "show", "--login", "ann")
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "another key has sealed")
	require.NoFileExists(t, filepath.Join(s.dir, "access.key"))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "access.key"), []byte(k.Encode()), 0o600))
	s.must(t, "", "user", "totp", "show", "--login", "ann")
}
