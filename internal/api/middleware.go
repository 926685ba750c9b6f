package api

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexandervashurin/semaphore/crypto"
)

// tracker notes what was answered.
type tracker struct {
	http.ResponseWriter
	id     string
	route  string
	status int
	bytes  int64
}

// WriteHeader notes the status.
func (t *tracker) WriteHeader(status int) {
	if t.status == 0 {
		t.status = status
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (t *tracker) Write(p []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	n, err := t.ResponseWriter.Write(p)
	t.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (t *tracker) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Handler serves the API below /api, with or without the path of the web host
// in front, and everything else by Config.Web.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := s.cfg.Now()
		t := &tracker{ResponseWriter: w, id: s.requestID(r)}
		t.Header().Set("X-Request-Id", t.id)
		t.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() {
			if p := recover(); p != nil {
				s.recovered(t, r, p)
			}
			s.served(t, r, s.cfg.Now().Sub(begun))
		}()
		s.dispatch(t, s.forwarded(r))
	})
}

// dispatch finds the route. Unknown ones below /api answer in JSON too.
func (s *Server) dispatch(t *tracker, r *http.Request) {
	p := r.URL.Path
	if s.base != "" && (p == s.base || strings.HasPrefix(p, s.base+"/")) {
		p = p[len(s.base):]
	}
	climbs := slices.Contains(strings.Split(p, "/"), "..")
	p = path.Clean("/" + p) // which drops a slash at the end
	if p != "/api" && !strings.HasPrefix(p, "/api/") {
		s.web(t, r, p)
		return
	}
	if !legible(p, r.URL.Query()) {
		(&reply{status: http.StatusBadRequest, text: "the address has characters that are no text: write UTF-8 without NUL"}).write(t)
		return
	}
	if climbs { // an escaped slash in a parameter would lead to another route
		(&reply{status: http.StatusNotFound, text: "no such route"}).write(t)
		return
	}
	if p != r.URL.Path {
		u := *r.URL
		u.Path, u.RawPath = p, ""
		r2 := r.Clone(r.Context())
		r2.URL, r = &u, r2
	}
	if _, pattern := s.mux.Handler(r); pattern != "" {
		s.mux.ServeHTTP(t, r)
		return
	}
	if allow := s.allowed(r); len(allow) > 0 {
		t.Header().Set("Allow", strings.Join(allow, ", "))
		(&reply{status: http.StatusMethodNotAllowed, text: "method not allowed: use " + strings.Join(allow, ", ")}).write(t)
		return
	}
	(&reply{status: http.StatusNotFound, text: "no such route"}).write(t)
}

// legible tells whether an address is text that every database takes.
func legible(p string, query url.Values) bool {
	texts := []string{p}
	for name, values := range query {
		texts = append(append(texts, name), values...)
	}
	return !slices.ContainsFunc(texts, func(text string) bool { return !utf8.ValidString(text) || strings.ContainsRune(text, 0) })
}

// methods are those that some route has.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "LOCK", "UNLOCK"}

// allowed lists the methods that a path knows.
func (s *Server) allowed(r *http.Request) []string {
	var list []string
	probe := *r
	for _, m := range methods {
		probe.Method = m
		if _, pattern := s.mux.Handler(&probe); pattern != "" {
			list = append(list, m)
		}
	}
	return list
}

// web serves what is not the API. Where the document of the API used to be, its
// place is told.
func (s *Server) web(t *tracker, r *http.Request, p string) {
	if p == "/swagger" || strings.HasPrefix(p, "/swagger/") {
		http.Redirect(t, r, s.base+"/api/docs", http.StatusTemporaryRedirect)
		return
	}
	if s.cfg.Web != nil {
		r2 := r.Clone(r.Context())
		r2.URL.Path, r2.URL.RawPath = p, ""
		s.cfg.Web.ServeHTTP(t, r2)
		return
	}
	if p == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		t.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = t.Write([]byte("Semaphore: the API is below " + s.base + "/api, its description at " + s.base + "/api/docs\n"))
		return
	}
	(&reply{status: http.StatusNotFound, text: "no such page"}).write(t)
}

// requestID is the id that a trusted proxy gave, or a new one.
func (s *Server) requestID(r *http.Request) string {
	given := r.Header.Get("X-Request-Id")
	if given != "" && len(given) <= 64 && s.trusted(peer(r)) && strings.IndexFunc(given, notIDRune) < 0 {
		return given
	}
	return crypto.Token(16)
}

func notIDRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

func peer(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}

func (s *Server) trusted(ip netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if ip.IsValid() && p.Contains(ip) {
			return true
		}
	}
	return false
}

// forwarded applies what trusted proxies say about the client.
func (s *Server) forwarded(r *http.Request) *http.Request {
	ip := peer(r)
	if !s.trusted(ip) {
		return r
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if len(hops) == 1 && hops[0] == "" {
		hops = []string{r.Header.Get("X-Real-Ip")}
	}
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		if ip = hop.Unmap().WithZone(""); !s.trusted(ip) {
			break
		}
	}
	r = r.WithContext(withIP(r.Context(), ip))
	if r.TLS == nil && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		r.TLS = &tls.ConnectionState{} // the browser's side is
	}
	return r
}

// recovered answers a panic, whose stack goes to the log.
func (s *Server) recovered(t *tracker, r *http.Request, p any) {
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
		panic(p)
	}
	s.log.Error("request panicked", slog.String("request_id", t.id), slog.String("method", r.Method), slog.String("route", t.route),
		slog.Any("panic", p), slog.String("stack", string(bytes.TrimSpace(debug.Stack()))))
	if t.status == 0 {
		answerOf(nil).write(t)
	}
}

// served counts and logs a request. The path stays out of the log: addresses
// of webhooks are secrets.
func (s *Server) served(t *tracker, r *http.Request, took time.Duration) {
	s.metrics.request(t.route, r.Method, t.status, took)
	log := s.cfg.AccessLog
	if log == nil {
		return
	}
	level := slog.LevelInfo
	if t.status < http.StatusBadRequest && (r.Method == http.MethodGet || t.route == runnerCallRoute) {
		level = slog.LevelDebug // a running task of a runner makes several calls a second
	}
	log.LogAttrs(r.Context(), level, "request", slog.String("request_id", t.id), slog.String("method", r.Method),
		slog.String("route", t.route), slog.Int("status", t.status), slog.Int64("bytes", t.bytes),
		slog.Duration("took", took), slog.String("ip", clientIP(r).String()))
}
