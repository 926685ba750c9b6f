package crypto

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/crypto/ssh"
)

var (
	// ErrPassphraseMissing says that the ssh key is encrypted and no passphrase came.
	ErrPassphraseMissing = errors.New("the ssh key is encrypted: give its passphrase")
	// ErrPassphraseWrong says that the passphrase does not open the ssh key.
	ErrPassphraseWrong = errors.New("the passphrase does not open the ssh key")
	// ErrNotSSHKey says that the text is no private ssh key, and what it is.
	ErrNotSSHKey = errors.New("not a private ssh key")
)

const typeOpenSSH = "OPENSSH PRIVATE KEY"

// SSHKey is what may be shown of a private ssh key.
type SSHKey struct {
	Type        string // as in authorized_keys: ssh-ed25519, ssh-rsa, ...
	Fingerprint string // SHA256:..., as ssh-keygen -l prints it
	Authorized  string // the line for authorized_keys, without newline
	Encrypted   bool   // it needs the passphrase
}

// ParseSSHKey reads a private key in OpenSSH, PKCS #1, SEC 1 or PKCS #8 form
// of up to 16 KiB. A passphrase that the key does not need is ignored. Errors
// are [ErrPassphraseMissing], [ErrPassphraseWrong] and [ErrNotSSHKey], which
// names what was given instead and the cure.
func ParseSSHKey(text, passphrase []byte) (SSHKey, error) {
	if len(text) > maxPEM {
		return SSHKey{}, fmt.Errorf("%w: it is too long", ErrNotSSHKey)
	}
	text = append(bytes.Clone(bytes.TrimSpace(text)), '\n')
	block, _ := pem.Decode(text)
	if why := notPrivateKey(text, block); why != "" {
		return SSHKey{}, fmt.Errorf("%w: %s", ErrNotSSHKey, why)
	}
	raw, err := ssh.ParseRawPrivateKey(text)
	var missing *ssh.PassphraseMissingError
	encrypted := errors.As(err, &missing)
	if encrypted {
		if len(passphrase) == 0 {
			return SSHKey{}, ErrPassphraseMissing
		}
		raw, err = ssh.ParseRawPrivateKeyWithPassphrase(text, passphrase)
		// Bytes of the older PEM forms that decrypt to no key were decrypted
		// with another passphrase: their padding is right by chance.
		if errors.Is(err, x509.IncorrectPasswordError) || err != nil && block.Type != typeOpenSSH {
			return SSHKey{}, ErrPassphraseWrong
		}
	}
	if err != nil {
		return SSHKey{}, fmt.Errorf("%w: it is damaged, or of a kind that is not supported", ErrNotSSHKey)
	}
	key, err := describeSSHKey(raw)
	if err != nil {
		return SSHKey{}, err
	}
	key.Encrypted = encrypted
	return key, nil
}

// notPrivateKey tells what a text is instead of a private key, and the cure.
func notPrivateKey(text []byte, block *pem.Block) string {
	s := string(text)
	switch {
	case s == "\n":
		return "it is empty"
	case strings.HasPrefix(s, "PuTTY-User-Key-File-"):
		return "it is in PuTTY form: convert it with: puttygen KEY.ppk -O private-openssh -o KEY"
	case strings.HasPrefix(s, "ssh-"), strings.HasPrefix(s, "ecdsa-"), strings.HasPrefix(s, "sk-"),
		strings.HasPrefix(s, "---- BEGIN SSH2 PUBLIC KEY"), block != nil && strings.HasSuffix(block.Type, "PUBLIC KEY"):
		return "it is a public key: paste the private one, the file without .pub"
	case block == nil && strings.HasPrefix(s, "-----BEGIN "):
		return "it is cut or damaged: paste the whole file, first and last line included"
	case block == nil:
		return "it does not start with -----BEGIN"
	case block.Type == "ENCRYPTED PRIVATE KEY":
		return "it is encrypted PKCS #8: convert it with: ssh-keygen -p -f KEY"
	case !strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return "it is PEM of something else"
	}
	return ""
}

func describeSSHKey(raw any) (SSHKey, error) {
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return SSHKey{}, fmt.Errorf("%w: ssh does not use keys of its kind", ErrNotSSHKey)
	}
	pub := signer.PublicKey()
	return SSHKey{
		Type:        pub.Type(),
		Fingerprint: ssh.FingerprintSHA256(pub),
		Authorized:  strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub))),
	}, nil
}

// GenerateSSHKey returns a new unencrypted ed25519 key in OpenSSH form, which
// is secret, and what may be shown of it.
func GenerateSSHKey(comment string) (private []byte, key SSHKey, err error) {
	if strings.ContainsFunc(comment, unicode.IsControl) {
		return nil, SSHKey{}, errors.New("generate ssh key: the comment holds control characters")
	}
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, SSHKey{}, fmt.Errorf("generate ssh key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(secret, comment)
	if err != nil {
		return nil, SSHKey{}, fmt.Errorf("generate ssh key: %w", err)
	}
	key, err = describeSSHKey(secret)
	if err != nil {
		return nil, SSHKey{}, fmt.Errorf("generate ssh key: %w", err)
	}
	key.Authorized = strings.TrimSpace(key.Authorized + " " + comment)
	return pem.EncodeToMemory(block), key, nil
}
