package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

var errEnded = errors.New("transaction has ended: use its store only inside InTx")

// transaction is the connection while a transaction is open on it. After a fault
// by which SQLite may have rolled back by itself (a statement that was
// interrupted, a full disk) nothing more is run: it would be committed at once,
// by itself.
type transaction struct {
	q sqlstore.Querier

	mu     sync.Mutex
	failed error
}

// failure returns why nothing is run any more, nil for nothing.
func (t *transaction) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

func (t *transaction) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil || errors.Is(err, errEnded) {
		t.failed = err
	}
}

// judge remembers a fault, unless it is a constraint's, which undoes its
// statement only.
func (t *transaction) judge(err error) error {
	var e *driver.Error
	if err != nil && (!errors.As(err, &e) || e.Code()&0xff != codes.SQLITE_CONSTRAINT) {
		t.fail(err)
	}
	return err
}

func (t *transaction) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := t.failure(); err != nil {
		return nil, err
	}
	res, err := t.q.ExecContext(ctx, query, args...)
	return res, t.judge(err)
}

func (t *transaction) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := t.failure(); err != nil {
		return nil, err
	}
	rows, err := t.q.QueryContext(ctx, query, args...)
	return rows, t.judge(err)
}
