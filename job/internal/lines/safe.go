package lines

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// Safe returns text as lines show it: every NUL and every byte that is not part
// of valid UTF-8 is U+FFFD. Text that is safe already is returned as it is.
func Safe(text []byte) []byte {
	if isSafe(text) {
		return text
	}
	safe, _ := appendSafe(nil, text, math.MaxInt)
	return safe
}

func isSafe(text []byte) bool {
	return utf8.Valid(text) && bytes.IndexByte(text, 0) < 0
}

// appendSafe appends the safe form of text to dst while dst stays within limit,
// and tells how many bytes of text it took.
func appendSafe(dst, text []byte, limit int) (safe []byte, taken int) {
	for taken < len(text) {
		r, size := utf8.DecodeRune(text[taken:])
		if r == 0 {
			r = utf8.RuneError
		}
		if len(dst)+utf8.RuneLen(r) > limit {
			break
		}
		dst = utf8.AppendRune(dst, r)
		taken += size
	}
	return dst, taken
}
