package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

// fresh is a migrated file without rows: to copy it is much faster than to
// migrate one for each test.
var fresh = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "semaphore-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "fresh.db")
	s, err := sqlite.Open(context.Background(), path, sqlite.Config{})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil { // which empties the journal into the file
		return nil, err
	}
	return os.ReadFile(path)
})

// freshFile returns a copy of fresh.
func freshFile(t testing.TB) string {
	t.Helper()
	data, err := fresh()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "semaphore.db")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

func TestSuite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
		s, err := sqlite.Open(t.Context(), freshFile(t), sqlite.Config{Now: now})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	})
}

func BenchmarkSuite(b *testing.B) {
	storetest.Benchmarks(b, func(b *testing.B, now func() time.Time) store.Store {
		s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "semaphore.db"), sqlite.Config{Now: now})
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, s.Close()) })
		return s
	})
}
