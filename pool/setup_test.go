package pool_test

import (
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// leaseTTL is the default of a pool.
const leaseTTL = 15 * time.Second

func newStore() store.Store { return memory.New(memory.Config{}) }

// newPool is pooltest.New, on PostgreSQL with SEMAPHORE_POSTGRES=1: for tests that
// take the time of the machine.
func newPool(t *testing.T, o pooltest.Options) *pooltest.Pool {
	t.Helper()
	if o.Store == nil && os.Getenv("SEMAPHORE_POSTGRES") != "" {
		st, err := postgres.Open(t.Context(), pgtest.Migrated(t), postgres.Config{MaxConns: 6, Now: o.Config.Now, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, st.Close()) })
		o.Store = st
	}
	return pooltest.New(t, o)
}

// shared hides that a store may have one owner only, so that several pools work
// on it, as on a database server.
type shared struct{ store.Store }

// clock is the time, moved by an offset that tests change.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func (c *clock) move(d time.Duration) { c.offset.Add(int64(d)) }

// days lets days pass in steps that a pool in the bubble notices.
func (c *clock) days(n int) {
	for range 24 * n {
		c.move(time.Hour)
		time.Sleep(3 * time.Second)
		synctest.Wait()
	}
}
