package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/alexandervashurin/semaphore/store/postgres"
)

// Migrated returns the URL of a database of the shared cluster that has all
// tables and no rows.
func Migrated(t testing.TB) string {
	t.Helper()
	return Shared(t).Prepared(t, func(url string) error {
		s, err := postgres.Open(context.Background(), url, postgres.Config{})
		if err != nil {
			return err
		}
		return s.Close()
	}, empty)
}

// tables lists those of the store, but for that of its version.
func tables(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
		WHERE schemaname = 'semaphore_go' AND tablename <> 'semaphore_migration' ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		list = append(list, name)
	}
	return list, rows.Err()
}

// empty deletes all rows, and lets ids begin anew.
func empty(ctx context.Context, db *sql.DB) error {
	list, err := tables(ctx, db)
	if err != nil {
		return err
	}
	query := "SET lock_timeout = 5000; SET session_replication_role = replica; " // foreign keys are not looked at
	for _, name := range list {
		query += "DELETE FROM " + name + ";"
	}
	if _, err := db.ExecContext(ctx, query); err != nil {
		return fmt.Errorf("delete all rows: %w", err)
	}
	_, err = db.ExecContext(ctx, `SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, FALSE)
		FROM pg_sequences WHERE schemaname = 'semaphore_go' AND last_value IS NOT NULL`)
	return err
}

// Dump is every row of every table as text.
func Dump(t testing.TB, url string) string {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	list, err := tables(t.Context(), db)
	var b strings.Builder
	for _, name := range list {
		if err != nil {
			break
		}
		var text string
		err = db.QueryRowContext(t.Context(), "SELECT coalesce(string_agg(r::text, E'\\n' ORDER BY r::text), '') FROM "+name+" r").Scan(&text)
		fmt.Fprintf(&b, "%s\n%s\n", name, text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
