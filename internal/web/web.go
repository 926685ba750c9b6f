// Package web serves the page that people look at: files that are built from
// internal/web/ui and embedded. Built with the tag no_ui, a program has none.
package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// policy lets the page load nothing but its own files and talk to nobody but
// its own server. Styles and scripts within the page do not count.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"base-uri 'self'; form-action 'self'; frame-ancestors 'none'"

// ErrNone tells that the program was built without the page.
var ErrNone = errors.New("web: this program was built without the page: leave out the tag no_ui")

// kinds are the files that there are.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".json": "application/json",
	".txt":  "text/plain; charset=utf-8",
}

// Handler serves the page.
type Handler struct {
	files map[string]*file
}

// file is one of the page, as it is sent.
type file struct {
	kind, cache, tag string
	plain            []byte
	small            func() []byte // gzipped; nil where that saves nothing
}

// New makes the handler of the embedded page below a prefix, the path of the
// public address: "/semaphore", or "" for none. It returns [ErrNone] where
// nothing is embedded.
func New(prefix string) (*Handler, error) {
	built := built()
	if built == nil {
		return nil, ErrNone
	}
	return fromFS(built, prefix)
}

// fromFS makes the handler of other files.
func fromFS(built fs.FS, prefix string) (*Handler, error) {
	h := &Handler{files: map[string]*file{}}
	err := fs.WalkDir(built, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(built, name)
		if err != nil {
			return err
		}
		if name == "index.html" {
			base := html.EscapeString(strings.TrimRight(prefix, "/") + "/")
			body = bytes.Replace(body, []byte(`<base href="/" />`), []byte(`<base href="`+base+`" />`), 1)
		}
		h.files[name] = newFile(name, body)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("web: read the page: %w", err)
	}
	if h.files["index.html"] == nil {
		return nil, errors.New("web: the page has no index.html: run make ui")
	}
	return h, nil
}

func newFile(name string, body []byte) *file {
	sum := sha256.Sum256(body)
	f := &file{
		kind: cmp.Or(kinds[path.Ext(name)], "application/octet-stream"), cache: "no-cache",
		tag: `"` + hex.EncodeToString(sum[:12]) + `"`, plain: body,
	}
	if strings.HasPrefix(name, "assets/") { // their names have a hash of what is in them
		f.cache = "public, max-age=31536000, immutable"
	}
	f.small = sync.OnceValue(func() []byte { return compressed(body) })
	return f
}

// compressed is a text gzipped, or nil where that saves nothing.
func compressed(body []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil // of that level it cannot be
	}
	_, err = w.Write(body)
	if err = errors.Join(err, w.Close()); err != nil || out.Len() >= len(body) {
		return nil
	}
	return out.Bytes()
}

// ServeHTTP answers with a file, or with the page itself for each of its own
// addresses, whose path the browser reads. The prefix has been cut off.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "method not allowed: use GET, HEAD")
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	f := h.files[name]
	if f == nil && (strings.HasPrefix(name, "assets/") || strings.Contains(path.Base("/"+name), ".")) {
		refuse(w, http.StatusNotFound, "no such file")
		return
	}
	if f == nil {
		f = h.files["index.html"]
	}
	f.send(w, r)
}

// send writes a file, or that it has not changed.
func (f *file) send(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", f.cache)
	header.Set("ETag", f.tag)
	header.Add("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if accepts(r.Header.Get("Accept-Encoding")) {
		if small := f.small(); small != nil {
			body = small
			header.Set("Content-Encoding", "gzip")
		}
	}
	header.Set("Content-Type", f.kind)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // who has gone away misses nothing
	}
}

// accepts tells whether a client takes gzip.
func accepts(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, quality, _ := strings.Cut(part, ";")
		if strings.TrimSpace(coding) != "gzip" {
			continue
		}
		q, found := strings.CutPrefix(strings.TrimSpace(quality), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !found || err != nil || weight > 0
	}
	return false
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"error":"` + text + `"}` + "\n")) // texts of this package, with nothing to escape
}
