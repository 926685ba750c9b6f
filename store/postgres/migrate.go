package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

const oldest = 130000 // the first version of PostgreSQL that is good for us

// check looks at a database without changing anything.
func check(ctx context.Context, db *sql.DB, schema string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	err = conn.Raw(func(dc any) error {
		if _, ok := dc.(*stdlib.Conn); !ok {
			return fmt.Errorf("the handle is none of pgx: open it with github.com/jackc/pgx/v5/stdlib: %w", store.ErrInvalid)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var version int
	var foreign bool
	var encoding string
	err = conn.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
		(SELECT count(*) FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass($1) AND attname IN ('version', 'upgraded_date')) = 2
		OR coalesce(to_regclass($2), to_regclass($3), to_regclass($4)) IS NOT NULL`,
		schema+".migrations", schema+".project__template", schema+".project__repository", schema+".task__output").Scan(&version, &encoding, &foreign)
	switch {
	case err != nil:
		return err
	case foreign:
		return fmt.Errorf("schema %s: %w", schema, store.ErrForeign)
	case version < oldest:
		return fmt.Errorf("PostgreSQL %d is too old: use 13 or newer: %w", version/10000, store.ErrInvalid)
	case encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s: make one WITH ENCODING 'UTF8' TEMPLATE template0: %w", encoding, store.ErrInvalid)
	}
	return nil
}

// migrate applies what is missing, one server at a time.
func migrate(ctx context.Context, db *sql.DB, schema string) error {
	return sqlstore.Postgres(schema).Up(ctx, db, func(ctx context.Context) (func() error, error) {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		unlock := func() error { return conn.Close() }
		if err := prepare(ctx, conn, schema); err != nil {
			return nil, errors.Join(err, unlock())
		}
		return func() error {
			_, err := conn.ExecContext(context.WithoutCancel(ctx), "COMMIT") // which gives the lock back
			return errors.Join(err, unlock())
		}, nil
	})
}

// prepare takes the lock, which is that of a transaction: a pooler may give each
// statement outside of one another connection. Then it makes the schema, whose
// maker need not be who migrates.
func prepare(ctx context.Context, conn *sql.Conn, schema string) error {
	for _, query := range []string{"BEGIN", "SET LOCAL idle_in_transaction_session_timeout = 0", lockText(schema, migrateLock)} {
		if _, err := conn.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	var there bool
	err := conn.QueryRowContext(ctx, "SELECT to_regnamespace($1) IS NOT NULL", schema).Scan(&there)
	if err != nil || there {
		return err
	}
	// Others see it once it is committed, so that the lock is taken anew.
	if _, err := conn.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+schema); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return err
	}
	return prepare(ctx, conn, schema)
}
