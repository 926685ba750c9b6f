package config

import (
	"net"
	"path/filepath"
	"regexp"
	"strings"
)

// idPattern is what apps and providers may be called.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

// dialects are the kinds of databases that have a section.
func dialects() []string { return []string{"sqlite", "postgres", "mysql", "bolt"} }

// dialectsOf lists the sections of databases that were written.
func dialectsOf(sources map[string]Source) []string {
	var written []string
	for _, d := range dialects() {
		for key := range sources {
			if strings.HasPrefix(key, d+".") && key != d+".options" {
				written = append(written, d)
				break
			}
		}
	}
	return written
}

// complete fills what depends on other keys.
func (c *Config) complete(env environ, s *state, written []string) {
	if c.DataDir == "" {
		c.DataDir = defaultDataDir(env)
	}
	if c.TmpPath == "" {
		c.TmpPath = filepath.Join(c.DataDir, "work")
	}
	if c.Dirs.SecretsPath == "" {
		c.Dirs.SecretsPath = filepath.Join(c.DataDir, "secrets")
	}
	if c.LDAPServer == "" && c.Container.LDAPHost != "" {
		port := c.Container.LDAPPort
		if port == "" {
			port = "389"
			if c.LDAPNeedTLS {
				port = "636"
			}
		}
		c.LDAPServer = withPort(c.Container.LDAPHost, port)
	}
	if c.Container.AdminName == "" {
		c.Container.AdminName = c.Container.Admin
	}
	if !strings.HasPrefix(c.Port, ":") && c.Port != "" {
		c.Port = ":" + c.Port
	}
	s.readProviderFiles(c.OIDCProviders)
	c.chooseDialect(s, written)
}

// readProviderFiles reads what stands in files of providers, which count more
// than what is written beside them.
func (s *state) readProviderFiles(providers map[string]Provider) {
	for _, id := range keysOf(providers) {
		p := providers[id]
		if p.ClientIDFile != "" {
			text, err := s.secretFile(p.ClientIDFile)
			if err != nil {
				s.wrong("oidc_providers.%s.client_id_file: %w", id, err)
			}
			p.ClientID = text
		}
		if p.ClientSecretFile != "" {
			text, err := s.secretFile(p.ClientSecretFile)
			if err != nil {
				s.wrong("oidc_providers.%s.client_secret_file: %w", id, err)
			}
			p.ClientSecret = NewSecret(text)
		}
		providers[id] = p
	}
}

// chooseDialect finds out which database is meant where nobody says so. It
// never guesses where a guess could leave somebody's data aside.
func (c *Config) chooseDialect(s *state, written []string) {
	if c.Dialect != "" {
		return
	}
	fromEnv := s.sources["sqlite.host"] != SourceFile && s.sources["sqlite.host"] != "" || s.sources["sqlite.name"] != SourceFile && s.sources["sqlite.name"] != ""
	switch {
	case len(written) == 1:
		c.Dialect = written[0]
	case len(written) > 1:
		s.wrong("dialect: %s are all configured: name the one to use, sqlite or postgres", strings.Join(written, ", "))
	case fromEnv:
		s.wrong("dialect: variables name a database, but not its kind: set SEMAPHORE_DB_DIALECT to sqlite or postgres")
	default:
		c.Dialect = "sqlite"
	}
}

// checkPairs warns of what is switched on and lacks what it needs, and looks at
// the modes of the files with keys that are named.
func (c *Config) checkPairs(s *state) {
	for _, p := range []struct {
		on      bool
		key     string
		needs   string
		isThere bool
	}{
		{c.TLS.Enabled, "tls.enabled", "tls.cert_file and tls.key_file", c.TLS.CertFile != "" && c.TLS.KeyFile != ""},
		{c.LDAPEnable, "ldap_enable", "ldap_server", c.LDAPServer != ""},
		{c.LDAPNeedTLS, "ldap_needtls", "ldap_starttls to be off", !c.LDAPStartTLS},
		{c.EmailAlert, "email_alert", "email_host", c.EmailHost != ""},
		{c.TelegramAlert, "telegram_alert", "telegram_token", !c.TelegramToken.Empty()},
		{c.SlackAlert, "slack_alert", "slack_url", !c.SlackURL.Empty()},
		{c.RocketChatAlert, "rocketchat_alert", "rocketchat_url", !c.RocketChatURL.Empty()},
		{c.MicrosoftTeamsAlert, "microsoft_teams_alert", "microsoft_teams_url", !c.MicrosoftTeamsURL.Empty()},
		{c.DingTalkAlert, "dingtalk_alert", "dingtalk_url", !c.DingTalkURL.Empty()},
		{c.GotifyAlert, "gotify_alert", "gotify_url and gotify_token", c.GotifyURL != "" && !c.GotifyToken.Empty()},
		{c.WebhookAlert, "webhook_alert", "webhook_url", !c.WebhookURL.Empty()},
	} {
		if p.on && !p.isThere {
			s.warn("%s is on and needs %s", p.key, p.needs)
		}
	}
	for _, file := range []string{c.TLS.KeyFile, c.Runner.TokenFile, c.Runner.PrivateKeyFile} {
		s.noteMode(file)
	}
}

// defaultDataDir is where data lives if nobody says so.
func defaultDataDir(env environ) string {
	if dir := env["XDG_DATA_HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "semaphore")
	}
	if home := env["HOME"]; filepath.IsAbs(home) && home != "/" && home != "/root" {
		return filepath.Join(home, ".local", "share", "semaphore")
	}
	if home := env["LOCALAPPDATA"]; filepath.IsAbs(home) {
		return filepath.Join(home, "semaphore")
	}
	return "/var/lib/semaphore"
}

// withPort adds a port to a host that has none.
func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil || port == "" {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}
