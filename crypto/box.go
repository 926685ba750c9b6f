package crypto

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

const (
	boxPublicPrefix  = "boxpub1."
	boxPrivatePrefix = "boxkey1."
	boxVersion       = 1
	boxInfo          = "semaphore crypto v1 box\x00"
)

func boxKEM() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// BoxPublic is the key that seals for one runner; it is no secret.
type BoxPublic struct{ key hpke.PublicKey }

// BoxPrivate is the key of a runner that opens what was sealed for it.
type BoxPrivate struct{ key hidden[hpke.PrivateKey] }

// GenerateBoxKey returns a new pair of X25519 keys.
func GenerateBoxKey() (BoxPrivate, BoxPublic, error) {
	key, err := boxKEM().GenerateKey()
	if err != nil {
		return BoxPrivate{}, BoxPublic{}, fmt.Errorf("generate box key: %w", err)
	}
	return BoxPrivate{hide(&key)}, BoxPublic{key.PublicKey()}, nil
}

// ParseBoxPublic reads what [BoxPublic.String] returns.
func ParseBoxPublic(text string) (BoxPublic, error) {
	raw, err := boxText(text, boxPublicPrefix)
	if err != nil {
		return BoxPublic{}, fmt.Errorf("public box key: %w", err)
	}
	key, err := boxKEM().NewPublicKey(raw)
	if err != nil {
		return BoxPublic{}, errors.New("public box key: it does not have 32 bytes")
	}
	return BoxPublic{key}, nil
}

// ParseBoxPrivate reads what [BoxPrivate.Encode] returns.
func ParseBoxPrivate(text string) (BoxPrivate, error) {
	raw, err := boxText(text, boxPrivatePrefix)
	if err != nil {
		return BoxPrivate{}, fmt.Errorf("private box key: %w", err)
	}
	key, err := boxKEM().NewPrivateKey(raw)
	if err != nil {
		return BoxPrivate{}, errors.New("private box key: it does not have 32 bytes")
	}
	return BoxPrivate{hide(&key)}, nil
}

func boxText(text, prefix string) ([]byte, error) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text), prefix)
	if !ok {
		return nil, fmt.Errorf("it does not start with %q: make a pair with GenerateBoxKey", prefix)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, errors.New("it is not base64url")
	}
	return raw, nil
}

// String returns the text of the key, boxpub1.<base64url>.
func (p BoxPublic) String() string {
	if p.key == nil {
		return ""
	}
	return boxPublicPrefix + base64.RawURLEncoding.EncodeToString(p.key.Bytes())
}

// ID returns 8 hex digits that name the pair.
func (p BoxPublic) ID() string {
	if p.key == nil {
		return ""
	}
	sum := sha256.Sum256(p.key.Bytes())
	return hex.EncodeToString(sum[:idBytes])
}

// Public returns the other half of the pair.
func (k BoxPrivate) Public() BoxPublic {
	key := k.key.get()
	if key == nil {
		return BoxPublic{}
	}
	return BoxPublic{(*key).PublicKey()}
}

// Encode returns the secret text of the key, boxkey1.<base64url>.
func (k BoxPrivate) Encode() string {
	key := k.key.get()
	if key == nil {
		return ""
	}
	raw, err := (*key).Bytes()
	if err != nil {
		return "" // a key of boxKEM has its bytes
	}
	return boxPrivatePrefix + base64.RawURLEncoding.EncodeToString(raw)
}

// String returns "*** (id)".
func (k BoxPrivate) String() string { return masked(k.Public().ID()) }

// Format writes what String returns, whatever the verb.
func (k BoxPrivate) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// LogValue makes log records show what String returns.
func (k BoxPrivate) LogValue() slog.Value { return slog.StringValue(k.String()) }

// TaskContext returns the context that binds a message to one attempt of one
// task.
func TaskContext(taskID, attempt int64) []byte {
	b := []byte("task")
	b = binary.BigEndian.AppendUint64(b, uint64(taskID))
	return binary.BigEndian.AppendUint64(b, uint64(attempt))
}

// SealTo encrypts plain so that only the holder of the private key reads it,
// and only with the same context. It is HPKE (RFC 9180, base mode, X25519,
// HKDF-SHA256, ChaCha20-Poly1305) behind a version byte, 49 bytes longer than
// plain. It does not prove who sealed: anybody can who knows the public key.
func SealTo(pub BoxPublic, plain, context []byte) ([]byte, error) {
	if pub.key == nil {
		return nil, errors.New("seal box: empty public key: use ParseBoxPublic")
	}
	sealed, err := hpke.Seal(pub.key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), boxContext(context), plain)
	if err != nil {
		return nil, fmt.Errorf("seal box: %w", err)
	}
	return append([]byte{boxVersion}, sealed...), nil
}

// Open decrypts what [SealTo] sealed for this key and context. Errors are
// [ErrNotSealed] and [ErrDamaged], which covers another key or context too.
func (k BoxPrivate) Open(sealed, context []byte) ([]byte, error) {
	key := k.key.get()
	if key == nil {
		return nil, errors.New("open box: empty private key: use ParseBoxPrivate")
	}
	if len(sealed) == 0 || sealed[0] != boxVersion {
		return nil, fmt.Errorf("open box: %w", ErrNotSealed)
	}
	plain, err := hpke.Open(*key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), boxContext(context), sealed[1:])
	if err != nil {
		return nil, fmt.Errorf("open box: %w", ErrDamaged)
	}
	return plain, nil
}

func boxContext(context []byte) []byte { return append([]byte(boxInfo), context...) }
