package lines_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job/internal/lines"
)

type line struct {
	Text    string
	Partial bool
	Dropped int64
}

// split runs the input through a splitter, size bytes per Write; 0 is one Write.
func split(limit int, input []byte, size int) []line {
	var got []line
	s := lines.NewSplitter(limit, func(l lines.Line) {
		got = append(got, line{string(l.Text), l.Partial, l.Dropped})
	})
	if size <= 0 {
		size = len(input) + 1
	}
	for len(input) > 0 {
		n := min(size, len(input))
		_, _ = s.Write(bytes.Clone(input[:n]))
		input = input[n:]
	}
	_ = s.Close()
	return got
}

func TestSplitter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		input string
		want  []line
	}{
		"nothing":                  {"", nil},
		"lines":                    {"one\ntwo\n", []line{{Text: "one"}, {Text: "two"}}},
		"empty lines":              {"\n\nx\n", []line{{}, {}, {Text: "x"}}},
		"partial last line":        {"one\ntw", []line{{Text: "one"}, {Text: "tw", Partial: true}}},
		"carriage return and feed": {"one\r\n\r\ntwo\r\r\n", []line{{Text: "one"}, {}, {Text: "two\r"}}},
		"lone carriage return":     {"10%\r20%\r", []line{{Text: "10%\r20%\r", Partial: true}}},
		"ANSI stays":               {"\x1b[1mx\x1b[m\n", []line{{Text: "\x1b[1mx\x1b[m"}}},
		"at the limit":             {"12345678\n", []line{{Text: "12345678"}}},
		"at the limit with CR":     {"12345678\r\n", []line{{Text: "12345678"}}},
		"over the limit":           {"123456789\n1\n", []line{{Text: "12345678", Dropped: 1}, {Text: "1"}}},
		"far over the limit":       {strings.Repeat("x", 100) + "\r\n", []line{{Text: "xxxxxxxx", Dropped: 92}}},
		"over the limit, partial":  {"123456789", []line{{Text: "12345678", Partial: true, Dropped: 1}}},
		"cut in a rune":            {"1234567é\n", []line{{Text: "1234567", Dropped: 2}}},
		"cut in a long rune":       {"123456😀\n", []line{{Text: "123456", Dropped: 4}}},
		"cut behind a rune":        {"123456é9\n", []line{{Text: "123456é", Dropped: 1}}},
		"invalid bytes":            {"a\xffb\n", []line{{Text: "a\ufffdb"}}},
		"NUL":                      {"a\x00b\n", []line{{Text: "a\ufffdb"}}},
		"invalid and too long":     {"\xff\xff\xff\xff\n", []line{{Text: "\ufffd\ufffd", Dropped: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for size := range 5 {
				require.Equal(t, test.want, split(8, []byte(test.input), size), "%d bytes per write", size)
			}
		})
	}
}

func TestSplitterStartsAnewAfterClose(t *testing.T) {
	t.Parallel()
	var got []string
	s := lines.NewSplitter(0, func(l lines.Line) { got = append(got, string(l.Text)) })
	_, _ = s.Write([]byte("first"))
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, _ = s.Write([]byte("second\n"))
	require.Equal(t, []string{"first", "second"}, got)
}

func TestSplitterHoldsALongLineInBoundedMemory(t *testing.T) {
	var kept, dropped int64
	s := lines.NewSplitter(0, func(l lines.Line) { kept, dropped = int64(len(l.Text)), l.Dropped })
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	const total = 100 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range total / len(chunk) {
		_, _ = s.Write(chunk)
	}
	_, _ = s.Write([]byte("\n"))
	runtime.ReadMemStats(&after)
	require.EqualValues(t, lines.DefaultLimit, kept)
	require.EqualValues(t, total-lines.DefaultLimit, dropped)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
}

func FuzzSplitter(f *testing.F) {
	f.Add([]byte("one\r\ntwo\nthree"), 1, 8)
	f.Add([]byte("é😀\xff\x00\r\n\r\r\n"), 2, 5)
	f.Add(bytes.Repeat([]byte("ab\xc3"), 50), 3, 16)
	f.Fuzz(func(t *testing.T, input []byte, size, limit int) {
		limit = 4 + abs(limit)%64
		size = 1 + abs(size)%32
		want := split(limit, input, 0)
		require.Equal(t, want, split(limit, input, size))
		if utf8.Valid(input) && bytes.IndexByte(input, 0) < 0 {
			var text []string
			for _, l := range split(len(input)+1, input, size) {
				require.Zero(t, l.Dropped)
				text = append(text, l.Text)
			}
			plain := strings.ReplaceAll(string(input), "\r\n", "\n")
			require.Equal(t, strings.TrimSuffix(plain, "\n"), strings.Join(text, "\n"))
		}
		for _, l := range want {
			require.True(t, utf8.ValidString(l.Text))
			require.NotContains(t, l.Text, "\x00")
			require.NotContains(t, l.Text, "\n")
			require.LessOrEqual(t, len(l.Text), limit)
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }
