package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// Where the content of a key may live outside.
const (
	sourceVault = "vault"
	sourceEnv   = "env"
	sourceFile  = "file"
)

// lives tells whether the content of a key is kept outside.
func lives(k store.AccessKey) bool { return k.SourceStorageType != nil || k.SourceStorageID != nil }

// hideKey takes what is secret, or for requests only, off a key.
func hideKey(k *store.AccessKey) {
	k.Secret, k.Plain, k.OverrideSecret = nil, nil, false
	k.String, k.LoginPassword, k.SSH = "", store.LoginPassword{}, store.SSHKey{}
}

// checkSource refuses a source that names nothing, or that may not be named.
func (s *Server) checkSource(k *store.AccessKey) error {
	kind := ""
	switch {
	case k.SourceStorageType != nil:
		kind = *k.SourceStorageType
	case k.SourceStorageID != nil:
		kind = sourceVault
		k.SourceStorageType = &kind
	}
	switch kind {
	case sourceEnv, sourceFile:
		k.SourceStorageID = nil
	case sourceVault:
		if k.SourceStorageID == nil {
			return invalid("source_storage_id", "is missing: name the storage that holds the secret")
		}
	default:
		return invalid("source_storage_type", "is %q: use vault, env or file, or leave it out", clip(kind, 40))
	}
	if s.cfg.Secrets == nil {
		return invalid("source_storage_type", "this server reaches no secrets outside: keep the secret here, or let its administrator configure a source")
	}
	if k.SourceStorageKey == nil {
		return invalid("source_storage_key", "is missing: name the path, variable or file that holds the secret")
	}
	if len(*k.SourceStorageKey) > 1000 {
		return invalid("source_storage_key", "is longer than 1000 bytes")
	}
	return s.cfg.Secrets.Check(*k)
}

// saveKey stores a key as the pool does. The content of one that lives outside
// goes there, and nowhere else.
func (c *call) saveKey(ctx context.Context, tx store.Store, k store.AccessKey) (store.AccessKey, error) {
	if !lives(k) || (k.ID != 0 && !k.OverrideSecret) {
		return c.s.pool.SaveKeyTx(ctx, tx, k)
	}
	if k.SourceStorageID != nil {
		storage, err := tx.SecretStorages().Get(ctx, k.ProjectID, *k.SourceStorageID)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return k, invalid("source_storage_id", "is no storage of this project")
		case err != nil:
			return k, err
		case storage.Type == storageLocal:
			return c.s.pool.SaveKeyTx(ctx, tx, k)
		}
	}
	if err := c.s.checkSource(&k); err != nil {
		return k, err
	}
	bare := k
	bare.String, bare.LoginPassword, bare.SSH = "", store.LoginPassword{}, store.SSHKey{}
	row, err := c.s.pool.SaveKeyTx(ctx, tx, bare)
	if err != nil {
		return row, err
	}
	if k.SourceStorageID != nil && k.String+k.LoginPassword.Password+k.SSH.PrivateKey != "" {
		c.outside.save = append(c.outside.save, k)
	}
	return row, nil
}

// outside is what the transactions of one call change in storages outside. A
// storage may take seconds to answer, so that it is asked between two
// transactions and never inside one, which would make everybody wait.
type outside struct {
	save   []store.AccessKey // whose content is to be written there
	forget []store.AccessKey // deleted ones
	saved  bool
}

// errRehearsed rolls a transaction back that would have succeeded.
var errRehearsed = errors.New("secrets have to be saved outside first")

// rehearsed ends a transaction that may not commit before its secrets are saved.
func (o *outside) rehearsed() error {
	if len(o.save) > 0 && !o.saved {
		return errRehearsed
	}
	return nil
}

// around runs a transaction, and what belongs to it outside.
func (o *outside) around(c *call, run func() error) error {
	*o = outside{}
	err := run()
	if errors.Is(err, errRehearsed) {
		for _, k := range o.save {
			if err := c.s.cfg.Secrets.Save(c.ctx(), c.s.st, k); err != nil {
				return c.notSaved(err)
			}
		}
		*o = outside{saved: true}
		err = run()
	}
	if err == nil {
		c.s.forgetKeys(c.ctx(), o.forget)
	}
	return err
}

// notSaved answers that a storage outside did not take a secret.
func (c *call) notSaved(err error) error {
	var field *job.FieldError
	if errors.As(err, &field) || c.ctx().Err() != nil {
		return err
	}
	c.s.log.Warn("storage did not take a secret", slog.String("request_id", c.requestID), slog.Any("error", err))
	return answer(http.StatusBadRequest, "the storage outside did not take the secret: "+clip(err.Error(), 300))
}

// forgetKeys removes the content of deleted keys from the storages that held
// it. The keys are gone already, so that a storage which cannot be reached is a
// matter for the log.
func (s *Server) forgetKeys(ctx context.Context, keys []store.AccessKey) {
	for _, k := range keys {
		if s.cfg.Secrets == nil || k.SourceStorageID == nil {
			continue
		}
		if err := s.cfg.Secrets.Remove(context.WithoutCancel(ctx), k); err != nil {
			s.log.Warn("secret of a deleted key stays in its storage", slog.Int64("key_id", k.ID), slog.Any("error", err))
		}
	}
}

// keyReader is what Secrets may offer beside: to read the content of a key that
// lives outside.
type keyReader interface {
	External(ctx context.Context, key store.AccessKey) (string, error)
}

// errNoContent tells that a key holds nothing.
var errNoContent = errors.New("key is empty: fill it in")

// loginPassword opens a key of that type.
func (s *Server) loginPassword(ctx context.Context, k store.AccessKey) (store.LoginPassword, error) {
	var c store.LoginPassword
	if k.Type != store.KeyLoginPassword {
		return c, fmt.Errorf("key %q is of type %s: choose one of type login_password", k.Name, k.Type)
	}
	text, err := s.keyText(ctx, k)
	if err != nil {
		return c, fmt.Errorf("key %q: %w", k.Name, err)
	}
	if text == "" {
		return c, fmt.Errorf("key %q: %w", k.Name, errNoContent)
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("key %q is damaged: enter it anew", k.Name) // the error would show the value
	}
	return c, nil
}

// keyText opens the content of a key, "" where there is none.
func (s *Server) keyText(ctx context.Context, k store.AccessKey) (string, error) {
	if lives(k) {
		outside, ok := s.cfg.Secrets.(keyReader)
		if !ok {
			return "", errors.New("it lives in a storage outside, which this server does not reach")
		}
		return outside.External(ctx, k)
	}
	if k.Secret == nil || *k.Secret == "" {
		return "", nil
	}
	plain, err := s.cfg.Ring.OpenAny(*k.Secret, crypto.AD{Table: "access_key", ProjectID: k.ProjectID, ID: k.ID, Field: "secret"})
	if err != nil {
		return "", fmt.Errorf("it cannot be opened: %w", err)
	}
	return string(plain), nil
}
