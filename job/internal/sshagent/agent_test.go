package sshagent_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/alexandervashurin/semaphore/job/internal/sshagent"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newKey(t *testing.T, passphrase string) []byte {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	require.NoError(t, err)
	return pem.EncodeToMemory(block)
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	_, plain, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(plain)
	require.NoError(t, err)
	locked := newKey(t, "open sesame")
	for _, tc := range []struct {
		name       string
		pem        []byte
		passphrase string
		want       error
	}{
		{"OpenSSH form", newKey(t, ""), "", nil},
		{"PKCS 8", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), "", nil},
		{"a passphrase that is not needed", newKey(t, ""), "superfluous", nil},
		{"the right passphrase", locked, "open sesame", nil},
		{"carriage returns", []byte(strings.ReplaceAll(string(locked), "\n", "\r\n")), "open sesame", nil},
		{"no passphrase", locked, "", sshagent.ErrPassphraseNeeded},
		{"a wrong passphrase", locked, "sesame", sshagent.ErrPassphraseWrong},
		{"nothing", nil, "", sshagent.ErrParse},
		{"a public key", []byte("ssh-ed25519 AAAA"), "", sshagent.ErrParse},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			raw, pub, err := sshagent.ParseKey(tc.pem, []byte(tc.passphrase))
			require.ErrorIs(t, err, tc.want)
			require.Equal(t, tc.want == nil, raw != nil && pub != nil)
		})
	}
}

func TestAgent(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, dir string }{
		{"in a short directory", ""},
		{"in a directory too long for a socket", strings.Repeat("long/", 40)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			base, err := os.MkdirTemp("", "a")
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, os.RemoveAll(base)) })
			dir := filepath.Join(base, tc.dir)
			require.NoError(t, os.MkdirAll(dir, 0o700))
			raw, pub, err := sshagent.ParseKey(newKey(t, ""), nil)
			require.NoError(t, err)

			a, err := sshagent.Start(dir, raw)
			require.NoError(t, err)
			require.Less(t, len(a.Socket()), 104)
			info, err := os.Stat(a.Socket())
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", a.Socket())
			require.NoError(t, err)
			defer conn.Close()
			requireReadOnly(t, agent.NewClient(conn), raw, pub)

			require.NoError(t, a.Close())
			require.NoError(t, a.Close(), "twice")
			require.NoFileExists(t, a.Socket())
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// requireReadOnly signs with the agent and tries everything that would change
// it.
func requireReadOnly(t *testing.T, client agent.ExtendedAgent, raw any, pub ssh.PublicKey) {
	t.Helper()
	keys, err := client.List()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	signature, err := client.Sign(pub, []byte("data"))
	require.NoError(t, err)
	require.NoError(t, pub.Verify([]byte("data"), signature))

	require.Error(t, client.Add(agent.AddedKey{PrivateKey: raw}))
	require.Error(t, client.Remove(pub))
	require.Error(t, client.RemoveAll())
	require.Error(t, client.Lock([]byte("x")))
	require.Error(t, client.Unlock([]byte("x")))
	keys, err = client.List()
	require.NoError(t, err)
	require.Len(t, keys, 1)
}
