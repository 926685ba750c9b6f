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

// onPostgres says that these tests run on PostgreSQL as well, which takes its
// time: with SEMAPHORE_POSTGRES=1.
func onPostgres() bool { return os.Getenv("SEMAPHORE_POSTGRES") == "1" }

func openPostgres(t *testing.T) (store.Store, func() string) {
	url := pgtest.Migrated(t)
	st, err := postgres.Open(t.Context(), url, postgres.Config{MaxConns: 6, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return st, func() string { return pgtest.Dump(t, url) }
}
