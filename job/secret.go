package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

// Secret is a text that never shows itself: printed, formatted or logged it is
// "***". [Secret.Reveal] returns it. Its JSON is the text itself, because a
// Spec travels to runners as JSON: seal such JSON before it leaves the process.
type Secret struct {
	text *string // behind a pointer, which fmt shows as an address where it asks no method
}

// NewSecret wraps text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty tells whether there is no text.
func (s Secret) Empty() bool { return s.text == nil }

// String returns "***", or nothing for an empty secret.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return "***"
}

// Format writes what String returns, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue makes log records show what String returns.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON returns the text as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.Reveal()) }

// UnmarshalJSON reads a JSON string.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("a secret is a JSON string") // the error would show the value
	}
	*s = NewSecret(text)
	return nil
}
