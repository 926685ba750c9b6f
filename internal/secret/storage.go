// Package secret reads and writes secrets that live outside of the store:
// in Vault or OpenBao, in Devolutions Server, in the server's environment, and
// in files that an administrator puts down.
//
// A [Keeper] finds the place that a key names and speaks the one encoding that
// the rest of the program knows. What a project may reach is bounded here:
// variables with a prefix of their own, files in a directory of its own, and
// servers that the given HTTP client lets through. No error of this package
// holds a secret or a token.
package secret

import (
	"context"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/job"
)

// Limits of what storages hold and how they are named.
const (
	maxValue = 1 << 20 // bytes of a value, and of a server's answer
	maxKey   = 1024    // bytes of a path or name
)

var (
	// ErrNotFound tells that the storage has no secret of that name.
	ErrNotFound = errors.New("secret not found")
	// ErrReadOnly tells that the storage is not written from here.
	ErrReadOnly = errors.New("the storage is read only")
	// ErrRefused tells that a storage's server does not let us in.
	ErrRefused = errors.New("access refused")
)

// Storage is a place that keeps secrets. It is safe for concurrent use and holds
// no connection that had to be closed.
//
// Keys are what people type: a path, a name, a file. An error that may heal by
// itself wraps pool.ErrTemporary, as that of a server which cannot be reached;
// others name the cure.
type Storage interface {
	// Get returns a value, or ErrNotFound.
	Get(ctx context.Context, key string) (string, error)
	// Put stores a value in place of the one that is there, or answers
	// ErrReadOnly.
	Put(ctx context.Context, key, value string) error
	// Delete removes a value, and is content where there is none; or it answers
	// ErrReadOnly.
	Delete(ctx context.Context, key string) error
}

// refuse makes an error that names a field of the wire and the cure.
func refuse(field, format string, args ...any) error {
	return &job.FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
