package crypto

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

// OpenLegacy opens a stored secret of Semaphore UI, in any of its forms:
//   - text that ends with a newline is an unencrypted private key, returned as
//     it is (the reference has it for keys of type ssh only);
//   - base64 of nonce, AES-GCM ciphertext and tag, with any key of the ring;
//   - base64 of the secret, from an installation without access_key_encryption.
//
// Secrets of the reference are UTF-8, so bytes that no key opens and that are
// not UTF-8 are a [MissingKeyError] and never pass for a secret. Nothing binds
// these values to a row: use OpenLegacy to import, then [Ring.Seal] them.
func (r *Ring) OpenLegacy(stored string) ([]byte, error) {
	if strings.HasSuffix(stored, "\n") {
		return []byte(stored), nil
	}
	body, err := base64.StdEncoding.DecodeString(stored)
	if err != nil {
		return nil, fmt.Errorf("open legacy value: %w", ErrDamaged)
	}
	for _, k := range r.snapshot() {
		gcm := k.m.get().legacy
		size := gcm.NonceSize()
		if len(body) < size+gcm.Overhead() {
			break
		}
		if plain, err := gcm.Open(nil, body[:size], body[size:], nil); err == nil {
			return plain, nil
		}
	}
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("open legacy value: %w", &MissingKeyError{})
	}
	return body, nil
}

// OpenAny opens a value of [Ring.Seal], else one of Semaphore UI. A value that
// starts like ours is ours: it never falls back to the legacy forms. Use it
// only where an import has yet to seal its values again.
func (r *Ring) OpenAny(stored string, ad AD) ([]byte, error) {
	if _, ours := textKeyID(stored); ours {
		return r.Open(stored, ad)
	}
	plain, err := r.OpenLegacy(stored)
	if err != nil {
		return nil, fmt.Errorf("open %v: %w", ad, err)
	}
	return plain, nil
}
