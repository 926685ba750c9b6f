package stage

import (
	"strings"
	"unicode/utf8"
)

const escape = '\x1b'

// skipColours returns a line without the control sequences at its start.
func skipColours(s string) string {
	for len(s) > 1 && s[0] == escape && s[1] == '[' {
		s = s[sequence(s):]
	}
	return s
}

// strip returns a line without its control sequences and the spaces at its end.
func strip(s string) string {
	if strings.IndexByte(s, escape) >= 0 {
		var b strings.Builder
		for {
			i := strings.IndexByte(s, escape)
			if i < 0 {
				break
			}
			b.WriteString(s[:i])
			s = s[i+sequence(s[i:]):]
		}
		b.WriteString(s)
		s = b.String()
	}
	return strings.TrimRight(s, " \t\r")
}

// sequence returns the length of the control sequence at the start of s; other
// escapes count as the escape character alone.
func sequence(s string) int {
	if len(s) < 2 || s[1] != '[' {
		return 1
	}
	for i := 2; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c > 0x3f { // neither parameter nor intermediate
			if c >= 0x40 && c <= 0x7e {
				i++
			}
			return i
		}
	}
	return len(s)
}

// clean makes a text fit for any database: at most n characters, valid UTF-8,
// no control characters but tabs and line feeds.
func clean(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r // Map itself turns invalid bytes into U+FFFD
	}, limitBytes(s, 8*n+64))
	s = strings.TrimSpace(s)
	return s[:runeOffset(s, n)]
}

// limitBytes cuts what is surely more than needed, so that work on a line of
// megabytes is bounded.
func limitBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// runeOffset returns where character n starts, len(s) where there is none.
func runeOffset(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// join puts the details of an error behind its message: the end of them where
// they are too long, as that is where most tools say what is wrong.
func join(message, details string, n int) string {
	message, details = clean(message, n), strings.TrimSpace(details)
	if details == "" || strings.Contains(message, details) {
		return message
	}
	room := n - utf8.RuneCountInString(message) - 2 // line feed and ellipsis
	if room < 20 {
		return message
	}
	start := len(details)
	for start > 0 && room > 0 {
		_, size := utf8.DecodeLastRuneInString(details[:start])
		start -= size
		room--
	}
	if start > 0 {
		details = "…" + details[start:]
	}
	return message + "\n" + clean(details, n)
}

// gather collects the lines of an error that has several. Its size is bounded;
// more is left out.
type gather struct {
	lines []string
	size  int
}

const maxGather = 64 << 10

// add tells whether there was room.
func (g *gather) add(line string) bool {
	if g.size += len(line) + 16; g.size > maxGather {
		return false
	}
	g.lines = append(g.lines, line)
	return true
}
