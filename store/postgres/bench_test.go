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

// BenchmarkQueue prints how many tasks are added, and claimed and finished, in a
// second: by one server, by eight, and several at a time.
func BenchmarkQueue(b *testing.B) {
	b.Run("add", func(b *testing.B) {
		s := setup(b)
		tpl := template(b, s, true)
		for b.Loop() {
			add(b, s, tpl)
		}
		perSecond(b, b.N)
	})
	for _, servers := range []int{1, 8} {
		for _, most := range []int{1, 16} {
			b.Run(fmt.Sprintf("%d servers claim %d at a time", servers, most), func(b *testing.B) { benchClaim(b, servers, most) })
		}
	}
}

func perSecond(b *testing.B, n int) {
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "tasks/s")
}

func benchClaim(b *testing.B, servers, most int) {
	url := fresh(b)
	stores := make([]store.Store, servers)
	for i := range stores {
		stores[i] = open(b, url, postgres.Config{MaxConns: 4})
	}
	tpl := template(b, stores[0], true)
	require.NoError(b, stores[0].InTx(b.Context(), func(ctx context.Context, tx store.Store) error {
		for range b.N {
			if _, err := tx.Tasks().Create(ctx, newTask(tpl)); err != nil {
				return err
			}
		}
		return nil
	}))
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan error, servers)
	for _, s := range stores {
		go func() { done <- drain(b.Context(), s, most, &left) }()
	}
	for range stores {
		require.NoError(b, <-done)
	}
	perSecond(b, b.N)
}

// drain claims and finishes until nothing is left.
func drain(ctx context.Context, s store.Store, most int, left *atomic.Int64) error {
	for left.Load() > 0 {
		list, err := s.Queue().Claim(ctx, store.ClaimRequest{Owner: "me", Tags: []string{""}, Max: most, TTL: time.Minute, MaxParallel: 1000})
		if err != nil {
			return err
		}
		left.Add(-int64(len(list)))
		for _, c := range list {
			if _, err := s.Queue().Finish(ctx, c.Lease, store.Finish{Status: store.Success}); err != nil {
				return err
			}
		}
	}
	return nil
}
