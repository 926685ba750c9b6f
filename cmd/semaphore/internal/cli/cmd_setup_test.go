package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/config"
)

// readConfig reads what setup has written.
func readConfig(t *testing.T, file string) map[string]any {
	t.Helper()
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var object map[string]any
	require.NoError(t, json.Unmarshal(text, &object))
	return object
}

// TestSetupAnswersInOrder types what a script for Semaphore UI would.
func TestSetupAnswersInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := filepath.Join(dir, "db", "semaphore.db")
	script := []string{
		"1", "4", db, // database: MySQL is refused, SQLite
		filepath.Join(dir, "work"), "https://semaphore.example.org/ui", // paths and address
		"yes", "mail.example.org", "587", "ops@example.org", // e-mail
		"yes", "bot-token", "-100", // telegram
		"maybe", "no", // slack, after an answer that is none
		"no", "no", // rocket.chat, teams
		"yes", "ldap.example.org:636", "yes", "cn=reader", " bind password ", "ou=people", "", "", "", "", "", // directory
		dir, // output
		"ann", "ann@example.org", "Ann", "short", "long enough",
	}
	code, out, errs := call(t, strings.Join(script, "\n")+"\n", "setup")
	require.Zero(t, code, out+errs)
	require.Contains(t, out, "import-semaphore")
	require.NotContains(t, out+errs, "long enough")
	require.NotContains(t, out+errs, "bot-token")
	file := filepath.Join(dir, "config.json")
	object := readConfig(t, file)
	require.Subset(t, object, map[string]any{
		"dialect": "sqlite", "sqlite": map[string]any{"host": db}, "tmp_path": filepath.Join(dir, "work"),
		"web_host": "https://semaphore.example.org/ui", "email_alert": true, "email_host": "mail.example.org", "email_port": "587",
		"email_sender": "ops@example.org", "telegram_alert": true, "telegram_token": "bot-token", "telegram_chat": "-100",
		"ldap_enable": true, "ldap_server": "ldap.example.org:636", "ldap_needtls": true, "ldap_binddn": "cn=reader",
		"ldap_bindpassword": " bind password ", "ldap_searchdn": "ou=people", "ldap_searchfilter": "(uid=%s)",
		"ldap_mappings": map[string]any{"dn": "dn", "uid": "uid", "cn": "cn", "mail": "mail"},
	})
	require.NotContains(t, object, "slack_alert")
	seen := map[any]bool{}
	for _, k := range []string{"cookie_hash", "cookie_encryption", "access_key_encryption"} {
		_, err := crypto.ParseKey(object[k].(string))
		require.NoError(t, err)
		require.False(t, seen[object[k]], "each key is its own")
		seen[object[k]] = true
	}
	_, report, err := config.Load(config.Options{File: file, Env: []string{}})
	require.NoError(t, err)
	require.Empty(t, report.Warnings)
	code, out, _ = call(t, "", "--config", file, "user", "get", "--login", "ann")
	require.Zero(t, code)
	require.Regexp(t, `(?m)^admin: +true$`, out)
}

func TestSetupWithoutQuestions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	require.NoError(t, os.WriteFile(password, []byte("long enough\n"), 0o600))
	args := []string{
		"setup", "--non-interactive", "--db-host", filepath.Join(dir, "semaphore.db"), "--out", dir,
		"--admin-login", "ann", "--admin-email", "ann@example.org", "--admin-password-file", password,
	}
	code, _, errs := call(t, "", append(args, "--web-host", "semaphore.example.org")...)
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "web_host: an address that begins with http")
	require.NoFileExists(t, filepath.Join(dir, "config.json"), "nothing is left that does not work")
	code, out, errs := call(t, "", args...)
	require.Zero(t, code, errs)
	require.Contains(t, out, "semaphore server --config")
	first := readConfig(t, filepath.Join(dir, "config.json"))
	s := site{dir: dir, file: filepath.Join(dir, "config.json")}
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(s.user(t, "ann").Password), []byte("long enough")))
	code, _, errs = call(t, "", args...)
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "config.json exists")
	require.Equal(t, first, readConfig(t, s.file), "a key is never written over")
	left, err := filepath.Glob(filepath.Join(dir, ".config-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestSetupSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	short := filepath.Join(dir, "short")
	require.NoError(t, os.WriteFile(short, []byte("short"), 0o600))
	base := "setup --non-interactive --out " + dir + " --db-host " + dir + "/semaphore.db --admin-email a@example.org"
	for _, c := range []struct {
		args, in string
		code     int
		says     string
	}{
		{base, "", cli.ExitUsage, "--admin-login is needed"},
		{base + " --admin-login ann", "", cli.ExitUsage, "--admin-password-file is needed"},
		{base + " --admin-login ann --admin-password-file " + short, "", cli.ExitUsage, "8 characters"},
		{base + " --admin-login ann --db mysql --admin-password-file " + short, "", cli.ExitUsage, "import-semaphore"},
		{"setup --config x.json", "", cli.ExitUsage, "--out"},
		{"setup", "4\n", cli.ExitFailure, "input has ended"},
	} {
		code, _, errs := call(t, c.in, strings.Fields(c.args)...)
		require.Equal(t, c.code, code, c.args+errs)
		require.Contains(t, errs, c.says, c.args)
		require.NoFileExists(t, filepath.Join(dir, "config.json"))
	}
}
