package mask

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/job/internal/lines"
)

const (
	minValue  = 6  // bytes of a text of one line
	minDigits = 8  // of a number
	minLine   = 8  // bytes of one of several lines
	minBase64 = 9  // bytes that are recognised in base64
	minWrap   = 12 // characters of a line of wrapped base64

	// largeValue is the length from which a text of several lines is masked in
	// its own form only, which bounds the memory it takes.
	largeValue = 64 << 10
)

// formsOf returns every form of a secret text that may stand in a line, and
// whether the text qualifies for being masked. Forms may repeat.
func formsOf(text string) (forms []string, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, true
	}
	if !strings.Contains(text, "\n") {
		if len(text) < minValue || shortNumber(text) {
			return nil, false
		}
		return append(encodings(text), oneLine(text)...), true
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case len(line) < minLine || !hasAlphanumeric(line) || isBoundary(line):
		case len(text) > largeValue:
			forms = append(forms, safe(line))
		default:
			forms = append(forms, encodings(line)...)
			forms = append(forms, escapedLines(line)...)
		}
	}
	if len(forms) == 0 {
		return nil, false
	}
	if len(text) <= largeValue {
		forms = append(forms, whole(text)...)
		if plain := strings.ReplaceAll(text, "\r\n", "\n"); plain != text {
			forms = append(forms, whole(plain)...)
		}
	}
	return forms, true
}

// oneLine returns what else may show of a text of one line: the lines of its
// base64, where that is wrapped, and the lines that stand in it escaped.
func oneLine(text string) (forms []string) {
	for _, width := range []int{64, 76} {
		if len(text) > width/4*3 && len(text) <= largeValue {
			forms = append(forms, wrapped(text, width)...)
		}
	}
	return append(forms, escapedLines(text)...)
}

// escapedLines returns the forms of the lines of a text whose line feeds are
// written as \n, such as a private key in JSON.
func escapedLines(text string) (forms []string) {
	if !strings.Contains(text, `\n`) {
		return nil
	}
	for part := range strings.SplitSeq(text, `\n`) {
		part = strings.TrimRight(strings.TrimSuffix(part, `\r`), `\`) // \r\n, and \\n of JSON in JSON
		if part = strings.TrimSpace(part); len(part) >= minLine && hasAlphanumeric(part) && !isBoundary(part) {
			forms = append(forms, encodings(part)...)
		}
	}
	return forms
}

// shortNumber tells whether text is a decimal number of too few digits.
func shortNumber(text string) bool {
	whole, fraction, _ := strings.Cut(strings.Replace(strings.TrimLeft(text, "+-"), ",", ".", 1), ".")
	digits := whole + fraction
	return len(digits) < minDigits && strings.Trim(digits, "0123456789") == ""
}

func hasAlphanumeric(line string) bool {
	return strings.ContainsFunc(line, func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f
	})
}

// isBoundary tells whether line is the header or footer of a PEM block or of
// the older form with four dashes.
func isBoundary(line string) bool {
	text := strings.TrimLeft(line, "-")
	if len(line)-len(text) < 4 || !strings.HasSuffix(line, "----") {
		return false
	}
	text = strings.TrimLeft(text, " ")
	return strings.HasPrefix(text, "BEGIN ") || strings.HasPrefix(text, "END ")
}

// safe returns text as it stands in a line; see [lines.Safe].
func safe(text string) string { return string(lines.Safe([]byte(text))) }

// encodings returns all forms of a text without line feed.
func encodings(text string) []string {
	forms := append(escaped(safe(text)), safe(text))
	return append(forms, binary(text)...)
}

// whole returns the forms of a text of several lines that have no line feed
// themselves, and the lines of its wrapped base64.
func whole(text string) []string {
	forms := slices.DeleteFunc(escaped(safe(text)), func(f string) bool { return strings.Contains(f, "\n") })
	forms = append(forms, binary(text)...)
	for _, width := range []int{64, 76} {
		forms = append(forms, wrapped(text, width)...)
	}
	return forms
}

// binary returns the forms that know bytes rather than characters.
func binary(text string) []string {
	digits := hex.EncodeToString([]byte(text))
	forms := []string{digits, strings.ToUpper(digits)}
	if len(text) < minBase64 {
		return forms
	}
	for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for offset := range 3 {
			forms = append(forms, inBase64(alphabet, text, offset))
		}
		// The text alone: with its last character and padding.
		forms = append(forms, alphabet.EncodeToString([]byte(text)),
			alphabet.WithPadding(base64.NoPadding).EncodeToString([]byte(text)))
	}
	return forms
}

// inBase64 returns those characters of the base64 of any text that holds text
// from a multiple of 3 plus offset on which do not depend on what is around it.
func inBase64(alphabet *base64.Encoding, text string, offset int) string {
	code := alphabet.EncodeToString([]byte("\x00\x00"[:offset] + text))
	first := (8*offset + 5) / 6
	last := 8 * (offset + len(text)) / 6
	return code[first:last]
}

// wrapped returns the lines of text's base64 in lines of the given width: of
// text alone, with a line feed behind it as echo writes it, and without the last
// group, which depends on what follows text.
func wrapped(text string, width int) []string {
	var forms []string
	add := func(line string) {
		if len(line) >= minWrap {
			forms = append(forms, line)
		}
	}
	for _, end := range []string{"", "\n"} {
		code := base64.StdEncoding.EncodeToString([]byte(text + end))
		for len(code) > width {
			add(code[:width])
			code = code[width:]
		}
		add(code)
		add(code[:len(code)-4])
	}
	return forms
}
