package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/alexandervashurin/semaphore/store"
)

// VersionTable keeps which migrations were applied. The name is ours, so that a
// program that migrates tables of its own may do it in the same database.
const VersionTable = "semaphore_migration"

//go:embed migrations/sqlite/*.sql
var sqliteFiles embed.FS

// SQLite returns the migrations of SQLite, by which its tables are made.
func SQLite() Migrations {
	return Migrations{
		Files: sqliteFiles, Dir: "migrations/sqlite", Dialect: goose.DialectSQLite3,
		Exists: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1",
	}
}

// Migrations are the steps that make a database what this program needs. They
// only go forward, each in a transaction of its own.
type Migrations struct {
	Files   fs.FS
	Dir     string
	Dialect goose.Dialect
	Exists  string // query for a row where table $1 is
}

// Up applies what is missing. Before it changes anything it takes the lock,
// which keeps other processes from doing the same; a database that is as it
// should be takes none. One that a newer program has migrated is
// store.ErrNewer.
func (m Migrations) Up(ctx context.Context, db *sql.DB, lock func(context.Context) (unlock func() error, err error)) (err error) {
	files, err := fs.Sub(m.Files, m.Dir)
	if err != nil {
		return fmt.Errorf("find migrations: %w", err)
	}
	p, err := goose.NewProvider(m.Dialect, db, files, goose.WithTableName(VersionTable),
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	current, err := m.version(ctx, db)
	switch {
	case err != nil:
		return fmt.Errorf("read database version: %w", err)
	case current == newest:
		return nil
	case current > newest:
		return fmt.Errorf("version %d, known is %d: %w", current, newest, store.ErrNewer)
	}
	unlock, err := lock(ctx)
	if err != nil {
		return fmt.Errorf("wait for another migration: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
}

func (m Migrations) version(ctx context.Context, db *sql.DB) (int64, error) {
	var found int
	err := db.QueryRowContext(ctx, m.Exists, VersionTable).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var version sql.NullInt64
	err = db.QueryRowContext(ctx, "SELECT max(version_id) FROM "+VersionTable).Scan(&version)
	return version.Int64, err
}
