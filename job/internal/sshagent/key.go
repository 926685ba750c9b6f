package sshagent

import (
	"errors"

	"golang.org/x/crypto/ssh"
)

// How a private key can fail to open.
var (
	ErrParse            = errors.New("not a private key in PEM or OpenSSH form")
	ErrPassphraseNeeded = errors.New("the private key needs its passphrase")
	ErrPassphraseWrong  = errors.New("the passphrase does not open the private key")
)

// ParseKey opens a private key and returns it as the agent takes it, with its
// public half. The passphrase of a key that has none is ignored. The error is
// [ErrParse], [ErrPassphraseNeeded] or [ErrPassphraseWrong] and never shows the
// key.
func ParseKey(pem, passphrase []byte) (raw any, pub ssh.PublicKey, err error) {
	raw, err = ssh.ParseRawPrivateKey(pem)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		if len(passphrase) == 0 {
			return nil, nil, ErrPassphraseNeeded
		}
		// Old PEM encryption has no proper check: a wrong passphrase can also
		// yield bytes that are no key.
		raw, err = ssh.ParseRawPrivateKeyWithPassphrase(pem, passphrase)
		if err != nil {
			return nil, nil, ErrPassphraseWrong
		}
	}
	if err != nil {
		return nil, nil, ErrParse
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, nil, ErrParse
	}
	return raw, signer.PublicKey(), nil
}
