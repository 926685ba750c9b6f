package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// BenchmarkQueue prints how many tasks are added, claimed and finished in a
// second: by one server and by three, one at a time and several.
func BenchmarkQueue(b *testing.B) {
	for _, servers := range []int{1, 3} {
		b.Run(fmt.Sprintf("%d servers add", servers), func(b *testing.B) { benchAdd(b, servers) })
		for _, most := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%d servers claim %d at a time", servers, most), func(b *testing.B) { benchClaim(b, servers, most) })
		}
	}
}

func several(b *testing.B, servers int) []store.Store {
	url := fresh(b)
	stores := make([]store.Store, servers)
	for i := range stores {
		stores[i] = open(b, url, postgres.Config{MaxConns: 4})
	}
	return stores
}

// all calls f for each store at once.
func all(b *testing.B, stores []store.Store, f func(store.Store) error) time.Duration {
	begun := time.Now()
	done := make(chan error, len(stores))
	for _, s := range stores {
		go func() { done <- f(s) }()
	}
	for range stores {
		require.NoError(b, <-done)
	}
	return time.Since(begun)
}

func benchAdd(b *testing.B, servers int) {
	stores := several(b, servers)
	tpl := template(b, stores[0], true)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	took := all(b, stores, func(s store.Store) error {
		for left.Add(-1) >= 0 {
			if _, err := s.Tasks().Create(b.Context(), newTask(tpl)); err != nil {
				return err
			}
		}
		return nil
	})
	b.ReportMetric(float64(b.N)/took.Seconds(), "adds/s")
}

// benchClaim claims all there is, and then finishes it.
func benchClaim(b *testing.B, servers, most int) {
	stores := several(b, servers)
	tpl := template(b, stores[0], true)
	require.NoError(b, stores[0].InTx(b.Context(), func(ctx context.Context, tx store.Store) error {
		for range b.N {
			if _, err := tx.Tasks().Create(ctx, newTask(tpl)); err != nil {
				return err
			}
		}
		return nil
	}))
	leases := make(chan store.Lease, b.N)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	took := all(b, stores, func(s store.Store) error {
		for left.Load() > 0 {
			list, err := s.Queue().Claim(b.Context(), store.ClaimRequest{Owner: "me", Tags: []string{""}, Max: most, TTL: time.Minute})
			if err != nil {
				return err
			}
			left.Add(-int64(len(list)))
			for _, c := range list {
				leases <- c.Lease
			}
		}
		return nil
	})
	b.ReportMetric(float64(b.N)/took.Seconds(), "claims/s")
	close(leases)
	took = all(b, stores, func(s store.Store) error {
		for l := range leases {
			if _, err := s.Queue().Finish(b.Context(), l, store.Finish{Status: store.Success}); err != nil {
				return err
			}
		}
		return nil
	})
	b.ReportMetric(float64(b.N)/took.Seconds(), "finishes/s")
}
