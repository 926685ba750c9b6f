// Package lines cuts the output of programs into lines that can be shown and
// stored: complete, of bounded length, valid UTF-8.
package lines

import (
	"bytes"
	"unicode/utf8"
)

// DefaultLimit is the longest line that is kept whole, in bytes.
const DefaultLimit = 1 << 20

// keepBuffer is the largest buffer that is kept between lines.
const keepBuffer = 64 << 10

// Line is one line without its line feed.
type Line struct {
	// Text is valid UTF-8 without NUL, at most the limit long. It belongs to the
	// splitter again when the call returns.
	Text    []byte
	Partial bool  // it ended with the output, not with a line feed
	Dropped int64 // bytes of the output behind Text that were left out, the limit being reached
}

// Splitter is an io.Writer that hands each complete line to a function. A line
// ends with "\n" or "\r\n"; other control characters stay. The lines do not
// depend on how the output was divided into calls of Write. Memory is bounded
// by the limit, whatever is written.
//
// A Splitter is not safe for use by several goroutines at once.
type Splitter struct {
	emit  func(Line)
	limit int
	buf   []byte // the first limit+1 bytes of the line so far
	seen  int64  // length of the line so far
	last  byte   // its last byte
	safe  []byte // for lines that are not valid
}

// NewSplitter returns a Splitter with a limit for a line's length; 0 is
// [DefaultLimit].
func NewSplitter(limit int, emit func(Line)) *Splitter {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Splitter{emit: emit, limit: limit}
}

// Write takes the next piece of output. It never fails.
func (s *Splitter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.gather(p)
			break
		}
		if s.seen == 0 {
			s.complete(p[:i], int64(i), lastByte(p[:i]))
		} else {
			s.gather(p[:i])
			s.complete(s.buf, s.seen, s.last)
			s.reset()
		}
		p = p[i+1:]
	}
	return n, nil
}

// Close hands out what stands behind the last line feed, if anything, as a
// partial line. The Splitter can be written to again: it then starts a line.
func (s *Splitter) Close() error {
	if s.seen > 0 {
		s.hand(s.buf[:min(len(s.buf), s.limit)], s.seen, true)
		s.reset()
	}
	return nil
}

// gather adds p, which has no line feed, to the line so far. One byte more than
// the limit is kept, because it may turn out to be the "\r" of "\r\n".
func (s *Splitter) gather(p []byte) {
	if len(p) == 0 {
		return
	}
	if room := s.limit + 1 - len(s.buf); room > 0 {
		s.buf = append(s.buf, p[:min(room, len(p))]...)
	}
	s.seen += int64(len(p))
	s.last = p[len(p)-1]
}

// complete hands out the line of size bytes that begins with head.
func (s *Splitter) complete(head []byte, size int64, last byte) {
	if last == '\r' {
		size--
	}
	s.hand(head[:min(int64(len(head)), int64(s.limit), size)], size, false)
}

func (s *Splitter) hand(text []byte, size int64, partial bool) {
	if int64(len(text)) < size {
		text = wholeRunes(text)
	}
	kept := len(text)
	if !isSafe(text) {
		s.safe, kept = appendSafe(s.safe[:0], text, s.limit)
		text = s.safe
	}
	s.emit(Line{Text: text, Partial: partial, Dropped: size - int64(kept)})
}

func (s *Splitter) reset() {
	s.buf, s.seen, s.last = s.buf[:0], 0, 0
	if cap(s.buf) > keepBuffer {
		s.buf = nil
	}
	if cap(s.safe) > keepBuffer {
		s.safe = nil
	}
}

func lastByte(p []byte) byte {
	if len(p) == 0 {
		return 0
	}
	return p[len(p)-1]
}

// wholeRunes removes the beginning of a rune that a cut left at the end.
func wholeRunes(p []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if c := p[len(p)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(p[len(p)-i:]) {
				return p[:len(p)-i]
			}
			break
		}
	}
	return p
}
