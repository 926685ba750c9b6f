package crypto_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

// The fingerprints are those of ssh-keygen -l.
func TestParseSSHKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file, passphrase, kind, fingerprint string
		encrypted                           bool
	}{
		{"ed25519", "", "ssh-ed25519", "SHA256:gOD7ifwjWkStWYw9twG0z2evPX1y3KOQIy01mwLwl3k", false},
		{"ed25519", "not needed", "ssh-ed25519", "SHA256:gOD7ifwjWkStWYw9twG0z2evPX1y3KOQIy01mwLwl3k", false},
		{"ed25519_encrypted", "correct horse", "ssh-ed25519", "SHA256:i8dT2jrbimEtMPK2mVm4Cy26na0VpQbEqhCF/tB2VhE", true},
		{"rsa_pem", "", "ssh-rsa", "SHA256:e8PViReEhQ89e8JMUeClrCGKJE22RF9oJqhJ4ug1wQI", false},
		{"rsa_pem_encrypted", "correct horse", "ssh-rsa", "SHA256:N/7ZSJ8PAESH9DXkIGDk303mTk/IbjJNnJV/mL+J6pw", true},
		{"ecdsa_pkcs8", "", "ecdsa-sha2-nistp256", "SHA256:QtIaumbsJHaEZ/r7XK5V6ueF9besxMiay9lj2i2nw7A", false},
	} {
		t.Run(test.file+" "+test.passphrase, func(t *testing.T) {
			t.Parallel()
			text := file(t, "ssh/"+test.file)
			for _, form := range [][]byte{text, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), bytes.TrimSpace(text), append([]byte("\n \n"), text...)} {
				before := bytes.Clone(form)
				key, err := crypto.ParseSSHKey(form, []byte(test.passphrase))
				require.NoError(t, err)
				require.Equal(t, before, form, "the caller's text stays as it is")
				require.Equal(t, test.kind, key.Type)
				require.Equal(t, test.fingerprint, key.Fingerprint)
				require.Equal(t, test.encrypted, key.Encrypted)
				require.True(t, strings.HasPrefix(key.Authorized, test.kind+" AAAA"), key.Authorized)
				require.NotContains(t, key.Authorized, "\n")
			}
		})
	}
}

func TestParseSSHKeyErrors(t *testing.T) {
	t.Parallel()
	plain := file(t, "ssh/ed25519")
	for _, test := range []struct {
		name       string
		text       []byte
		passphrase string
		is         error
		contains   string
	}{
		{"passphrase missing, OpenSSH", file(t, "ssh/ed25519_encrypted"), "", crypto.ErrPassphraseMissing, "give its passphrase"},
		{"passphrase missing, PEM", file(t, "ssh/rsa_pem_encrypted"), "", crypto.ErrPassphraseMissing, "give its passphrase"},
		{"passphrase wrong, OpenSSH", file(t, "ssh/ed25519_encrypted"), "battery", crypto.ErrPassphraseWrong, ""},
		{"passphrase wrong, PEM", file(t, "ssh/rsa_pem_encrypted"), "battery", crypto.ErrPassphraseWrong, ""},
		{"nothing", []byte(" \n"), "", crypto.ErrNotSSHKey, "it is empty"},
		{"public key", []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@host"), "", crypto.ErrNotSSHKey, "paste the private one, the file without .pub"},
		{"public ecdsa key", []byte("ecdsa-sha2-nistp256 AAAA"), "", crypto.ErrNotSSHKey, "public key"},
		{"public key in PEM", file(t, "oldrunner/pkix.pem"), "", crypto.ErrNotSSHKey, "public key"},
		{"public key of RFC 4716", []byte("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n"), "", crypto.ErrNotSSHKey, "public key"},
		{"PuTTY", []byte("PuTTY-User-Key-File-3: ssh-ed25519\r\n"), "", crypto.ErrNotSSHKey, "puttygen KEY.ppk -O private-openssh"},
		{"encrypted PKCS #8", file(t, "ssh/ecdsa_pkcs8_encrypted"), "x", crypto.ErrNotSSHKey, "ssh-keygen -p -f KEY"},
		{"a kind ssh lacks", file(t, "ssh/x25519"), "", crypto.ErrNotSSHKey, "ssh does not use keys of its kind"},
		{"cut", plain[:200], "", crypto.ErrNotSSHKey, "it is cut or damaged"},
		{"damaged", bytes.Replace(plain, []byte("b3BlbnNzaC"), []byte("b3BlbnNzaD"), 1), "", crypto.ErrNotSSHKey, "it is damaged"},
		{"certificate", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "", crypto.ErrNotSSHKey, "PEM of something else"},
		{"a password", []byte("correct-horse"), "", crypto.ErrNotSSHKey, "does not start with -----BEGIN"},
		{"long", make([]byte, 1<<20), "", crypto.ErrNotSSHKey, "it is too long"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := crypto.ParseSSHKey(test.text, []byte(test.passphrase))
			require.ErrorIs(t, err, test.is)
			require.ErrorContains(t, err, test.contains)
			require.NotContains(t, err.Error(), "correct")
			require.NotContains(t, err.Error(), "battery")
		})
	}
}

// TestWrongPassphraseIsNamedEachTime tries many: with the older PEM form one in
// 256 decrypts to bytes with correct padding.
func TestWrongPassphraseIsNamedEachTime(t *testing.T) {
	t.Parallel()
	text := file(t, "ssh/rsa_pem_encrypted")
	for i := range 1000 {
		_, err := crypto.ParseSSHKey(text, []byte(secretOf(i)))
		require.ErrorIs(t, err, crypto.ErrPassphraseWrong)
	}
}

func TestGenerateSSHKey(t *testing.T) {
	t.Parallel()
	private, key, err := crypto.GenerateSSHKey("deploy@example.com")
	require.NoError(t, err)
	require.Equal(t, "ssh-ed25519", key.Type)
	require.False(t, key.Encrypted)
	require.True(t, strings.HasSuffix(key.Authorized, " deploy@example.com"))

	read, err := crypto.ParseSSHKey(private, nil)
	require.NoError(t, err)
	require.Equal(t, key.Fingerprint, read.Fingerprint)

	_, key, err = crypto.GenerateSSHKey("")
	require.NoError(t, err)
	require.Len(t, strings.Fields(key.Authorized), 2)
	_, _, err = crypto.GenerateSSHKey("a\nssh-ed25519 AAAA")
	require.ErrorContains(t, err, "control characters")
}

func TestSSHKeygenReadsGeneratedKey(t *testing.T) {
	t.Parallel()
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	private, key, err := crypto.GenerateSSHKey("deploy")
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(name, private, 0o600))
	out, err := exec.CommandContext(t.Context(), keygen, "-y", "-f", name).Output()
	require.NoError(t, err)
	require.Equal(t, key.Authorized, strings.TrimSpace(string(out)))
}
