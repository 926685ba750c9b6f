package job

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
)

// RemoteKeySize is the length of the key of a [RemoteCipher].
const RemoteKeySize = 32

// RemoteCipher seals what holds secrets on the way between a runner and its
// server, beside specs: Terraform states and run bundles. It is AES-256-GCM
// with random nonces, so the server makes a key per session. Each text is bound
// to its place.
type RemoteCipher struct{ aead cipher.AEAD }

var errRemoteSealed = errors.New("what came from the other side does not open: it was damaged, or sealed in another session")

// NewRemoteCipher takes the key of a session.
func NewRemoteCipher(key []byte) (RemoteCipher, error) {
	if len(key) != RemoteKeySize {
		return RemoteCipher{}, fmt.Errorf("session key has %d bytes, not %d", len(key), RemoteKeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return RemoteCipher{}, fmt.Errorf("session key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return RemoteCipher{}, fmt.Errorf("session key: %w", err)
	}
	return RemoteCipher{aead}, nil
}

// Seal encrypts plain for a place.
func (c RemoteCipher) Seal(plain []byte, place string) []byte {
	nonce := make([]byte, c.aead.NonceSize(), c.aead.NonceSize()+len(plain)+c.aead.Overhead())
	_, _ = rand.Read(nonce) // never fails: it ends the process instead
	return c.aead.Seal(nonce, nonce, plain, []byte(place))
}

// Open decrypts what Seal returned for the same place.
func (c RemoteCipher) Open(sealed []byte, place string) ([]byte, error) {
	n := c.aead.NonceSize()
	if len(sealed) < n {
		return nil, errRemoteSealed
	}
	plain, err := c.aead.Open(nil, sealed[:n], sealed[n:], []byte(place))
	if err != nil {
		return nil, errRemoteSealed
	}
	return plain, nil
}

// RemoteStatePlace binds a version of a state. Which way it goes is part of it.
func RemoteStatePlace(way string, key StateKey, lineage string, serial uint64) string {
	return fmt.Sprintf("state %s %d %d %q %q %d", way, key.ProjectID, key.TemplateID, key.Workspace, lineage, serial)
}

// RemoteBundlePlace binds a part of a bundle.
func RemoteBundlePlace(way string, task int64, part int, last bool) string {
	return fmt.Sprintf("bundle %s %d %d %t", way, task, part, last)
}

// The ways of RemoteStatePlace and RemoteBundlePlace.
const (
	RemoteUp   = "up"   // to the server
	RemoteDown = "down" // to the runner
)

// RemoteSessionContext is what the key of a session is sealed with.
func RemoteSessionContext(boot string) []byte { return []byte("session " + boot) }

// remoteTaskContext binds a spec to an attempt: the word task, then task id and
// attempt as 8 bytes each.
func remoteTaskContext(l Lease) []byte {
	b := binary.BigEndian.AppendUint64([]byte("task"), uint64(l.TaskID))
	return binary.BigEndian.AppendUint64(b, uint64(l.Attempt))
}
