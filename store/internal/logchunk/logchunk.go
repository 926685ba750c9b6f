// Package logchunk is the codec of log chunks: runs of a task's lines packed
// into one value of the database. A raw chunk is a sequence of records, written
// as lines arrive; raw chunks are merged later into zstd ones, which take about
// a tenth of the room.
//
// A record is
//
//	varint   microseconds since the record before, or since the chunk's start
//	byte     stream in bits 0-1, flags partial, truncated, masked in bits 2-4
//	uvarint  length of the text in bytes
//	bytes    text
//
// The functions are pure and safe for concurrent use.
package logchunk

import (
	"errors"
	"fmt"
	"time"
)

// The streams of a record.
const (
	Out    uint8 = iota // the tool's output
	Err                 // its standard error, where that can be told apart
	System              // a line about the run itself
)

// Record is one line of a log, without its line feed. Its time is kept to the
// microsecond and comes back in UTC.
type Record struct {
	Time      time.Time
	Stream    uint8 // Out, Err or System; others are stored as Out
	Partial   bool
	Truncated bool
	Masked    bool
	Text      string
}

// The codecs of a chunk's data. The numbers are stored: they never change.
const (
	Raw  uint8 = 0
	Zstd uint8 = 1 // one zstd frame with checksum around a raw chunk
)

// MaxSize is what a zstd chunk may unpack to, in bytes. Decoding allocates no
// more than that, whatever the data says.
const MaxSize = 8 << 20

// ErrDamaged is wrapped by the error for data that is no chunk.
var ErrDamaged = errors.New("log chunk is damaged")

// Chunk is a run of lines as the database keeps it.
type Chunk struct {
	FirstLine int64 // number of its first line
	Lines     int64
	Attempt   int
	Start     int64 // unix microseconds that the first record's time counts from
	Codec     uint8
	Data      []byte
}

// Decode calls visit for each line with its number until visit returns false.
// A damaged chunk gives an error that wraps [ErrDamaged], after the lines in
// front of the damage.
func (c Chunk) Decode(visit func(line int64, r Record) bool) error {
	return c.DecodeRange(c.FirstLine, c.FirstLine+c.Lines, visit)
}

// DecodeRange is Decode for the lines from <= line < to, of which the chunk may
// hold only some. Lines in front are skipped cheaply, lines behind are not
// looked at.
func (c Chunk) DecodeRange(from, to int64, visit func(line int64, r Record) bool) error {
	if c.Lines < 0 || c.FirstLine+c.Lines < c.FirstLine {
		return fmt.Errorf("chunk of %d lines: %w", c.Lines, ErrDamaged)
	}
	first, last := max(from, c.FirstLine)-c.FirstLine, min(to, c.FirstLine+c.Lines)-c.FirstLine
	if first >= last {
		return nil
	}
	return c.withRaw(func(data []byte) error {
		stopped := false
		n, err := decode(c.Start, data, first, last, func(i int64, r Record) bool {
			stopped = !visit(c.FirstLine+i, r)
			return !stopped
		})
		if err == nil && !stopped && n < last {
			return fmt.Errorf("%d of %d records: %w", n, c.Lines, ErrDamaged)
		}
		return err
	})
}
