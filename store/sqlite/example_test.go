package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "semaphore-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	s, err := sqlite.Open(ctx, filepath.Join(dir, "semaphore.db"), sqlite.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	p, err := s.Projects().Create(ctx, store.Project{Name: "Web"})
	fmt.Println(p.ID, p.Name, err)
	// Output: 1 Web <nil>
}

// A program with a database of its own adds rows in its own transaction: both
// are stored, or none.
func ExampleStore_WithTx() {
	dir, err := os.MkdirTemp("", "semaphore-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(dir)+"/host.db?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	s, err := sqlite.Use(ctx, db, sqlite.Config{})
	if err != nil {
		log.Fatal(err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := s.WithTx(tx).Projects().Create(ctx, store.Project{Name: "Web"}); err != nil {
		log.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		log.Fatal(err)
	}
	n, err := s.Projects().Count(ctx, 0, store.Query{})
	fmt.Println(n, err)
	// Output: 0 <nil>
}
