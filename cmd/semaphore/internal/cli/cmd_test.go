package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/open"
)

// site is a directory with a configuration and, once a command made it, a
// database.
type site struct {
	dir  string
	file string
	key  crypto.Key
}

// newSite writes a configuration with the given keys beside data_dir and the
// key.
func newSite(t *testing.T, more map[string]any) site {
	t.Helper()
	dir := t.TempDir()
	s := site{dir: dir, file: filepath.Join(dir, "config.json"), key: crypto.GenerateKey()}
	keys := map[string]any{"data_dir": dir, "access_key_encryption": s.key.Encode()}
	for k, v := range more {
		keys[k] = v
	}
	text, err := json.Marshal(keys)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.file, text, 0o600))
	return s
}

// call runs a command with this configuration.
func (s site) call(t *testing.T, in string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return call(t, in, append([]string{"--config", s.file}, args...)...)
}

// must runs a command that has to succeed and returns its output.
func (s site) must(t *testing.T, in string, args ...string) string {
	t.Helper()
	code, out, errs := s.call(t, in, args...)
	require.Zerof(t, code, "%q: %s%s", args, out, errs)
	return out
}

// store opens the database.
func (s site) store(t *testing.T) store.Store {
	t.Helper()
	st, err := open.Open(t.Context(), "sqlite:"+filepath.Join(s.dir, "semaphore.db"), open.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return st
}

func TestVersionIsOneLine(t *testing.T) {
	t.Parallel()
	code, out, _ := call(t, "", "version")
	require.Zero(t, code)
	require.Regexp(t, `^\S+\n$`, out)
}

func TestConfigShowsSourcesAndNoSecret(t *testing.T) {
	s := newSite(t, map[string]any{"port": "4000", "slack_url": "https://hooks.example.org/hunter2"})
	t.Setenv("SEMAPHORE_EMAIL_PASSWORD", "hunter2")
	t.Setenv("SEMAPHORE_INTERFACE", "127.0.0.1")
	for _, format := range []string{"text", "json"} {
		out := s.must(t, "", "config", "--format", format)
		require.NotContains(t, out, "hunter2")
		require.NotContains(t, out, s.key.Encode())
		require.Contains(t, out, "***")
		require.Contains(t, out, ":4000")
	}
	text := s.must(t, "", "config")
	require.Regexp(t, `(?m)^port +:4000 +\(file\)$`, text)
	require.Regexp(t, `(?m)^interface +127.0.0.1 +\(SEMAPHORE_INTERFACE\)$`, text)
	require.Regexp(t, `(?m)^max_parallel_tasks +10 +\(default\)$`, text)
	var object struct {
		File    string
		Config  map[string]any
		Sources map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(s.must(t, "", "--log-level", "debug", "config", "--format", "json")), &object))
	require.Equal(t, s.file, object.File)
	require.Equal(t, "***", object.Config["email_password"])
	require.Equal(t, "DEBUG", object.Config["log_level"])
	require.Equal(t, "--log-level", object.Sources["log_level"])
	require.Equal(t, "SEMAPHORE_EMAIL_PASSWORD", object.Sources["email_password"])
}

func TestCommandsRefuseWhatCannotWork(t *testing.T) {
	t.Parallel()
	plain := newSite(t, nil)
	mysql := newSite(t, map[string]any{"dialect": "mysql"})
	broken := newSite(t, map[string]any{"port": 1})
	for _, c := range []struct {
		site site
		args string
		code int
		says string
	}{
		{plain, "config --format xml", cli.ExitUsage, "text or json"},
		{plain, "config --no-config", cli.ExitUsage, "exclude each other"},
		{plain, "config --log-level loud", cli.ExitUsage, "DEBUG, INFO"},
		{plain, "migrate --undo-to 2.8", cli.ExitUsage, "forward only"},
		{plain, "migrate --apply-to 2.8", cli.ExitUsage, "leave the flag out"},
		{plain, "migrate --from-boltdb x.db", cli.ExitUsage, "import-semaphore"},
		{mysql, "migrate", cli.ExitFailure, "import-semaphore"},
		{broken, "migrate", cli.ExitFailure, "port: a text is expected, not a number"},
		{plain, "vault rekey", cli.ExitUsage, "no older key"},
		{plain, "vault rekey --old-key xyz", cli.ExitUsage, "older key"},
		{plain, "vault nonsense", cli.ExitUsage, "unknown command"},
	} {
		code, _, errs := c.site.call(t, "", strings.Fields(c.args)...)
		require.Equal(t, c.code, code, c.args+errs)
		require.Contains(t, errs, c.says, c.args)
	}
	code, _, errs := call(t, "", "--config", filepath.Join(t.TempDir(), "none.json"), "migrate")
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "none.json")
}

func TestMigrateMakesTheDatabaseForThisAccountAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	require.Contains(t, s.must(t, "", "migrate"), "up to date")
	s.must(t, "", "migrate")
	info, err := os.Stat(filepath.Join(s.dir, "semaphore.db"))
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077)
}
