package crypto

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

const (
	minTokenBytes = 16
	tokenPrefix   = 8 // characters a list may show of a token
)

// Equal compares secrets in a time that tells neither where they differ nor,
// because their hashes are compared, whether their lengths do.
func Equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// Token returns n random bytes, at least 16, as base64url without padding: 33
// give the 44 characters that API tokens have.
func Token(n int) string {
	raw := make([]byte, max(n, minTokenBytes))
	_, _ = rand.Read(raw) // never fails: it ends the process instead
	return base64.RawURLEncoding.EncodeToString(raw)
}

// HashToken returns what is stored of a token and looked up for one that was
// presented: its first 8 characters (a quarter, if it is shorter than 32), a
// dot and its SHA-256 in hex. The result is always printable ASCII, and one
// hash is enough because tokens are random.
func HashToken(token string) string {
	prefix := strings.Map(printable, token[:min(tokenPrefix, len(token)/4)])
	sum := sha256.Sum256([]byte(token))
	return prefix + "." + hex.EncodeToString(sum[:])
}

func printable(r rune) rune {
	if r > ' ' && r < 0x7f {
		return r
	}
	return '?'
}
