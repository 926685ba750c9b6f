package mail_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/mail"
	"github.com/alexandervashurin/semaphore/mail/mailtest"
)

func TestAnyTextArrivesAsItIs(t *testing.T) {
	t.Parallel()
	server := mailtest.NewServer(t, mailtest.Options{})
	m := mail.Message{
		From: `"Zoë \"Z\" 木" <zoe@example.com>`, To: []string{"Jürgen <j@example.com>"},
		Subject: "Größe 🚀 — " + strings.Repeat("sehr langer Betreff ", 10) + "Ende",
		Text:    "Zeile\n.\n..zwei\nFrom here\n" + strings.Repeat("x", 2000),
		HTML:    "<p>日本語 &amp; =3D</p>",
	}
	require.NoError(t, smtpOf(t, server.Config()).Send(t.Context(), m))
	got := server.Messages()[0]
	require.Equal(t, m.Subject, got.Subject)
	require.Equal(t, m.Text, strings.TrimRight(got.Text, "\n"))
	require.Equal(t, m.HTML, strings.TrimRight(got.HTML, "\n"))
	from, err := got.Header.AddressList("From")
	require.NoError(t, err)
	require.Equal(t, `Zoë "Z" 木`, from[0].Name)
	require.Equal(t, "zoe@example.com", from[0].Address)
	to, err := got.Header.AddressList("To")
	require.NoError(t, err)
	require.Equal(t, "Jürgen", to[0].Name)
	for line := range strings.SplitSeq(got.Raw, "\r\n") {
		require.LessOrEqual(t, len(line), 998)
	}
}

func TestOneFormIsEnough(t *testing.T) {
	t.Parallel()
	server := mailtest.NewServer(t, mailtest.Options{})
	sender := smtpOf(t, server.Config())
	require.NoError(t, sender.Send(t.Context(), mail.Message{To: []string{"a@example.com"}, Text: "text"}))
	require.NoError(t, sender.Send(t.Context(), mail.Message{To: []string{"a@example.com"}, HTML: "<b>html</b>"}))
	require.Equal(t, "text", strings.TrimSpace(server.Messages()[0].Text))
	require.Empty(t, server.Messages()[0].HTML)
	require.Equal(t, "<b>html</b>", strings.TrimSpace(server.Messages()[1].HTML))
	require.ErrorIs(t, sender.Send(t.Context(), mail.Message{To: []string{"a@example.com"}}), mail.ErrRejected)
}

// TestNoTextAddsAHeader sends what tries to end a header, and holds the headers
// that arrive against those of a harmless message.
func TestNoTextAddsAHeader(t *testing.T) {
	t.Parallel()
	const evil = "x\r\nBcc: evil@example.com\r\n\r\nbody"
	for name, change := range map[string]func(m *mail.Message){
		"subject":              func(m *mail.Message) { m.Subject = evil },
		"subject with bare LF": func(m *mail.Message) { m.Subject = "x\nBcc: evil@example.com" },
		"subject with bare CR": func(m *mail.Message) { m.Subject = "x\rBcc: evil@example.com" },
		"sender's name":        func(m *mail.Message) { m.From = `"` + evil + `" <s@example.com>` },
		"recipient's name":     func(m *mail.Message) { m.To = []string{`"` + evil + `" <a@example.com>`} },
		"encoded recipient": func(m *mail.Message) {
			m.To = []string{"=?utf-8?q?x=0D=0ABcc=3A_evil=40example=2Ecom?= <a@example.com>"}
		},
		"recipient's address":     func(m *mail.Message) { m.To = []string{"a@example.com\r\nBcc: evil@example.com"} },
		"two recipients in one":   func(m *mail.Message) { m.To = []string{"a@example.com, evil@example.com"} },
		"quoted local part":       func(m *mail.Message) { m.To = []string{"\"a\\\r\nRCPT TO:<evil@example.com>\"@example.com"} },
		"angle bracket in quotes": func(m *mail.Message) { m.To = []string{`"a>"@example.com`} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := mailtest.NewServer(t, mailtest.Options{})
			m := hello("a@example.com")
			change(&m)
			if err := smtpOf(t, server.Config()).Send(t.Context(), m); err != nil {
				require.ErrorIs(t, err, mail.ErrRejected)
				require.Empty(t, server.Messages())
				return
			}
			got := server.Messages()[0]
			require.Equal(t, []string{"a@example.com"}, got.Recipients)
			require.Equal(t, "in text", strings.TrimSpace(got.Text))
			require.NotRegexp(t, `[\r\n]`, got.Subject, "not even in an encoded word")
			for _, header := range []string{"From", "To"} {
				list, err := got.Header.AddressList(header)
				require.NoError(t, err)
				require.Len(t, list, 1)
				require.NotRegexp(t, `[\r\n]`, list[0].Name)
			}
			for key := range got.Header {
				require.Contains(t, []string{"From", "To", "Subject", "Date", "Message-Id", "Mime-Version", "Content-Type", "Auto-Submitted"}, key)
			}
		})
	}
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	t.Parallel()
	good := mail.Config{Host: "mail.example.com", From: "s@example.com"}
	_, err := mail.NewSMTP(good)
	require.NoError(t, err)
	for says, change := range map[string]func(c *mail.Config){
		"no host":                   func(c *mail.Config) { c.Host = "" },
		"address of the sender":     func(c *mail.Config) { c.From = "" },
		`"semaphore"`:               func(c *mail.Config) { c.From = "semaphore" },
		`unknown security "ssl"`:    func(c *mail.Config) { c.Security = "ssl" },
		`unknown TLS version "1.4"`: func(c *mail.Config) { c.MinTLS = "1.4" },
		"port 70000":                func(c *mail.Config) { c.Port = 70000 },
		`sign in "ntlm"`:            func(c *mail.Config) { c.Auth = "ntlm" },
	} {
		cfg := good
		change(&cfg)
		_, err := mail.NewSMTP(cfg)
		require.ErrorContains(t, err, says)
	}
}

func TestThePasswordIsNotPrinted(t *testing.T) {
	t.Parallel()
	cfg := mail.Config{Host: "h", From: "s@example.com", Password: password}
	sender := smtpOf(t, cfg)
	asJSON, err := json.Marshal(cfg.Password)
	require.NoError(t, err)
	require.Equal(t, `"***"`, string(asJSON))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, cfg), password)
		require.NotContains(t, fmt.Sprintf(verb, sender), password)
		require.NotContains(t, fmt.Sprintf(verb, struct{ s mail.SMTP }{*sender}), password)
	}
}

func TestTheSwitchesOfAServer(t *testing.T) {
	t.Parallel()
	require.Equal(t, mail.None, mail.SecurityOf(false, false))
	require.Equal(t, mail.None, mail.SecurityOf(false, true))
	require.Equal(t, mail.StartTLS, mail.SecurityOf(true, false))
	require.Equal(t, mail.TLS, mail.SecurityOf(true, true))
}

// FuzzNoTextAddsAHeader composes any text into a message.
func FuzzNoTextAddsAHeader(f *testing.F) {
	f.Add("a@example.com", "x\r\nBcc: b@example.com")
	f.Add("\"a\\\r\"@example.com", "=?utf-8?q?=0A?=")
	server := mailtest.NewServer(f, mailtest.Options{})
	sender := smtpOf(f, server.Config())
	f.Fuzz(func(t *testing.T, to, subject string) {
		before := len(server.Messages())
		if sender.Send(t.Context(), mail.Message{To: []string{to}, Subject: subject, Text: "text"}) != nil {
			return
		}
		got := server.Messages()
		require.Len(t, got, before+1)
		require.Len(t, got[before].Recipients, 1)
		require.Len(t, got[before].Header["Subject"], 1)
		require.NotContains(t, got[before].Header, "Bcc")
		require.Equal(t, "text", strings.TrimSpace(got[before].Text))
	})
}
