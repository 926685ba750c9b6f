package server

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/internal/alert"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/mail"
)

// alertsOf turns the configured channels into those of the front door; nil for
// none.
func alertsOf(cfg *config.Config, log *slog.Logger) (*semaphore.Alerts, error) {
	a := &semaphore.Alerts{
		WebHost: cfg.WebHost, Log: log,
		Telegram:   alert.Telegram{Enabled: cfg.TelegramAlert, Token: secretOf(cfg.TelegramToken), Chat: cfg.TelegramChat},
		Slack:      alert.Hook{Enabled: cfg.SlackAlert, URL: secretOf(cfg.SlackURL)},
		RocketChat: alert.Hook{Enabled: cfg.RocketChatAlert, URL: secretOf(cfg.RocketChatURL)},
		Teams:      alert.Hook{Enabled: cfg.MicrosoftTeamsAlert, URL: secretOf(cfg.MicrosoftTeamsURL)},
		DingTalk:   alert.Hook{Enabled: cfg.DingTalkAlert, URL: secretOf(cfg.DingTalkURL)},
		Gotify:     alert.Gotify{Enabled: cfg.GotifyAlert, URL: cfg.GotifyURL, Token: secretOf(cfg.GotifyToken)},
		Webhook:    alert.Webhook{Enabled: cfg.WebhookAlert, URL: secretOf(cfg.WebhookURL), Secret: secretOf(cfg.WebhookSecret)},
		Email:      alert.Email{Enabled: cfg.EmailAlert},
	}
	if !cfg.EmailAlert {
		return a, nil
	}
	sender, err := mailer(cfg)
	if err != nil {
		return nil, err
	}
	a.Mail = sender
	return a, nil
}

func secretOf(s config.Secret) alert.Secret { return alert.Secret(s.Reveal()) }

// mailer reads the e-mail keys as they have always been meant: email_tls with
// email_secure connects by TLS; email_secure alone signs in and changes to TLS
// where the server offers it; neither sends in the clear, without signing in.
func mailer(cfg *config.Config) (*mail.SMTP, error) {
	c := mail.Config{Host: cfg.EmailHost, From: cfg.EmailSender, MinTLS: cfg.EmailTLSMinVersion, Security: mail.SecurityOf(cfg.EmailSecure, cfg.EmailTLS)}
	if cfg.EmailPort != "" {
		port, err := strconv.Atoi(cfg.EmailPort)
		if err != nil {
			return nil, fmt.Errorf("email_port: %q is no number", cfg.EmailPort)
		}
		c.Port = port
	}
	if cfg.EmailSecure {
		c.Username, c.Password = cfg.EmailUsername, mail.Password(cfg.EmailPassword.Reveal())
	}
	sender, err := mail.NewSMTP(c)
	if err != nil {
		return nil, fmt.Errorf("e-mail: %w", err)
	}
	return sender, nil
}
