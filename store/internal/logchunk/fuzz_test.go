package logchunk_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store/internal/logchunk"
)

func FuzzDecode(f *testing.F) {
	raw := rawChunks(ansible(20), 1, 20)[0]
	packed := logchunk.Merge([]logchunk.Chunk{raw}, 0)[0]
	f.Add(int64(0), int64(20), raw.Start, raw.Codec, raw.Data)
	f.Add(int64(5), int64(20), packed.Start, packed.Codec, packed.Data)
	f.Add(int64(0), int64(1), int64(0), uint8(0), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0})
	f.Add(int64(-1), int64(3), int64(-1), uint8(1), packed.Data[:len(packed.Data)/2])
	f.Fuzz(func(t *testing.T, first, lines, start int64, codec uint8, data []byte) {
		c := logchunk.Chunk{FirstLine: first, Lines: lines, Start: start, Codec: codec, Data: data}
		var recs []logchunk.Record
		err := c.Decode(func(line int64, r logchunk.Record) bool {
			require.Equal(t, first+int64(len(recs)), line)
			recs = append(recs, r)
			return true
		})
		if err != nil {
			require.ErrorIs(t, err, logchunk.ErrDamaged)
		} else {
			require.EqualValues(t, lines, len(recs))
		}
		// Whatever was read can be written and read again.
		again, packed := logchunk.Encode(recs)
		i := 0
		require.NoError(t, logchunk.Decode(again, packed, func(n int, r logchunk.Record) bool {
			require.Equal(t, recs[n], r)
			i++
			return true
		}))
		require.Equal(t, len(recs), i)
		// Merging keeps damaged chunks and the lines of good ones.
		var after []logchunk.Record
		for _, m := range logchunk.Merge([]logchunk.Chunk{c}, 100) {
			_ = m.Decode(func(_ int64, r logchunk.Record) bool { after = append(after, r); return true })
		}
		require.Equal(t, recs, after)
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(int64(0), int64(-5), uint8(0), "a", "b", 10)
	f.Add(start.UnixMicro(), int64(7), uint8(0xff), "ok: [web]", "", 0)
	f.Fuzz(func(t *testing.T, micros, delta int64, flags uint8, one, two string, limit int) {
		at := time.UnixMicro(micros).UTC()
		later := time.UnixMicro(micros + delta).UTC()
		if year := at.Year(); year < 1 || year > 9999 {
			t.Skip()
		}
		if year := later.Year(); year < 1 || year > 9999 {
			t.Skip()
		}
		recs := []logchunk.Record{
			{Time: at, Stream: flags % 3, Partial: flags&64 != 0, Text: one},
			{Time: later, Truncated: flags&32 != 0, Masked: flags&16 != 0, Text: two},
		}
		require.Equal(t, recs, all(t, logchunk.Merge(rawChunks(recs, 1, 1), limit)))
	})
}
