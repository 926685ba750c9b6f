package crypto_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

// file reads a file of testdata. Those of oldrunner were made by openssl
// (genrsa, pkeyutl), those of ssh by ssh-keygen and openssl.
func file(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	require.NoError(tb, err)
	return b
}

func readOldRunner(tb testing.TB) crypto.OldRunnerPrivate {
	tb.Helper()
	k, err := crypto.ParseOldRunnerPrivate(file(tb, "oldrunner/private.pem"))
	require.NoError(tb, err)
	return k
}

func TestDecryptRSAChunksOfOpenSSL(t *testing.T) {
	t.Parallel()
	plain, err := crypto.DecryptRSAChunks(readOldRunner(t), file(t, "oldrunner/chunks.bin"))
	require.NoError(t, err)
	require.Equal(t, string(file(t, "oldrunner/plain.json")), string(plain))
}

func TestRSAChunks(t *testing.T) {
	t.Parallel()
	priv := readOldRunner(t)
	for _, size := range []int{0, 1, 244, 245, 246, 490, 491, 5000} {
		data := bytes.Repeat([]byte("x"), size)
		out, err := crypto.EncryptRSAChunks(priv.Public(), data)
		require.NoError(t, err)
		require.Len(t, out, (size+244)/245*256)
		plain, err := crypto.DecryptRSAChunks(priv, out)
		require.NoError(t, err)
		require.Equal(t, string(data), string(plain))
	}
}

func TestRSAChunkErrors(t *testing.T) {
	t.Parallel()
	priv := readOldRunner(t)
	chunks := file(t, "oldrunner/chunks.bin")
	for _, data := range [][]byte{chunks[:511], chunks[1:], make([]byte, 256), bytes.Repeat([]byte{0xff}, 256)} {
		_, err := crypto.DecryptRSAChunks(priv, data)
		require.ErrorIs(t, err, crypto.ErrDamaged)
	}
	_, err := crypto.EncryptRSAChunks(crypto.OldRunnerPublic{}, nil)
	require.ErrorContains(t, err, "use ParseOldRunnerPublic")
	_, err = crypto.DecryptRSAChunks(crypto.OldRunnerPrivate{}, nil)
	require.ErrorContains(t, err, "use ParseOldRunnerPrivate")
}

func TestGenerateOldRunnerKey(t *testing.T) {
	t.Parallel()
	k, err := crypto.GenerateOldRunnerKey()
	require.NoError(t, err)
	require.Contains(t, string(k.PEM()), "-----BEGIN RSA PRIVATE KEY-----\n")
	again, err := crypto.ParseOldRunnerPrivate(k.PEM())
	require.NoError(t, err)
	require.Equal(t, k.PEM(), again.PEM())

	text := k.Public().PEM()
	require.Contains(t, string(text), "-----BEGIN PUBLIC KEY-----\n")
	pub, err := crypto.ParseOldRunnerPublic(text)
	require.NoError(t, err)
	require.Equal(t, k.Public().ID(), pub.ID())
}

func TestParseOldRunnerPublicTakesEveryForm(t *testing.T) {
	t.Parallel()
	want := readOldRunner(t).Public()
	pkcs1 := file(t, "oldrunner/public.pem")
	require.Equal(t, string(pkcs1), string(want.PEM()))
	for _, text := range [][]byte{
		pkcs1,
		file(t, "oldrunner/pkix.pem"),
		bytes.ReplaceAll(pkcs1, []byte("PUBLIC"), []byte("RSA PUBLIC")),
		bytes.ReplaceAll(pkcs1, []byte("\n"), []byte("\r\n")),
	} {
		pub, err := crypto.ParseOldRunnerPublic(text)
		require.NoError(t, err)
		require.Equal(t, want.ID(), pub.ID())
	}
}

func TestParseOldRunnerErrors(t *testing.T) {
	t.Parallel()
	block := func(kind string, content []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	}
	ed25519PKIX := []byte("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00" + "01234567890123456789012345678901")
	small := []byte("\x30\x0d\x02\x08\x7f\x01\x02\x03\x04\x05\x06\x07\x02\x01\x03") // PKCS #1, 63 bits
	for _, test := range []struct {
		name string
		text []byte
		err  string
	}{
		{"empty, as runners without key file send it", nil, "it is not PEM"},
		{"long", make([]byte, 1<<20), "it is too long"},
		{"another type", block("CERTIFICATE", small), "it is not PEM of type"},
		{"garbage inside", block("PUBLIC KEY", []byte("correct-horse")), "its content is no RSA key"},
		{"ed25519", block("PUBLIC KEY", ed25519PKIX), "its content is no RSA key"},
		{"small", block("PUBLIC KEY", small), "it has 63 bits: use 2048"},
		{"the private key", file(t, "oldrunner/private.pem"), `it is not PEM of type "PUBLIC KEY"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := crypto.ParseOldRunnerPublic(test.text)
			require.ErrorContains(t, err, "public key of old runner: "+test.err)
			require.NotContains(t, err.Error(), "correct")
		})
	}
	_, err := crypto.ParseOldRunnerPrivate(file(t, "oldrunner/public.pem"))
	require.ErrorContains(t, err, `it is not PEM of type "RSA PRIVATE KEY"`)
	_, err = crypto.ParseOldRunnerPrivate(block("RSA PRIVATE KEY", []byte("correct-horse")))
	require.EqualError(t, err, "private key of old runner: its content is not PKCS #1")
	_, err = crypto.ParseOldRunnerPrivate(nil)
	require.ErrorContains(t, err, "it is not PEM")
}
