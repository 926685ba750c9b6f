package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// Check says why a key cannot live where it says, as a *job.FieldError, nil
// where it can. It asks nobody: whether the storage exists is the store's to
// tell, and whether the secret does shows the first use.
func (k *Keeper) Check(key store.AccessKey) error {
	source, name := text(key.SourceStorageType), text(key.SourceStorageKey)
	if source == fromStore && key.SourceStorageID != nil && name != "" {
		source = fromVault
	}
	switch source {
	case fromStore:
		return nil
	case fromEnv:
		return k.env.Check(name)
	case fromFile:
		return k.files.Check(name)
	case fromVault:
		if key.SourceStorageID == nil || *key.SourceStorageID <= 0 {
			return refuse("source_storage_id", "is missing: choose a secret storage")
		}
		path, field, named := strings.Cut(name, "#")
		if named && field == "" {
			return refuse("source_storage_key", "ends in '#': name the field behind it")
		}
		_, err := escapePath("source_storage_key", path)
		return err
	default:
		return refuse("source_storage_type", "is %q: use vault, env or file", source)
	}
}

// ValidateStorage says what is wrong with a secret storage as a
// *job.FieldError, nil for nothing.
func (k *Keeper) ValidateStorage(s store.SecretStorage) error {
	if strings.TrimSpace(s.Name) == "" {
		return refuse("name", "is empty: give the storage a name")
	}
	if err := checkParams(s); err != nil {
		return err
	}
	var err error
	switch source := text(s.SourceStorageType); {
	case source != fromStore && source != fromEnv && source != fromFile:
		return refuse("source_storage_type", "is %q: use env or file, or nothing", source)
	case s.Secret == "": // an update that keeps the token
	case source == fromEnv:
		err = k.env.Check(s.Secret)
	case source == fromFile:
		err = k.files.Check(s.Secret)
	}
	var field *job.FieldError
	if errors.As(err, &field) {
		return &job.FieldError{Field: "secret", Reason: field.Reason}
	}
	return err
}

func checkParams(s store.SecretStorage) error {
	switch s.Type {
	case typeLocal:
		return nil
	case typeVault:
		var p VaultParams
		if err := readParams(s.Params, &p); err != nil {
			return err
		}
		_, err := p.check()
		return err
	case typeDVLS:
		var p DVLSParams
		if err := readParams(s.Params, &p); err != nil {
			return err
		}
		_, err := p.check()
		return err
	default:
		return refuse("type", "is %q: use local, vault or dvls", s.Type)
	}
}

// Test tells whether the server of a storage can be reached and lets us in. The
// token is that of the wire form, if it has one, else the stored one.
func (k *Keeper) Test(ctx context.Context, s store.SecretStorage) error {
	if err := k.ValidateStorage(s); err != nil || s.Type == typeLocal {
		return err
	}
	var token string
	var err error
	if s.Secret != "" {
		token, err = k.resolve(ctx, text(s.SourceStorageType), s.Secret)
	} else {
		token, err = k.token(ctx, k.st, s)
	}
	if err != nil {
		return err
	}
	storage, _, err := k.reach(s, token)
	if err != nil {
		return err
	}
	if tester, ok := storage.(interface{ test(context.Context) error }); ok {
		return tester.test(ctx)
	}
	return fmt.Errorf("storages of type %s cannot be tried", s.Type)
}
