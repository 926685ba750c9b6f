package crypto_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

func FuzzOpen(f *testing.F) {
	for _, s := range []string{"", "v1.", "v1.db3bd98e.", fixedText, fixedText + "\n", fixedText[:40], "v1.b0f08971.AAAA", "Y29ycmVjdA=="} {
		f.Add(s)
	}
	blob, err := hex.DecodeString(fixedBinary)
	require.NoError(f, err)
	f.Add(string(blob))
	r := ringOf(f, keyOf(f, 32), keyOf(f, 16))
	f.Fuzz(func(t *testing.T, stored string) {
		if _, err := r.Open(stored, place(12)); err == nil {
			require.Equal(t, fixedText, stored, "only what was sealed opens")
		}
		if _, err := r.OpenBytes([]byte(stored), place(12)); err == nil {
			require.Equal(t, string(blob), stored)
		}
		_, errAny := r.OpenAny(stored, place(12))
		if r.Current(stored) && stored != fixedText {
			require.Error(t, errAny)
		}
	})
}

func FuzzOpenLegacy(f *testing.F) {
	for _, s := range legacyFixed {
		f.Add(s)
	}
	for _, s := range []string{"", "\n", "eA==", "eA==\n", "/////w==", "correct-horse", fixedText} {
		f.Add(s)
	}
	r := ringOf(f, keyOf(f, 32), keyOf(f, 16))
	f.Fuzz(func(t *testing.T, stored string) {
		plain, err := r.OpenLegacy(stored)
		switch {
		case err != nil:
			require.Nil(t, plain)
		case strings.HasSuffix(stored, "\n"):
			require.Equal(t, stored, string(plain))
		default:
			require.True(t, utf8.Valid(plain))
			_, err := base64.StdEncoding.DecodeString(stored)
			require.NoError(t, err)
		}
	})
}

func FuzzDecryptRSAChunks(f *testing.F) {
	chunks := file(f, "oldrunner/chunks.bin")
	priv := readOldRunner(f)
	for _, b := range [][]byte{nil, chunks, chunks[:256], chunks[:255], make([]byte, 256)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, err := crypto.DecryptRSAChunks(priv, data)
		if err != nil {
			require.Nil(t, plain)
			return
		}
		require.LessOrEqual(t, len(plain), len(data)/256*245)
	})
}

func FuzzParseOldRunnerPublic(f *testing.F) {
	for _, name := range []string{"oldrunner/public.pem", "oldrunner/pkix.pem", "oldrunner/private.pem", "ssh/ed25519"} {
		f.Add(file(f, name))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pub, err := crypto.ParseOldRunnerPublic(text)
		if err != nil {
			return
		}
		again, err := crypto.ParseOldRunnerPublic(pub.PEM())
		require.NoError(t, err)
		require.Equal(t, pub.ID(), again.ID())
		_, _ = crypto.EncryptRSAChunks(pub, []byte("x"))
	})
}

func FuzzParseSSHKey(f *testing.F) {
	for _, name := range []string{"ed25519", "ed25519_encrypted", "rsa_pem", "rsa_pem_encrypted", "ecdsa_pkcs8", "ecdsa_pkcs8_encrypted", "x25519"} {
		f.Add(file(f, "ssh/"+name), []byte(nil))
		f.Add(file(f, "ssh/"+name), []byte("correct horse"))
	}
	f.Add([]byte("ssh-ed25519 AAAA"), []byte(nil))
	f.Add([]byte("PuTTY-User-Key-File-2: ssh-rsa"), []byte(nil))
	f.Fuzz(func(t *testing.T, text, passphrase []byte) {
		key, err := crypto.ParseSSHKey(text, passphrase)
		if err != nil {
			require.Equal(t, crypto.SSHKey{}, key)
			return
		}
		require.True(t, strings.HasPrefix(key.Fingerprint, "SHA256:"))
		require.True(t, strings.HasPrefix(key.Authorized, key.Type+" "))
	})
}
