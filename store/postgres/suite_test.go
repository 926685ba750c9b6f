package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
		return open(t, fresh(t), postgres.Config{Now: now})
	})
}

// TestSuiteOnAHostsHandle proves that a borrowed pool does all that an own one
// does, even without prepared statements, as behind a pooler.
func TestSuiteOnAHostsHandle(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("TestSuite does the same on connections of its own")
	}
	storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
		pool, err := pgxpool.New(t.Context(), fresh(t)+"&default_query_exec_mode=exec")
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		s, err := postgres.UsePool(t.Context(), pool, postgres.Config{Now: now, PollOnly: true})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return struct{ store.Store }{s} // nobody listens
	})
}

func BenchmarkSuite(b *testing.B) {
	storetest.Benchmarks(b, func(b *testing.B, _ func() time.Time) store.Store {
		return open(b, fresh(b), postgres.Config{})
	})
}
