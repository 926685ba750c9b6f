package api_test

import (
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// storesOf are the stores that these tests run on: PostgreSQL, which takes its
// time, in place of the others with SEMAPHORE_POSTGRES=1.
func storesOf() []string {
	switch {
	case os.Getenv("SEMAPHORE_POSTGRES") != "":
		return []string{"postgres"}
	case raced:
		return []string{"sqlite"}
	}
	return []string{"memory", "sqlite"}
}

// openStore makes a store by its name, and tells what is in it.
func openStore(t *testing.T, name string) (store.Store, func() string) {
	switch name {
	case "postgres":
		return openPostgres(t)
	case "sqlite":
		return openSQLite(t)
	}
	return openMemory(t)
}

func openPostgres(t *testing.T) (store.Store, func() string) {
	url := pgtest.Migrated(t)
	st, err := postgres.Open(t.Context(), url, postgres.Config{MaxConns: 6, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return st, func() string { return pgtest.Dump(t, url) }
}
