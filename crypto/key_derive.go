package crypto

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"log/slog"
)

const (
	infoDerive  = "semaphore crypto v1 derive " // keeps derived secrets apart from those that seal
	derivedSize = 32
)

// Derive returns 32 bytes that only holders of the key can compute and that
// tell nothing about it: HKDF-SHA256 with the purpose as info. Each purpose has
// its own bytes. The zero Key derives nothing: nil.
func (k Key) Derive(purpose string) []byte {
	m := k.m.get()
	if m == nil {
		return nil
	}
	secret, err := hkdf.Key(sha256.New, m.raw, nil, infoDerive+purpose, derivedSize)
	if err != nil {
		panic(err) // 32 bytes of SHA-256 can always be had
	}
	return secret
}

// Derived is a secret derived from one key of a [Ring]. It prints as "*** (id)".
type Derived struct {
	ID     string // of the key
	Secret []byte // 32 bytes
}

// Derive returns what [Key.Derive] gives for each key of the ring, the primary
// first: sign with the first one, accept all.
func (r *Ring) Derive(purpose string) []Derived {
	var list []Derived
	for _, k := range r.snapshot() {
		list = append(list, Derived{ID: k.ID(), Secret: k.Derive(purpose)})
	}
	return list
}

// String returns "*** (id)".
func (d Derived) String() string { return masked(d.ID) }

// Format writes what String returns, whatever the verb.
func (d Derived) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(d.String())) }

// LogValue makes log records show what String returns.
func (d Derived) LogValue() slog.Value { return slog.StringValue(d.String()) }
