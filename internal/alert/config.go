package alert

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/internal/outgoing"
	"github.com/alexandervashurin/semaphore/mail"
	"github.com/alexandervashurin/semaphore/store"
)

// Secret is a token, or an address that is as good as one. It prints as ***.
type Secret string

const stars = "***"

// String hides the secret.
func (Secret) String() string { return stars }

// GoString hides the secret.
func (Secret) GoString() string { return stars }

// MarshalText hides the secret from JSON and logs.
func (Secret) MarshalText() ([]byte, error) { return []byte(stars), nil }

// Config configures an [Alerter]. Channels that are not enabled are left out.
type Config struct {
	Store   store.Store // Required: templates, authors and members are read from it.
	WebHost string      // address of the web UI, which links begin with

	Email      Email
	Telegram   Telegram
	Slack      Hook
	RocketChat Hook
	Teams      Hook
	DingTalk   Hook
	Gotify     Gotify
	Webhook    Webhook

	// Mail sends e-mail. Required where Email is enabled.
	Mail mail.Sender
	// HTTP sends everything else. Defaults to a client that reaches any address:
	// those here are the administrator's.
	HTTP *http.Client
	// Templates replaces the words of e-mails. Files that it lacks are the built-in
	// ones: mail.subject.tmpl, mail.txt.tmpl and mail.html.tmpl, which get a
	// [MailData]. They are written in the language of package text/template, of
	// which {{.Field}}, if, with, eq, else and end are known; values of the HTML
	// are escaped.
	Templates fs.FS
	// Timeout is how long one channel may take. Defaults to 10 s.
	Timeout time.Duration
	Log     *slog.Logger // Defaults to slog.Default().
}

// Email tells members by mail, of failures only.
type Email struct {
	Enabled bool
	From    string // Defaults to the address of the sender that is used.
}

// Telegram writes to a chat through a bot.
type Telegram struct {
	Enabled bool
	Token   Secret // of the bot; required
	Chat    string // where the project names none
	URL     string // of the Bot API. Defaults to https://api.telegram.org.
}

// Hook posts to an incoming webhook of a chat program.
type Hook struct {
	Enabled bool
	URL     Secret // required
}

// Gotify sends to a Gotify server.
type Gotify struct {
	Enabled bool
	URL     string // of the server; required
	Token   Secret // of the application; required
}

// Webhook posts JSON to a program, see [Event].
type Webhook struct {
	Enabled bool
	URL     Secret // required
	// Secret signs the body. Defaults to none: nothing is signed.
	Secret Secret
}

// complete checks the configuration and fills in defaults.
func (c *Config) complete() error {
	if c.Store == nil {
		return errors.New("no store: give the one of the pool")
	}
	if c.Email.Enabled && c.Mail == nil {
		return errors.New("e-mail is enabled without a sender: configure an SMTP server")
	}
	if c.Telegram.URL == "" {
		c.Telegram.URL = "https://api.telegram.org"
	}
	for _, ch := range []struct {
		name    string
		enabled bool
		address string
		token   Secret
	}{
		{nameTelegram, c.Telegram.Enabled, c.Telegram.URL, c.Telegram.Token},
		{nameSlack, c.Slack.Enabled, string(c.Slack.URL), "-"},
		{nameRocketChat, c.RocketChat.Enabled, string(c.RocketChat.URL), "-"},
		{nameTeams, c.Teams.Enabled, string(c.Teams.URL), "-"},
		{nameDingTalk, c.DingTalk.Enabled, string(c.DingTalk.URL), "-"},
		{nameGotify, c.Gotify.Enabled, c.Gotify.URL, c.Gotify.Token},
		{nameWebhook, c.Webhook.Enabled, string(c.Webhook.URL), "-"},
	} {
		if !ch.enabled {
			continue
		}
		if u, err := url.Parse(ch.address); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("%s: its url is no address: use https://host/path", ch.name)
		}
		if ch.token == "" {
			return fmt.Errorf("%s is enabled without a token: configure one", ch.name)
		}
	}
	c.WebHost = strings.TrimRight(c.WebHost, "/")
	if c.HTTP == nil {
		c.HTTP = outgoing.Client(outgoing.Config{Trusted: true})
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}
