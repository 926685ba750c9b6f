package crypto_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

func TestEqual(t *testing.T) {
	t.Parallel()
	require.True(t, crypto.Equal("", ""))
	require.True(t, crypto.Equal("correct-horse", "correct-horse"))
	for _, other := range []string{"", "correct-hors", "correct-horse ", "Correct-horse", strings.Repeat("x", 1000)} {
		require.False(t, crypto.Equal("correct-horse", other))
		require.False(t, crypto.Equal(other, "correct-horse"))
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	for n, length := range map[int]int{33: 44, 32: 43, 16: 22, 1: 22, 0: 22, -1: 22} {
		require.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9_-]+$`), crypto.Token(n))
		require.Len(t, crypto.Token(n), length)
	}
	require.NotEqual(t, crypto.Token(33), crypto.Token(33))
}

func TestHashToken(t *testing.T) {
	t.Parallel()
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2
	require.Equal(t, "."+abc, crypto.HashToken("abc"))
	for _, test := range []struct{ name, token, prefix string }{
		{"of an API token", "kwofd61g93-yuqvex8efmhjkgnbxlo8mp1tin6spyhu=", "kwofd61g"},
		{"short", "abcdefghijklmnop", "abcd"},
		{"nothing", "", ""},
		{"bytes that no database takes", "a\x00\xff b" + strings.Repeat("x", 40), "a???bxxx"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			hash := crypto.HashToken(test.token)
			prefix, sum, ok := strings.Cut(hash, ".")
			require.True(t, ok)
			require.Equal(t, test.prefix, prefix)
			require.Len(t, sum, 64)
			require.Equal(t, hash, crypto.HashToken(test.token))
			require.NotEqual(t, hash, crypto.HashToken(test.token+"x"))
		})
	}
}
