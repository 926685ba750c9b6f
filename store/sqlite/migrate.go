package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/alexandervashurin/semaphore/internal/flock"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// migrate applies what is missing, one process at a time. A database in memory
// belongs to this process, which opens it once.
func migrate(ctx context.Context, db *sql.DB, file string) error {
	err := sqlstore.SQLite().Up(ctx, db, func(ctx context.Context) (func() error, error) {
		if file == "" {
			return func() error { return nil }, nil
		}
		l, err := flock.Wait(ctx, file+".migrate", nil)
		if err != nil {
			return nil, err
		}
		return l.Unlock, nil
	})
	return fault(err)
}

// check looks at a handle of the host without changing anything, and returns
// the file behind it, "" for none.
func check(ctx context.Context, db *sql.DB) (file string, err error) {
	if err := checkForeign(ctx, db); err != nil {
		return "", err
	}
	query := "SELECT file FROM pragma_database_list WHERE name = 'main'"
	if err := db.QueryRowContext(ctx, query).Scan(&file); err != nil {
		return "", fault(err)
	}
	var keys int
	var journal string
	if err := db.QueryRowContext(ctx, "PRAGMA foreign_keys").Scan(&keys); err != nil {
		return "", fault(err)
	}
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
		return "", fault(err)
	}
	if keys != 1 {
		return "", fmt.Errorf("foreign keys are off: add _pragma=foreign_keys(1) to its data source name: %w", store.ErrInvalid)
	}
	if file != "" && !strings.EqualFold(journal, "wal") {
		return "", fmt.Errorf("journal mode is %s, so that readers and writers wait for each other: "+
			"add _pragma=journal_mode(WAL) to its data source name: %w", journal, store.ErrInvalid)
	}
	return file, nil
}
