package logchunk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store/internal/logchunk"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC)

// ansible returns n lines as a play over many hosts writes them.
func ansible(n int) []logchunk.Record {
	random := rand.New(rand.NewPCG(1, 2))
	recs := make([]logchunk.Record, n)
	now := start
	for i := range recs {
		now = now.Add(time.Duration(random.IntN(400)) * time.Microsecond)
		recs[i] = logchunk.Record{Time: now, Text: fmt.Sprintf(
			"%s line %d: ok: [web%d] => (item={'name': 'nginx', 'state': 'present', 'port': %d})",
			now.Format("2006-01-02 15:04:05"), i, random.IntN(40), 8000+random.IntN(100))}
	}
	return recs
}

// rawChunks cuts records into raw chunks of at most per lines.
func rawChunks(recs []logchunk.Record, attempt, per int) []logchunk.Chunk {
	var chunks []logchunk.Chunk
	for i := 0; i < len(recs); i += per {
		part := recs[i:min(i+per, len(recs))]
		c := logchunk.Chunk{FirstLine: int64(i), Lines: int64(len(part)), Attempt: attempt}
		c.Start, c.Data = logchunk.Encode(part)
		chunks = append(chunks, c)
	}
	return chunks
}

func all(t require.TestingT, chunks []logchunk.Chunk) []logchunk.Record {
	var recs []logchunk.Record
	next := int64(0)
	for _, c := range chunks {
		require.NoError(t, c.Decode(func(line int64, r logchunk.Record) bool {
			require.Equal(t, next, line)
			next++
			recs = append(recs, r)
			return true
		}))
	}
	return recs
}

func TestRecordsComeBack(t *testing.T) {
	t.Parallel()
	recs := []logchunk.Record{
		{Time: start, Text: "PLAY [all]"},
		{Time: start.Add(time.Millisecond), Stream: logchunk.Err, Masked: true, Text: "token ***"},
		{Time: start.Add(-time.Hour), Stream: logchunk.System, Text: ""},
		{Time: start.Add(time.Hour), Truncated: true, Text: strings.Repeat("x", 1<<16)},
		{Time: start, Partial: true, Text: "ünïcode 😀\x00"},
	}
	first, data := logchunk.Encode(recs)
	require.Equal(t, start.UnixMicro(), first)
	require.Equal(t, recs, all(t, []logchunk.Chunk{{Lines: 5, Start: first, Data: data}}))

	t.Run("appended in two steps they are the same bytes", func(t *testing.T) {
		t.Parallel()
		half, last := logchunk.Append(nil, first, recs[:2])
		whole, last := logchunk.Append(half, last, recs[2:])
		require.Equal(t, data, whole)
		require.Equal(t, start.UnixMicro(), last)
	})
	t.Run("a range skips and stops", func(t *testing.T) {
		t.Parallel()
		var got []int
		require.NoError(t, logchunk.DecodeRange(first, data, 1, 4, func(i int, r logchunk.Record) bool {
			require.Equal(t, recs[i], r)
			got = append(got, i)
			return i < 2
		}))
		require.Equal(t, []int{1, 2}, got)
		require.NoError(t, logchunk.DecodeRange(first, data, 9, 20, func(int, logchunk.Record) bool { panic("none") }))
	})
	t.Run("no records are no data", func(t *testing.T) {
		t.Parallel()
		first, data := logchunk.Encode(nil)
		require.Zero(t, first)
		require.Empty(t, data)
		require.Empty(t, all(t, []logchunk.Chunk{{}}))
	})
}

func TestOddRecordsAreMadeStorable(t *testing.T) {
	t.Parallel()
	first, data := logchunk.Encode([]logchunk.Record{
		{Stream: 7, Text: "no time"},
		{Time: time.Unix(math.MaxInt64>>1, 0), Text: "far"},
		{Time: time.Unix(math.MinInt64>>1, 0), Text: "early"},
	})
	got := all(t, []logchunk.Chunk{{Lines: 3, Start: first, Data: data}})
	require.Equal(t, logchunk.Out, got[0].Stream)
	require.True(t, got[0].Time.IsZero())
	require.Equal(t, 9999, got[1].Time.Year())
	require.Equal(t, 1, got[2].Time.Year())
	for _, r := range got {
		_, err := json.Marshal(r.Time)
		require.NoError(t, err)
	}
}

func TestDamageCostsOnlyWhatIsBehindIt(t *testing.T) {
	t.Parallel()
	first, data := logchunk.Encode(ansible(3))
	for name, test := range map[string]struct {
		chunk logchunk.Chunk
		good  int
	}{
		"cut in a text":             {logchunk.Chunk{Lines: 3, Start: first, Data: data[:len(data)-1]}, 2},
		"a record is missing":       {logchunk.Chunk{Lines: 4, Start: first, Data: data}, 3},
		"unknown flag":              {logchunk.Chunk{Lines: 1, Start: first, Data: []byte{0, 0x20, 0}}, 0},
		"unknown stream":            {logchunk.Chunk{Lines: 1, Start: first, Data: []byte{0, 3, 0}}, 0},
		"endless varint":            {logchunk.Chunk{Lines: 1, Data: bytes.Repeat([]byte{0xff}, 20)}, 0},
		"length beyond the data":    {logchunk.Chunk{Lines: 1, Data: []byte{0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}}, 0},
		"time outside the calendar": {logchunk.Chunk{Lines: 1, Start: math.MaxInt64, Data: []byte{0, 0, 0}}, 0},
		"unknown codec":             {logchunk.Chunk{Lines: 3, Codec: 9, Data: data}, 0},
		"no zstd":                   {logchunk.Chunk{Lines: 3, Codec: logchunk.Zstd, Data: data}, 0},
		"negative lines":            {logchunk.Chunk{Lines: -1}, 0},
		"line numbers overflow":     {logchunk.Chunk{FirstLine: math.MaxInt64, Lines: 2, Start: first, Data: data}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := 0
			err := test.chunk.Decode(func(int64, logchunk.Record) bool { good++; return true })
			require.ErrorIs(t, err, logchunk.ErrDamaged)
			require.Equal(t, test.good, good)
		})
	}
}

// TestBombIsRefused must not run beside others: it measures allocations.
func TestBombIsRefused(t *testing.T) {
	e, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer e.Close()
	large := e.EncodeAll(make([]byte, 256<<20), nil)
	several := bytes.Repeat(e.EncodeAll(make([]byte, logchunk.MaxSize), nil), 20)
	for _, data := range [][]byte{large, several} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := logchunk.Chunk{Lines: 1, Codec: logchunk.Zstd, Data: data}.Decode(nil)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, logchunk.ErrDamaged)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4*logchunk.MaxSize))
	}
}
