package mask_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job/internal/lines"
	"github.com/alexandervashurin/semaphore/job/internal/mask"
)

// oracle are forms of a secret, made without the code under test.
func oracle(secret string) []string {
	marshalled, _ := json.Marshal(secret)
	var plain strings.Builder
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(secret)
	inner := func(s string) string { return s[1 : len(s)-1] }
	return []string{
		secret,
		inner(string(marshalled)),
		inner(strings.TrimSpace(plain.String())),
		hex.EncodeToString([]byte(secret)),
		strings.ToUpper(hex.EncodeToString([]byte(secret))),
		url.QueryEscape(secret),
		url.PathEscape(secret),
		inner(strconv.Quote(secret)),
		inner(strconv.QuoteToASCII(secret)),
		strings.ReplaceAll(secret, `'`, `'\''`),
		strings.ReplaceAll(secret, `'`, `'"'"'`),
		html.EscapeString(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)),
	}
}

// qualifies follows the rule of the package's documentation for one line.
func qualifies(secret string) bool {
	return len(secret) >= 9 && utf8.ValidString(secret) && strings.TrimSpace(secret) == secret &&
		!strings.ContainsAny(secret, "\x00\n") && regexp.MustCompile(`[^0-9.,+-]`).MatchString(secret)
}

var base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]+`)

// decoded is everything that base64 in line may mean.
func decoded(line string) []string {
	var all []string
	for _, run := range base64Run.FindAllString(line, -1) {
		for from := 0; from < 4 && from < len(run); from++ {
			part := run[from : len(run)-(len(run)-from)%4]
			for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
				if text, err := alphabet.DecodeString(part); err == nil {
					all = append(all, string(text))
				}
			}
		}
	}
	return all
}

// naive replaces the forms one by one, as the definition has it.
func naive(line string, forms []string) string {
	covered := make([]bool, len(line)+1)
	starts := make([]bool, len(line)+1) // a span may touch the one before
	for _, f := range forms {
		for at := 0; at+len(f) <= len(line); at++ {
			if line[at:at+len(f)] == f {
				for i := range len(f) {
					covered[at+i] = true
				}
			}
		}
	}
	inside := func(at int) bool { // a form covers both sides of at
		for _, f := range forms {
			for from := max(0, at-len(f)+1); from < at; from++ {
				if strings.HasPrefix(line[from:], f) {
					return true
				}
			}
		}
		return false
	}
	for at := range len(line) {
		starts[at] = covered[at] && (at == 0 || !covered[at-1] || !inside(at))
	}
	var out strings.Builder
	for i := range len(line) {
		switch {
		case starts[i]:
			out.WriteString("***")
		case !covered[i]:
			out.WriteByte(line[i])
		}
	}
	return out.String()
}

func FuzzMask(f *testing.F) {
	f.Add("hunter2-secret", "p'a\"s$s\\w &<ö😀/%", "before ", " after", uint8(0))
	f.Add("aaaaaaaaaa", "aaaaaaaaaaab", "aaa", "aaaaaaaaaaaaaaa", uint8(3))
	f.Add("secret-one", "***pre***post", "pre", "post", uint8(7))
	f.Add("-----BEGIN x", "key with \x1b control", "YWFh", "YWFh", uint8(12))
	f.Fuzz(func(t *testing.T, one, two, before, after string, pick uint8) {
		if !qualifies(one) || !qualifies(two) || strings.Contains(before+after, "\n") || len(before+after)+len(one+two) > 400 {
			t.Skip()
		}
		m, short := mask.New([]mask.Value{{Name: "one", Text: one}, {Name: "two", Text: two}})
		require.Empty(t, short)
		forms := append(oracle(one), base64.URLEncoding.EncodeToString([]byte(before+one+after)),
			base64.StdEncoding.EncodeToString([]byte(before+one+after)))
		line := before + forms[int(pick)%len(forms)] + after + two
		line = string(lines.Safe([]byte(line)))
		out, masked := m.Line([]byte(line))
		require.True(t, masked)
		require.True(t, utf8.Valid(out))
		for _, secret := range []string{one, two} {
			for _, form := range oracle(secret) {
				require.NotContains(t, string(out), form)
			}
			for _, text := range decoded(string(out)) {
				require.NotContains(t, text, secret)
			}
		}
		if !strings.Contains(one+two, "*") {
			require.Equal(t, naive(line, m.Forms()), string(out))
		}
		for n := range len(line) {
			requireSafe(t, m, line, n)
		}
	})
}

// requireSafe checks that a cut at n leaves no beginning of a form that stands
// in line.
func requireSafe(t *testing.T, m *mask.Masker, line string, n int) {
	t.Helper()
	cut := m.SafeCut([]byte(line), n)
	require.LessOrEqual(t, cut, n)
	for _, f := range m.Forms() {
		for from := max(0, cut-len(f)+1); from < cut; from++ {
			require.False(t, strings.HasPrefix(line[from:], f), "cut at %d divides %q", cut, f)
		}
	}
}

var sink []byte

func BenchmarkLine(b *testing.B) {
	var secrets []string
	for i := range 10 {
		secrets = append(secrets, strings.Repeat(string(rune('a'+i)), 3)+"-Secret/Value"+strconv.Itoa(i*7919))
	}
	m := masker(secrets...)
	line := []byte(`ok: [web-01.example.org] => (item={'name': 'nginx', 'state': 'present', 'x': 12})`)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		sink, _ = m.Line(line)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkNew(b *testing.B) {
	key := testKey(2350) // an RSA key of 4096 bits
	b.ReportAllocs()
	for b.Loop() {
		masker(key, "hunter2-secret")
	}
}
