package cli_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
)

// TestADatabaseOfSemaphoreUIIsNeverWritten lets every command that opens a
// database meet one.
func TestADatabaseOfSemaphoreUIIsNeverWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	file := filepath.Join(s.dir, "semaphore.db")
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "CREATE TABLE migrations (version TEXT PRIMARY KEY, upgraded_date TEXT)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	password := filepath.Join(s.dir, "password")
	require.NoError(t, os.WriteFile(password, []byte("long enough"), 0o600))
	for _, args := range []string{
		"migrate", "user list", "user add --login a --name a --email a --password b", "user delete --login a", "user totp show --login a",
		"vault rekey --old-key AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
	} {
		code, _, errs := s.call(t, "", strings.Fields(args)...)
		require.Equal(t, cli.ExitFailure, code, args)
		require.Contains(t, errs, "import-semaphore", args)
	}
	out := filepath.Join(s.dir, "out")
	code, _, errs := call(t, "", "setup", "--non-interactive", "--db-host", file, "--out", out, "--admin-login", "a", "--admin-email", "a", "--admin-password-file", password)
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "import-semaphore")
	require.NoFileExists(t, filepath.Join(out, "config.json"))
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, before, after)
	for _, beside := range []string{"-wal", "-shm", "-journal"} {
		require.NoFileExists(t, file+beside)
	}
}
