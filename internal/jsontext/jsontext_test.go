package jsontext_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/jsontext"
)

func TestANULIsFoundWhereverItIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		``: false, `""`: false, `"\u0000"`: true, `{"a\u0000":1}`: true, `["x","y\u0000"]`: true, `"\\\u0000"`: true, `"\u0001\u0000"`: true,
		`"\\u0000"`: false, `"\u00000"`: true, `"\u0001"`: false, `"\n\\"`: false, `"u0000"`: false, `"\`: false, `"\u000`: false,
	} {
		require.Equal(t, want, jsontext.HasNUL([]byte(text)), text)
	}
}

// FuzzHasNUL holds it against a reader of JSON, for texts that are JSON.
func FuzzHasNUL(f *testing.F) {
	for _, text := range []string{`"\u0000"`, `"\\u0000"`, `{"\u0000":["\\"]}`, `[]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		seen := false
		for d := json.NewDecoder(strings.NewReader(text)); ; {
			token, err := d.Token()
			if err != nil {
				break
			}
			s, ok := token.(string)
			seen = seen || ok && strings.Contains(s, "\x00")
		}
		require.Equal(t, seen, jsontext.HasNUL([]byte(text)), "%q", text)
	})
}
