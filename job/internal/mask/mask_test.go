package mask_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job/internal/mask"
)

func masker(texts ...string) *mask.Masker {
	values := make([]mask.Value, len(texts))
	for i, text := range texts {
		values[i] = mask.Value{Name: fmt.Sprint("v", i), Text: text}
	}
	m, _ := mask.New(values)
	return m
}

func TestLine(t *testing.T) {
	t.Parallel()
	const word = "hunter2-secret"
	const odd = `p'a"s$s\w &<ö😀/%`
	for name, test := range map[string]struct{ secret, line, want string }{
		"nothing":              {word, "ok: [web] hunter2-secre", ""},
		"raw":                  {word, "password=hunter2-secret;", "password=***;"},
		"twice":                {word, "hunter2-secret hunter2-secret", "*** ***"},
		"side by side":         {word, "hunter2-secrethunter2-secret", "******"},
		"whole line":           {word, "hunter2-secret", "***"},
		"trimmed":              {"  hunter2-secret\n", "[hunter2-secret]", "[***]"},
		"empty line":           {word, "", ""},
		"base64 alone":         {word, "aHVudGVyMi1zZWNyZXQ=", "***"},
		"base64 without pad":   {word, "x aHVudGVyMi1zZWNyZXQ y", "x *** y"},
		"base64 of user:pass":  {word, "Basic dTpodW50ZXIyLXNlY3JldA==", "Basic dTp***A=="},
		"base64 at offset 1":   {word, "eGh1bnRlcjItc2VjcmV0eA==", "eG***eA=="},
		"base64 for URLs":      {"???>>>???>>>", "Pz8_Pj4-Pz8_Pj4-", "***"},
		"hex":                  {word, "68756e746572322d736563726574", "***"},
		"hex in capitals":      {word, "=68756E746572322D736563726574", "=***"},
		"query":                {odd, "q=p%27a%22s%24s%5Cw+%26%3C%C3%B6%F0%9F%98%80%2F%25&x", "q=***&x"},
		"query in small":       {odd, "q=p%27a%22s%24s%5cw+%26%3c%c3%b6%f0%9f%98%80%2f%25&x", "q=***&x"},
		"path":                 {odd, "/p%27a%22s$s%5Cw%20&%3C%C3%B6%F0%9F%98%80%2F%25", "/***"},
		"encodeURIComponent":   {odd, "p'a%22s%24s%5Cw%20%26%3C%C3%B6%F0%9F%98%80%2F%25", "***"},
		"JSON":                 {odd, `{"a":"p'a\"s$s\\w &<ö😀/%"}`, `{"a":"***"}`},
		"JSON of Go":           {odd, `"p'a\"s$s\\w \u0026\u003cö😀/%"`, `"***"`},
		"JSON of Python":       {odd, `"p'a\"s$s\\w &<\u00f6\ud83d\ude00/%"`, `"***"`},
		"JSON of PHP":          {odd, `"p'a\"s$s\\w &<\u00f6\ud83d\ude00\/%"`, `"***"`},
		"JSON in JSON":         {odd, `"{\"a\": \"p'a\\\"s$s\\\\w &<ö😀/%\"}"`, `"{\"a\": \"***\"}"`},
		"single quotes":        {odd, `'p'\''a"s$s\w &<ö😀/%'`, `'***'`},
		"shlex.quote":          {odd, `'p'"'"'a"s$s\w &<ö😀/%'`, `'***'`},
		"double quotes":        {odd, `"p'a\"s\$s\\w &<ö😀/%"`, `"***"`},
		"printf %q":            {odd, `p\'a\"s\$s\\w\ \&\<ö😀/%`, `***`},
		"printf %q in C":       {odd, `$'p\'a"s$s\\w &<\303\266\360\237\230\200/%'`, `$'***'`},
		"printf %q of control": {"tab\tand\x1bmore", `$'tab\tand\Emore'`, `$'***'`},
		"repr":                 {odd, `'p\'a"s$s\\w &<ö😀/%'`, `'***'`},
		"repr of bytes":        {odd, `b'p\'a"s$s\\w &<\xc3\xb6\xf0\x9f\x98\x80/%'`, `b'***'`},
		"repr in ASCII":        {odd, `'p\'a"s$s\\w &<\xf6\U0001f600/%'`, `'***'`},
		"Go literal":           {odd, `"p'a\"s$s\\w &<\u00f6\U0001f600/%"`, `"***"`},
		"YAML double quotes":   {odd, `"p'a\"s$s\\w &<\xF6\U0001F600/%"`, `"***"`},
		"YAML single quotes":   {odd, `'p''a"s$s\w &<ö😀/%'`, `'***'`},
		"CSV":                  {odd, `"p'a""s$s\w &<ö😀/%"`, `"***"`},
		"HTML":                 {odd, `<b>p&#39;a&#34;s$s\w &amp;&lt;ö😀/%</b>`, `<b>***</b>`},
		"XML":                  {odd, `<b>p&apos;a&quot;s$s\w &amp;&lt;ö😀/%</b>`, `<b>***</b>`},
		"NUL and bad bytes":    {"abc\x00\xffdef", "abc\ufffd\ufffddef", "***"},
		"a line of several":    {"first line\nx\nsecond-line\r\n", "- second-line -", "- *** -"},
		"an indented line":     {"{\n   \"key\": 1\n}", `"key": 1`, "***"},
		"all lines in one":     {"first line\nx\nsecond-line\n", `"first line\nx\nsecond-line\n"`, `"***\n"`},
		"all lines in base64":  {"first line\nx\nsecond-line\n", "Zmlyc3QgbGluZQp4CnNlY29uZC1saW5lCg==", "***"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := []byte(test.line)
			got, masked := masker(test.secret).Line(in)
			require.Equal(t, test.line, string(in), "the line was changed in place")
			if test.want == "" {
				require.False(t, masked)
				require.Equal(t, test.line, string(got))
				return
			}
			require.True(t, masked)
			require.Equal(t, test.want, string(got))
		})
	}
}

func TestLineWithSeveralSecrets(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		secrets    []string
		line, want string
	}{
		"overlapping":                 {[]string{"abcdefgh", "efghijkl"}, "<abcdefghijkl>", "<***>"},
		"one inside another":          {[]string{"abcdefgh", "0abcdefgh0"}, "<0abcdefgh0> abcdefgh", "<***> ***"},
		"the same beginning":          {[]string{"abcdefgh-1", "abcdefgh-2", "abcdefgh"}, "abcdefgh-2 abcdefgh-3", "*** ***-3"},
		"made by a replacement":       {[]string{"secret", "pre***post"}, "presecretpost", "***"},
		"made by two replacements":    {[]string{"secret", "******"}, "secretsecret", "***"},
		"made by a replacement twice": {[]string{"secret", "a***b!", "c***d!"}, "casecretb!d!", "***"},
		"made again and again":        {[]string{"secret", "***abc"}, "secret" + strings.Repeat("abc", 500), "***"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, masked := masker(test.secrets...).Line([]byte(test.line))
			require.True(t, masked)
			require.Equal(t, test.want, string(got))
		})
	}
}

func TestNewNamesWhatIsTooShort(t *testing.T) {
	t.Parallel()
	for text, short := range map[string]bool{
		"":                        false, // nothing to say
		"  \n ":                   false,
		"12345":                   true,
		" abcde ":                 true,
		"abcdef":                  false,
		"true":                    true,
		"false":                   true,
		"1234567":                 true,
		"-1234567":                true,
		"1234.567":                true,
		"12345678":                false,
		"10.0.0.15":               false,
		"1234567a":                false,
		"a\nb\nc\nd":              true,
		"a\nlong enough\nc\nd":    false,
		"--------\n========":      true,
		"seven77\nseven77":        true,
		"пар":                     false,
		"-----BEGIN X-----\nab\n": true,
	} {
		m, names := mask.New([]mask.Value{{Name: "it", Text: text}, {Name: "it", Text: text}})
		require.Equal(t, short, len(names) == 1, "%q: %v", text, names)
		if short {
			_, masked := m.Line([]byte(text))
			require.False(t, masked, text)
		}
	}
}

func TestMaskerWithoutSecretsLeavesTheLine(t *testing.T) {
	t.Parallel()
	var none *mask.Masker
	empty, short := mask.New(nil)
	require.Empty(t, short)
	for _, m := range []*mask.Masker{none, empty, {}} {
		in := []byte("a line")
		out, masked := m.Line(in)
		require.False(t, masked)
		require.Same(t, &in[0], &out[0])
		require.Equal(t, 3, m.SafeCut(in, 3))
		require.Equal(t, 6, m.SafeCut(in, 100))
	}
}

func testKey(size int) string {
	raw := make([]byte, size)
	_, _ = rand.Read(raw)
	return string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: raw}))
}

func TestPEM(t *testing.T) {
	t.Parallel()
	key := testKey(1200)
	m := masker(key)
	for line := range strings.Lines(key) {
		line = strings.TrimSpace(line)
		got, masked := m.Line([]byte(line))
		boundary := strings.HasPrefix(line, "-----")
		require.Equal(t, !boundary, masked, line)
		if !boundary {
			require.Equal(t, "***", string(got))
		}
	}
	code := base64.StdEncoding.EncodeToString([]byte(key))
	for _, width := range []int{64, 76, len(code)} {
		for at := 0; at+width <= len(code); at += width {
			got, _ := m.Line([]byte(code[at : at+width]))
			require.LessOrEqual(t, len(got), 12, "%d columns: %s", width, got)
		}
	}
}

func TestLargeKeysStaySmallAndFast(t *testing.T) {
	for _, size := range []int{12 << 10, 400 << 10} {
		begun := time.Now()
		m := masker(testKey(size))
		t.Logf("%d bytes: %v, table %d KiB, %d forms", size, time.Since(begun), m.TableSize()>>10, len(m.Forms()))
		require.Less(t, m.TableSize(), 16<<20)
	}
}

func TestSafeCut(t *testing.T) {
	t.Parallel()
	m := masker("hunter2-secret", "cret-and-more", "x***x***")
	for name, test := range map[string]struct {
		line string
		n    int
		want int
	}{
		"nothing near":                 {"a plain line", 6, 6},
		"beyond the end":               {"abz", 9, 3},
		"negative":                     {"abz", -1, 0},
		"inside the secret":            {"ab hunter2-secret", 9, 3},
		"at its start":                 {"ab hunter2-secret", 3, 3},
		"behind its first byte":        {"ab hunter2-secret", 4, 3},
		"behind it":                    {"ab x***x***.", 11, 11},
		"behind it, where one begins":  {"ab hunter2-secret", 17, 3},
		"inside one that overlaps":     {"ab hunter2-secret-and-more", 20, 3},
		"behind one with a false head": {"ab hunter2-secret h", 19, 18},
		"inside base64":                {"ab aHVudGVyMi1zZWNyZXQ=", 12, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, m.SafeCut([]byte(test.line), test.n))
		})
	}
}
