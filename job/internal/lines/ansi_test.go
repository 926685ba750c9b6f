package lines_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job/internal/lines"
)

func TestStripANSI(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ input, want string }{
		"plain":                      {"ok: [web]", "ok: [web]"},
		"colour":                     {"\x1b[0;32mok: [web]\x1b[0m", "ok: [web]"},
		"cursor and private modes":   {"\x1b[?25la\x1b[2Kb\x1b[1;1H", "ab"},
		"intermediate bytes":         {"\x1b[1 qx", "x"},
		"title ended by BEL":         {"\x1b]0;title\x07text", "text"},
		"title ended by ST":          {"\x1b]0;title\x1b\\text", "text"},
		"link":                       {"\x1b]8;;https://a.example\x1b\\here\x1b]8;;\x1b\\", "here"},
		"device control string":      {"\x1bP1$r0m\x1b\\x", "x"},
		"short escapes":              {"\x1b7a\x1b(Bb\x1b=c", "abc"},
		"escape at the end":          {"a\x1b", "a"},
		"unfinished control":         {"a\x1b[31", "a"},
		"broken control":             {"a\x1b[31\nb", "a\nb"},
		"unfinished title":           {"a\x1b]0;b", "a0;b"},
		"title that meets a line":    {"a\x1b]0;b\nc\x07", "a0;b\nc\x07"},
		"title that meets an escape": {"\x1b]0;b\x1b[31mc", "0;bc"},
		"escape before UTF-8":        {"\x1bé", "é"},
		"escape twice":               {"\x1b\x1b[31mx", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, string(lines.StripANSI([]byte(test.input))))
		})
	}
}

func FuzzANSI(f *testing.F) {
	f.Add([]byte("\x1b[0;32mok\x1b[0m"), []byte("plain"))
	f.Add([]byte("\x1b]0;t\x1b"), []byte("\x1b[31"))
	f.Fuzz(func(t *testing.T, input, plain []byte) {
		got := lines.StripANSI(input)
		require.NotContains(t, string(got), "\x1b")
		require.Equal(t, got, lines.StripANSI(got), "not idempotent")

		plain = bytes.ReplaceAll(plain, []byte{0x1b}, nil)
		require.Equal(t, plain, lines.StripANSI(plain))
		coloured := append(append([]byte("\x1b[1;31m"), plain...), "\x1b[0m"...)
		require.Equal(t, string(plain), string(lines.StripANSI(coloured)))
	})
}
