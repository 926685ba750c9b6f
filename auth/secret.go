package auth

import (
	"fmt"
	"log/slog"
)

// Secret is a text that never shows itself: printed, logged or as JSON it is
// "***". Make one with [NewSecret].
type Secret struct{ text string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text} }

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

// MarshalText returns what String returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
