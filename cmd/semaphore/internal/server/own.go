package server

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// ownedStore is a database that this process holds already, so that whoever
// asks for it in here gets it.
type ownedStore struct{ store.Store }

// own takes the database before anything is made in it, so that of two servers
// on one file the second changes nothing and opens no port.
func own(ctx context.Context, st store.Store) (store.Store, func() error, error) {
	o, ok := store.As[store.Owned](st)
	if !ok {
		return st, func() error { return nil }, nil
	}
	release, err := o.Own(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("start server: %w", err)
	}
	return ownedStore{st}, release, nil
}

// Own gives what is held.
func (ownedStore) Own(context.Context) (release func() error, err error) {
	return func() error { return nil }, nil
}

// Unwrap returns the database itself.
func (s ownedStore) Unwrap() store.Store { return s.Store }

// Version is that of the database itself, to which nothing is added here: the API
// keeps replies by it.
func (s ownedStore) Version(ctx context.Context) (uint64, bool) {
	if v, ok := s.Store.(store.Versioned); ok {
		return v.Version(ctx)
	}
	return 0, false
}
