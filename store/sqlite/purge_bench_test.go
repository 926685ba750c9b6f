package sqlite_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// BenchmarkPurge prints how long a worker waits at most to renew its lease while
// 200 MB of output, and then 5,000 tasks with their project, are deleted.
func BenchmarkPurge(b *testing.B) {
	for b.Loop() {
		s := setup(b)
		run := claimOne(b, s)
		tpl := template(b, s, false)
		add(b, s, tpl)
		long := claim(b, s, 1)[0].Lease
		text := make([]byte, 100_000)
		for i := range text {
			text[i] = byte(' ' + rand.IntN(90))
		}
		for seq := range int64(2000) {
			require.NoError(b, s.Queue().Append(b.Context(), long, store.Append{Seq: seq + 1, Lines: []store.LogLine{{Text: string(text)}}}))
		}
		_, err := s.Queue().Finish(b.Context(), long, store.Finish{Status: store.Success})
		require.NoError(b, err)
		b.ReportMetric(waitDuring(b, s, run, func() {
			for more := true; more; {
				more, err = s.Logs().Compact(b.Context())
				require.NoError(b, err)
			}
		}), "ms/compact")
		b.ReportMetric(waitDuring(b, s, run, func() {
			n, err := s.Tasks().Purge(b.Context(), store.PurgeRule{ProjectID: tpl.ProjectID, Before: time.Now().Add(time.Hour)}, 10)
			require.NoError(b, err)
			require.Equal(b, 1, n)
		}), "ms/purge")
		require.NoError(b, s.InTx(b.Context(), func(ctx context.Context, tx store.Store) error {
			for range 5000 {
				_, err := tx.Tasks().Create(ctx, store.NewTask{
					Task:   store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Status: store.Failed},
					Events: []store.Event{{Description: "made"}}, Snapshot: text[:10_000],
				})
				if err != nil {
					return err
				}
			}
			return nil
		}))
		b.ReportMetric(waitDuring(b, s, run, func() {
			require.NoError(b, s.Projects().Delete(b.Context(), 0, tpl.ProjectID))
		}), "ms/delete")
	}
}

func claimOne(b *testing.B, s store.Store) store.Lease {
	b.Helper()
	add(b, s, template(b, s, false))
	return claim(b, s, 1)[0].Lease
}

// waitDuring renews a lease again and again while f works, and returns the
// longest time in milliseconds that it took.
func waitDuring(b *testing.B, s store.Store, l store.Lease, f func()) float64 {
	b.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	longest := time.Duration(0)
	for {
		start := time.Now()
		signals, err := s.Queue().Extend(b.Context(), "me", []store.Lease{l}, time.Minute)
		require.NoError(b, err)
		require.False(b, signals[0].Gone)
		longest = max(longest, time.Since(start))
		select {
		case <-done:
			return float64(longest.Microseconds()) / 1000
		default:
		}
	}
}
