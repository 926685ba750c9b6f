package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key32 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// write makes a configuration file and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// load reads a text with an environment.
func load(t *testing.T, text string, env ...string) (*config.Config, config.Report, error) {
	t.Helper()
	return config.Load(config.Options{File: write(t, text), Env: append([]string{"HOME=/home/ops"}, env...)})
}

func TestDefaultsAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	cfg, report, err := config.Load(config.Options{NoFile: true, Env: []string{"HOME=/home/ops"}})
	require.NoError(t, err)
	require.Empty(t, report.Warnings)
	require.Empty(t, report.File)
	require.Equal(t, ":3000", cfg.Port)
	require.Equal(t, "template_dir", cfg.HomeDirMode)
	require.Equal(t, "cmd_git", cfg.GitClient)
	require.Equal(t, 10, cfg.MaxParallelTasks)
	require.Equal(t, 1, cfg.Runner.MaxParallelTasks)
	require.Equal(t, "1.2", cfg.EmailTLSMinVersion)
	require.Equal(t, "UTC", cfg.Schedule.Timezone)
	require.Equal(t, "username", cfg.Teams.InviteType)
	require.Equal(t, config.LDAPMappings{DN: "dn", Mail: "mail", UID: "uid", CN: "cn", Group: "memberOf"}, cfg.LDAPMappings)
	require.Equal(t, "sqlite", cfg.Dialect)
	require.Equal(t, "/home/ops/.local/share/semaphore", cfg.DataDir)
	require.NotEqual(t, cfg.TmpPath, cfg.Dirs.SecretsPath)
	url, err := cfg.StoreURL()
	require.NoError(t, err)
	require.Equal(t, "sqlite:///home/ops/.local/share/semaphore/semaphore.db", url)
}

func TestEnvironmentStandsOverFileOverDefaults(t *testing.T) {
	t.Parallel()
	cfg, report, err := load(t, `{"port": "4000", "interface": "10.0.0.1", "max_parallel_tasks": 0,
		"oidc_providers": {"okta": {"client_id": "x", "return_via_state": false}, "git": {}}}`,
		"SEMAPHORE_INTERFACE=127.0.0.1", "SEMAPHORE_GIT_CLIENT=", "SEMAPHORE_LDAP_ACTIVATED=yes", "SEMAPHORE_LDAP_HOST=x")
	require.NoError(t, err)
	require.Empty(t, report.Warnings)
	require.Equal(t, ":4000", cfg.Port)
	require.Equal(t, "127.0.0.1", cfg.Interface)
	require.Equal(t, "cmd_git", cfg.GitClient, "an empty variable is not set")
	require.Zero(t, cfg.MaxParallelTasks, "a zero that is written counts")
	require.False(t, cfg.OIDCProviders["okta"].ReturnViaState)
	require.True(t, cfg.OIDCProviders["git"].ReturnViaState)
	require.Equal(t, "if_present", cfg.OIDCProviders["okta"].EmailVerified)
	require.True(t, cfg.LDAPEnable)
	for key, source := range map[string]config.Source{
		"port": config.SourceFile, "max_parallel_tasks": config.SourceFile, "git_client": config.SourceDefault,
		"interface": "SEMAPHORE_INTERFACE", "ldap_enable": "SEMAPHORE_LDAP_ACTIVATED",
	} {
		require.Equal(t, source, report.Source(key), key)
	}
}
