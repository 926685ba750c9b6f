package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"github.com/alexandervashurin/semaphore/crypto"
)

// ErrDialect says that the database is one that only import-semaphore reads.
var ErrDialect = errors.New("set dialect to sqlite or postgres, and bring the old database over with import-semaphore")

// ErrNoKey says that there is no key to seal secrets with.
var ErrNoKey = errors.New("no key: set access_key_encryption, or run semaphore setup, which makes one")

// StoreURL returns the address of the database for store/open. It may hold a
// password: do not show it. A dialect that is only read by import-semaphore is
// an [ErrDialect].
func (c *Config) StoreURL() (string, error) {
	switch c.Dialect {
	case "", "sqlite":
		u := url.URL{Scheme: "sqlite"}
		path := c.sqliteFile()
		if runtime.GOOS == "windows" || !filepath.IsAbs(path) {
			u.Opaque = (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
			return u.String(), nil
		}
		return "sqlite://" + (&url.URL{Path: path}).EscapedPath(), nil
	case "postgres":
		return c.postgresURL(), nil
	default:
		return "", fmt.Errorf("%s is no database of this program: %w", c.Dialect, ErrDialect)
	}
}

// StoreFile is the file of the database, and whether it is in one.
func (c *Config) StoreFile() (string, bool) {
	if c.Dialect != "" && c.Dialect != "sqlite" {
		return "", false
	}
	return c.sqliteFile(), true
}

func (c *Config) sqliteFile() string {
	switch {
	case c.SQLite.Host != "" && c.SQLite.Host != "0.0.0.0":
		return c.SQLite.Host
	case c.Container.DBPath != "":
		return filepath.Join(c.Container.DBPath, "semaphore.db")
	}
	return filepath.Join(c.DataDir, "semaphore.db")
}

func (c *Config) postgresURL() string {
	host := c.Postgres.Host
	if host == "" {
		host = "localhost"
	}
	name := c.Postgres.Name
	if name == "" {
		name = "semaphore"
	}
	u := url.URL{Scheme: "postgres", Host: withPort(host, c.Container.DBPort), Path: "/" + name}
	switch {
	case !c.Postgres.Pass.Empty():
		u.User = url.UserPassword(c.Postgres.User, c.Postgres.Pass.Reveal())
	case c.Postgres.User != "":
		u.User = url.User(c.Postgres.User)
	}
	q := url.Values{}
	for k, v := range c.Postgres.Options {
		q.Set(k, v.Reveal())
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// KeyFile is where the key lives that access_key_encryption does not name.
func (c *Config) KeyFile() string { return filepath.Join(c.DataDir, "access.key") }

// Ring returns the ring of the configured keys: access_key_encryption or the
// one in [Config.KeyFile], and the old ones. Where there is no key it is an
// [ErrNoKey]; crypto.KeyFile makes one, which only who makes a new database
// should do.
func (c *Config) Ring() (*crypto.Ring, error) {
	primary, err := c.primaryKey()
	if err != nil {
		return nil, err
	}
	older := make([]crypto.Key, len(c.OldAccessKeyEncryption))
	for i, text := range c.OldAccessKeyEncryption {
		if older[i], err = crypto.ParseKey(text.Reveal()); err != nil {
			return nil, fmt.Errorf("old_access_key_encryption: %w", err)
		}
	}
	ring, err := crypto.NewRing(primary, older...)
	if err != nil {
		return nil, fmt.Errorf("access_key_encryption: %w", err)
	}
	return ring, nil
}

func (c *Config) primaryKey() (crypto.Key, error) {
	if !c.AccessKeyEncryption.Empty() {
		k, err := crypto.ParseKey(c.AccessKeyEncryption.Reveal())
		if err != nil {
			return crypto.Key{}, fmt.Errorf("access_key_encryption: %w", err)
		}
		return k, nil
	}
	if _, err := os.Stat(c.KeyFile()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return crypto.Key{}, ErrNoKey
		}
		return crypto.Key{}, fmt.Errorf("look for a key: %w", err)
	}
	return crypto.KeyFile(c.KeyFile())
}

// MakeStoreDir makes the directory that a database in a file needs, for this
// account alone.
func (c *Config) MakeStoreDir() error {
	if c.Dialect != "" && c.Dialect != "sqlite" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(c.sqliteFile()), 0o700); err != nil {
		return fmt.Errorf("make directory of the database: %w: name another one in data_dir, SEMAPHORE_DATA_DIR or sqlite.host", err)
	}
	return nil
}
