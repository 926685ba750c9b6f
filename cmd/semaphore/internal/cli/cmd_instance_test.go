package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

// filled is a site with rows in every table.
func filled(t *testing.T) site {
	t.Helper()
	s := newSite(t, nil)
	st := s.store(t)
	storetest.Fill(t, st)
	return s
}

func TestAnInstanceMovesToAnotherSite(t *testing.T) {
	t.Parallel()
	from := filled(t)
	archive := filepath.Join(t.TempDir(), "all.archive")
	out := from.must(t, "", "export", "--to", archive)
	require.Regexp(t, `(?m)^project +3$`, out)
	require.Contains(t, out, "2 tasks that have not ended")
	info, err := os.Stat(archive)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	code, _, errs := from.call(t, "", "export", "--to", archive)
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "choose another name")

	to := newSite(t, nil)
	require.Contains(t, to.must(t, "", "import", "--from", archive, "--dry-run"), "nothing was changed")
	require.Empty(t, storetest.Dump(t, to.store(t), store.DumpOptions{})["project"])
	to = newSite(t, nil)
	out = to.must(t, "", "import", "--from", archive)
	require.Regexp(t, `(?m)^project +3$`, out)
	code, _, errs = to.call(t, "", "import", "--from", archive)
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "name a new one")
	require.Len(t, storetest.Dump(t, to.store(t), store.DumpOptions{})["project"], 3)
}

func TestAnImportWithoutTheKeysSaysWhichAndWhere(t *testing.T) {
	t.Parallel()
	from := filled(t)
	st := from.store(t)
	ring, err := crypto.NewRing(from.key)
	require.NoError(t, err)
	sealed, err := ring.Seal([]byte("x"), crypto.AD{Table: "access_key", ProjectID: 1, ID: 1, Field: "secret"})
	require.NoError(t, err)
	_, err = st.Keys().Create(t.Context(), store.AccessKey{ProjectID: 1, Name: "sealed", Type: store.KeyString, Secret: &sealed})
	require.NoError(t, err)
	archive := filepath.Join(t.TempDir(), "all.archive")
	from.must(t, "", "export", "--to", archive)
	to := newSite(t, nil)
	code, _, errs := to.call(t, "", "import", "--from", archive)
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, from.key.ID())
	require.Contains(t, errs, "access_key_encryption")
	require.NotContains(t, errs, from.key.Encode())
}

func TestABackupIsRestored(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	st := s.store(t)
	_, err := st.Projects().Create(t.Context(), store.Project{Name: "before"})
	require.NoError(t, err)
	release, err := st.(store.Owned).Own(t.Context())
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "copy.db")
	require.Contains(t, s.must(t, "", "backup", "--to", copied), "checked")
	code, _, errs := s.call(t, "", "restore", "--from", copied)
	require.Equal(t, cli.ExitFailure, code, "a server works")
	require.Contains(t, errs, "stop that one first")
	require.NoError(t, release())
	_, err = st.Projects().Create(t.Context(), store.Project{Name: "after"})
	require.NoError(t, err)
	require.NoError(t, st.Close())
	require.Contains(t, s.must(t, "", "restore", "--from", copied), ".before-")
	require.Len(t, storetest.Dump(t, s.store(t), store.DumpOptions{})["project"], 1)
}

func TestCopiesOfPostgreSQLAreMadeByItsOwnTools(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]any{"dialect": "postgres"})
	for _, args := range [][]string{{"backup", "--to", "x"}, {"restore", "--from", "x"}} {
		code, _, errs := s.call(t, "", args...)
		require.Equal(t, cli.ExitFailure, code)
		require.Contains(t, errs, "pg_dump")
	}
	for _, args := range [][]string{{"backup"}, {"restore"}, {"export"}, {"import"}} {
		code, _, _ := s.call(t, "", args...)
		require.Equal(t, cli.ExitUsage, code)
	}
}
