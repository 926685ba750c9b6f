// Package open opens a store by its URL.
package open

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/postgres"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// Config is the configuration of a store, whatever it is. The zero value is
// usable.
type Config struct {
	// Now is the clock. Defaults to time.Now, for PostgreSQL to the database's.
	Now func() time.Time
	// Log gets warnings. Defaults to none.
	Log *slog.Logger
}

// Open opens the store that a URL names:
//
//	sqlite:///var/lib/semaphore/semaphore.db    a file
//	sqlite:semaphore.db                         a file in the working directory
//	file:semaphore.db                           the same
//	postgres://user:password@host/database      a schema in it, see [postgres.Open]
//	memory:                                     lost when the program ends
//
// Characters that mean something in a URL are written as %XX. A URL that names
// nothing of these is store.ErrInvalid.
func Open(ctx context.Context, address string, cfg Config) (store.Store, error) {
	scheme, rest, ok := strings.Cut(address, ":")
	if !ok {
		return nil, unknown("the address of a store has no scheme")
	}
	switch strings.ToLower(scheme) {
	case "sqlite", "file":
		path, err := filePath(rest)
		if err != nil {
			return nil, err
		}
		s, err := sqlite.Open(ctx, path, sqlite.Config{Now: cfg.Now, Log: cfg.Log})
		if err != nil {
			return nil, err
		}
		return s, nil
	case "memory":
		if rest != "" {
			return nil, unknown("a store in memory has no name")
		}
		return memory.New(memory.Config{Now: cfg.Now}), nil
	case "postgres", "postgresql":
		s, err := postgres.Open(ctx, address, postgres.Config{Now: cfg.Now, Log: cfg.Log})
		if err != nil {
			return nil, err
		}
		return s, nil
	case "mysql", "bolt":
		return nil, fmt.Errorf("%s is no database of this program: read an old one with import-semaphore, and name a new one: %w", scheme, store.ErrInvalid)
	}
	return nil, unknown("no store is called " + strings.ToLower(scheme))
}

// unknown names what is possible. It does not repeat the address, which may
// hold a password.
func unknown(what string) error {
	return fmt.Errorf("%s: use sqlite:///path/to/file, sqlite:file, postgres://user@host/database or memory: %w", what, store.ErrInvalid)
}

// File returns the path of the file that a URL names. One that names no file is
// store.ErrInvalid.
func File(address string) (string, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	switch strings.ToLower(scheme) {
	case "sqlite", "file":
		return filePath(rest)
	}
	return "", unknown("this address names no file")
}

// filePath returns the path of a file address without its scheme.
func filePath(rest string) (string, error) {
	if strings.ContainsAny(rest, "?#") {
		return "", unknown("the address of a file has no parameters")
	}
	if host, ok := strings.CutPrefix(rest, "//"); ok {
		if !strings.HasPrefix(host, "/") {
			return "", unknown("the address of a file has no host: it begins with three strokes, or with none")
		}
		rest = host
	}
	path, err := url.PathUnescape(rest)
	if err != nil {
		return "", unknown("the address of a file cannot be read")
	}
	if path == "" || path == "/" {
		return "", unknown("the address of a file has no path")
	}
	return path, nil
}
