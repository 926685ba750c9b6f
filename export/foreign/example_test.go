package foreign_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// An old installation in a file is brought into a new database.
func ExampleInstallation_Import() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	old := filepath.Join(dir, "database.sqlite")
	if err := makeOld(ctx, old); err != nil {
		fmt.Println(err)
		return
	}

	installation, err := foreign.Open(ctx, foreign.Source{Place: old})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = installation.Close() }()
	st, err := sqlite.Open(ctx, filepath.Join(dir, "semaphore.db"), sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = st.Close() }()
	ring, err := crypto.NewRing(crypto.GenerateKey()) // keep the key: it opens the secrets
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := installation.Import(ctx, st, ring, foreign.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("users:", report.Kind("user").Kept)
	for _, note := range report.Kind("user").Notes {
		fmt.Println("user", note)
	}
	// Output:
	// users: 1
	// user 1 "anna", password: there is none: the user cannot sign in before one is set
}

// makeOld is the beginning of an installation.
func makeOld(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, query := range append(dialects()["sqlite"].create(),
		"INSERT INTO migrations (version) VALUES ('2.17.15')",
		"INSERT INTO user (id, username, name, email, created) VALUES (1, 'anna', 'Anna', 'anna@example.org', '2026-02-03 04:05:06')") {
		if _, err := db.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}
