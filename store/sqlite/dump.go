package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// sequences lists the ids that SQLite goes on behind.
const sequences = "SELECT name, seq AS last FROM sqlite_sequence ORDER BY name"

// Schema is the number of the newest step by which the tables were made.
func (s *Store) Schema() int64 {
	newest, err := sqlstore.SQLite().Newest()
	if err != nil { // the steps are part of the program, and were read by Open
		return 0
	}
	return newest
}

// Dump reads in one transaction on a connection of its own. While it lasts, what
// others write stays in the journal beside the file, which grows.
func (s *Store) Dump(ctx context.Context, o store.DumpOptions, f func(store.Record) error) (err error) {
	db := s.host
	if db == nil {
		if db, err = sql.Open("sqlite", readerDSN(s.file, s.busy)); err != nil {
			return fmt.Errorf("dump database: %w", err)
		}
		defer func() { err = errors.Join(err, db.Close()) }()
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("dump database: %w", fault(err))
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("dump database: %w", fault(err))
	}
	defer func() { _ = tx.Rollback() }()
	if err := sqlstore.Dump(ctx, tx, sequences, o, f); err != nil {
		return fmt.Errorf("dump database: %w", fault(err))
	}
	return nil
}
