package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Querier runs statements: a *sql.DB, *sql.Conn or *sql.Tx.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Engine is a database with its transactions.
type Engine interface {
	// Reader serves statements outside of a transaction, which only read.
	Reader() Querier
	// Write calls f within a writing transaction, which it commits when f returns
	// nil and rolls back on an error or a panic. Its own errors are mapped by the
	// dialect.
	Write(ctx context.Context, m Mode, f func(ctx context.Context, q Querier) error) error
	// Close gives everything back. It may be called again.
	Close() error
}

// Mode says how a transaction is run.
type Mode struct {
	Bulk    bool // lets all other writers go first
	Durable bool // is on the disk when Write returns, as is all that was committed before
}

// Dialect is what differs between the databases.
type Dialect struct {
	// Fault maps a driver's error by its code: it wraps ErrUnique, ErrForeignKey,
	// store.ErrBusy or store.ErrFull beside it. Other errors come back as they are.
	Fault func(error) error
	// ClaimLock is run before tasks are claimed. Defaults to nothing.
	ClaimLock string
	// Contains is a condition: the column contains what Pattern made of a text,
	// letters of either case. The pattern's placeholder is given.
	Contains func(column, placeholder string) string
	Pattern  func(text string) string
	// Clock returns the database's time. Defaults to the clock of the Config.
	Clock func(ctx context.Context, q Querier) (time.Time, error)
}

// What a statement has run into. The column is found out afterwards, so that no
// text of a driver has to be read.
var (
	ErrUnique     = errors.New("value is taken")
	ErrForeignKey = errors.New("reference leads nowhere")
)
