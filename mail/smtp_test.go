package mail_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/mail"
	"github.com/alexandervashurin/semaphore/mail/mailtest"
)

const password = "correct horse battery"

func TestEverySecurity(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		security  mail.Security
		encrypted bool
		auth      string
	}{
		"none speaks in clear and does not sign in":      {mail.None, false, ""},
		"starttls encrypts on the way and signs in":      {mail.StartTLS, true, "PLAIN"},
		"tls encrypts from the first byte and signs in ": {mail.TLS, true, "PLAIN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := mailtest.NewServer(t, mailtest.Options{Security: c.security, Auth: []string{"PLAIN"}, User: "u", Password: password})
			require.NoError(t, smtpOf(t, server.Config()).Send(t.Context(), hello("Ann <ann@example.com>", "bob@example.com")))
			got := server.Messages()
			require.Len(t, got, 1)
			require.Equal(t, c.encrypted, got[0].Encrypted)
			require.Equal(t, c.auth, got[0].Auth)
			require.Equal(t, "semaphore@example.com", got[0].Sender)
			require.Equal(t, []string{"ann@example.com", "bob@example.com"}, got[0].Recipients)
			require.Equal(t, "hello", got[0].Subject)
			require.Equal(t, "in text", strings.TrimSpace(got[0].Text))
			require.Equal(t, "<p>in HTML</p>", strings.TrimSpace(got[0].HTML))
			require.Equal(t, "auto-generated", got[0].Header.Get("Auto-Submitted"))
			require.NotContains(t, got[0].Raw, password)
		})
	}
	t.Run("starttls sends in clear where it is not offered and nobody signs in", func(t *testing.T) {
		t.Parallel()
		server := mailtest.NewServer(t, mailtest.Options{})
		cfg := server.Config()
		cfg.Security = mail.StartTLS
		require.NoError(t, smtpOf(t, cfg).Send(t.Context(), hello("ann@example.com")))
		require.False(t, server.Messages()[0].Encrypted)
	})
}

func TestCertificatesAreVerified(t *testing.T) {
	t.Parallel()
	for _, security := range []mail.Security{mail.StartTLS, mail.TLS} {
		t.Run(string(security)+" refuses an unknown authority", func(t *testing.T) {
			t.Parallel()
			server := mailtest.NewServer(t, mailtest.Options{Security: security, Auth: []string{"PLAIN"}, User: "u", Password: password})
			cfg := server.Config()
			cfg.RootCAs = x509.NewCertPool()
			require.ErrorContains(t, smtpOf(t, cfg).Send(t.Context(), hello("ann@example.com")), "certificate")
			require.Empty(t, server.Messages())
			require.Empty(t, server.Tries())
		})
		t.Run(string(security)+" refuses a version that is too old", func(t *testing.T) {
			t.Parallel()
			server := mailtest.NewServer(t, mailtest.Options{Security: security, MaxTLS: tls.VersionTLS12})
			cfg := server.Config()
			cfg.MinTLS = "1.3"
			require.ErrorContains(t, smtpOf(t, cfg).Send(t.Context(), hello("ann@example.com")), "version")
			cfg.MinTLS = "1.2"
			require.NoError(t, smtpOf(t, cfg).Send(t.Context(), hello("ann@example.com")))
		})
	}
}

func TestEveryMethodToSignIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		auth    mail.Auth
		offered []string
		used    string // "" where it is refused
	}{
		{mail.AuthAuto, []string{"XOAUTH2", "CRAM-MD5", "LOGIN", "PLAIN"}, "PLAIN"},
		{mail.AuthAuto, []string{"CRAM-MD5", "LOGIN"}, "LOGIN"},
		{mail.AuthAuto, []string{"CRAM-MD5"}, "CRAM-MD5"},
		{mail.AuthAuto, []string{"XOAUTH2"}, ""},
		{mail.AuthPlain, []string{"LOGIN", "PLAIN"}, "PLAIN"},
		{mail.AuthPlain, []string{"LOGIN"}, ""},
		{mail.AuthLogin, []string{"PLAIN", "LOGIN"}, "LOGIN"},
		{mail.AuthCramMD5, []string{"PLAIN", "CRAM-MD5"}, "CRAM-MD5"},
		{mail.AuthXOAuth2, []string{"PLAIN", "XOAUTH2"}, "XOAUTH2"},
		{mail.AuthXOAuth2, nil, ""},
	} {
		t.Run(string(c.auth)+" of "+strings.Join(c.offered, " "), func(t *testing.T) {
			t.Parallel()
			server := mailtest.NewServer(t, mailtest.Options{Security: mail.StartTLS, Auth: c.offered, User: "u", Password: password})
			cfg := server.Config()
			cfg.Auth = c.auth
			err := smtpOf(t, cfg).Send(t.Context(), hello("ann@example.com"))
			if c.used == "" {
				require.ErrorContains(t, err, "sign in")
				require.Empty(t, server.Tries())
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.used, server.Messages()[0].Auth)
		})
	}
}

func TestAWrongPasswordIsAnErrorThatDoesNotTellIt(t *testing.T) {
	t.Parallel()
	const wrong = "hunter2hunter2"
	for _, method := range []string{"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			server := mailtest.NewServer(t, mailtest.Options{Security: mail.TLS, Auth: []string{method}, User: "u", Password: password, Echo: true})
			cfg := server.Config()
			cfg.Password, cfg.Auth = wrong, mail.Auth(strings.ToLower(method))
			err := smtpOf(t, cfg).Send(t.Context(), hello("ann@example.com"))
			require.ErrorContains(t, err, "Authentication failed")
			require.NotErrorIs(t, err, mail.ErrRejected, "the administrator may mend it")
			require.NotContains(t, err.Error(), wrong)
			require.NotContains(t, err.Error(), "aHVudGVyMmh1bnRlcjI", "in base64")
			require.Nil(t, errors.Unwrap(err), "the library's error has it too")
			require.Empty(t, server.Messages())
		})
	}
}

// elsewhere is a connection that seems to leave this machine.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25}
}

func TestNoPasswordGoesOverTheNetworkInClear(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"} {
		t.Run("not by "+method+" to another machine", func(t *testing.T) {
			t.Parallel()
			server := mailtest.NewServer(t, mailtest.Options{Auth: []string{method}, User: "u", Password: password})
			cfg := server.Config()
			cfg.Security, cfg.Auth = mail.StartTLS, mail.Auth(strings.ToLower(method))
			cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
				return elsewhere{conn}, err
			}
			require.ErrorIs(t, smtpOf(t, cfg).Send(t.Context(), hello("ann@example.com")), mail.ErrUnencrypted)
			require.Empty(t, server.Tries())
			require.Empty(t, server.Messages())
		})
	}
	t.Run("but to this one", func(t *testing.T) {
		t.Parallel()
		server := mailtest.NewServer(t, mailtest.Options{Auth: []string{"PLAIN"}, User: "u", Password: password})
		cfg := server.Config()
		cfg.Security = mail.StartTLS
		require.NoError(t, smtpOf(t, cfg).Send(t.Context(), hello("ann@example.com")))
		require.Equal(t, "PLAIN", server.Messages()[0].Auth)
	})
}

func TestWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	server := mailtest.NewServer(t, mailtest.Options{Refuse: func(to string) error {
		switch to {
		case "gone@example.com":
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		case "grey@example.com":
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "come back later"}
		}
		return nil
	}})
	sender := smtpOf(t, server.Config())
	t.Run("for good is rejected", func(t *testing.T) {
		t.Parallel()
		err := sender.Send(t.Context(), hello("gone@example.com"))
		require.ErrorIs(t, err, mail.ErrRejected)
		require.ErrorContains(t, err, "no such user")
	})
	t.Run("for now may be tried again", func(t *testing.T) {
		t.Parallel()
		err := sender.Send(t.Context(), hello("grey@example.com"))
		require.ErrorContains(t, err, "come back later")
		require.NotErrorIs(t, err, mail.ErrRejected)
	})
	t.Run("for one recipient is sent to nobody", func(t *testing.T) {
		t.Parallel()
		require.Error(t, sender.Send(t.Context(), hello("ann@example.com", "gone@example.com")))
		require.Empty(t, server.Messages())
	})
}

// silent is a server that takes connections and says nothing.
func silent(t *testing.T) (cfg mail.Config, taken <-chan net.Conn) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	conns, done := make(chan net.Conn, 1), make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			conns <- conn
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return mail.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, From: "s@example.com"}, conns
}

func TestASilentServerHoldsNobody(t *testing.T) {
	t.Parallel()
	for _, security := range []mail.Security{mail.None, mail.StartTLS, mail.TLS} {
		t.Run(string(security)+" gives up after the time-out", func(t *testing.T) {
			t.Parallel()
			cfg, _ := silent(t)
			cfg.Security, cfg.Timeout = security, 50*time.Millisecond
			err := smtpOf(t, cfg).Send(t.Context(), hello("ann@example.com"))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "no answer from 127.0.0.1 within 50ms")
		})
		t.Run(string(security)+" ends with its context", func(t *testing.T) {
			t.Parallel()
			cfg, taken := silent(t)
			cfg.Security, cfg.Timeout = security, time.Hour
			ctx, cancel := context.WithCancelCause(t.Context())
			cause := errors.New("enough")
			go func() { <-taken; cancel(cause) }()
			require.ErrorIs(t, smtpOf(t, cfg).Send(ctx, hello("ann@example.com")), cause)
		})
	}
}
