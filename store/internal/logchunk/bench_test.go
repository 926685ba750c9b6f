package logchunk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store/internal/logchunk"
)

// BenchmarkStore encodes a million lines in raw chunks of 500 and merges them.
func BenchmarkStore(b *testing.B) {
	const lines = 1_000_000
	recs := ansible(lines)
	var merged []logchunk.Chunk
	b.SetBytes(int64(text(recs)))
	b.ReportAllocs()
	for b.Loop() {
		merged = logchunk.Merge(rawChunks(recs, 1, 500), 0)
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64(size(merged))/float64(text(recs)), "ratio")
	b.ReportMetric(float64(size(merged))/float64(len(merged))/1024, "KiB/chunk")
}

// BenchmarkEncode is the part of it that a flush waits for.
func BenchmarkEncode(b *testing.B) {
	recs := ansible(500)
	b.SetBytes(int64(text(recs)))
	b.ReportAllocs()
	for b.Loop() {
		logchunk.Encode(recs)
	}
	b.ReportMetric(float64(len(recs))*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkPage reads 1000 lines out of the end of a merged chunk.
func BenchmarkPage(b *testing.B) {
	merged := logchunk.Merge(rawChunks(ansible(20_000), 1, 500), 0)
	c := merged[0]
	to := c.FirstLine + c.Lines
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		require.NoError(b, c.DecodeRange(to-1000, to, func(int64, logchunk.Record) bool { n++; return true }))
		require.Equal(b, 1000, n)
	}
}

// BenchmarkWhole reads a million lines.
func BenchmarkWhole(b *testing.B) {
	const lines = 1_000_000
	merged := logchunk.Merge(rawChunks(ansible(lines), 1, 500), 0)
	for b.Loop() {
		n := 0
		for _, c := range merged {
			require.NoError(b, c.Decode(func(int64, logchunk.Record) bool { n++; return true }))
		}
		require.Equal(b, lines, n)
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
