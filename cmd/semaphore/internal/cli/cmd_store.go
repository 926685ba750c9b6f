package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/open"
)

// openStore opens the configured database, migrates it, and works on it beside
// a server: no pool, no lease and no sweep comes with it.
func openStore(ctx context.Context, cfg *config.Config, log io.Writer) (store.Store, error) {
	url, err := cfg.StoreURL()
	if err != nil {
		return nil, err
	}
	if err := cfg.MakeStoreDir(); err != nil {
		return nil, err
	}
	st, err := open.Open(ctx, url, open.Config{Log: newLog(cfg, log)})
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return st, nil
}

// openRing returns the keys of the configuration. For a database that holds
// nothing sealed it makes one in the data directory and says where; one that
// does needs its own.
func openRing(ctx context.Context, cfg *config.Config, st store.Store, note io.Writer) (*crypto.Ring, error) {
	ring, err := cfg.Ring()
	if !errors.Is(err, config.ErrNoKey) {
		return ring, err
	}
	if err := refuseSealed(ctx, st, "set access_key_encryption, or bring back "+cfg.KeyFile()); err != nil {
		return nil, err
	}
	if _, err := crypto.KeyFile(cfg.KeyFile()); err != nil {
		return nil, err
	}
	fmt.Fprintf(note, "semaphore: a new key for the secrets of the database is in %s: keep a copy, who loses it loses them\n", cfg.KeyFile())
	return cfg.Ring()
}

// refuseSealed is an error where the database holds anything sealed, which a
// new key could not open.
func refuseSealed(ctx context.Context, st store.Store, cure string) error {
	for after := ""; ; {
		values, next, err := st.Sealed().List(ctx, after, 1)
		if err != nil {
			return fmt.Errorf("look for sealed values: %w", err)
		}
		if len(values) > 0 {
			return fmt.Errorf("the database holds secrets that another key has sealed: %s", cure)
		}
		if after = next; after == "" {
			return nil
		}
	}
}
