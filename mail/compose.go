package mail

import (
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// compose writes a message in MIME.
func compose(m Message, now time.Time) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	from, err := address(m.From)
	if err != nil {
		return nil, fmt.Errorf("%w: sender: %w", ErrRejected, err)
	}
	if err := msg.From(from.String()); err != nil {
		return nil, fmt.Errorf("%w: sender: %w", ErrRejected, err)
	}
	if len(m.To) == 0 {
		return nil, fmt.Errorf("%w: no recipient", ErrRejected)
	}
	for _, text := range m.To {
		to, err := address(text)
		if err != nil {
			return nil, fmt.Errorf("%w: recipient: %w", ErrRejected, err)
		}
		if err := msg.AddTo(to.String()); err != nil {
			return nil, fmt.Errorf("%w: recipient: %w", ErrRejected, err)
		}
	}
	msg.Subject(oneLine(m.Subject))
	msg.SetDateWithValue(now)
	msg.SetMessageID()
	// RFC 3834: no program shall answer.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	switch {
	case m.Text != "" && m.HTML != "":
		msg.SetBodyString(gomail.TypeTextPlain, m.Text)
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	case m.HTML != "":
		msg.SetBodyString(gomail.TypeTextHTML, m.HTML)
	case m.Text != "":
		msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	default:
		return nil, fmt.Errorf("%w: it has neither text nor HTML", ErrRejected)
	}
	return msg, nil
}

// address reads one address, with or without a name.
func address(text string) (*netmail.Address, error) {
	if text == "" {
		return nil, errors.New("no address")
	}
	a, err := netmail.ParseAddress(oneLine(text))
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", text, err)
	}
	// A quoted local part may hold what a header or a command ends with.
	if strings.ContainsFunc(a.Address, func(r rune) bool { return unicode.IsSpace(r) || r == '<' || r == '>' }) {
		return nil, fmt.Errorf("address %q holds characters that are not allowed", text)
	}
	a.Name = oneLine(a.Name) // encoded words may hide line breaks
	return a, nil
}

// oneLine turns control characters into spaces.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s))
}
