package web_test

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/web"
)

func small(t *testing.T, prefix string) http.Handler {
	t.Helper()
	h, err := web.FromFS(fstest.MapFS{
		"index.html":       {Data: []byte(`<!doctype html><base href="/" /><title>page</title>` + strings.Repeat(" ", 400))},
		"start.js":         {Data: []byte("x")},
		"assets/a-1234.js": {Data: []byte(strings.Repeat("let a = 1;", 100))},
	}, prefix)
	require.NoError(t, err)
	return h
}

// answer is a reply that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, h http.Handler, method, target string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func TestAddressesAnswerAsTheyShould(t *testing.T) {
	t.Parallel()
	h := small(t, "")
	for _, c := range []struct {
		name, method, target string
		status               int
		contains, cache      string
	}{
		{"the root is the page", "GET", "/", 200, "<title>page", "no-cache"},
		{"an address of the page is the page", "GET", "/project/1/tasks/90", 200, "<title>page", "no-cache"},
		{"a hashed file never changes", "GET", "/assets/a-1234.js", 200, "let a", "public, max-age=31536000, immutable"},
		{"a file without hash is asked for again", "GET", "/start.js", 200, "x", "no-cache"},
		{"a file that is gone is no page", "GET", "/assets/a-0000.js", 404, `{"error":"no such file"}`, "no-store"},
		{"another file is no page", "GET", "/favicon.ico", 404, `{"error"`, "no-store"},
		{"climbing leads nowhere", "GET", "/assets/../../web.go", 404, `{"error"`, "no-store"},
		{"nothing is posted here", "POST", "/", 405, `{"error"`, "no-store"},
		{"a head has no body", "HEAD", "/", 200, "", "no-cache"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			res := ask(t, h, c.method, c.target)
			require.Equal(t, c.status, res.status)
			require.Contains(t, res.body, c.contains)
			require.Equal(t, c.cache, res.header.Get("Cache-Control"))
			require.Contains(t, res.header.Get("Content-Security-Policy"), "script-src 'self';")
			require.NotContains(t, res.header.Get("Content-Security-Policy"), "unsafe")
			require.Equal(t, "DENY", res.header.Get("X-Frame-Options"))
		})
	}
}

func TestPrefixIsTheBaseOfThePage(t *testing.T) {
	t.Parallel()
	for prefix, base := range map[string]string{
		"": `<base href="/" />`, "/ci": `<base href="/ci/" />`, "/ci/": `<base href="/ci/" />`,
		`/a"><script>`: `<base href="/a&#34;&gt;&lt;script&gt;/" />`,
	} {
		require.Contains(t, ask(t, small(t, prefix), "GET", "/x").body, base)
	}
}

func TestTextsAreCompressedForWhoTakesIt(t *testing.T) {
	t.Parallel()
	h := small(t, "")
	for header, packed := range map[string]bool{"gzip, br": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "": false, "br": false} {
		res := ask(t, h, "GET", "/assets/a-1234.js", "Accept-Encoding", header)
		require.Equalf(t, packed, res.header.Get("Content-Encoding") == "gzip", "%q", header)
		require.Equal(t, "Accept-Encoding", res.header.Get("Vary"))
		if !packed {
			continue
		}
		r, err := gzip.NewReader(strings.NewReader(res.body))
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, strings.Repeat("let a = 1;", 100), string(b))
	}
	require.Empty(t, ask(t, h, "GET", "/start.js", "Accept-Encoding", "gzip").header.Get("Content-Encoding"), "it would grow")
}

func TestUnchangedFilesAreNotSentAgain(t *testing.T) {
	t.Parallel()
	h := small(t, "")
	tag := ask(t, h, "GET", "/").header.Get("ETag")
	require.NotEmpty(t, tag)
	res := ask(t, h, "GET", "/", "If-None-Match", tag)
	require.Equal(t, http.StatusNotModified, res.status)
	require.Empty(t, res.body)
	require.NotEqual(t, tag, ask(t, small(t, "/ci"), "GET", "/").header.Get("ETag"))
}

func TestFilesWithoutPageAreRefused(t *testing.T) {
	t.Parallel()
	_, err := web.FromFS(fstest.MapFS{"a.js": {}}, "")
	require.ErrorContains(t, err, "make ui")
}

// TestEmbeddedPageKeepsToItsPolicy reads the page that is really built: it has
// no script or style of its own, each file that it names is there, and what a
// first visit loads stays small.
func TestEmbeddedPageKeepsToItsPolicy(t *testing.T) {
	t.Parallel()
	h, err := web.New("/ci")
	if errors.Is(err, web.ErrNone) {
		t.Skip("built without the page")
	}
	require.NoError(t, err)
	page := ask(t, h, "GET", "/").body
	require.Contains(t, page, `<base href="/ci/" />`)
	require.NotRegexp(t, `<style|style="|\son\w+=|<script(?:\s[^>]*)?>[^<]`, page)
	total := 0
	for _, m := range regexp.MustCompile(`(?:src|href)="\./([^"]+)"`).FindAllStringSubmatch(page, -1) {
		res := ask(t, h, "GET", "/"+m[1], "Accept-Encoding", "gzip")
		require.Equal(t, http.StatusOK, res.status, m[1])
		total += len(res.body)
	}
	require.Greater(t, total, 20_000)
	require.Less(t, total, 250<<10, "bytes of the first load")
}
