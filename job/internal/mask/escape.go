package mask

import (
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escaped returns the forms of text in the quoting and escaping of the formats
// and languages that tools write, without the quotes around it. Most are equal
// for most texts.
func escaped(text string) []string {
	var forms []string
	for _, group := range [][]string{jsonForms(text), urlForms(text), shellForms(text), languageForms(text), markupForms(text)} {
		for _, f := range group {
			if f != text {
				forms = append(forms, f)
			}
		}
	}
	return forms
}

// jsonStyle is what JSON writers do differently.
type jsonStyle struct {
	html  bool // Go: < > & as \u003c
	lines bool // Go: U+2028 and U+2029 escaped
	ascii bool // Python, PHP: everything from DEL on escaped
	slash bool // PHP: \/
	upper bool // hexadecimal digits in capitals
}

func jsonForms(text string) []string {
	var forms []string
	for _, style := range []jsonStyle{
		{},
		{lines: true},
		{html: true, lines: true},
		{ascii: true},
		{ascii: true, upper: true},
		{ascii: true, slash: true},
		{slash: true},
	} {
		once := jsonEscape(text, style)
		// JSON inside JSON is what Ansible shows of a program that prints some.
		forms = append(forms, once, jsonEscape(once, style))
	}
	return forms
}

func jsonEscape(text string, style jsonStyle) string {
	unit := `\u%04x`
	if style.upper {
		unit = `\u%04X`
	}
	return mapRunes(text, func(r rune) string {
		if short := shortEscape(r, `"\`, "\b\f\n\r\t", "bfnrt"); short != "" {
			return short
		}
		switch {
		case r == '/' && style.slash:
			return `\/`
		case r < 0x20,
			style.html && (r == '<' || r == '>' || r == '&'),
			style.lines && (r == '\u2028' || r == '\u2029'),
			style.ascii && r >= 0x7f && r <= 0xffff:
			return fmt.Sprintf(unit, r)
		case style.ascii && r > 0xffff:
			r -= 0x10000
			return fmt.Sprintf(unit+unit, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
		return string(r)
	})
}

// urlForms are percent encodings; they differ in the characters left alone and
// in the way of writing a space and hexadecimal digits.
func urlForms(text string) []string {
	userinfo := url.UserPassword("", text).String()
	forms := []string{
		url.QueryEscape(text),
		url.PathEscape(text),
		strings.TrimPrefix(userinfo, ":"),
	}
	for _, kept := range []string{"", "/", "!'()*"} { // curl, Python, JavaScript
		forms = append(forms, percentEscape(text, "-_.~"+kept), percentEscape(text, "-_."+kept))
	}
	for _, f := range forms[:len(forms):len(forms)] {
		forms = append(forms, lowerPercent(f))
	}
	return forms
}

func percentEscape(text, kept string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if isWordByte(c) && c != '_' || strings.IndexByte(kept, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// lowerPercent writes the digits of percent escapes in small letters.
func lowerPercent(text string) string {
	b := []byte(text)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
			i += 2
		}
	}
	return string(b)
}

func shellForms(text string) []string {
	return []string{
		strings.ReplaceAll(text, `'`, `'\''`),
		strings.ReplaceAll(text, `'`, `'"'"'`),
		backslash(text, "\\\"$`"),
		backslash(text, "\\\"$`!"),
		backslash(text, " !\"$&'()*,;<>?[\\]^`{|}"), // printf %q of bash
		backslash(text, " !\"#$%&'()*+,;<=>?[\\]^`{|}~"),
		mapRunes(text, func(r rune) string { // quotemeta
			if r < utf8.RuneSelf && !isWordByte(byte(r)) {
				return `\` + string(r)
			}
			return string(r)
		}),
		dollarQuote(text, false),
		dollarQuote(text, true),
	}
}

// dollarQuote is the inside of $'..', as printf %q of bash writes it for
// control characters, and in the C locale for everything beyond ASCII.
func dollarQuote(text string, ascii bool) string {
	return mapRunes(text, func(r rune) string {
		if short := shortEscape(r, `'\`, "\a\b\x1b\f\n\r\t\v", "abEfnrtv"); short != "" {
			return short
		}
		if r < 0x20 || r == 0x7f || ascii && r > 0x7f {
			return eachByte(r, `\%03o`)
		}
		return string(r)
	})
}

// languageForms are the literals of Python, Go, YAML, SQL and PowerShell.
func languageForms(text string) []string {
	unquote := func(s string) string { return s[1 : len(s)-1] }
	forms := []string{
		unquote(strconv.Quote(text)),
		unquote(strconv.QuoteToASCII(text)),
		strings.ReplaceAll(text, `'`, `''`),
		strings.ReplaceAll(text, `"`, `""`),
		yamlEscape(text, false),
		yamlEscape(text, true),
	}
	for _, quote := range []string{`\`, `\'`} { // repr prefers the quote that is not in the text
		for _, ascii := range []bool{false, true} {
			forms = append(forms, pythonEscape(text, quote, ascii))
		}
		forms = append(forms, mapRunes(text, func(r rune) string { // bytes
			if short := shortEscape(r, quote, "\n\r\t", "nrt"); short != "" {
				return short
			}
			if r < 0x20 || r >= 0x7f {
				return eachByte(r, `\x%02x`)
			}
			return string(r)
		}))
	}
	return forms
}

func pythonEscape(text, quote string, ascii bool) string {
	return mapRunes(text, func(r rune) string {
		if short := shortEscape(r, quote, "\n\r\t", "nrt"); short != "" {
			return short
		}
		if r >= 0x20 && r < 0x7f || r > 0x7f && !ascii && unicode.IsPrint(r) {
			return string(r)
		}
		return hexEscape(r, `\x%02x`, `\u%04x`, `\U%08x`)
	})
}

// yamlEscape is a double quoted scalar as PyYAML writes it.
func yamlEscape(text string, ascii bool) string {
	return mapRunes(text, func(r rune) string {
		if short := shortEscape(r, `"\`, "\a\b\t\n\v\f\r\x1b\u0085\u00a0\u2028\u2029", "abtnvfreN_LP"); short != "" {
			return short
		}
		if r >= 0x20 && r < 0x7f || r > 0xa0 && !ascii {
			return string(r)
		}
		return hexEscape(r, `\x%02X`, `\u%04X`, `\U%08X`)
	})
}

// markupForms are the entities of HTML and XML.
func markupForms(text string) []string {
	standard := html.EscapeString(text)
	named := strings.ReplaceAll(standard, "&#34;", "&quot;")
	return []string{
		standard,
		named,
		strings.ReplaceAll(named, "&#39;", "&#x27;"),
		strings.ReplaceAll(named, "&#39;", "&apos;"),
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text),
	}
}

// mapRunes replaces the runes of text, but for letters, digits and underscores,
// which no format escapes.
func mapRunes(text string, escape func(r rune) string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		if r < utf8.RuneSelf && isWordByte(byte(r)) {
			b.WriteByte(byte(r))
		} else {
			b.WriteString(escape(r))
		}
	}
	return b.String()
}

// shortEscape returns a backslash and r for those in self, a backslash and the
// letter for those in control, else nothing.
func shortEscape(r rune, self, control, letters string) string {
	if strings.ContainsRune(self, r) {
		return `\` + string(r)
	}
	if i := strings.IndexRune(control, r); i >= 0 {
		i = utf8.RuneCountInString(control[:i])
		return `\` + letters[i:i+1]
	}
	return ""
}

// backslash puts a backslash in front of each of the special characters.
func backslash(text, special string) string {
	return mapRunes(text, func(r rune) string {
		if strings.ContainsRune(special, r) {
			return `\` + string(r)
		}
		return string(r)
	})
}

func hexEscape(r rune, short, long, astral string) string {
	switch {
	case r <= 0xff:
		return fmt.Sprintf(short, r)
	case r <= 0xffff:
		return fmt.Sprintf(long, r)
	default:
		return fmt.Sprintf(astral, r)
	}
}

// eachByte formats the bytes of r.
func eachByte(r rune, format string) string {
	var b strings.Builder
	for _, c := range []byte(string(r)) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
