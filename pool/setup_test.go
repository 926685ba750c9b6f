package pool_test

import (
	"sync/atomic"
	"testing/synctest"
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

// days lets days pass in steps that a pool in the bubble notices.
func (c *clock) days(n int) {
	for range 24 * n {
		c.move(time.Hour)
		time.Sleep(3 * time.Second)
		synctest.Wait()
	}
}
