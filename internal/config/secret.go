package config

import (
	"fmt"
	"log/slog"
)

// Secret is a text that never shows itself: printed, logged or as JSON it is
// "***". [Secret.Reveal] returns it.
type Secret struct{ text string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// Empty tells whether there is no text.
func (s Secret) Empty() bool { return s.text == "" }

// String returns "***", or nothing for an empty secret.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "***"
}

// Format writes what String returns, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue makes log records show what String returns.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns what String returns, so that printing a configuration as
// JSON shows no secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
