package logchunk_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store/internal/logchunk"
)

func size(chunks []logchunk.Chunk) (n int) {
	for _, c := range chunks {
		n += len(c.Data)
	}
	return n
}

func text(recs []logchunk.Record) (n int) {
	for _, r := range recs {
		n += len(r.Text) + 1
	}
	return n
}

func TestMergeKeepsEveryLine(t *testing.T) {
	t.Parallel()
	recs := ansible(50_000)
	merged := logchunk.Merge(rawChunks(recs, 1, 100), 0)
	require.Equal(t, recs, all(t, merged))
	require.Less(t, len(merged), 12)
	for _, c := range merged[:len(merged)-1] {
		require.Equal(t, logchunk.Zstd, c.Codec)
		require.Greater(t, len(c.Data), 32<<10)
		require.Less(t, len(c.Data), 128<<10)
	}
	ratio := float64(size(merged)) / float64(text(recs))
	t.Logf("%d lines: %d chunks, ratio %.3f", len(recs), len(merged), ratio)
	require.LessOrEqual(t, ratio, 0.2)

	t.Run("merging again changes nothing", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, merged, logchunk.Merge(merged, 0))
	})
	t.Run("a page is found by line number", func(t *testing.T) {
		t.Parallel()
		var got []logchunk.Record
		for _, c := range merged {
			require.NoError(t, c.DecodeRange(12_345, 13_345, func(_ int64, r logchunk.Record) bool {
				got = append(got, r)
				return true
			}))
		}
		require.Equal(t, recs[12_345:13_345], got)
	})
}

func TestMergeWithNewerRawChunks(t *testing.T) {
	t.Parallel()
	recs := ansible(20_000)
	raw := rawChunks(recs, 1, 50)
	var stored []logchunk.Chunk
	for len(raw) > 0 { // as a task grows
		n := min(37, len(raw))
		stored = logchunk.Merge(append(stored, raw[:n]...), 0)
		raw = raw[n:]
	}
	require.Equal(t, recs, all(t, stored))
	require.LessOrEqual(t, len(stored), 2*text(recs)/logchunk.DefaultLimit+1)
}

func TestMergeBorders(t *testing.T) {
	t.Parallel()
	recs := ansible(300)
	t.Run("attempts stay apart", func(t *testing.T) {
		t.Parallel()
		chunks := rawChunks(recs, 1, 100)
		chunks[2].Attempt = 2
		merged := logchunk.Merge(chunks, 0)
		require.Len(t, merged, 2)
		require.EqualValues(t, 200, merged[0].Lines)
		require.Equal(t, 2, merged[1].Attempt)
		require.Equal(t, recs, all(t, merged))
	})
	t.Run("a gap stays a gap", func(t *testing.T) {
		t.Parallel()
		chunks := rawChunks(recs, 1, 100)
		merged := logchunk.Merge([]logchunk.Chunk{chunks[0], chunks[2]}, 0)
		require.Len(t, merged, 2)
		require.EqualValues(t, 200, merged[1].FirstLine)
	})
	t.Run("a damaged chunk stays as it is", func(t *testing.T) {
		t.Parallel()
		chunks := rawChunks(recs, 1, 50)
		chunks[2].Data = chunks[2].Data[:40]
		merged := logchunk.Merge(chunks, 0)
		require.Len(t, merged, 3)
		require.Equal(t, chunks[2], merged[1])
		require.EqualValues(t, 100, merged[0].Lines)
		require.EqualValues(t, 150, merged[2].Lines)
	})
	t.Run("a line that is too long to pack stays raw", func(t *testing.T) {
		t.Parallel()
		long := append(ansible(2), logchunk.Record{Time: start, Text: string(bytes.Repeat([]byte("x"), logchunk.MaxSize))})
		merged := logchunk.Merge(rawChunks(append(long, ansible(1)...), 1, 10), 0)
		require.Len(t, merged, 3)
		require.Equal(t, logchunk.Raw, merged[1].Codec)
		require.Equal(t, append(long, ansible(1)...), all(t, merged))
	})
	t.Run("nothing is nothing", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, logchunk.Merge(nil, 0))
		require.Empty(t, logchunk.Merge([]logchunk.Chunk{{}}, 0))
	})
}

func TestFlippedBytesAreNoticed(t *testing.T) {
	t.Parallel()
	recs := ansible(2000)
	merged := logchunk.Merge(rawChunks(recs, 1, 100), 0)
	require.Len(t, merged, 1)
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		c := merged[0]
		c.Data = bytes.Clone(c.Data)
		c.Data[random.IntN(len(c.Data))] ^= byte(1 + random.IntN(255))
		n := 0
		err := c.Decode(func(i int64, r logchunk.Record) bool {
			require.Equal(t, recs[i], r)
			n++
			return true
		})
		if err != nil {
			require.ErrorIs(t, err, logchunk.ErrDamaged)
		} else { // a bit that means nothing
			require.Len(t, recs, n)
		}
	}
}
