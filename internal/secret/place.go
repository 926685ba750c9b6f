package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/alexandervashurin/semaphore/store"
)

// place is where the content of a key lives.
type place struct {
	kind     string
	row      store.SecretStorage // of kind vault
	storage  Storage             // nil for the store itself
	key      string
	field    string // that holds a text where the key names none
	readOnly bool
}

// placeWithout finds the place of a key, without a way to reach it.
func (k *Keeper) placeWithout(ctx context.Context, st store.Store, key store.AccessKey) (place, error) {
	p := place{kind: text(key.SourceStorageType), key: text(key.SourceStorageKey)}
	if p.kind == fromStore && key.SourceStorageID != nil {
		p.kind = fromVault
	}
	switch p.kind {
	case fromStore, fromEnv, fromFile:
		return p, nil
	case fromVault:
	default:
		return p, refuse("source_storage_type", "is %q: use vault, env or file", p.kind)
	}
	if key.SourceStorageID == nil {
		return p, refuse("source_storage_id", "is missing: choose a secret storage")
	}
	row, err := st.SecretStorages().Get(ctx, key.ProjectID, *key.SourceStorageID)
	if errors.Is(err, store.ErrNotFound) {
		return p, fmt.Errorf("secret storage %d was deleted: choose another one for the key: %w", *key.SourceStorageID, err)
	}
	if err != nil {
		return p, stored("secret storage", err)
	}
	p.row, p.readOnly = row, row.ReadOnly
	if row.Type == typeLocal {
		p.kind = fromStore
	}
	return p, nil
}

// placeOf finds the place of a key and the way to reach it.
func (k *Keeper) placeOf(ctx context.Context, st store.Store, key store.AccessKey) (place, error) {
	p, err := k.placeWithout(ctx, st, key)
	if err != nil {
		return p, err
	}
	switch p.kind {
	case fromEnv:
		p.storage, p.readOnly = k.env, true
	case fromFile:
		p.storage, p.readOnly = k.files, true
	case fromVault:
		token, err := k.token(ctx, st, p.row)
		if err != nil {
			return p, err
		}
		if p.storage, p.field, err = k.reach(p.row, token); err != nil {
			return p, fmt.Errorf("secret storage %q: %w", p.row.Name, err)
		}
	}
	return p, nil
}

// Kinds of secret storages.
const (
	typeLocal = "local" // the store itself
	typeVault = "vault"
	typeDVLS  = "dvls"
)

// reach makes the way to a storage, and names the field that holds a text.
func (k *Keeper) reach(row store.SecretStorage, token string) (Storage, string, error) {
	if k.cfg.HTTP == nil {
		return nil, "", errors.New("this program reaches no secret storages: give it an HTTP client for them")
	}
	switch row.Type {
	case typeVault:
		var p VaultParams
		if err := readParams(row.Params, &p); err != nil {
			return nil, "", err
		}
		v, err := newVault(p, token, k.cfg.HTTP, k.cfg.Final)
		if err != nil {
			return nil, "", err
		}
		return v, v.field, nil
	case typeDVLS:
		var p DVLSParams
		if err := readParams(row.Params, &p); err != nil {
			return nil, "", err
		}
		client := k.cfg.HTTP
		if p.InsecureTLS {
			var err error
			if client, err = k.cfg.insecure(); err != nil {
				return nil, "", err
			}
		}
		d, err := newDVLS(p, token, client, k.cfg.Final)
		return d, dvlsField, err
	default:
		return nil, "", refuse("type", "is %q: use local, vault or dvls", row.Type)
	}
}

func readParams(raw json.RawMessage, into any) error {
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return refuse("params", "cannot be read: give an object of the storage's settings")
	}
	return nil
}

// token returns the token of a storage: the content of the key that belongs to
// it, or what the variable or file holds that this names. It never lives in
// another secret storage, so that no circle can be built.
func (k *Keeper) token(ctx context.Context, st store.Store, row store.SecretStorage) (string, error) {
	page, err := st.Keys().List(ctx, row.ProjectID, store.Query{
		Where: map[string]any{"storage_id": row.ID, "owner": store.OwnerVault}, Limit: 1,
	})
	if err != nil {
		return "", stored("token of the secret storage", err)
	}
	if len(page.Items) == 0 {
		return "", fmt.Errorf("secret storage %q has no token: enter it", row.Name)
	}
	key := page.Items[0]
	source, name := text(key.SourceStorageType), text(key.SourceStorageKey)
	if source == fromStore {
		opened, err := k.open(key)
		if err != nil {
			return "", fmt.Errorf("token of secret storage %q: %w", row.Name, err)
		}
		source, name = text(row.SourceStorageType), text(opened)
	}
	token, err := k.resolve(ctx, source, name)
	if err != nil {
		return "", fmt.Errorf("token of secret storage %q: %w", row.Name, err)
	}
	return token, nil
}

// resolve reads a token that is literal, or in the variable or file that name
// stands for.
func (k *Keeper) resolve(ctx context.Context, source, name string) (string, error) {
	var err error
	switch source {
	case fromStore:
	case fromEnv:
		name, err = k.env.Get(ctx, name)
	case fromFile:
		name, err = k.files.Get(ctx, name)
	default:
		err = refuse("source_storage_type", "is %q: use env or file, or nothing", source)
	}
	if err != nil {
		return "", err
	}
	if name, err = decode(store.KeyString, name); err != nil {
		return "", err
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		return "", errors.New("it contains a line feed or another control character: enter it anew")
	}
	return name, nil
}
