// Package postgres is a store in a PostgreSQL database, from version 13 on, which
// several servers may work on at once.
//
// [Open] connects by URL, [Use] and [UsePool] take what the host program has
// opened with pgx. All tables are in a schema of their own, so that the host's
// are next to them; [Store.WithTx] adds to a transaction of the host: nothing of
// it is visible before the host commits.
//
// Transactions run as READ COMMITTED. What one reads and then changes it locks
// first, and tasks are claimed one claim at a time, by an advisory lock that is
// taken in a statement before those that count. Functions given to InTx run one
// at a time on all servers, and a row that Get returns inside of one stays as it
// is until it ends: of those that read a row and write it back at once, none is
// lost. They are called once. Keep them short, and use nothing but the Store that
// they get.
//
// Leases go by the database's clock. A database that is restarted or fails over
// is waited for: what was certainly not committed is done again, anything else is
// store.ErrBusy.
package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// Config is the configuration of a Store. The zero value is usable.
type Config struct {
	// Now is the clock. Defaults to that of the database, which all servers share.
	Now func() time.Time
	// Log gets warnings. Defaults to none.
	Log *slog.Logger
	// MaxConns is how many connections work at once; two more listen and notify.
	// Use and UsePool leave it to the host. Defaults to 20.
	MaxConns int
	// Schema holds the tables, and is made where it is not there: a name of small
	// letters, digits and underlines. Defaults to semaphore_go.
	Schema string
	// BusyTimeout is how long a call waits for a lock, or for a database that
	// cannot be reached, before it answers store.ErrBusy. Defaults to 10 seconds.
	BusyTimeout time.Duration
	// PollOnly does without LISTEN and NOTIFY and without prepared statements,
	// for poolers that give each transaction another connection: what others do is
	// found by polling.
	PollOnly bool
}

const (
	defaultMaxConns = 20
	defaultSchema   = "semaphore_go"
	defaultBusy     = 10 * time.Second
)

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.MaxConns <= 0 {
		c.MaxConns = defaultMaxConns
	}
	if c.Schema == "" {
		c.Schema = defaultSchema
	}
	if c.BusyTimeout <= 0 {
		c.BusyTimeout = defaultBusy
	}
	return c
}

// Store is a store.Store and a store.Listener.
type Store struct {
	*sqlstore.Store
	engine *engine
	side   *sql.DB // listens and notifies
	cfg    Config
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Listener = (*Store)(nil)
	_ store.Dumper   = (*Store)(nil)
	_ store.Stager   = (*Store)(nil)
)

// Open connects to the database that a URL names, postgres:// or postgresql://
// with the parameters of libpq, and migrates it. Schema, max_conns and poll_only
// may be given as parameters too. A schema that holds a database of Semaphore UI
// is store.ErrForeign and stays as it is; one of a newer program is
// store.ErrNewer.
func Open(ctx context.Context, url string, cfg Config) (*Store, error) {
	conn, err := parse(url, &cfg)
	if err != nil {
		return nil, fmt.Errorf("open postgres: %w", err)
	}
	cfg = cfg.withDefaults()
	db, side := stdlib.OpenDB(*conn), stdlib.OpenDB(*conn)
	db.SetMaxOpenConns(cfg.MaxConns)
	db.SetMaxIdleConns(cfg.MaxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	side.SetMaxOpenConns(2)
	side.SetConnMaxIdleTime(time.Minute)
	s, err := open(ctx, db, side, cfg, func() error { return closeAll(db, side) })
	if err != nil {
		_ = closeAll(db, side)
		return nil, fmt.Errorf("open postgres: %w", unreached(conn, err))
	}
	return s, nil
}

// Use opens a store on the host's own handle, whose connections it borrows: two
// of them at least, and one more for each Listen. The handle is one of
// pgx/v5/stdlib. Close leaves it open.
func Use(ctx context.Context, db *sql.DB, cfg Config) (*Store, error) {
	s, err := use(ctx, db, cfg.withDefaults(), func() error { return nil })
	if err != nil {
		return nil, fmt.Errorf("use postgres: %w", err)
	}
	return s, nil
}

// UsePool is Use on a pool of pgx.
func UsePool(ctx context.Context, pool *pgxpool.Pool, cfg Config) (*Store, error) {
	db := stdlib.OpenDBFromPool(pool)
	db.SetMaxIdleConns(0) // the pool keeps them
	s, err := use(ctx, db, cfg.withDefaults(), db.Close)
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("use postgres: %w", err)
	}
	return s, nil
}

func use(ctx context.Context, db *sql.DB, cfg Config, release func() error) (*Store, error) {
	if db.Stats().MaxOpenConnections == 1 {
		return nil, fmt.Errorf("the handle has one connection: let it have two at least: %w", store.ErrInvalid)
	}
	return open(ctx, db, db, cfg, release)
}

func open(ctx context.Context, db, side *sql.DB, cfg Config, release func() error) (*Store, error) {
	if !schemaName.MatchString(cfg.Schema) {
		return nil, fmt.Errorf("schema %q: use small letters, digits and underlines: %w", cfg.Schema, store.ErrInvalid)
	}
	e := newEngine(db, cfg)
	if err := e.retry(ctx, func() (bool, error) { return true, fault(check(ctx, db, cfg.Schema)) }); err != nil {
		return nil, err
	}
	if err := migrate(ctx, db, cfg.Schema); err != nil {
		return nil, fault(err)
	}
	d := e.dialect(cfg)
	if !cfg.PollOnly {
		n := newNotifier(cfg.Log, sender(context.WithoutCancel(ctx), side, cfg.Schema))
		d.Tell, d.TellIn = n.add, tellIn(cfg.Schema)
		e.close = func() error { n.close(); return release() }
	} else {
		e.close = release
	}
	return &Store{Store: sqlstore.New(e, d, cfg.Now), engine: e, side: side, cfg: cfg}, nil
}

func closeAll(list ...*sql.DB) error {
	var first error
	for _, db := range list {
		if err := db.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// WithTx returns a Store inside of the host's transaction, which the host
// commits or rolls back. It may be used by one goroutine at a time. Its Get
// locks no rows: the host chooses how its transaction is isolated.
func (s *Store) WithTx(tx *sql.Tx) store.Store { return s.On(s.engine.in(tx)) }
