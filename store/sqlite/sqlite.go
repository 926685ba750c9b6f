// Package sqlite is a store in one SQLite file, by a driver without C code.
//
// [Open] opens a file, [Use] takes a *sql.DB that the host program has opened
// with the driver modernc.org/sqlite. [Store.WithTx] adds to a transaction of
// the host: nothing of it is visible before the host commits.
//
// One writer works at a time, and readers never wait for it. Inside a function
// given to InTx only the Store that it gets is to be used: any other one would
// wait for the transaction to end.
//
// A step in the life of a task, a saved state or bundle, and whatever is done
// inside InTx, is on the disk when the call returns: a power loss cannot take it
// back and make a task run twice. Other writes, output and renewed leases above
// all, are in the file's journal then, and on the disk with the next such step: a
// crash of the program does not harm them, a power loss may take back the last
// ones.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// Config is the configuration of a Store. The zero value is usable.
type Config struct {
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Log gets warnings. Defaults to none.
	Log *slog.Logger
	// BusyTimeout is how long a writer waits for another process that is writing;
	// then it answers store.ErrBusy. Defaults to 5 seconds.
	BusyTimeout time.Duration
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.BusyTimeout <= 0 {
		c.BusyTimeout = 5 * time.Second
	}
	return c
}

// Store is a store.Store and a store.Owned.
type Store struct {
	*sqlstore.Store
	file     string // "" for a database in memory
	versions *versions
	busy     time.Duration
	host     *sql.DB // the host's handle, nil for a file of our own
}

var (
	_ store.Store = (*Store)(nil)
	_ store.Owned = (*Store)(nil)

	_ store.Versioned = (*Store)(nil)
	_ store.Dumper    = (*Store)(nil)
	_ store.Stager    = (*Store)(nil)
)

// readers is how many statements read at once.
const readers = 8

// Open opens the file, which is made with mode 0600, in a directory that is made
// with mode 0700, and migrates it. A database of Semaphore UI is
// store.ErrForeign and stays as it is; one of a newer program is store.ErrNewer.
func Open(ctx context.Context, path string, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	file, err := prepareFile(ctx, path, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s, err := open(ctx, file, cfg)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, file string, cfg Config) (*Store, error) {
	e, err := openEngine(ctx, file, cfg)
	if err != nil {
		return nil, err
	}
	watch, err := sql.Open("sqlite", readerDSN(file, cfg.BusyTimeout)) // connects when it is asked first
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	watch.SetMaxOpenConns(1)
	v := &versions{db: watch}
	closeEngine := e.close
	e.close = func() error { return errors.Join(v.close(), closeEngine()) }
	return &Store{Store: sqlstore.New(e, dialect, cfg.Now), file: file, versions: v, busy: cfg.BusyTimeout}, nil
}

func openEngine(ctx context.Context, file string, cfg Config) (_ *engine, err error) {
	writer, err := sql.Open("sqlite", writerDSN(file, cfg.BusyTimeout))
	if err != nil {
		return nil, err
	}
	reader, err := sql.Open("sqlite", readerDSN(file, cfg.BusyTimeout))
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	closeAll := func() error { return errors.Join(reader.Close(), writer.Close()) }
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll())
		}
	}()
	writer.SetMaxOpenConns(1)
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)
	// Two processes that make a file a WAL at once may find it locked.
	if err := retry(ctx, cfg.BusyTimeout, func() error { return writer.PingContext(ctx) }); err != nil {
		return nil, fault(err)
	}
	if err := migrate(ctx, writer, file); err != nil {
		return nil, err
	}
	kept := newStatements(reader)
	return &engine{busy: cfg.BusyTimeout, reader: kept, writer: writer, close: func() error { kept.close(); return closeAll() }}, nil
}

// Use opens a store on the host's own handle, whose connections it borrows and
// whose settings it only checks. Close leaves the handle open.
//
// The setting synchronous stays the host's for all writes: with NORMAL a power
// loss may take back the last of them, and a task may run twice. Add
// _pragma=synchronous(FULL), which is the driver's default, to keep them.
func Use(ctx context.Context, db *sql.DB, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	file, err := check(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("use database: %w", err)
	}
	if err := migrate(ctx, db, file); err != nil {
		return nil, fmt.Errorf("use database: %w", err)
	}
	e := &engine{busy: cfg.BusyTimeout, reader: db, writer: db, foreign: true, close: func() error { return nil }}
	return &Store{Store: sqlstore.New(e, dialect, cfg.Now), file: file, busy: cfg.BusyTimeout, host: db}, nil
}

// WithTx returns a Store inside of the host's transaction, which the host
// commits or rolls back. It may be used by one goroutine at a time.
func (s *Store) WithTx(tx *sql.Tx) store.Store { return s.On(tx) }
