package crypto_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

// Values of "correct-horse" at place(12) under the key of 32 bytes, made by
// another implementation of HKDF, HChaCha20 and ChaCha20-Poly1305 (Python).
const (
	fixedText   = "v1.db3bd98e.MjM0NTY3ODk6Ozw9Pj9AQUJDREVGR0hJa-OauLEOGEdWz7PH7YpIa8VTZnxm08cC6DbVP7c"
	fixedBinary = "ff53454d01db3bd98e32333435363738393a3b3c3d3e3f404142434445464748496be39ab8b10e184756cfb3c7ed57047d248df2c9e3c1aca6e0d35e8bb1"
)

func TestOpenFixedValues(t *testing.T) {
	t.Parallel()
	r := ringOf(t, keyOf(t, 16), keyOf(t, 32))
	plain, err := r.Open(fixedText, place(12))
	require.NoError(t, err)
	require.Equal(t, "correct-horse", string(plain))

	blob, err := hex.DecodeString(fixedBinary)
	require.NoError(t, err)
	plain, err = r.OpenBytes(blob, place(12))
	require.NoError(t, err)
	require.Equal(t, "correct-horse", string(plain))
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	r := ringOf(t, keyOf(t, 32))
	for _, size := range []int{0, 1, 2, 3, 1000, 1 << 20} {
		plain := []byte(strings.Repeat("x", size))
		text, err := r.Seal(plain, place(1))
		require.NoError(t, err)
		require.LessOrEqual(t, len(text), size*4/3+66)
		opened, err := r.Open(text, place(1))
		require.NoError(t, err)
		require.Equal(t, string(plain), string(opened))

		blob, err := r.SealBytes(plain, place(1))
		require.NoError(t, err)
		require.Len(t, blob, size+49)
		opened, err = r.OpenBytes(blob, place(1))
		require.NoError(t, err)
		require.Equal(t, string(plain), string(opened))
		require.True(t, r.CurrentBytes(blob))
		require.False(t, ringOf(t, keyOf(t, 16)).CurrentBytes(blob))
	}
}

func TestSealNeverRepeats(t *testing.T) {
	t.Parallel()
	r := ringOf(t, keyOf(t, 32))
	seen := map[string]bool{}
	for range 100 {
		text, err := r.Seal([]byte("x"), place(1))
		require.NoError(t, err)
		require.False(t, seen[text])
		seen[text] = true
	}
}

func TestSealedValueIsBoundToItsPlace(t *testing.T) {
	t.Parallel()
	r := ringOf(t, keyOf(t, 32))
	home := crypto.AD{Table: "access_key", ProjectID: 3, ID: 12, Field: "secret"}
	text, err := r.Seal([]byte("correct-horse"), home)
	require.NoError(t, err)
	blob, err := r.SealBytes([]byte("correct-horse"), home)
	require.NoError(t, err)
	for _, away := range []crypto.AD{
		{Table: "access_keys", ProjectID: 3, ID: 12, Field: "ecret"},
		{Table: "access_ke", ProjectID: 3, ID: 12, Field: "ysecret"},
		{Table: "access_key", ProjectID: 4, ID: 12, Field: "secret"},
		{Table: "access_key", ProjectID: 3, ID: 13, Field: "secret"},
		{Table: "access_key", ProjectID: 12, ID: 3, Field: "secret"},
		{Table: "access_key", ProjectID: 3, ID: 12, Field: "plain"},
		{Table: "access_key", ProjectID: 3, ID: -12, Field: "secret"},
	} {
		_, err := r.Open(text, away)
		require.ErrorIs(t, err, crypto.ErrDamaged, "%v", away)
		_, err = r.OpenBytes(blob, away)
		require.ErrorIs(t, err, crypto.ErrDamaged, "%v", away)
	}
}

func TestPlaceNeedsTableAndField(t *testing.T) {
	t.Parallel()
	r := ringOf(t, keyOf(t, 32))
	for _, ad := range []crypto.AD{{}, {Table: "user"}, {Field: "secret"}} {
		_, err := r.Seal(nil, ad)
		require.ErrorContains(t, err, "associated data needs a table and a field")
		_, err = r.SealBytes(nil, ad)
		require.ErrorContains(t, err, "associated data needs a table and a field")
		_, err = r.Open(fixedText, ad)
		require.ErrorContains(t, err, "associated data needs a table and a field")
	}
}

func TestOpenRefusesEveryChange(t *testing.T) {
	t.Parallel()
	r := ringOf(t, keyOf(t, 32))
	for i := range fixedText {
		for _, c := range "A_\n.+=" {
			if rune(fixedText[i]) == c {
				continue
			}
			_, err := r.Open(fixedText[:i]+string(c)+fixedText[i+1:], place(12))
			require.Error(t, err, "character %d", i)
		}
		_, err := r.Open(fixedText[:i], place(12))
		require.Error(t, err, "cut at %d", i)
		_, err = r.Open(fixedText[:i]+"\n"+fixedText[i:], place(12))
		require.Error(t, err, "newline at %d", i)
	}
	blob, err := hex.DecodeString(fixedBinary)
	require.NoError(t, err)
	for i := range blob {
		_, err := r.OpenBytes(blob[:i], place(12))
		require.Error(t, err, "cut at %d", i)
		for bit := range 8 {
			blob[i] ^= 1 << bit
			_, err := r.OpenBytes(blob, place(12))
			require.Error(t, err, "byte %d", i)
			blob[i] ^= 1 << bit
		}
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	r := ringOf(t, keyOf(t, 32))
	for _, test := range []struct {
		name, sealed string
		err          error
	}{
		{"nothing", "", crypto.ErrNotSealed},
		{"plain base64 of Semaphore UI", "Y29ycmVjdC1ob3JzZQ==", crypto.ErrNotSealed},
		{"a private key with newline", "-----BEGIN RSA PRIVATE KEY-----\n", crypto.ErrNotSealed},
		{"a later version", "v2" + fixedText[2:], crypto.ErrNotSealed},
		{"an id in capitals", "v1.DB3BD98E" + fixedText[11:], crypto.ErrNotSealed},
		{"head only", fixedText[:12], crypto.ErrDamaged},
		{"padding", fixedText + "=", crypto.ErrDamaged},
		{"stray bits at the end", fixedText[:len(fixedText)-1] + "d", crypto.ErrDamaged},
		{"the other form", "v1.db3bd98e." + binaryAsText(t), crypto.ErrDamaged},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := r.Open(test.sealed, place(12))
			require.ErrorIs(t, err, test.err)
			require.ErrorContains(t, err, "open access_key.secret of row 12 in project 3: ")
		})
	}
	_, err := r.OpenBytes([]byte(fixedText), place(12))
	require.ErrorIs(t, err, crypto.ErrNotSealed)
	blob, err := ringOf(t, keyOf(t, 16)).SealBytes(nil, place(12))
	require.NoError(t, err)
	_, err = r.OpenBytes(blob, place(12))
	require.ErrorContains(t, err, "key b0f08971 is missing")
}
