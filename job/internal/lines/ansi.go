package lines

import "bytes"

const escape = 0x1b

// StripANSI removes the escape sequences of terminals (ECMA-48): control
// sequences (colours, cursor), strings with their terminator (titles, links)
// and the short escapes. A sequence that is cut off or broken loses its
// introducer and parameters only; the text around it stays. No ESC byte is left
// in the result. Without one in b, b itself is returned.
func StripANSI(b []byte) []byte {
	i := bytes.IndexByte(b, escape)
	if i < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i >= 0 {
		out = append(out, b[:i]...)
		b = b[i+sequence(b[i:]):]
		i = bytes.IndexByte(b, escape)
	}
	return append(out, b...)
}

// sequence returns the length of the escape sequence at the start of b.
func sequence(b []byte) int {
	if len(b) < 2 {
		return 1
	}
	switch b[1] {
	case '[':
		return control(b)
	case ']', 'P', 'X', '^', '_': // OSC, DCS, SOS, PM, APC
		return 2 + terminated(b[2:])
	default:
		i := skip(b, 1, 0x20, 0x2f)
		return final(b, i, 0x30)
	}
}

// control returns the length of the control sequence at the start of b.
func control(b []byte) int {
	i := skip(b, 2, 0x30, 0x3f)
	i = skip(b, i, 0x20, 0x2f)
	return final(b, i, 0x40)
}

// terminated returns the length of the string at the start of b with its
// terminator, BEL or ESC \, and 0 where another sequence, a line feed or the
// end comes first: better a title in the log than a log in the title.
func terminated(b []byte) int {
	for i, c := range b {
		switch {
		case c == 0x07:
			return i + 1
		case c == escape && i+1 < len(b) && b[i+1] == '\\':
			return i + 2
		case c == escape, c == '\n':
			return 0
		}
	}
	return 0
}

// skip returns the first index from i on whose byte is outside lo to hi.
func skip(b []byte, i int, lo, hi byte) int {
	for i < len(b) && b[i] >= lo && b[i] <= hi {
		i++
	}
	return i
}

// final returns i+1 where a final byte of at least lo stands at i, else i.
func final(b []byte, i int, lo byte) int {
	if i < len(b) && b[i] >= lo && b[i] <= 0x7e {
		return i + 1
	}
	return i
}
