package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/alexandervashurin/semaphore/store"
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
	// nil and rolls back on an error or a panic. Where nothing was committed it may
	// call f again, unless the mode is Alone. Its own errors are mapped by the
	// dialect.
	Write(ctx context.Context, m Mode, f func(ctx context.Context, q Querier) error) error
	// Close gives everything back. It may be called again.
	Close() error
}

// Mode says how a transaction is run.
type Mode struct {
	Bulk    bool // lets all other writers go first
	Durable bool // is on the disk when Write returns, as is all that was committed before
	// Alone is a function of the caller's, who relies on nobody else changing what
	// it has read: it is never called twice, and no two of them run at once.
	Alone bool
}

// Dialect is what differs between the databases.
type Dialect struct {
	// Fault maps a driver's error by its code: it wraps ErrUnique, ErrForeignKey,
	// store.ErrBusy or store.ErrFull beside it. Other errors come back as they are.
	Fault func(error) error
	// ClaimLock is run before tasks are claimed. Defaults to nothing.
	ClaimLock string
	// RowLocks tells that several transactions write at once: rows that one reads
	// and then changes are locked by SELECT ... FOR UPDATE.
	RowLocks bool
	// Collate follows a text parameter that is folded, so that its letters are
	// folded as those of the columns are. Defaults to nothing.
	Collate string
	// Pass returns a statement that keeps a table from giving id $1 to another row,
	// after one came with that id. Defaults to none being needed.
	Pass func(table string) string
	// IDs is a subquery that lists the numbers of a JSON array, whose placeholder is
	// given.
	IDs func(placeholder string) string
	// Contains is a condition: the column contains what Pattern made of a text,
	// letters of either case. The pattern's placeholder is given.
	Contains func(column, placeholder string) string
	Pattern  func(text string) string
	// Clock returns the database's time. Defaults to the clock of the Config. A
	// transaction asks once.
	Clock func(ctx context.Context, q Querier) (time.Time, error)
	// Tell passes on what was committed. Defaults to nobody listening.
	Tell func(list []store.Notice)
	// TellIn does it in a transaction that its caller commits.
	TellIn func(ctx context.Context, q Querier, list []store.Notice) error
}

// What a statement has run into. The column is found out afterwards, so that no
// text of a driver has to be read.
var (
	ErrUnique     = errors.New("value is taken")
	ErrForeignKey = errors.New("reference leads nowhere")
)
