package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
)

func TestCheckLooksAtAnOldInstallationAndAtTheNewOne(t *testing.T) {
	t.Parallel()
	s, database := oldInstallation(t)
	before, err := os.ReadFile(database)
	require.NoError(t, err)
	code, out, errs := s.call(t, "", "check")
	require.Equal(t, cli.ExitFailure, code)
	require.Empty(t, errs)
	require.Regexp(t, `fails +local-repository +repository 1 "local" \(project 5\) +/srv/playbooks is not below dirs.repos_path`, out)
	after, err := os.ReadFile(database)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.NoFileExists(t, filepath.Join(s.dir, "semaphore.db"))

	s.must(t, "", "import-semaphore")
	fresh := newSite(t, map[string]any{
		"access_key_encryption": s.key.Encode(), "sqlite": map[string]any{"host": filepath.Join(s.dir, "semaphore.db")}, "dirs": map[string]any{"repos_path": "/srv"},
	})
	code, out, _ = fresh.call(t, "", "check", "--json")
	require.Zero(t, code, out)
	var list []map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	require.Len(t, list, 1)
	require.Equal(t, "host-keys", list[0]["code"])
}
