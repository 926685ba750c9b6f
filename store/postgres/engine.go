package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

const (
	endTimeout  = 30 * time.Second // for COMMIT and ROLLBACK
	idleTimeout = 15 * time.Second // of a transaction that does nothing: others may wait for its locks
	firstPause  = 10 * time.Millisecond
	longestWait = time.Second // between two attempts
)

// engine runs transactions on a pool of connections.
type engine struct {
	db    *sql.DB
	names *qualifier
	busy  time.Duration
	begin string        // begins a transaction
	alone string        // begins one that no other of its kind runs beside
	turn  chan struct{} // taken by the one of this process
	close func() error

	closing sync.Once
	closed  error
}

func newEngine(db *sql.DB, cfg Config) *engine {
	begin := fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %d",
		cfg.BusyTimeout.Milliseconds(), idleTimeout.Milliseconds())
	return &engine{
		db: db, names: newQualifier(cfg.Schema), busy: cfg.BusyTimeout, turn: make(chan struct{}, 1),
		begin: begin, alone: begin + "; " + lockText(cfg.Schema, aloneLock),
	}
}

// in runs statements of ours somewhere.
func (e *engine) in(q sqlstore.Querier) sqlstore.Querier { return querier{q, e.names} }

// Reader serves reads, each by any connection.
func (e *engine) Reader() sqlstore.Querier { return reader{e} }

// Close closes what Open has opened.
func (e *engine) Close() error {
	e.closing.Do(func() { e.closed = e.close() })
	return e.closed
}

// reader reads again where a connection is lost.
type reader struct{ e *engine }

func (r reader) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return r.e.in(r.e.db).ExecContext(ctx, query, args...)
}

func (r reader) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	err = r.e.retry(ctx, func() (bool, error) {
		rows, err = r.e.in(r.e.db).QueryContext(ctx, query, args...) //nolint:rowserrcheck,sqlclosecheck // who reads the rows does
		return true, fault(err)
	})
	return rows, err
}

// Write runs f in a transaction, again where nothing of it was committed because
// of others or of a lost connection.
func (e *engine) Write(ctx context.Context, m sqlstore.Mode, f func(ctx context.Context, q sqlstore.Querier) error) error {
	if m.Alone { // who waits here takes no connection
		select {
		case e.turn <- struct{}{}:
			defer func() { <-e.turn }()
		case <-ctx.Done():
			return fmt.Errorf("wait for another transaction: %w", ctx.Err())
		}
	}
	return e.retry(ctx, func() (again bool, err error) {
		if err := ctx.Err(); err != nil {
			return false, fmt.Errorf("write to database: %w", err)
		}
		return e.attempt(ctx, m, f)
	})
}

// attempt is one transaction. Again tells that another one may be tried after
// its error.
func (e *engine) attempt(ctx context.Context, m sqlstore.Mode, f func(ctx context.Context, q sqlstore.Querier) error) (again bool, err error) {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return true, fault(err)
	}
	committed := false
	defer func() { finish(ctx, conn, committed) }() // after a panic too
	begin := e.begin
	if m.Alone {
		begin = e.alone
	}
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return !hasCode(err, lockNotAvailable), fmt.Errorf("begin transaction: %w", fault(err))
	}
	if err := f(ctx, e.in(conn)); err != nil {
		return !m.Alone && !hasCode(err, lockNotAvailable), err
	}
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("commit: %w", err)
	}
	if err := commit(ctx, conn); err != nil {
		refused := hasCode(err, serialization) || hasCode(err, deadlock)
		return refused && !m.Alone, fmt.Errorf("commit: %w", fault(err))
	}
	committed = true
	return false, nil
}

var errAborted = errors.New("a statement in the transaction has failed before")

// commit says whether the transaction was committed: COMMIT of one that has
// failed before rolls back without an error. Whether one was whose connection is
// lost nobody knows.
func commit(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err := conn.Raw(func(dc any) error {
		tag, err := dc.(*stdlib.Conn).Conn().Exec(ctx, "COMMIT")
		if err == nil && tag.String() != "COMMIT" {
			err = errAborted
		}
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", store.ErrBusy, err)
	}
	return err
}

// finish leaves no transaction open. A connection that cannot be brought there
// is thrown away.
func finish(ctx context.Context, conn *sql.Conn, committed bool) {
	if !committed {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
	}
	_ = conn.Close()
}

// retry calls f again, with growing pauses, while it answers store.ErrBusy and
// says that it may be called again.
func (e *engine) retry(ctx context.Context, f func() (again bool, err error)) error {
	var deadline time.Time
	for pause := firstPause; ; pause = min(2*pause, longestWait) {
		again, err := f()
		if err == nil || !again || !errors.Is(err, store.ErrBusy) {
			return err
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(e.busy)
		}
		if time.Now().After(deadline) {
			return err
		}
		timer := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // only spreads the attempts
		select {
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(ctx.Err(), err)
		case <-timer.C:
		}
	}
}
