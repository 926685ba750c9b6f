package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/config"
)

func TestOptionsStandOverTheConfiguration(t *testing.T) {
	t.Parallel()
	cfg, report, err := load(t, `{"port": "4000", "apps": {"pulumi": {"path": "/opt/pulumi", "priority": 5}}}`)
	require.NoError(t, err)
	cfg.ApplyOptions(map[string]string{
		"max_parallel_tasks": "0", "apps.pulumi.active": "true", "apps.python.active": "1", "apps.bash.active": "false",
		"apps.custom": `{"active": true, "title": "Own", "args": ["-x"]}`, "oidc_providers.okta.display_name": "Okta",
		"auth.totp.enabled": "true", "auth.unlock.ann": "1", "auth.identity.x": "1",
	}, &report)
	require.Empty(t, report.Warnings)
	require.Zero(t, cfg.MaxParallelTasks)
	require.True(t, cfg.Auth.TOTP.Enabled)
	require.Equal(t, "Okta", cfg.OIDCProviders["okta"].DisplayName)
	require.True(t, cfg.OIDCProviders["okta"].ReturnViaState, "a new provider has the defaults")
	require.Equal(t, config.SourceOption, report.Source("max_parallel_tasks"))
	require.Equal(t, config.SourceOption, report.Source("apps.python.active"))
	apps := appsByID(cfg.Apps(func(string) bool { return true }))
	require.True(t, apps["pulumi"].Active)
	require.Equal(t, "/opt/pulumi", apps["pulumi"].Path, "other fields stay")
	require.True(t, apps["python"].Active)
	require.False(t, apps["bash"].Active)
	require.Equal(t, "Own", apps["custom"].Title)
	require.Equal(t, []string{"-x"}, apps["custom"].Args)
}

func TestInvalidOptionsAreWarnings(t *testing.T) {
	t.Parallel()
	for option, says := range map[string]string{
		"max_parallel_tasks=ten":                   "a whole number is expected",
		"max_parallel_tasks=-5":                    "0 or more is expected",
		"max_paralel_tasks=5":                      "did you mean max_parallel_tasks?",
		"apps.bash.activ=true":                     "did you mean active?",
		"apps.bash.active=perhaps":                 "true, yes, 1",
		"apps.../x.active=true":                    "no id",
		"apps={":                                   "no JSON",
		"oidc_providers.okta.email_verified=maybe": "require, if_present or ignore",
		"oidc_providers.okta={\"order\": \"x\"}":   "a number is expected",
		"web_host=hunter2":                         "http://",
		"email_tls_min_version=0.9":                "1.2 or 1.3",
		"access_key_encryption=hunter2":            "not read from the database",
		"sqlite.host=/x":                           "not read from the database",
		"process.user=root":                        "not read from the database",
		"dirs.repos_path=/":                        "not read from the database",
		"container.admin=x":                        "no key of the configuration",
		"=":                                        "no key of the configuration",
		"log_level=LOUD":                           "DEBUG",
	} {
		cfg, report, err := load(t, `{"max_parallel_tasks": 7}`)
		require.NoError(t, err)
		before := cfg.Masked()
		name, value, _ := strings.Cut(option, "=")
		cfg.ApplyOptions(map[string]string{name: value}, &report)
		require.Lenf(t, report.Warnings, 1, "%s: %q", option, report.Warnings)
		require.Contains(t, report.Warnings[0], says, option)
		require.Equal(t, before, cfg.Masked(), "%s changes nothing", option)
		require.NotEqual(t, config.SourceOption, report.Source(name))
	}
}

func appsByID(list []config.App) map[string]config.App {
	apps := map[string]config.App{}
	for _, a := range list {
		apps[a.ID] = a
	}
	return apps
}

func TestAppsAreTheSevenByPriorityAndActiveWhereTheyAreInstalled(t *testing.T) {
	t.Parallel()
	ids := func(list []config.App, active bool) string {
		var names []string
		for _, a := range list {
			if a.Active || !active {
				names = append(names, a.ID)
			}
		}
		return strings.Join(names, " ")
	}
	for _, c := range []struct {
		text, installed string
		all, active     string
	}{
		{`{}`, "ansible-playbook tofu", "ansible terraform terragrunt tofu bash powershell python", "ansible tofu"},
		{`{}`, "powershell python python3 pwsh", "ansible terraform terragrunt tofu bash powershell python", ""},
		{`{"apps": {"bash": {"active": false}, "python": {"active": true}}}`, "bash", "ansible terraform terragrunt tofu bash powershell python", "python"},
		{`{"apps": {"bash": {"args": ["-e"]}}}`, "bash", "ansible terraform terragrunt tofu bash powershell python", "bash"},
		{`{"apps": {"pulumi": {"active": true, "priority": 950}, "own": {}}}`, "pulumi own", "ansible pulumi terraform terragrunt tofu bash powershell python own", "pulumi"},
		{`{"apps": {"python": {"priority": 2000}}}`, "", "python ansible terraform terragrunt tofu bash powershell", ""},
	} {
		cfg, _, err := load(t, c.text)
		require.NoError(t, err)
		list := cfg.Apps(func(program string) bool { return strings.Contains(" "+c.installed+" ", " "+program+" ") })
		require.Equal(t, c.all, ids(list, false), c.text)
		require.Equal(t, c.active, ids(list, true), c.text)
		for _, a := range list {
			require.NotEmpty(t, a.Title)
		}
	}
}
