package logchunk

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

const (
	streamMask    = 0b00011
	flagPartial   = 0b00100
	flagTruncated = 0b01000
	flagMasked    = 0b10000
	flagsAll      = streamMask | flagPartial | flagTruncated | flagMasked
)

// The times that JSON can express, years 1 to 9999; the codec holds to them, so
// that a damaged time cannot spoil a whole reply.
const (
	minMicros = -62_135_596_800 * 1_000_000
	maxMicros = 253_402_300_800*1_000_000 - 1
)

// Encode packs records into a raw chunk's start, in unix microseconds, and data.
func Encode(recs []Record) (start int64, data []byte) {
	if len(recs) == 0 {
		return 0, nil
	}
	start = micros(recs[0].Time)
	size := 0
	for i := range recs {
		size += len(recs[i].Text) + 8
	}
	data, _ = Append(make([]byte, 0, size), start, recs)
	return start, data
}

// Append adds records to a raw chunk whose latest record has the time last, in
// unix microseconds: the chunk's start for an empty one. It returns the longer
// data and the new last.
func Append(dst []byte, last int64, recs []Record) ([]byte, int64) {
	for i := range recs {
		r := &recs[i]
		now := micros(r.Time)
		dst = appendRecord(dst, now-last, r.flags(), r.Text)
		last = now
	}
	return dst, last
}

func appendRecord[T string | []byte](dst []byte, delta int64, flags byte, text T) []byte {
	dst = binary.AppendVarint(dst, delta)
	dst = append(dst, flags)
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}

// micros returns a time as stored, held to the years 1 to 9999.
func micros(t time.Time) int64 {
	switch seconds := t.Unix(); {
	case seconds < minMicros/1_000_000:
		return minMicros
	case seconds > maxMicros/1_000_000:
		return maxMicros
	}
	return t.UnixMicro()
}

func (r *Record) flags() byte {
	var flags byte
	if r.Stream <= System {
		flags = r.Stream
	}
	if r.Partial {
		flags |= flagPartial
	}
	if r.Truncated {
		flags |= flagTruncated
	}
	if r.Masked {
		flags |= flagMasked
	}
	return flags
}

// Decode calls visit for each record of a raw chunk until visit returns false.
// Damaged data gives an error that wraps [ErrDamaged], after the records in
// front of the damage.
func Decode(start int64, data []byte, visit func(i int, r Record) bool) error {
	return DecodeRange(start, data, 0, math.MaxInt, visit)
}

// DecodeRange is Decode for the records from <= i < to, of which the data may
// hold fewer. Records in front are skipped cheaply, records behind are not
// looked at.
func DecodeRange(start int64, data []byte, from, to int, visit func(i int, r Record) bool) error {
	_, err := decode(start, data, int64(from), int64(to), func(i int64, r Record) bool { return visit(int(i), r) })
	return err
}

// decode also tells how many records it has passed, skipped ones included.
func decode(start int64, data []byte, from, to int64, visit func(i int64, r Record) bool) (n int64, err error) {
	c := cursor{rest: data, micros: start}
	for ; n < to && len(c.rest) > 0; n++ {
		if err := c.next(); err != nil {
			return n, fmt.Errorf("record %d: %w", n, err)
		}
		if n >= from && !visit(n, c.record()) {
			return n + 1, nil
		}
	}
	return n, nil
}

// cursor walks over raw data, one record a step, and allocates nothing.
type cursor struct {
	rest   []byte
	micros int64
	flags  byte
	text   []byte // within the data
}

func (c *cursor) next() error {
	delta, n := binary.Varint(c.rest)
	if n <= 0 || n >= len(c.rest) {
		return ErrDamaged
	}
	c.micros += delta // wraps at worst, into a time that is refused
	c.flags = c.rest[n]
	length, m := binary.Uvarint(c.rest[n+1:])
	body := n + 1 + m
	switch {
	case m <= 0, length > uint64(len(c.rest)-body):
		return ErrDamaged
	case c.flags&^flagsAll != 0, c.flags&streamMask > System:
		return ErrDamaged
	case c.micros < minMicros, c.micros > maxMicros:
		return ErrDamaged
	}
	end := body + int(length)
	c.text, c.rest = c.rest[body:end], c.rest[end:]
	return nil
}

func (c *cursor) record() Record {
	return Record{
		Time:      time.UnixMicro(c.micros).UTC(),
		Stream:    c.flags & streamMask,
		Partial:   c.flags&flagPartial != 0,
		Truncated: c.flags&flagTruncated != 0,
		Masked:    c.flags&flagMasked != 0,
		Text:      string(c.text),
	}
}
