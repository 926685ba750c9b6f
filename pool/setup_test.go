package pool_test

import (
	"sync/atomic"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// leaseTTL is the default of a pool.
const leaseTTL = 15 * time.Second

func newStore() store.Store { return memory.New(memory.Config{}) }

// shared hides that a store may have one owner only, so that several pools work
// on it, as on a database server.
type shared struct{ store.Store }

// clock is the time, moved by an offset that tests change.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func (c *clock) move(d time.Duration) { c.offset.Add(int64(d)) }
