package memory_test

import (
	"testing"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(_ *testing.T, now func() time.Time) store.Store { return memory.New(memory.Config{Now: now}) })
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmarks(b, func(_ *testing.B, now func() time.Time) store.Store { return memory.New(memory.Config{Now: now}) })
}
