package secret

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// Sources of a secret, the values of source_storage_type. The empty one is the
// store itself.
const (
	fromStore = ""
	fromVault = "vault" // the secret storage that source_storage_id names
	fromEnv   = "env"
	fromFile  = "file"
)

// Config configures a Keeper.
type Config struct {
	// EnvPrefix begins the names of the variables of the server that projects may
	// read. Defaults to none: no variable is offered.
	EnvPrefix string
	// FilesDir is the directory below which projects may read files, an absolute
	// path. Nothing else belongs there. Defaults to none: no file is offered.
	FilesDir string
	// LookupEnv finds a variable. Defaults to os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// HTTP reaches the servers of storages. Project members choose their
	// addresses, so its transport has to refuse those that they must not reach,
	// and trusts what authorities the administrator says. Defaults to none: such
	// storages are refused.
	HTTP *http.Client
	// InsecureHTTP is HTTP for servers whose certificate is not to be checked, as
	// the storage says. Defaults to HTTP without that check where its Transport is
	// an *http.Transport, else to none: such storages are refused.
	InsecureHTTP *http.Client
	// Final tells of errors of HTTP that no later try will mend, such as an
	// address that is not allowed. Defaults to none.
	Final func(error) bool
}

// Keeper reads and writes keys whose content lives outside of the store. It is
// safe for concurrent use.
type Keeper struct {
	st    store.Store
	ring  *crypto.Ring
	cfg   Config
	env   *Env
	files *Files
}

// New returns a Keeper on a store and the ring that opens its tokens.
func New(st store.Store, ring *crypto.Ring, cfg Config) *Keeper {
	if cfg.LookupEnv == nil {
		cfg.LookupEnv = os.LookupEnv
	}
	return &Keeper{st: st, ring: ring, cfg: cfg, env: NewEnv(cfg.EnvPrefix, cfg.LookupEnv), files: NewFiles(cfg.FilesDir)}
}

// External fetches the content of a key that lives outside, in the encoding of
// the store: JSON for ssh and login_password, text for string. A storage may
// hold that, a bare password, or a bare private key. It serves
// pool.Config.External: errors that may heal wrap pool.ErrTemporary.
func (k *Keeper) External(ctx context.Context, key store.AccessKey) (string, error) {
	raw, err := k.fetch(ctx, key)
	if err != nil {
		return "", err
	}
	if raw == nil {
		return "", nil
	}
	return decode(key.Type, *raw)
}

// fetch returns what the place of a key holds, nil for an empty key of the
// store itself.
func (k *Keeper) fetch(ctx context.Context, key store.AccessKey) (*string, error) {
	p, err := k.placeOf(ctx, k.st, key)
	if err != nil {
		return nil, err
	}
	if p.storage == nil {
		return k.open(key)
	}
	name := p.key
	if key.Type == store.KeyString && p.field != "" && !strings.Contains(name, "#") {
		name += "#" + p.field // a text is one field, never a whole document
	}
	raw, err := p.storage.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	return &raw, nil
}

// open opens a key that lives in the store.
func (k *Keeper) open(key store.AccessKey) (*string, error) {
	if key.Secret == nil || *key.Secret == "" {
		return nil, nil
	}
	plain, err := k.ring.OpenAny(*key.Secret, crypto.AD{Table: "access_key", ProjectID: key.ProjectID, ID: key.ID, Field: "secret"})
	if err != nil {
		return nil, fmt.Errorf("the stored secret cannot be opened: %w", err)
	}
	text := string(plain)
	return &text, nil
}

// Outside tells whether the content of a key does not belong into the store. A
// caller then clears it before it stores the row, and gives it to Save.
func (k *Keeper) Outside(ctx context.Context, tx store.Store, key store.AccessKey) (bool, error) {
	p, err := k.placeWithout(ctx, tx, key)
	return p.kind != fromStore, err
}

// Save writes the content that a key brings, in its wire form, to the storage it
// lives in. A key without content, one of the store, and one in a place that is
// read only need no writing: people write there themselves. A server may take
// 10 s to answer, so it is called before a transaction begins, not inside, where
// that is possible; tx is where the storage and its token are read from.
func (k *Keeper) Save(ctx context.Context, tx store.Store, key store.AccessKey) error {
	value, err := encode(key)
	if err != nil || value == "" {
		return err
	}
	p, err := k.placeOf(ctx, tx, key)
	if err != nil || p.storage == nil || p.readOnly {
		return err
	}
	err = p.storage.Put(ctx, p.key, value)
	if errors.Is(err, ErrReadOnly) {
		return refuse("source_storage_id", "names a storage that cannot be written from here: mark it as read only, and enter the secret there")
	}
	return err
}

// Remove deletes the content of a key from the storage it lives in, unless that
// is read only or another key of the project stands for the same secret.
func (k *Keeper) Remove(ctx context.Context, key store.AccessKey) error {
	p, err := k.placeOf(ctx, k.st, key)
	if err != nil || p.storage == nil || p.readOnly {
		return err
	}
	same, err := k.st.Keys().List(ctx, key.ProjectID, store.Query{
		Where: map[string]any{"source_storage_id": *key.SourceStorageID, "source_storage_key": p.key}, Limit: -1,
	})
	if err != nil {
		return stored("keys of the storage", err)
	}
	for _, other := range same.Items {
		if other.ID != key.ID {
			return nil
		}
	}
	if err = p.storage.Delete(ctx, p.key); errors.Is(err, ErrReadOnly) {
		return nil
	}
	return err
}

// stored wraps an error of the store, which may be a passing one.
func stored(what string, err error) error {
	if errors.Is(err, store.ErrBusy) {
		return fmt.Errorf("%s: %w: %w", what, err, pool.ErrTemporary)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// text is what a pointer holds, "" for none.
func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
