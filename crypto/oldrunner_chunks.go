package crypto

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
)

// EncryptRSAChunks encrypts data as runners of Semaphore UI expect it: cut in
// pieces of the key's size less 11 bytes, each encrypted with PKCS #1 v1.5,
// one behind the other. Nothing protects the whole against change, so send it
// through TLS, and only to runners that know nothing better than it.
func EncryptRSAChunks(pub OldRunnerPublic, data []byte) ([]byte, error) {
	if pub.key == nil {
		return nil, errors.New("encrypt for old runner: empty public key: use ParseOldRunnerPublic")
	}
	size := pub.key.Size()
	count := (len(data) + size - paddingBytes - 1) / (size - paddingBytes)
	out := make([]byte, 0, count*size)
	for len(data) > 0 {
		n := min(len(data), size-paddingBytes)
		//lint:ignore SA1019 old runners know no other padding
		chunk, err := rsa.EncryptPKCS1v15(rand.Reader, pub.key, data[:n]) //nolint:staticcheck // old runners know no other padding
		if err != nil {
			return nil, fmt.Errorf("encrypt for old runner: %w", err)
		}
		out = append(out, chunk...)
		data = data[n:]
	}
	return out, nil
}

// DecryptRSAChunks is what an old runner does with the result of
// [EncryptRSAChunks]. Never tell a sender whether it failed: the answer helps
// to decrypt.
func DecryptRSAChunks(priv OldRunnerPrivate, data []byte) ([]byte, error) {
	key := priv.key.get()
	if key == nil {
		return nil, errors.New("decrypt as old runner: empty private key: use ParseOldRunnerPrivate")
	}
	size := key.Size()
	if len(data)%size != 0 {
		return nil, fmt.Errorf("decrypt as old runner: %w", ErrDamaged)
	}
	out := make([]byte, 0, len(data))
	for ; len(data) > 0; data = data[size:] {
		//lint:ignore SA1019 old runners know no other padding
		chunk, err := rsa.DecryptPKCS1v15(nil, key, data[:size]) //nolint:staticcheck // old runners know no other padding
		if err != nil {
			return nil, fmt.Errorf("decrypt as old runner: %w", ErrDamaged)
		}
		out = append(out, chunk...)
	}
	return out, nil
}
