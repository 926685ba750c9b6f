package crypto

import (
	"errors"
	"fmt"
)

var (
	// ErrDamaged says that the value was changed or cut, or it was sealed for another
	// row, field or task. Authenticated encryption cannot tell which.
	ErrDamaged = errors.New("damaged, or sealed for another place")
	// ErrNotSealed says that the value is not in a form of this version.
	ErrNotSealed = errors.New("not sealed by this version")
)

// MissingKeyError tells that a value is intact as far as can be seen, but the
// ring lacks its key.
type MissingKeyError struct {
	KeyID string // empty for a value of Semaphore UI, which names no key
}

// Error names the key and the cure.
func (e *MissingKeyError) Error() string {
	if e.KeyID == "" {
		return "no key opens this value of Semaphore UI: add the access_key_encryption it was written with to the older keys"
	}
	return fmt.Sprintf("key %s is missing: add it to the older keys", e.KeyID)
}
