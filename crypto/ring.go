package crypto

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Ring seals with its primary key and opens with all its keys. It is safe for
// concurrent use. Make it with [NewRing].
type Ring struct {
	mu   sync.RWMutex
	keys []Key // the primary first; replaced as a whole, never changed in place
}

// NewRing returns a ring. Keys given twice count once.
func NewRing(primary Key, older ...Key) (*Ring, error) {
	r := &Ring{}
	for _, k := range slices.Backward(older) {
		if err := r.Add(k); err != nil {
			return nil, fmt.Errorf("older keys: %w", err)
		}
	}
	if err := r.Add(primary); err != nil {
		return nil, err
	}
	return r, nil
}

// Add makes k the primary key; the others still open. A key that the ring
// holds becomes primary again. Where several processes share a database, add
// the key to all of them as an older one before it becomes primary in any.
func (r *Ring) Add(k Key) error {
	added := k.m.get()
	if added == nil {
		return errors.New("empty key: use ParseKey or GenerateKey")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next := []Key{k}
	for _, old := range r.keys {
		switch held := old.m.get(); {
		case held.id != added.id:
			next = append(next, old)
		case subtle.ConstantTimeCompare(held.raw, added.raw) == 0:
			return fmt.Errorf("two keys share the id %s: generate another one", added.id)
		}
	}
	r.keys = next
	return nil
}

// Forget drops an older key; values sealed with it no longer open. See
// [Report.Clean] for when that is safe. Forgetting an unknown key does nothing.
func (r *Ring) Forget(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.keys) > 0 && r.keys[0].ID() == id {
		return fmt.Errorf("key %s is the primary one: add another first", id)
	}
	r.keys = slices.DeleteFunc(slices.Clone(r.keys), func(k Key) bool { return k.ID() == id })
	return nil
}

// Primary returns the id of the key that seals.
func (r *Ring) Primary() string {
	if keys := r.snapshot(); len(keys) > 0 {
		return keys[0].ID()
	}
	return ""
}

// IDs returns the ids of all keys, the primary first.
func (r *Ring) IDs() []string {
	var ids []string
	for _, k := range r.snapshot() {
		ids = append(ids, k.ID())
	}
	return ids
}

func (r *Ring) snapshot() []Key {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keys
}

func (r *Ring) primary() (*material, error) {
	if keys := r.snapshot(); len(keys) > 0 {
		return keys[0].m.get(), nil
	}
	return nil, errors.New("the ring has no key: use NewRing")
}

func (r *Ring) find(id string) (*material, error) {
	for _, k := range r.snapshot() {
		if k.ID() == id {
			return k.m.get(), nil
		}
	}
	return nil, &MissingKeyError{KeyID: id}
}
