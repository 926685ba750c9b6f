package auth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
)

const (
	oidcCookie     = "semaphore_oidc"
	oidcStateTable = "oidc_state" // where a sealed sign-in belongs, with the provider as field
	oidcStateLife  = 10 * time.Minute
	maxOIDCCookie  = 4096
	maxOIDCParam   = 8192 // bytes of a code
	maxReturnPath  = 1024
	maxUsedStates  = 10_000
)

// oidcState is a sign-in that was begun.
type oidcState struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Return   string `json:"r"`
	Until    int64  `json:"u"` // Unix seconds
}

// sealState makes it a value that only we can read, for one provider.
func (s *Service) sealState(provider string, state oidcState) (string, error) {
	plain, err := json.Marshal(state)
	if err != nil {
		return "", fmt.Errorf("keep sign-in: %w", err)
	}
	return s.cfg.Ring.Seal(plain, crypto.AD{Table: oidcStateTable, Field: provider})
}

// openState reports false for whatever is not a sign-in of now.
func (s *Service) openState(provider, value string) (oidcState, bool) {
	var state oidcState
	if value == "" || len(value) > maxOIDCCookie {
		return state, false
	}
	plain, err := s.cfg.Ring.Open(value, crypto.AD{Table: oidcStateTable, Field: provider})
	if err != nil || json.Unmarshal(plain, &state) != nil || state.State == "" || state.Nonce == "" {
		return oidcState{}, false
	}
	return state, s.cfg.Now().Before(time.Unix(state.Until, 0))
}

// takeState returns the sign-in that an answer belongs to, once, and takes the
// cookie away.
func (o *OIDC) takeState(w http.ResponseWriter, r *http.Request, provider, given string) (oidcState, error) {
	if given == "" || len(given) > maxOIDCParam {
		return oidcState{}, ErrOIDCState
	}
	for _, cookie := range firstFew(r.CookiesNamed(oidcCookie)) {
		state, ok := o.s.openState(provider, cookie.Value)
		if !ok || !crypto.Equal(state.State, given) {
			continue
		}
		http.SetCookie(w, o.cookie(r, "", -1))
		if !o.used.add(state.State, time.Unix(state.Until, 0)) {
			return oidcState{}, ErrOIDCState
		}
		return state, nil
	}
	return oidcState{}, ErrOIDCState
}

// cookie is like that of a session. Lax lets it come with the redirect from the
// provider.
func (o *OIDC) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	c := o.s.cookie(r, value, maxAge) //nolint:gosec // HttpOnly, Lax, and Secure behind TLS
	c.Name = oidcCookie
	return c
}

// returnPath accepts a page of ours, and takes anything else for "/".
func returnPath(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil, len(text) > maxReturnPath, !acceptable(text),
		!strings.HasPrefix(text, "/"), strings.HasPrefix(text, "//"),
		strings.Contains(text, `\`), // which browsers take for a slash
		u.Scheme != "", u.Host != "", u.User != nil, u.Opaque != "":
		return "/"
	}
	return text
}

// usedStates remembers what was used, until it is over by itself.
type usedStates struct {
	now func() time.Time

	mu    sync.Mutex
	until map[string]time.Time
}

func newUsedStates(now func() time.Time) *usedStates {
	return &usedStates{now: now, until: map[string]time.Time{}}
}

// add reports false for what was added before.
func (u *usedStates) add(state string, until time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.until[state]; ok {
		return false
	}
	if len(u.until) >= maxUsedStates {
		u.shrink()
	}
	u.until[state] = until
	return true
}

// shrink drops what is over, and the oldest tenth if that is nothing.
func (u *usedStates) shrink() {
	now := u.now()
	limit := now.Add(oidcStateLife / 10)
	for range 10 {
		for state, until := range u.until {
			if until.Before(limit) {
				delete(u.until, state)
			}
		}
		if len(u.until) < maxUsedStates {
			return
		}
		limit = limit.Add(oidcStateLife / 10)
	}
	clear(u.until)
}
