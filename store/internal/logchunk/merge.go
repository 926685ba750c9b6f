package logchunk

import (
	"bytes"
	"encoding/binary"
)

// DefaultLimit is the raw size of merged chunks. Ordinary logs of that size
// pack to 40-128 KiB: large enough for a good ratio, small enough that a page
// of lines is unpacked in under a millisecond.
const DefaultLimit = 512 << 10

// Merge packs consecutive chunks into fewer, each of about limit bytes before
// compression (DefaultLimit for 0, at most [MaxSize]) or of a single longer
// line. It takes the chunks of one task in the order of their lines and returns
// the same lines in the same order; chunks of both codecs may be mixed.
//
// A chunk never holds lines of two attempts, nor lines with a gap between. A
// damaged chunk, a chunk that has at least half of limit already, and one with
// nothing to be merged with after it was merged before come back as they were.
func Merge(chunks []Chunk, limit int) []Chunk {
	if limit <= 0 {
		limit = DefaultLimit
	}
	m := merger{limit: min(limit, MaxSize)}
	for _, c := range chunks {
		if m.whole(c) || !m.add(c) {
			m.flush()
			m.out = append(m.out, c)
		}
	}
	m.flush()
	return m.out
}

// merger gathers lines until they fill a chunk.
type merger struct {
	limit int
	out   []Chunk

	raw    []byte
	head   Chunk  // FirstLine, Lines, Attempt and Start of what is in raw
	last   int64  // time of the latest record in raw
	source *Chunk // the only chunk that raw came from, if it was whole and merged before
}

// whole tells whether c is merged already and large enough to stay.
func (m *merger) whole(c Chunk) bool {
	return c.Codec == Zstd && c.rawSize() >= m.limit/2
}

// add takes over a chunk's lines, or none of them where it is damaged.
func (m *merger) add(c Chunk) bool {
	return c.withRaw(func(data []byte) error {
		if err := c.check(data); err != nil {
			return err
		}
		if c.Attempt != m.head.Attempt || c.FirstLine != m.head.FirstLine+m.head.Lines {
			m.flush()
		}
		cur := cursor{rest: data, micros: c.Start}
		for line := c.FirstLine; len(cur.rest) > 0; line++ {
			if err := cur.next(); err != nil {
				return err // never: check has seen all of it
			}
			m.append(c, line, &cur)
		}
		if c.Codec == Zstd && m.head.FirstLine == c.FirstLine && m.head.Lines == c.Lines {
			m.source = &c
		}
		return nil
	}) == nil
}

func (m *merger) append(c Chunk, line int64, cur *cursor) {
	const overhead = 2*binary.MaxVarintLen64 + 1 // the most that a record has beside its text
	if m.head.Lines > 0 && len(m.raw)+len(cur.text)+overhead > m.limit {
		m.flush()
	}
	if m.head.Lines == 0 {
		m.head = Chunk{FirstLine: line, Attempt: c.Attempt, Start: cur.micros}
		m.last = cur.micros
	}
	m.raw = appendRecord(m.raw, cur.micros-m.last, cur.flags, cur.text)
	m.last = cur.micros
	m.head.Lines++
	m.source = nil
}

// flush puts out what was gathered. A line that alone is longer than what may
// be unpacked again stays raw.
func (m *merger) flush() {
	switch {
	case m.head.Lines == 0:
	case m.source != nil:
		m.out = append(m.out, *m.source)
	case len(m.raw) > MaxSize:
		m.head.Codec, m.head.Data = Raw, bytes.Clone(m.raw)
		m.out = append(m.out, m.head)
	default:
		m.head.Codec, m.head.Data = Zstd, compress(m.raw)
		m.out = append(m.out, m.head)
	}
	m.raw, m.head, m.source = m.raw[:0], Chunk{}, nil
}

// check tells what is wrong with the chunk, whose raw data is given.
func (c Chunk) check(data []byte) error {
	if c.Lines < 0 || c.FirstLine+c.Lines < c.FirstLine {
		return ErrDamaged
	}
	cur := cursor{rest: data, micros: c.Start}
	n := int64(0)
	for ; len(cur.rest) > 0; n++ {
		if err := cur.next(); err != nil {
			return err
		}
	}
	if n != c.Lines {
		return ErrDamaged
	}
	return nil
}
