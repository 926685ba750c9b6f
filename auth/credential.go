package auth

import (
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"
)

// CookieName is the name of the cookie.
const CookieName = "semaphore"

const (
	maxBearer   = 4096 // bytes of a token in a header
	maxAPIToken = 256
	maxCookie   = 256
	maxCookies  = 4
)

// bearer returns the token of an Authorization header. It reports false for
// another scheme, as a proxy's own password is.
func bearer(header string) (string, bool) {
	scheme, token, _ := strings.Cut(strings.TrimSpace(header), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// parseCookie takes "<session id>.<secret>" apart.
func parseCookie(value string) (session int64, secret string, ok bool) {
	if len(value) > maxCookie {
		return 0, "", false
	}
	number, secret, found := strings.Cut(value, ".")
	session, err := strconv.ParseInt(number, 10, 64)
	if !found || err != nil || session <= 0 || secret == "" || strconv.FormatInt(session, 10) != number {
		return 0, "", false
	}
	return session, secret, true
}

func cookieValue(session int64, secret string) string {
	return strconv.FormatInt(session, 10) + "." + secret
}

// cacheKey keeps no secret in memory.
func cacheKey(kind, secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return kind + string(sum[:])
}

// SetCookie gives a browser the cookie of a session: for this session of the
// browser, for no script, and for requests of our own pages.
func (s *Service) SetCookie(w http.ResponseWriter, r *http.Request, value string) {
	http.SetCookie(w, s.cookie(r, value, 0))
}

// ClearCookie takes it away.
func (s *Service) ClearCookie(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, s.cookie(r, "", -1))
}

func (s *Service) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure would lose the cookie where there is no TLS
		Name: CookieName, Value: value, Path: s.cfg.CookiePath, MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.cfg.SecureCookie || r.TLS != nil,
	}
}

// firstFew bounds how often one request makes us ask the store.
func firstFew(list []*http.Cookie) []*http.Cookie { return list[:min(len(list), maxCookies)] }
