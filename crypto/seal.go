package crypto

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	textPrefix = "v1."
	textHead   = len(textPrefix) + idLength + 1

	binaryMagic = "\xffSEM\x01" // starts no text; the last byte is the version
	binaryHead  = len(binaryMagic) + idBytes

	formText   = "text"
	formBinary = "binary"
)

var textEncoding = base64.RawURLEncoding.Strict() // one text per value

// Seal encrypts plain with the primary key for one place. The result is ASCII,
// v1.<key id>.<base64url of nonce, ciphertext and tag>, and 4/3 of the length
// of plain plus 66 bytes.
func (r *Ring) Seal(plain []byte, ad AD) (string, error) {
	key, err := r.primary()
	if err != nil {
		return "", fmt.Errorf("seal %v: %w", ad, err)
	}
	body, err := key.encrypt(nil, plain, ad, formText)
	if err != nil {
		return "", fmt.Errorf("seal %v: %w", ad, err)
	}
	return textPrefix + key.id + "." + textEncoding.EncodeToString(body), nil
}

// Open decrypts what [Ring.Seal] returned for the same place. Other forms are
// [ErrNotSealed], values of Semaphore UI too: they are bound to no row, so who
// can write to the database could plant one. Errors are also [ErrDamaged] and
// [MissingKeyError].
func (r *Ring) Open(sealed string, ad AD) ([]byte, error) {
	plain, err := r.open(sealed, ad)
	if err != nil {
		return nil, fmt.Errorf("open %v: %w", ad, err)
	}
	return plain, nil
}

func (r *Ring) open(sealed string, ad AD) ([]byte, error) {
	id, ok := textKeyID(sealed)
	if !ok {
		return nil, ErrNotSealed
	}
	key, err := r.find(id)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(sealed, "\r\n") {
		return nil, ErrDamaged // the decoder would pass over them
	}
	body, err := textEncoding.DecodeString(sealed[textHead:])
	if err != nil {
		return nil, ErrDamaged
	}
	return key.decrypt(body, ad, formText)
}

// SealBytes is [Ring.Seal] for large values: its result is binary, 49 bytes
// longer than plain, and opens with [Ring.OpenBytes] only.
func (r *Ring) SealBytes(plain []byte, ad AD) ([]byte, error) {
	key, err := r.primary()
	if err != nil {
		return nil, fmt.Errorf("seal %v: %w", ad, err)
	}
	head := make([]byte, 0, binaryHead+key.seal.NonceSize()+len(plain)+key.seal.Overhead())
	head = append(head, binaryMagic...)
	head, err = hex.AppendDecode(head, []byte(key.id))
	if err != nil {
		return nil, fmt.Errorf("seal %v: %w", ad, err)
	}
	blob, err := key.encrypt(head, plain, ad, formBinary)
	if err != nil {
		return nil, fmt.Errorf("seal %v: %w", ad, err)
	}
	return blob, nil
}

// OpenBytes decrypts what [Ring.SealBytes] returned for the same place; its
// errors are those of [Ring.Open].
func (r *Ring) OpenBytes(blob []byte, ad AD) ([]byte, error) {
	id, ok := binaryKeyID(blob)
	if !ok {
		return nil, fmt.Errorf("open %v: %w", ad, ErrNotSealed)
	}
	key, err := r.find(id)
	if err != nil {
		return nil, fmt.Errorf("open %v: %w", ad, err)
	}
	plain, err := key.decrypt(blob[binaryHead:], ad, formBinary)
	if err != nil {
		return nil, fmt.Errorf("open %v: %w", ad, err)
	}
	return plain, nil
}

// Current tells whether a value was sealed by [Ring.Seal] with the primary
// key. It looks at the head only and checks nothing else.
func (r *Ring) Current(sealed string) bool {
	id, ok := textKeyID(sealed)
	return ok && id == r.Primary()
}

// CurrentBytes is [Ring.Current] for values of [Ring.SealBytes].
func (r *Ring) CurrentBytes(blob []byte) bool {
	id, ok := binaryKeyID(blob)
	return ok && id == r.Primary()
}

// SealedWith returns the id of the key that sealed a value of [Ring.Seal] or
// [Ring.SealBytes], which stands at its head. It is false for anything else, and
// checks nothing behind the head.
func SealedWith(value string) (id string, ok bool) {
	if id, ok := textKeyID(value); ok {
		return id, true
	}
	return binaryKeyID([]byte(value[:min(len(value), binaryHead)]))
}

func textKeyID(sealed string) (string, bool) {
	if len(sealed) < textHead || !strings.HasPrefix(sealed, textPrefix) || sealed[textHead-1] != '.' {
		return "", false
	}
	id := sealed[len(textPrefix) : textHead-1]
	return id, strings.Trim(id, "0123456789abcdef") == ""
}

func binaryKeyID(blob []byte) (string, bool) {
	if len(blob) < binaryHead || string(blob[:len(binaryMagic)]) != binaryMagic {
		return "", false
	}
	return hex.EncodeToString(blob[len(binaryMagic):binaryHead]), true
}

// encrypt appends nonce, ciphertext and tag to head. Nonces of 24 random bytes
// do not collide, however many values one key seals.
func (m *material) encrypt(head, plain []byte, ad AD, form string) ([]byte, error) {
	if err := ad.check(); err != nil {
		return nil, err
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonce) // never fails: it ends the process instead
	return m.seal.Seal(append(head, nonce...), nonce, plain, ad.encode(form, m.id)), nil
}

func (m *material) decrypt(body []byte, ad AD, form string) ([]byte, error) {
	if err := ad.check(); err != nil {
		return nil, err
	}
	if len(body) < m.seal.NonceSize()+m.seal.Overhead() {
		return nil, ErrDamaged
	}
	nonce, text := body[:m.seal.NonceSize()], body[m.seal.NonceSize():]
	plain, err := m.seal.Open(nil, nonce, text, ad.encode(form, m.id))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}
