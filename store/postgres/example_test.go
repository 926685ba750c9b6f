package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

func ExampleOpen() {
	ctx := context.Background()
	s, err := postgres.Open(ctx, "postgres://semaphore:secret@db.example.com/semaphore?sslmode=verify-full", postgres.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	p, err := s.Projects().Create(ctx, store.Project{Name: "Web"})
	fmt.Println(p.ID, p.Name, err)
}

// A program with a database of its own adds rows in its own transaction: both
// are stored, or none.
func ExampleStore_WithTx() {
	ctx := context.Background()
	db, err := sql.Open("pgx", "postgres://host:secret@db.example.com/orders")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	s, err := postgres.Use(ctx, db, postgres.Config{}) // in a schema of its own
	if err != nil {
		log.Fatal(err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "INSERT INTO orders (name) VALUES ('web')"); err != nil {
		log.Fatal(err)
	}
	if _, err := s.WithTx(tx).Projects().Create(ctx, store.Project{Name: "Web"}); err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}
}
