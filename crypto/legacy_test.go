package crypto_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

const login = `{"login":"ansible","password":"correct-horse"}`

// legacyFixed are values of login as Semaphore UI stores them, made by another
// implementation of AES-GCM (Python) with the keys of [keyOf].
var legacyFixed = map[int]string{
	16: "ZGVmZ2hpamtsbW5vYUAiyrxr1tihHDZ+9aNJgFWqVN3iyK4pgwDD857I1ZDVjiBB6GwK+eUqVCOv/16D4tGKpCaw1xFs74kyNT8=",
	24: "ZGVmZ2hpamtsbW5vkkrXEzXGYBrp84NviZv50rh7cuiK6AKc9iw6rpRUuiM1JnX6O2Fp2BHhENQOf+3qJemaPekFADjIhLyajE0=",
	32: "ZGVmZ2hpamtsbW5vMzmyCR6AOLwEQD6GqQwIkSfgKij7DYAB0L7eLNmZhyv7mzKlL2a2bJKBC1rfPxk4H8eB7mVn5O8M7A1BP0c=",
}

// sealLegacy seals as Semaphore UI does.
func sealLegacy(tb testing.TB, key crypto.Key, plain []byte) string {
	tb.Helper()
	raw, err := base64.StdEncoding.DecodeString(key.Encode())
	require.NoError(tb, err)
	block, err := aes.NewCipher(raw)
	require.NoError(tb, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(tb, err)
	nonce := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(nonce)
	return base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, plain, nil))
}

func binaryAsText(tb testing.TB) string {
	tb.Helper()
	blob, err := ringOf(tb, keyOf(tb, 32)).SealBytes([]byte("correct-horse"), place(12))
	require.NoError(tb, err)
	return base64.RawURLEncoding.EncodeToString(blob[9:])
}

func TestOpenLegacy(t *testing.T) {
	t.Parallel()
	r := ringOf(t, crypto.GenerateKey(), keyOf(t, 16), keyOf(t, 24), keyOf(t, 32))
	pem := "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"
	for _, test := range []struct{ name, stored, plain string }{
		{"key of 16 bytes", legacyFixed[16], login},
		{"key of 24 bytes", legacyFixed[24], login},
		{"key of 32 bytes", legacyFixed[32], login},
		{"an empty secret, sealed", sealLegacy(t, keyOf(t, 24), nil), ""},
		{"no key", base64.StdEncoding.EncodeToString([]byte(login)), login},
		{"no key, short", "eA==", "x"},
		{"no key, not ASCII", base64.StdEncoding.EncodeToString([]byte("пароль")), "пароль"},
		{"private key with newline", pem, pem},
		{"any text with newline", "eA==\n", "eA==\n"},
		{"nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			plain, err := r.OpenLegacy(test.stored)
			require.NoError(t, err)
			require.Equal(t, test.plain, string(plain))
			plain, err = r.OpenAny(test.stored, place(1))
			require.NoError(t, err)
			require.Equal(t, test.plain, string(plain))
			_, err = r.Open(test.stored, place(1))
			require.ErrorIs(t, err, crypto.ErrNotSealed)
		})
	}
}

func TestOpenLegacyErrors(t *testing.T) {
	t.Parallel()
	r := ringOf(t, crypto.GenerateKey())

	t.Run("a missing key never yields bytes", func(t *testing.T) {
		t.Parallel()
		for _, stored := range legacyFixed {
			_, err := r.OpenLegacy(stored)
			var missing *crypto.MissingKeyError
			require.ErrorAs(t, err, &missing)
			require.Empty(t, missing.KeyID)
			require.ErrorContains(t, err, "add the access_key_encryption it was written with to the older keys")
			require.NotContains(t, err.Error(), stored)
		}
	})
	t.Run("text that is no base64 is damaged and not shown", func(t *testing.T) {
		t.Parallel()
		_, err := r.OpenLegacy("correct-horse")
		require.ErrorIs(t, err, crypto.ErrDamaged)
		require.NotContains(t, err.Error(), "correct")
		_, err = r.OpenAny("correct-horse", place(4))
		require.ErrorIs(t, err, crypto.ErrDamaged)
		require.ErrorContains(t, err, "row 4")
	})
}

func TestOpenAny(t *testing.T) {
	t.Parallel()
	r := ringOf(t, keyOf(t, 32))
	plain, err := r.OpenAny(fixedText, place(12))
	require.NoError(t, err)
	require.Equal(t, "correct-horse", string(plain))

	_, err = r.OpenAny(fixedText, place(13))
	require.ErrorIs(t, err, crypto.ErrDamaged, "the row binds it")
	_, err = r.OpenAny(fixedText+"\n", place(12))
	require.ErrorIs(t, err, crypto.ErrDamaged, "a newline does not make it a legacy value")
}
