package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

const rollbackTimeout = 10 * time.Second

// engine runs transactions on a file: reads in a pool, writes one at a time.
type engine struct {
	lock    writerLock
	busy    time.Duration
	reader  sqlstore.Querier
	writer  *sql.DB
	close   func() error
	foreign bool // the host's handle: each transaction borrows a connection

	conn  *sql.Conn // of the writer, nil until it is needed; guarded by lock
	full  bool      // each commit on conn is on the disk
	stmts *statements

	closing sync.Once
	closed  error
	shut    atomic.Bool // nobody is to keep a connection
}

// Reader serves reads from the pool.
func (e *engine) Reader() sqlstore.Querier { return e.reader }

// Close closes what Open has opened. With the last connection SQLite moves what
// was written into the file itself and removes those beside it; a transaction
// that is under way keeps its own until it ends.
func (e *engine) Close() error {
	e.closing.Do(func() {
		e.shut.Store(true)
		if e.lock.try() {
			e.leave()
			e.lock.release()
		}
		e.closed = e.close()
	})
	return e.closed
}

// leave gives the connection back; the lock is held.
func (e *engine) leave() {
	if e.conn == nil {
		return
	}
	if e.stmts != nil { // while their connection is there
		e.stmts.close()
	}
	_ = e.conn.Close()
	e.conn, e.stmts = nil, nil
}

// Write runs a transaction that takes the write lock of the file when it
// begins, so that it never has to give up in the middle.
func (e *engine) Write(ctx context.Context, m sqlstore.Mode, f func(ctx context.Context, q sqlstore.Querier) error) (err error) {
	if err := e.lock.acquire(ctx, m.Bulk); err != nil {
		return err
	}
	defer e.lock.release()
	committed := false
	defer func() { e.end(ctx, committed) }()
	if err := e.begin(ctx, m.Durable); err != nil {
		return fmt.Errorf("begin transaction: %w", fault(err))
	}
	tx := &transaction{q: e.querier()}
	defer func() { tx.fail(errEnded) }()
	if err := f(ctx, tx); err != nil {
		return err
	}
	if err := errors.Join(ctx.Err(), tx.failure()); err != nil {
		return fmt.Errorf("commit: %w", fault(err))
	}
	if err := e.commit(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("commit: %w", fault(err))
	}
	committed = true
	return nil
}

// begin waits as long for other processes as SQLite would, on connections whose
// busy_timeout is not ours too.
func (e *engine) begin(ctx context.Context, durable bool) error {
	if e.conn == nil {
		conn, err := e.writer.Conn(ctx)
		if err != nil {
			return err
		}
		e.conn, e.full = conn, false // as writerDSN says
		if !e.foreign {
			e.stmts = newStatements(conn)
		}
	}
	if err := e.sync(ctx, durable); err != nil {
		return err
	}
	return retry(ctx, e.busy, func() error {
		_, err := e.conn.ExecContext(ctx, "BEGIN IMMEDIATE")
		return err
	})
}

// sync decides whether the next commits are on the disk when they return. The
// setting stays with the connection; a host's is the host's.
func (e *engine) sync(ctx context.Context, full bool) error {
	if e.foreign || e.full == full {
		return nil
	}
	query := "PRAGMA synchronous = NORMAL"
	if full {
		query = "PRAGMA synchronous = FULL"
	}
	if _, err := e.conn.ExecContext(ctx, query); err != nil {
		return err
	}
	e.full = full
	return nil
}

// commit may find readers in its way where the journal is not a WAL.
func (e *engine) commit(ctx context.Context) error {
	return retry(ctx, e.busy, func() error {
		_, err := e.conn.ExecContext(ctx, "COMMIT")
		return err
	})
}

// end leaves no transaction open, not even one that began while ctx ended. A
// connection that cannot be brought there is thrown away; the host gets its own
// one back.
func (e *engine) end(ctx context.Context, committed bool) {
	if e.conn == nil {
		return
	}
	var broken error
	if !committed {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_, broken = e.conn.ExecContext(ctx, "ROLLBACK")
	}
	if broken == nil && !e.foreign && !e.shut.Load() {
		return
	}
	if broken != nil {
		if e.stmts != nil { // while their connection is there
			e.stmts.close()
		}
		_ = e.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	e.leave()
}

func (e *engine) querier() sqlstore.Querier {
	if e.stmts != nil {
		return e.stmts
	}
	return e.conn
}

// retry calls f again while the file is locked by another process.
func retry(ctx context.Context, patience time.Duration, f func() error) error {
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := f()
		if err == nil || !errors.Is(fault(err), store.ErrBusy) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
