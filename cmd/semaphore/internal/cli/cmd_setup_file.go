package cli

import (
	"path/filepath"

	"github.com/alexandervashurin/semaphore/internal/config"
)

// setupQuestion is a yes/no question with what is asked after a yes.
type setupQuestion struct {
	question string
	key      string // that becomes true
	details  []setupDetail
}

// setupDetail is a key of the file, below section where that is not empty.
type setupDetail struct {
	question  string
	otherwise string
	section   string
	key       string
	secret    bool
	yesNo     bool
}

func setupQuestions() []setupQuestion {
	return []setupQuestion{
		{"Enable email alerts?", "email_alert", []setupDetail{
			{question: "Mail server host", otherwise: "localhost", key: "email_host"},
			{question: "Mail server port", otherwise: "25", key: "email_port"},
			{question: "Mail sender address", otherwise: "semaphore@localhost", key: "email_sender"},
		}},
		{"Enable Telegram alerts?", "telegram_alert", []setupDetail{
			{question: "Telegram bot token", key: "telegram_token", secret: true},
			{question: "Telegram chat ID", key: "telegram_chat"},
		}},
		{"Enable Slack alerts?", "slack_alert", []setupDetail{{question: "Slack webhook URL", key: "slack_url", secret: true}}},
		{"Enable Rocket.Chat alerts?", "rocketchat_alert", []setupDetail{{question: "Rocket.Chat webhook URL", key: "rocketchat_url", secret: true}}},
		{"Enable Microsoft Teams alerts?", "microsoft_teams_alert", []setupDetail{{question: "Microsoft Teams webhook URL", key: "microsoft_teams_url", secret: true}}},
		{"Enable LDAP authentication?", "ldap_enable", []setupDetail{
			{question: "LDAP server host and port", otherwise: "localhost:389", key: "ldap_server"},
			{question: "Use TLS for LDAP?", key: "ldap_needtls", yesNo: true},
			{question: "LDAP DN for bind", otherwise: "cn=user,ou=users,dc=example", key: "ldap_binddn"},
			{question: "Password for LDAP bind user", key: "ldap_bindpassword", secret: true},
			{question: "LDAP DN for user search", otherwise: "ou=users,dc=example", key: "ldap_searchdn"},
			{question: "LDAP search filter", otherwise: "(uid=%s)", key: "ldap_searchfilter"},
			{question: "LDAP mapping for DN field", otherwise: "dn", section: "ldap_mappings", key: "dn"},
			{question: "LDAP mapping for username field", otherwise: "uid", section: "ldap_mappings", key: "uid"},
			{question: "LDAP mapping for full name field", otherwise: "cn", section: "ldap_mappings", key: "cn"},
			{question: "LDAP mapping for email field", otherwise: "mail", section: "ldap_mappings", key: "mail"},
		}},
	}
}

// ask puts the answers into object.
func (q setupQuestion) ask(p *prompter, object map[string]any) error {
	yes, err := p.yes(q.question)
	if err != nil || !yes {
		return err
	}
	object[q.key] = true
	for _, d := range q.details {
		value, err := d.ask(p)
		if err != nil {
			return err
		}
		target := object
		if d.section != "" {
			inner, ok := object[d.section].(map[string]any)
			if !ok {
				inner = map[string]any{}
				object[d.section] = inner
			}
			target = inner
		}
		target[d.key] = value
	}
	return nil
}

func (d setupDetail) ask(p *prompter) (any, error) {
	switch {
	case d.yesNo:
		return p.yes(d.question)
	case d.secret:
		return p.secret(d.question)
	}
	return p.ask(d.question, d.otherwise)
}

// object is the content of the file, with new keys.
func (a setupAnswers) object(defaults *config.Config) map[string]any {
	object := map[string]any{
		"data_dir":              defaults.DataDir,
		"dialect":               a.dialect,
		"cookie_hash":           newKey(),
		"cookie_encryption":     newKey(),
		"access_key_encryption": newKey(),
	}
	for key, value := range a.more {
		object[key] = value
	}
	db := map[string]any{}
	for key, value := range map[string]string{"host": a.db.host, "user": a.db.user, "pass": a.db.pass, "name": a.db.name} {
		if value != "" {
			db[key] = value
		}
	}
	if a.dialect == "sqlite" {
		db = map[string]any{"host": absolute(a.db.host, filepath.Join(defaults.DataDir, "semaphore.db"))}
	}
	object[a.dialect] = db
	object["tmp_path"] = absolute(a.tmpPath, defaults.TmpPath)
	if a.webHost != "" {
		object["web_host"] = a.webHost
	}
	return object
}

// absolute keeps a path from depending on where the server is started.
func absolute(path, otherwise string) string {
	if path == "" {
		path = otherwise
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
