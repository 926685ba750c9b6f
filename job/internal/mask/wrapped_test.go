package mask_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job/internal/mask"
)

// TestWrappedBase64OfOneLine covers what base64(1) and openssl print of a long
// token: lines of 76 or 64 characters.
func TestWrappedBase64OfOneLine(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("Abc123-xyz.", 30)
	m, short := mask.New([]mask.Value{{Name: "TOKEN", Text: token}})
	require.Empty(t, short)
	for _, text := range []string{token, token + "\n"} {
		code := base64.StdEncoding.EncodeToString([]byte(text))
		for _, width := range []int{64, 76} {
			for line := range slices.Chunk([]byte(code), width) {
				if len(line) < 16 {
					continue
				}
				shown, masked := m.Line(line)
				require.True(t, masked, "%s", line)
				require.LessOrEqual(t, len(shown), 8, "%s", shown)
			}
		}
	}
}

// TestAKeyInJSON covers a private key that a JSON value holds in one line, and
// that is printed line by line.
func TestAKeyInJSON(t *testing.T) {
	t.Parallel()
	m, _ := mask.New([]mask.Value{{Name: "KEY", Text: `-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQDM\n-----END PRIVATE KEY-----\n`}})
	for line, want := range map[string]string{
		"MIIEvQIBADANBgkqhkiG9w0BAQEF": "***",
		" AASCBKcwggSjAgEAAoIBAQDM":    " ***",
		"-----BEGIN PRIVATE KEY-----":  "-----BEGIN PRIVATE KEY-----",
	} {
		shown, _ := m.Line([]byte(line))
		require.Equal(t, want, string(shown))
	}
}
