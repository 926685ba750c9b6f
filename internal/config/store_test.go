package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store/open"
)

func TestStoreURLNamesTheDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		env  []string
		want string
	}{
		{`{"data_dir": "/data"}`, nil, "sqlite:///data/semaphore.db"},
		{`{"sqlite": {"host": "/a b/100%?#.db"}}`, nil, "sqlite:///a%20b/100%25%3F%23.db"},
		{`{"sqlite": {"host": "x/y.db"}}`, nil, "sqlite:x/y.db"},
		{`{}`, []string{"SEMAPHORE_DB_DIALECT=sqlite", "SEMAPHORE_DB_HOST=/x.db"}, "sqlite:///x.db"},
		{`{}`, []string{"SEMAPHORE_DB_PATH=/var/lib/semaphore"}, "sqlite:///var/lib/semaphore/semaphore.db"},
		{`{}`, []string{"XDG_DATA_HOME=/xdg"}, "sqlite:///xdg/semaphore/semaphore.db"},
		{`{}`, []string{"HOME=/root"}, "sqlite:///var/lib/semaphore/semaphore.db"},
		{`{"postgres": {"host": "db"}}`, nil, "postgres://db/semaphore"},
		{`{"postgres": {"host": "db:1", "user": "u", "pass": "p@/:", "name": "n", "options": {"sslmode": "require"}}}`, []string{"SEMAPHORE_DB_PORT=2"}, "postgres://u:p%40%2F%3A@db:1/n?sslmode=require"},
		{`{"dialect": "postgres"}`, []string{"SEMAPHORE_DB_HOST=::1", "SEMAPHORE_DB_PORT=2", "SEMAPHORE_DB_NAME=n"}, "postgres://[::1]:2/n"},
		{`{"postgres": {"host": "db"}}`, []string{"SEMAPHORE_DB_USER=u"}, "postgres://u@db/semaphore"},
		{`{"sqlite": {"host": ""}, "mysql": {"host": ""}, "postgres": {"host": "db"}}`, nil, "postgres://db/semaphore"},
	} {
		cfg, report, err := load(t, c.text, c.env...)
		require.NoError(t, err, c.text)
		require.Empty(t, report.Warnings)
		url, err := cfg.StoreURL()
		require.NoError(t, err)
		require.Equal(t, c.want, url, c.text)
	}
	for _, text := range []string{`{"dialect": "mysql"}`, `{"dialect": "bolt"}`, `{"bolt": {"host": "/x"}}`, `{"mysql": {"host": "db"}}`} {
		cfg, _, err := load(t, text)
		require.NoError(t, err)
		_, err = cfg.StoreURL()
		require.ErrorIs(t, err, config.ErrDialect)
		require.ErrorContains(t, err, "import-semaphore")
	}
}

func TestStoreOpensWhatTheURLNames(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a b%", "c")
	cfg, _, err := load(t, `{"data_dir": "`+dir+`"}`)
	require.NoError(t, err)
	require.NoError(t, cfg.MakeStoreDir())
	url, err := cfg.StoreURL()
	require.NoError(t, err)
	st, err := open.Open(t.Context(), url, open.Config{})
	require.NoError(t, err)
	require.NoError(t, st.Close())
	require.FileExists(t, filepath.Join(dir, "semaphore.db"))
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077)
}

func TestRingHoldsTheConfiguredKeys(t *testing.T) {
	t.Parallel()
	dir, older := t.TempDir(), crypto.GenerateKey()
	text := fmt.Sprintf(`{"data_dir": %q, "old_access_key_encryption": [%q]}`, dir, older.Encode())
	cfg, _, err := load(t, text)
	require.NoError(t, err)
	_, err = cfg.Ring()
	require.ErrorIs(t, err, config.ErrNoKey)
	made, err := crypto.KeyFile(cfg.KeyFile())
	require.NoError(t, err)
	ring, err := cfg.Ring()
	require.NoError(t, err)
	require.Equal(t, []string{made.ID(), older.ID()}, ring.IDs())
	cfg, _, err = load(t, text, "SEMAPHORE_ACCESS_KEY_ENCRYPTION="+key32)
	require.NoError(t, err)
	ring, err = cfg.Ring()
	require.NoError(t, err)
	require.NotEqual(t, made.ID(), ring.Primary(), "what is configured counts more than the file")
	require.False(t, errors.Is(err, config.ErrNoKey))
}

func TestContainerVariablesFillTheDirectory(t *testing.T) {
	t.Parallel()
	cfg, report, err := load(t, `{}`, "SEMAPHORE_LDAP_ACTIVATED=yes", "SEMAPHORE_LDAP_HOST=ldap.example.org", "SEMAPHORE_LDAP_PORT=636",
		"SEMAPHORE_LDAP_DN_BIND=cn=reader", "SEMAPHORE_LDAP_PASSWORD=p", "SEMAPHORE_LDAP_DN_SEARCH=ou=people",
		"SEMAPHORE_LDAP_MAPPING_USERNAME=login", "SEMAPHORE_LDAP_MAPPING_FULLNAME=full", "SEMAPHORE_LDAP_MAPPING_EMAIL=post",
		"SEMAPHORE_ADMIN=ann", "SEMAPHORE_ADMIN_NAME=Ann", "SEMAPHORE_IMPORT_PROJECT_FILE=/p.json", "SEMAPHORE_IMPORT_PROJECT_NAME=demo")
	require.NoError(t, err)
	require.Empty(t, report.Warnings)
	require.Equal(t, "ldap.example.org:636", cfg.LDAPServer)
	require.Equal(t, "cn=reader", cfg.LDAPBindDN)
	require.Equal(t, "p", cfg.LDAPBindPassword.Reveal())
	require.Equal(t, "ou=people", cfg.LDAPSearchDN)
	require.Equal(t, "login", cfg.LDAPMappings.UID)
	require.Equal(t, "full", cfg.LDAPMappings.CN)
	require.Equal(t, "post", cfg.LDAPMappings.Mail)
	require.Equal(t, "admin@localhost", cfg.Container.AdminEmail)
	require.Equal(t, "Ann", cfg.Container.AdminName)
	require.Equal(t, "/p.json", cfg.Container.ImportFile)
	for env, want := range map[string]string{"SEMAPHORE_LDAP_NEEDTLS=no": "h:389", "SEMAPHORE_LDAP_NEEDTLS=yes": "h:636"} {
		cfg, _, err := load(t, `{}`, "SEMAPHORE_LDAP_HOST=h", env)
		require.NoError(t, err)
		require.Equal(t, want, cfg.LDAPServer)
	}
}
