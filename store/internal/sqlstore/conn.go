package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// conn runs statements in a transaction, or outside of one.
type conn struct {
	q    Querier
	d    *Dialect
	unit *unit // nil outside
}

// exec runs a statement and tells how many rows it has changed.
func (c conn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := c.q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, c.d.Fault(err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, c.d.Fault(err)
	}
	return n, nil
}

// each calls f for every row.
func (c conn) each(ctx context.Context, query string, args []any, f func(*sql.Rows) error) error {
	rows, err := c.q.QueryContext(ctx, query, args...)
	if err != nil {
		return c.d.Fault(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return c.d.Fault(err)
	}
	return nil
}

// row scans the only row, or answers store.ErrNotFound.
func (c conn) row(ctx context.Context, query string, args []any, dest ...any) error {
	found := false
	err := c.each(ctx, query, args, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(dest...)
	})
	if err != nil {
		return err
	}
	if !found {
		return store.ErrNotFound
	}
	return nil
}

// ids returns the first column of all rows.
func (c conn) ids(ctx context.Context, query string, args ...any) ([]int64, error) {
	var list []int64
	err := c.each(ctx, query, args, func(rows *sql.Rows) error {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		list = append(list, id)
		return nil
	})
	return list, err
}

// exists tells whether a query has a row.
func (c conn) exists(ctx context.Context, query string, args ...any) (bool, error) {
	list, err := c.ids(ctx, query, args...)
	return len(list) > 0, err
}

// nested calls f so that what it has changed is undone when it fails, while the
// transaction goes on.
func (c conn) nested(ctx context.Context, f func(ctx context.Context, c conn) error) error {
	if _, err := c.exec(ctx, "SAVEPOINT nested"); err != nil {
		return err
	}
	before := c.unit.mark()
	err := f(ctx, c)
	ends := []string{"RELEASE SAVEPOINT nested"}
	if err != nil {
		c.unit.reset(before)
		ends = []string{"ROLLBACK TO SAVEPOINT nested", "RELEASE SAVEPOINT nested"}
	}
	for _, end := range ends {
		if _, fault := c.exec(context.WithoutCancel(ctx), end); fault != nil {
			return errors.Join(err, fmt.Errorf("end nested transaction: %w", fault))
		}
	}
	return err
}

// read returns where to read: the transaction, if there is one.
func (s *Store) read() conn {
	if s.tx != nil {
		return *s.tx
	}
	return conn{q: s.engine.Reader(), d: &s.dialect}
}

// write calls f in a transaction: that of s, or one of its own. A power loss may
// take it back.
func (s *Store) write(ctx context.Context, f func(ctx context.Context, c conn) error) error {
	return s.transact(ctx, Mode{}, f)
}

// durable is write for what a task would run twice without, or what could not be
// made again.
func (s *Store) durable(ctx context.Context, f func(ctx context.Context, c conn) error) error {
	return s.transact(ctx, Mode{Durable: true}, f)
}

// bulk is write for work that can wait.
func (s *Store) bulk(ctx context.Context, f func(ctx context.Context, c conn) error) error {
	return s.transact(ctx, Mode{Bulk: true}, f)
}

func (s *Store) transact(ctx context.Context, m Mode, f func(ctx context.Context, c conn) error) error {
	if s.tx != nil {
		if err := s.tx.nested(ctx, f); err != nil {
			return err
		}
		return s.tx.pass(ctx)
	}
	var u *unit
	err := s.engine.Write(ctx, m, func(ctx context.Context, q Querier) error {
		u = &unit{}
		return f(ctx, conn{q, &s.dialect, u})
	})
	if err == nil {
		s.dialect.tell(u.notices)
	}
	return err
}

// InTx calls f with a Store whose methods share one transaction. Inside of one
// it calls f with the Store itself.
func (s *Store) InTx(ctx context.Context, f func(ctx context.Context, tx store.Store) error) error {
	if s.tx != nil {
		return f(ctx, s)
	}
	return s.transact(ctx, Mode{Durable: true, Alone: true}, func(ctx context.Context, c conn) error {
		return f(ctx, s.in(c))
	})
}

// in returns a Store inside of a transaction.
func (s *Store) in(c conn) *Store { return &Store{core: s.core, tx: &c} }

// clock returns the time as it is stored: in milliseconds, UTC.
func (s *Store) clock(ctx context.Context, c conn) (time.Time, error) {
	if s.dialect.Clock == nil {
		return time.UnixMilli(s.now().UnixMilli()).UTC(), nil
	}
	if c.unit != nil && !c.unit.now.IsZero() {
		return c.unit.now, nil
	}
	now, err := s.dialect.Clock(ctx, c.q)
	if err != nil {
		return now, s.dialect.Fault(err)
	}
	now = now.UTC()
	if c.unit != nil {
		c.unit.now = now
	}
	return now, nil
}
