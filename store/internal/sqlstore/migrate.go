package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// VersionTable keeps which migrations were applied. The name is ours, so that a
// program that migrates tables of its own may do it in the same database.
const VersionTable = "semaphore_migration"

//go:embed migrations/sqlite/*.sql
var sqliteFiles embed.FS

//go:embed migrations/postgres/*.sql
var postgresFiles embed.FS

// SQLite returns the migrations of SQLite, by which its tables are made.
func SQLite() Migrations {
	return Migrations{
		Files: sqliteFiles, Dir: "migrations/sqlite", Dialect: goose.DialectSQLite3, Table: VersionTable,
		Exists: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1",
	}
}

// Postgres returns the migrations of PostgreSQL, by which its tables are made in
// a schema whose name needs no quotes.
func Postgres(name string) Migrations {
	return Migrations{
		Files: postgresFiles, Dir: "migrations/postgres", Dialect: goose.DialectPostgres, Table: name + "." + VersionTable,
		Exists: "SELECT 1 WHERE to_regclass($1) IS NOT NULL",
		Before: "SET LOCAL search_path TO " + name,
	}
}

// Migrations are the steps that make a database what this program needs. They
// only go forward, each in a transaction of its own.
type Migrations struct {
	Files   fs.FS
	Dir     string
	Dialect goose.Dialect
	Table   string // keeps the version
	Exists  string // query for a row where table $1 is
	Before  string // is run before each step, in its transaction
}

// Up applies what is missing. Before it changes anything it takes the lock,
// which keeps other processes from doing the same; a database that is as it
// should be takes none. One that a newer program has migrated is
// store.ErrNewer.
func (m Migrations) Up(ctx context.Context, db *sql.DB, lock func(context.Context) (unlock func() error, err error)) (err error) {
	p, newest, err := m.provider(db)
	if err != nil {
		return err
	}
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

// provider returns what applies the steps to a database, and the version of the
// last one.
func (m Migrations) provider(db *sql.DB) (*goose.Provider, int64, error) {
	steps, newest, err := m.steps()
	if err != nil {
		return nil, 0, fmt.Errorf("read migrations: %w", err)
	}
	p, err := goose.NewProvider(m.Dialect, db, nil, goose.WithTableName(m.Table), goose.WithGoMigrations(steps...),
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, 0, fmt.Errorf("read migrations: %w", err)
	}
	return p, newest, nil
}

// Newest is the version of the last step.
func (m Migrations) Newest() (int64, error) {
	_, newest, err := m.steps()
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	return newest, nil
}

// To brings a database that nobody else uses to a version, 0 for the newest one.
// One that is not known yet is store.ErrNewer, one that never was
// store.ErrInvalid.
func (m Migrations) To(ctx context.Context, db *sql.DB, version int64) error {
	p, newest, err := m.provider(db)
	if err != nil {
		return err
	}
	known := version == 0
	for _, s := range p.ListSources() {
		known = known || s.Version == version
	}
	switch {
	case version > newest:
		return fmt.Errorf("version %d, known is %d: %w", version, newest, store.ErrNewer)
	case !known:
		return fmt.Errorf("there is no version %d of the tables: %w", version, store.ErrInvalid)
	case version == 0:
		version = newest
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return fmt.Errorf("migrate to version %d: %w", version, err)
	}
	return nil
}

// Version returns that of a database, 0 for one that has no tables yet.
func (m Migrations) Version(ctx context.Context, db *sql.DB) (int64, error) {
	return m.version(ctx, db)
}

// steps reads the files, and tells the version of the last one.
func (m Migrations) steps() (list []*goose.Migration, newest int64, err error) {
	names, err := fs.Glob(m.Files, path.Join(m.Dir, "*.sql"))
	if err != nil {
		return nil, 0, err
	}
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("%s does not begin with a version: %w", name, err)
		}
		text, err := fs.ReadFile(m.Files, name)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, goose.NewGoMigration(version, &goose.GoFunc{RunTx: m.step(string(text))}, nil))
		newest = max(newest, version)
	}
	return list, newest, nil
}

func (m Migrations) step(text string) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		for _, query := range []string{m.Before, text} {
			if query == "" {
				continue
			}
			if _, err := tx.ExecContext(ctx, query); err != nil {
				return err
			}
		}
		return nil
	}
}

func (m Migrations) version(ctx context.Context, db *sql.DB) (int64, error) {
	var found int
	err := db.QueryRowContext(ctx, m.Exists, m.Table).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var version sql.NullInt64
	err = db.QueryRowContext(ctx, "SELECT max(version_id) FROM "+m.Table).Scan(&version)
	return version.Int64, err
}

// ownTables are the tables that no row type describes.
var ownTables = []string{
	"log_chunk", "option", "outbox", "task_attempt", "task_bundle", "terraform_state", "terraform_state_lock",
}

// Tables lists the tables that statements name.
func Tables() []string {
	list := slices.Clone(ownTables)
	for _, e := range schema.Entities() {
		list = append(list, e.Name)
	}
	return list
}
