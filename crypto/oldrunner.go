package crypto

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
)

const (
	pemPrivate = "RSA PRIVATE KEY"
	pemPublic  = "PUBLIC KEY"

	minRSABits, newRSABits, maxRSABits = 2048, 2048, 8192

	paddingBytes = 11       // of PKCS #1 v1.5, per chunk
	maxPEM       = 16 << 10 // ends the work on texts that are no key early
)

// OldRunnerPrivate is the RSA key of a runner of Semaphore UI. It exists for
// these runners only; ours use [BoxPrivate].
type OldRunnerPrivate struct{ key hidden[rsa.PrivateKey] }

// OldRunnerPublic is the RSA key such a runner registers with.
type OldRunnerPublic struct{ key *rsa.PublicKey }

// GenerateOldRunnerKey returns a new key of 2048 bits, as Semaphore UI makes
// for a runner.
func GenerateOldRunnerKey() (OldRunnerPrivate, error) {
	key, err := rsa.GenerateKey(rand.Reader, newRSABits)
	if err != nil {
		return OldRunnerPrivate{}, fmt.Errorf("generate key of old runner: %w", err)
	}
	return OldRunnerPrivate{hide(key)}, nil
}

// ParseOldRunnerPrivate reads PEM "RSA PRIVATE KEY" with PKCS #1.
func ParseOldRunnerPrivate(text []byte) (OldRunnerPrivate, error) {
	block, err := oldRunnerPEM(text)
	if err != nil {
		return OldRunnerPrivate{}, fmt.Errorf("private key of old runner: %w", err)
	}
	if block.Type != pemPrivate {
		return OldRunnerPrivate{}, fmt.Errorf("private key of old runner: it is not PEM of type %q", pemPrivate)
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return OldRunnerPrivate{}, errors.New("private key of old runner: its content is not PKCS #1")
	}
	if err := checkRSASize(&key.PublicKey); err != nil {
		return OldRunnerPrivate{}, fmt.Errorf("private key of old runner: %w", err)
	}
	return OldRunnerPrivate{hide(key)}, nil
}

// ParseOldRunnerPublic reads PEM "PUBLIC KEY" that holds PKCS #1, which is
// what old runners send, or PKIX, which is what that type stands for. Keys
// have 2048 to 8192 bits.
func ParseOldRunnerPublic(text []byte) (OldRunnerPublic, error) {
	block, err := oldRunnerPEM(text)
	if err != nil {
		return OldRunnerPublic{}, fmt.Errorf("public key of old runner: %w", err)
	}
	if block.Type != pemPublic && block.Type != "RSA PUBLIC KEY" {
		return OldRunnerPublic{}, fmt.Errorf("public key of old runner: it is not PEM of type %q", pemPublic)
	}
	key, err := x509.ParsePKCS1PublicKey(block.Bytes)
	if err != nil {
		other, pkixErr := x509.ParsePKIXPublicKey(block.Bytes)
		var ok bool
		if key, ok = other.(*rsa.PublicKey); pkixErr != nil || !ok {
			return OldRunnerPublic{}, errors.New("public key of old runner: its content is no RSA key")
		}
	}
	if err := checkRSASize(key); err != nil {
		return OldRunnerPublic{}, fmt.Errorf("public key of old runner: %w", err)
	}
	return OldRunnerPublic{key}, nil
}

func oldRunnerPEM(text []byte) (*pem.Block, error) {
	if len(text) > maxPEM {
		return nil, errors.New("it is too long for a key")
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	return block, nil
}

func checkRSASize(key *rsa.PublicKey) error {
	if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return fmt.Errorf("it has %d bits: use %d", bits, newRSABits)
	}
	return nil
}

// PEM returns the secret text that old runners keep in private_key_file.
func (k OldRunnerPrivate) PEM() []byte {
	key := k.key.get()
	if key == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// Public returns the other half of the pair.
func (k OldRunnerPrivate) Public() OldRunnerPublic {
	key := k.key.get()
	if key == nil {
		return OldRunnerPublic{}
	}
	return OldRunnerPublic{&key.PublicKey}
}

// String returns "*** (id)".
func (k OldRunnerPrivate) String() string { return masked(k.Public().ID()) }

// Format writes what String returns, whatever the verb.
func (k OldRunnerPrivate) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// LogValue makes log records show what String returns.
func (k OldRunnerPrivate) LogValue() slog.Value { return slog.StringValue(k.String()) }

// PEM returns the text an old runner registers with: type "PUBLIC KEY", though
// the content is PKCS #1.
func (p OldRunnerPublic) PEM() []byte {
	if p.key == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: x509.MarshalPKCS1PublicKey(p.key)})
}

// ID returns 8 hex digits that name the pair.
func (p OldRunnerPublic) ID() string {
	if p.key == nil {
		return ""
	}
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(p.key))
	return hex.EncodeToString(sum[:idBytes])
}
