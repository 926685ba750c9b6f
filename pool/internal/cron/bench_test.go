package cron_test

import (
	"testing"

	"github.com/alexandervashurin/semaphore/pool/internal/cron"
)

func BenchmarkNext(b *testing.B) {
	berlin := zone(b, "Europe/Berlin")
	for _, text := range []string{"30 2 * * *", "*/5 * * * *", "0 0 29 2 *", "0 0 30 2 *", "@every 5m"} {
		b.Run(text, func(b *testing.B) {
			s := parse(b, text, berlin)
			after := moment(b, "2026-03-29T00:30:00Z")
			b.ReportAllocs()
			for b.Loop() {
				s.Next(after)
			}
		})
	}
}

// BenchmarkMissedYear asks for the newest 100 of the half million ticks that a
// server missed in a year.
func BenchmarkMissedYear(b *testing.B) {
	s := parse(b, "* * * * *", zone(b, "Europe/Berlin"))
	last := moment(b, "2025-03-29T00:30:00Z")
	for b.Loop() {
		cron.Missed(s, last, last.AddDate(1, 0, 0), cron.MissedAll, cron.Bound{Age: 1 << 60, Count: 100})
	}
}
