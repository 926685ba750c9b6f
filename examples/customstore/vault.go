package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"sync"

	"github.com/alexandervashurin/semaphore/store"
)

// vault keeps the secrets of keys: here in a file, in real life in whatever the
// company has.
type vault struct {
	mu      sync.Mutex
	path    string
	secrets map[int64]string // by key
}

func openVault(path string) (*vault, error) {
	v := &vault{path: path, secrets: map[int64]string{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &v.secrets)
	}
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	return v, nil
}

// change stores secrets; nil deletes one.
func (v *vault) change(changes map[int64]*string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	next := maps.Clone(v.secrets)
	for id, secret := range changes {
		if secret == nil {
			delete(next, id)
		} else {
			next[id] = *secret
		}
	}
	text, err := json.Marshal(next)
	if err == nil {
		err = os.WriteFile(v.path, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write vault: %w", err)
	}
	v.secrets = next
	return nil
}

func (v *vault) secret(id int64) *string {
	v.mu.Lock()
	defer v.mu.Unlock()
	secret, ok := v.secrets[id]
	if !ok {
		return nil
	}
	return &secret
}

// vaultStore is any store with the secrets of keys in a vault. It overrides one
// accessor, and InTx, so that the store inside a transaction has the vault too.
type vaultStore struct {
	store.Store
	vault   *vault
	pending map[int64]*string // of the transaction, nil outside
}

// Unwrap lets store.As find what the store beneath is able to do.
func (s vaultStore) Unwrap() store.Store { return s.Store }

func (s vaultStore) Keys() store.Table[store.AccessKey] { return vaultKeys{s.Store.Keys(), s} }

// InTx changes the vault last, so that its failure rolls the rows back. Should
// the commit fail after that, secrets of ids stay that no key ever gets.
func (s vaultStore) InTx(ctx context.Context, f func(ctx context.Context, tx store.Store) error) error {
	return s.inTx(ctx, func(ctx context.Context, tx vaultStore) error { return f(ctx, tx) })
}

func (s vaultStore) inTx(ctx context.Context, f func(ctx context.Context, tx vaultStore) error) error {
	if s.pending != nil {
		return f(ctx, s)
	}
	return s.Store.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		in := vaultStore{tx, s.vault, map[int64]*string{}}
		if err := f(ctx, in); err != nil || len(in.pending) == 0 {
			return err
		}
		return s.vault.change(in.pending)
	})
}

// vaultKeys adds secrets to the rows that the embedded table gives, which
// stores none.
type vaultKeys struct {
	store.Table[store.AccessKey]
	s vaultStore
}

func (k vaultKeys) open(row store.AccessKey) store.AccessKey {
	if secret, changed := k.s.pending[row.ID]; changed {
		row.Secret = secret
	} else {
		row.Secret = k.s.vault.secret(row.ID)
	}
	return row
}

func (k vaultKeys) Get(ctx context.Context, scope, id int64) (store.AccessKey, error) {
	row, err := k.Table.Get(ctx, scope, id)
	if err != nil {
		return row, err
	}
	return k.open(row), nil
}

func (k vaultKeys) List(ctx context.Context, scope int64, q store.Query) (store.Page[store.AccessKey], error) {
	page, err := k.Table.List(ctx, scope, q)
	for i, row := range page.Items {
		page.Items[i] = k.open(row)
	}
	return page, err
}

func (k vaultKeys) Create(ctx context.Context, row store.AccessKey) (made store.AccessKey, err error) {
	secret := row.Secret
	row.Secret = nil
	err = k.s.inTx(ctx, func(ctx context.Context, tx vaultStore) error {
		if made, err = tx.Store.Keys().Create(ctx, row); err == nil {
			tx.pending[made.ID] = secret
		}
		return err
	})
	made.Secret = secret
	return made, err
}

func (k vaultKeys) Update(ctx context.Context, row store.AccessKey) error {
	secret := row.Secret
	row.Secret = nil
	return k.s.inTx(ctx, func(ctx context.Context, tx vaultStore) error {
		tx.pending[row.ID] = secret
		return tx.Store.Keys().Update(ctx, row)
	})
}

func (k vaultKeys) Delete(ctx context.Context, scope, id int64) error {
	return k.s.inTx(ctx, func(ctx context.Context, tx vaultStore) error {
		tx.pending[id] = nil
		return tx.Store.Keys().Delete(ctx, scope, id)
	})
}
