package crypto

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	idBytes  = 4           // of a key, in the binary form
	idLength = 2 * idBytes // in hex

	infoID   = "semaphore crypto v1 key id"
	infoSeal = "semaphore crypto v1 seal"
)

// Key is one key of a [Ring]. The same text serves Semaphore UI as
// access_key_encryption. The zero value is no key.
type Key struct{ m hidden[material] }

type material struct {
	raw    []byte
	id     string
	seal   cipher.AEAD // XChaCha20-Poly1305 under a key derived from raw
	legacy cipher.AEAD // AES-GCM under raw itself, as Semaphore UI has it
}

// GenerateKey returns a new key of 32 random bytes.
func GenerateKey() Key {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: it ends the process instead
	k, err := newKey(raw)
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	return k
}

// ParseKey reads standard base64 of 16, 24 or 32 bytes; 32 are recommended.
// White space around it is ignored.
func ParseKey(text string) (Key, error) {
	const cure = "make one with: head -c 32 /dev/urandom | base64"
	text = strings.TrimSpace(text)
	if text == "" {
		return Key{}, errors.New("no encryption key: " + cure)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return Key{}, errors.New("the encryption key is not standard base64: " + cure)
	}
	switch len(raw) {
	case 16, 24, 32:
		return newKey(raw)
	}
	return Key{}, fmt.Errorf("the encryption key has %d bytes, not 16, 24 or 32: %s", len(raw), cure)
}

func newKey(raw []byte) (Key, error) {
	id, err := hkdf.Key(sha256.New, raw, nil, infoID, idBytes)
	if err != nil {
		return Key{}, fmt.Errorf("derive key id: %w", err)
	}
	derived, err := hkdf.Key(sha256.New, raw, nil, infoSeal, chacha20poly1305.KeySize)
	if err != nil {
		return Key{}, fmt.Errorf("derive sealing key: %w", err)
	}
	seal, err := chacha20poly1305.NewX(derived)
	if err != nil {
		return Key{}, fmt.Errorf("prepare sealing key: %w", err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return Key{}, fmt.Errorf("prepare legacy key: %w", err)
	}
	legacy, err := cipher.NewGCM(block)
	if err != nil {
		return Key{}, fmt.Errorf("prepare legacy key: %w", err)
	}
	return Key{hide(&material{raw: raw, id: hex.EncodeToString(id), seal: seal, legacy: legacy})}, nil
}

// ID returns 8 hex digits derived from the key, which tell nothing about it.
func (k Key) ID() string {
	if m := k.m.get(); m != nil {
		return m.id
	}
	return ""
}

// Encode returns the secret text that [ParseKey] reads.
func (k Key) Encode() string {
	if m := k.m.get(); m != nil {
		return base64.StdEncoding.EncodeToString(m.raw)
	}
	return ""
}

// String returns "*** (id)".
func (k Key) String() string { return masked(k.ID()) }

// Format writes what String returns, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// LogValue makes log records show what String returns.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

func masked(id string) string {
	if id == "" {
		return "no key"
	}
	return "*** (" + id + ")"
}
