package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/config"
)

func TestWrongValuesNameKeyPlaceAndCure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		env  []string
		says []string
	}{
		{"{\n  \"port\": 3000\n}", nil, []string{"config.json, line 2, column 11: port: a text is expected, not a number"}},
		{`{"max_parallel_tasks": "ten"}`, nil, []string{"line 1, column 24: max_parallel_tasks: a number is expected, not a text"}},
		{`{"max_parallel_tasks": 1.5}`, nil, []string{"a whole number is expected, not 1.5"}},
		{`{"max_parallel_tasks": 99999999999999999999}`, nil, []string{"a whole number is expected"}},
		{`{"max_parallel_tasks": -1}`, nil, []string{"column 24: max_parallel_tasks: 0 or more is expected, not \"-1\""}},
		{`{"tls": true}`, nil, []string{"tls: an object is expected, not true or false"}},
		{`{"tls": {"enabled": "yes"}}`, nil, []string{"tls.enabled: true or false is expected, not a text"}},
		{`{"apps": []}`, nil, []string{"apps: an object of objects by id is expected, not a list"}},
		{`{"apps": {"x": {"args": "-v"}}}`, nil, []string{"apps.x.args: a list of texts is expected, not a text"}},
		{`{"apps": {"../x": {}}}`, nil, []string{`"../x" is no id`}},
		{`{"oidc_providers": {"x": {"email_verified": "maybe"}}}`, nil, []string{"oidc_providers.x.email_verified: require, if_present or ignore is expected"}},
		{`{"oidc_providers": {"x": {"role_mappings": [{"admin": true}]}}}`, nil, []string{"role_mappings[0].group: a value is needed"}},
		{`{"trusted_proxies": ["10.0.0.0/8", "proxy"]}`, nil, []string{"a network such as 10.0.0.0/8"}},
		{`{"email_password": 5}`, nil, []string{"email_password: a text is expected, not a number"}},
		{`{"access_key_encryption": "hunter2"}`, nil, []string{"access_key_encryption: base64 of 16, 24 or 32 bytes"}},
		{`{"slack_url": "hunter2"}`, nil, []string{"slack_url: an address"}},
		{`{"port": 1, "interface": 2}`, nil, []string{"port: a text", "interface: a text"}},
		{`{"port": "70000"}`, nil, []string{"a port such as :3000 is expected, not \":70000\""}},
		{`{"schedule": {"timezone": "Mars"}}`, nil, []string{"Europe/Berlin"}},
		{`{"git_client": "hg"}`, nil, []string{"cmd_git or go_git is expected"}},
		{`{"debugging": {"api_delay": "soon"}}`, nil, []string{"api_delay: a duration such as 200ms"}},
		{`{"sqlite": {"host": "a"}, "postgres": {"host": "b"}}`, nil, []string{"dialect: sqlite, postgres are all configured"}},
		{`{"port": "1"`, nil, []string{"line 1, column 12: no JSON"}},
		{`{"port": "1"} {}`, nil, []string{"no JSON"}},
		{`[]`, nil, []string{"the configuration: an object is expected, not a list"}},
		{" \n", nil, []string{"is empty: write {}"}},
		{strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), nil, []string{"nested more than 64 deep"}},
		{`{}`, []string{"SEMAPHORE_MAX_PARALLEL_TASKS=ten"}, []string{"SEMAPHORE_MAX_PARALLEL_TASKS: max_parallel_tasks: a whole number is expected"}},
		{`{}`, []string{"SEMAPHORE_TLS_ENABLED=maybe"}, []string{"SEMAPHORE_TLS_ENABLED: tls.enabled: true, yes, 1, false, no or 0 is expected"}},
		{`{}`, []string{`SEMAPHORE_APPS={"x": {"active": 1}}`}, []string{"SEMAPHORE_APPS, line 1, column 18: apps.x.active: true or false is expected"}},
		{`{}`, []string{"SEMAPHORE_APPS=x"}, []string{"SEMAPHORE_APPS, line 1, column 1: no JSON"}},
		{`{}`, []string{"SEMAPHORE_COOKIE_HASH=hunter2!"}, []string{"SEMAPHORE_COOKIE_HASH: cookie_hash: base64 is expected"}},
		{`{}`, []string{"SEMAPHORE_DB_HOST=db"}, []string{"set SEMAPHORE_DB_DIALECT to sqlite or postgres"}},
		{`{}`, []string{"SEMAPHORE_EMAIL_PASSWORD=hunter2", "SEMAPHORE_EMAIL_PASSWORD_FILE=/x"}, []string{"both set"}},
		{`{}`, []string{"SEMAPHORE_EMAIL_PASSWORD_FILE=/no/such/file"}, []string{"SEMAPHORE_EMAIL_PASSWORD_FILE: read secret", "no such file"}},
	} {
		cfg, _, err := load(t, c.text, c.env...)
		require.Errorf(t, err, "%s %v", c.text, c.env)
		require.Nil(t, cfg)
		for _, s := range c.says {
			require.ErrorContains(t, err, s)
		}
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestWhatHasNoEffectIsAWarning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, env, says string
	}{
		{`{"max_paralel_tasks": 5}`, "", "max_paralel_tasks is no key: did you mean max_parallel_tasks?"},
		{`{"tls": {"cert": "x"}}`, "", "tls.cert is no key"},
		{`{"oidc_providers": {"x": {"client_secert": "hunter2"}}}`, "", "oidc_providers.x.client_secert is no key: did you mean client_secret?"},
		{`{"xyzzy_quux_plugh": 5}`, "", "xyzzy_quux_plugh is no key"},
		{`{"port": "1", "port": "2"}`, "", "port is written twice"},
		{`{"container": {"admin": "x"}}`, "", "environment only"},
		{`{}`, "SEMAPHORE_MAX_PARALEL_TASKS=5", "did you mean SEMAPHORE_MAX_PARALLEL_TASKS?"},
		{`{"slack_alert": true}`, "", "slack_alert is on and needs slack_url"},
		{`{"tls": {"enabled": true, "cert_file": "x"}}`, "", "needs tls.cert_file and tls.key_file"},
		{`{"ldap_needtls": true, "ldap_starttls": true}`, "", "ldap_starttls to be off"},
		{`{}`, "SEMAPHORE_PORT=tcp://10.0.0.1:3000", "Kubernetes"},
	} {
		_, report, err := load(t, c.text, c.env)
		require.NoError(t, err, c.text)
		require.Len(t, report.Warnings, 1, c.text)
		require.Contains(t, report.Warnings[0], c.says)
		require.NotContains(t, report.Warnings[0], "hunter2")
	}
	_, report, err := load(t, `{"Port": "4000", "env_secret_prefix": "SEMAPHORE_SECRET_"}`,
		"SEMAPHORE_SECRET_DB=x", "SEMAPHORE_SERVICE_HOST=10.0.0.1", "SEMAPHORE_PORT_3000_TCP=x", "HOME=/x", "SEMAPHORE_CONFIG_PATH=")
	require.NoError(t, err)
	require.Empty(t, report.Warnings, "keys in any case, variables of secrets and of Kubernetes")
}

func TestFileIsSearchedInOrder(t *testing.T) {
	t.Parallel()
	here, named := t.TempDir(), t.TempDir()
	getwd := func() (string, error) { return here, nil }
	load := func(o config.Options) (string, error) {
		o.Getwd = getwd
		cfg, report, err := config.Load(o)
		if err != nil {
			return "", err
		}
		return report.File + " " + cfg.Interface, nil
	}
	put := func(dir, name, value string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(`{"interface": "`+value+`"}`), 0o600))
		return file
	}
	own := put(here, "config.json", "here")
	other := put(named, "other.json", "other")
	inDir := put(named, "config.json", "named")
	for _, c := range []struct {
		options config.Options
		want    string
	}{
		{config.Options{Env: []string{}}, own + " here"},
		{config.Options{Env: []string{"SEMAPHORE_CONFIG_PATH=" + other}}, other + " other"},
		{config.Options{Env: []string{"SEMAPHORE_CONFIG_PATH=" + named}}, inDir + " named"},
		{config.Options{Env: []string{"SEMAPHORE_CONFIG_PATH=" + named}, File: own}, own + " here"},
		{config.Options{Env: []string{"SEMAPHORE_CONFIG_PATH=" + named}, NoFile: true}, " "},
		{config.Options{Env: []string{"SEMAPHORE_CONFIG_PATH=" + t.TempDir()}}, own + " here"},
	} {
		got, err := load(c.options)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	_, err := load(config.Options{Env: []string{}, File: filepath.Join(here, "none.json")})
	require.ErrorContains(t, err, "none.json")
	_, err = load(config.Options{Env: []string{"SEMAPHORE_CONFIG_PATH=" + filepath.Join(here, "none.json")}})
	require.ErrorContains(t, err, "SEMAPHORE_CONFIG_PATH")
}

func TestSecretsComeFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	cfg, report, err := load(t, `{"oidc_providers": {"x": {"client_secret_file": "`+put("oidc", "s3\n")+`", "client_id_file": "`+put("id", "me\n")+`"}}}`,
		"SEMAPHORE_ACCESS_KEY_ENCRYPTION_FILE="+put("key", key32+"\n"),
		"SEMAPHORE_ADMIN_FILE="+put("admin", "ann\r\n"), "SEMAPHORE_ADMIN_PASSWORD_FILE="+put("password", " two words "),
		"SEMAPHORE_DB_DIALECT=postgres", "SEMAPHORE_DB_USER_FILE="+put("user", "u"), "SEMAPHORE_DB_PASS_FILE="+put("pass", "p"),
		"SEMAPHORE_LDAP_PASSWORD_FILE="+put("ldap", "l"), "SEMAPHORE_RUNNER_TOKEN_FILE="+filepath.Join(dir, "to be made"))
	require.NoError(t, err)
	require.Empty(t, report.Warnings)
	require.Equal(t, key32, cfg.AccessKeyEncryption.Reveal())
	require.Equal(t, "ann", cfg.Container.Admin)
	require.Equal(t, "ann", cfg.Container.AdminName)
	require.Equal(t, " two words ", cfg.Container.AdminPassword.Reveal())
	require.Equal(t, "u", cfg.Postgres.User)
	require.Equal(t, "p", cfg.Postgres.Pass.Reveal())
	require.Equal(t, "l", cfg.LDAPBindPassword.Reveal())
	require.Equal(t, "me", cfg.OIDCProviders["x"].ClientID)
	require.Equal(t, "s3", cfg.OIDCProviders["x"].ClientSecret.Reveal())
	require.Equal(t, filepath.Join(dir, "to be made"), cfg.Runner.TokenFile, "this variable is a key of its own")
	require.True(t, cfg.Runner.Token.Empty())
	require.Equal(t, config.Source("SEMAPHORE_DB_PASS_FILE"), report.Source("postgres.pass"))
}

func TestLooseFilesWarnOrAreRefused(t *testing.T) {
	t.Parallel()
	load := func(text string, mode os.FileMode) ([]string, error) {
		file := write(t, text)
		require.NoError(t, os.Chmod(file, mode))
		_, report, err := config.Load(config.Options{File: file, Env: []string{}})
		return report.Warnings, err
	}
	warnings, err := load(`{"email_password": "x"}`, 0o644)
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], "chmod 600")
	_, err = load(`{"email_password": "x", "strict_permissions": true}`, 0o640)
	require.ErrorContains(t, err, "chmod 600")
	token := write(t, "token")
	require.NoError(t, os.Chmod(token, 0o644))
	_, err = load(`{"strict_permissions": true, "runner": {"token_file": "`+token+`"}}`, 0o600)
	require.ErrorContains(t, err, token)
	for _, c := range []struct {
		text string
		mode os.FileMode
	}{{`{"email_password": "x", "strict_permissions": true}`, 0o600}, {`{"port": "1", "strict_permissions": true}`, 0o644}} {
		warnings, err = load(c.text, c.mode)
		require.NoError(t, err)
		require.Empty(t, warnings)
	}
}

func TestEveryFormOfAValueIsRead(t *testing.T) {
	t.Parallel()
	cfg, report, err := load(t, `{"dirs": {"repos_path": "/a:/b", "allowed_paths": ["/c"]}, "debugging": {"api_delay": "2s"},
		"process": {"uid": 0}, "old_access_key_encryption": ["`+key32+`"], "env_vars": {"A": "1"}, "email_host": "", "git_client": null, "trusted_origins": ["https://a.example.org"]}`,
		"SEMAPHORE_TRUSTED_PROXIES=10.0.0.0/8, 127.0.0.1", `SEMAPHORE_OUTGOING_ALLOW=["fd00::/8"]`, "SEMAPHORE_FORWARDED_ENV_VARS=[\"LANG\"]",
		`SEMAPHORE_EVENT_LOGGER={"filename": "/x", "maxsize": 5}`, "SEMAPHORE_ALLOWED_PATHS=/d:/e", `SEMAPHORE_DB_OPTIONS={"sslmode": "require"}`)
	require.NoError(t, err)
	require.Empty(t, report.Warnings)
	require.Equal(t, config.PathList{"/a", "/b"}, cfg.Dirs.ReposPath)
	require.Equal(t, config.PathList{"/d", "/e"}, cfg.Dirs.AllowedPaths)
	require.Equal(t, 2*time.Second, cfg.Debugging.APIDelay)
	require.Zero(t, *cfg.Process.UID)
	require.Nil(t, cfg.Process.GID)
	require.Equal(t, key32, cfg.OldAccessKeyEncryption[0].Reveal())
	require.Equal(t, "1", cfg.EnvVars["A"].Reveal())
	require.Equal(t, "cmd_git", cfg.GitClient)
	require.Equal(t, []string{"10.0.0.0/8", "127.0.0.1"}, cfg.TrustedProxies)
	require.Equal(t, []string{"fd00::/8"}, cfg.Outgoing.Allow)
	require.Equal(t, []string{"LANG"}, cfg.ForwardedEnvVars)
	require.Equal(t, config.Logger{Filename: "/x", MaxSize: 5}, cfg.Log.Events.Logger)
	require.Equal(t, "require", cfg.Postgres.Options["sslmode"].Reveal())
	require.Equal(t, "sqlite", cfg.Dialect, "parameters alone are no database")
	require.Equal(t, config.SourceDefault, report.Source("email_host"), "an empty text is not written")
}
