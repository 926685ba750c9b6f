package cli_test

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
)

// oldInstallation is a small one in a SQLite file, and its configuration.
func oldInstallation(t *testing.T) (s site, database string) {
	t.Helper()
	database = filepath.Join(t.TempDir(), "database.sqlite")
	s = newSite(t, map[string]any{"dialect": "sqlite", "sqlite": map[string]any{"host": database}})
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	require.NoError(t, err)
	db, err := sql.Open("sqlite", database)
	require.NoError(t, err)
	for _, query := range []string{
		"CREATE TABLE migrations (version TEXT PRIMARY KEY, upgraded_date DATETIME)",
		"INSERT INTO migrations VALUES ('2.17.15', '2026-02-03 04:05:06')",
		"CREATE TABLE user (id INTEGER PRIMARY KEY, created DATETIME, username TEXT, name TEXT, email TEXT, password TEXT, admin INT)",
		"INSERT INTO user VALUES (3, '2026-02-03 04:05:06', 'anna', 'Anna', 'anna@example.org', '" + string(hash) + "', 1)",
		"CREATE TABLE project (id INTEGER PRIMARY KEY, created DATETIME, name TEXT)",
		"INSERT INTO project VALUES (5, '2026-02-03 04:05:06', 'demo')",
		"CREATE TABLE access_key (id INTEGER PRIMARY KEY, name TEXT, type TEXT, project_id INT, secret TEXT)",
		"INSERT INTO access_key VALUES (1, 'None', 'none', 5, NULL), (2, 'plain', 'string', 5, 'aHVzaA==')",
		"CREATE TABLE project__repository (id INTEGER PRIMARY KEY, project_id INT, git_url TEXT, ssh_key_id INT, name TEXT, git_branch TEXT)",
		"INSERT INTO project__repository VALUES (1, 5, '/srv/playbooks', 1, 'local', '')",
	} {
		_, err := db.ExecContext(t.Context(), query)
		require.NoError(t, err, query)
	}
	require.NoError(t, db.Close())
	return s, database
}

func TestAnInstallationOfSemaphoreUIIsImportedOnce(t *testing.T) {
	t.Parallel()
	s, database := oldInstallation(t)
	before, err := os.ReadFile(database)
	require.NoError(t, err)
	made := filepath.Join(s.dir, "semaphore.db")

	code, _, errs := s.call(t, "", "import-semaphore", "--report", filepath.Join(s.dir, "none", "report.json"))
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "report.json")
	require.NoFileExists(t, made, "nothing is imported whose report could not be written")

	out := s.must(t, "", "import-semaphore", "--dry-run")
	require.Contains(t, out, "Nothing was written.")
	require.NoFileExists(t, made)

	report := filepath.Join(s.dir, "report.json")
	out = s.must(t, "", "import-semaphore", "--report", report)
	require.Contains(t, out, `"dirs": {"repos_path":["/srv/playbooks"]}`)
	text, err := os.ReadFile(report)
	require.NoError(t, err)
	require.True(t, json.Valid(text))
	code, _, errs = s.call(t, "", "import-semaphore", "--report", report)
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "there already")
	again, err := os.ReadFile(report)
	require.NoError(t, err)
	require.Equal(t, text, again, "the report of the import is not lost to one of a second run")
	user, err := s.store(t).Users().ByLogin(t.Context(), "anna")
	require.NoError(t, err)
	require.Equal(t, int64(3), user.ID)

	require.Contains(t, s.must(t, "", "import-semaphore"), "imported before")
	after, err := os.ReadFile(database)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestAnImportIntoTheOldDatabaseItselfIsRefused(t *testing.T) {
	t.Parallel()
	s, database := oldInstallation(t)
	code, _, errs := s.call(t, "", "import-semaphore", "--to-config", s.file)
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "belongs to Semaphore UI")
	code, _, errs = newSite(t, nil).call(t, "", "import-semaphore")
	require.Equal(t, cli.ExitUsage, code)
	require.Contains(t, errs, "names no old database")
	code, _, errs = newSite(t, nil).call(t, "", "import-semaphore", "--from", filepath.Join(filepath.Dir(database), "missing"))
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "missing")
}
