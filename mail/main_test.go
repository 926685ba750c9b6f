package mail_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/mail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func smtpOf(tb testing.TB, cfg mail.Config) *mail.SMTP {
	tb.Helper()
	s, err := mail.NewSMTP(cfg)
	require.NoError(tb, err)
	return s
}

func hello(to ...string) mail.Message {
	return mail.Message{To: to, Subject: "hello", Text: "in text", HTML: "<p>in HTML</p>"}
}
