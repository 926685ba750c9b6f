package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// Schema is the number of the newest step by which the tables were made.
func (s *Store) Schema() int64 {
	newest, err := sqlstore.Postgres(s.cfg.Schema).Newest()
	if err != nil { // the steps are part of the program, and were read by Open
		return 0
	}
	return newest
}

// sequencesText lists the ids that the tables of a schema go on behind. A
// sequence that was not used yet has none.
func sequencesText(schema string) string {
	return fmt.Sprintf(`SELECT left(sequencename, -length('_id_seq'))::text AS name, last_value AS last FROM pg_catalog.pg_sequences
		WHERE schemaname = '%s' AND sequencename LIKE '%%\_id\_seq' AND last_value IS NOT NULL ORDER BY 1`, schema)
}

// Dump reads in one transaction, which the database keeps old versions of rows
// for while it lasts.
func (s *Store) Dump(ctx context.Context, o store.DumpOptions, f func(store.Record) error) (err error) {
	conn, err := s.engine.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("dump database: %w", fault(err))
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("dump database: %w", fault(err))
	}
	defer func() { _ = tx.Rollback() }()
	// Whoever takes the rows may be slow.
	for _, query := range []string{"SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0"} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return fmt.Errorf("dump database: %w", fault(err))
		}
	}
	if err := sqlstore.Dump(ctx, s.engine.in(tx), sequencesText(s.cfg.Schema), o, f); err != nil {
		return fmt.Errorf("dump database: %w", fault(err))
	}
	return nil
}
