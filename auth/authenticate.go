package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// touchEvery is how exact LastActive of a session is: reads write nothing else.
const touchEvery = time.Hour

// Authenticate tells who sent a request: the bearer of an API token or of a
// JSON web token, else the owner of the cookie. A header with a token decides
// alone; other schemes are left to whoever uses them.
//
// Errors are [ErrUnauthenticated], a *[PendingError] where the second factor of
// the session is missing, and those of the store.
func (s *Service) Authenticate(ctx context.Context, r *http.Request) (*Identity, error) {
	if token, ok := bearer(r.Header.Get("Authorization")); ok {
		switch {
		case token == "" || len(token) > maxBearer:
			return nil, ErrUnauthenticated
		case strings.Count(token, ".") == 2:
			return s.identify(ctx, "jwt", token, s.byJWT)
		default:
			return s.identify(ctx, "token", token, s.byToken)
		}
	}
	// Another program on the same host may have set a cookie of that name too.
	for _, c := range firstFew(r.CookiesNamed(CookieName)) {
		id, err := s.identify(ctx, "cookie", c.Value, s.byCookie)
		if !errors.Is(err, ErrUnauthenticated) {
			return id, err
		}
	}
	return nil, ErrUnauthenticated
}

// prover looks up who a secret belongs to, and when it ends.
type prover func(ctx context.Context, secret string) (*Identity, time.Time, error)

func (s *Service) identify(ctx context.Context, kind, secret string, prove prover) (*Identity, error) {
	key := cacheKey(kind, secret)
	id, round := s.cache.get(key)
	if id == nil {
		found, end, err := prove(ctx, secret)
		if err != nil {
			return nil, err
		}
		s.cache.put(key, found, end, round)
		id = found
	}
	if id.Session != nil && !id.Session.Verified {
		return nil, pending(id)
	}
	return id, nil
}

func pending(id *Identity) *PendingError {
	code := "SESSION_NOT_VERIFIED"
	switch id.Session.VerificationMethod {
	case store.VerifyTOTP:
		code = "TOTP_REQUIRED"
	case store.VerifyEmail:
		code = "EMAIL_OTP_REQUIRED"
	}
	return &PendingError{Identity: id, Code: code}
}

func (s *Service) byCookie(ctx context.Context, value string) (*Identity, time.Time, error) {
	sid, secret, ok := parseCookie(value)
	if !ok {
		return nil, time.Time{}, ErrUnauthenticated
	}
	session, err := s.session(ctx, s.st, sid)
	if err != nil {
		return nil, time.Time{}, err
	}
	if !crypto.Equal(session.Secret, crypto.HashToken(secret)) {
		return nil, time.Time{}, ErrUnauthenticated
	}
	id, end, err := s.ofSession(ctx, session)
	if id != nil {
		id.ByCookie = true
	}
	return id, end, err
}

// ofSession is the identity of a session that was proven.
func (s *Service) ofSession(ctx context.Context, session store.Session) (*Identity, time.Time, error) {
	end := s.sessionEnd(session)
	if session.Expired || !s.now().Before(end) {
		return nil, end, ErrUnauthenticated
	}
	user, err := s.user(ctx, session.UserID)
	if err != nil {
		return nil, end, err
	}
	session.LastActive = s.touch(ctx, session)
	return &Identity{User: plain(user), Session: &session}, end, nil
}

// user reads an account; one that is gone is nobody.
func (s *Service) user(ctx context.Context, id int64) (store.User, error) {
	user, err := s.st.Users().Get(ctx, 0, id)
	if errors.Is(err, store.ErrNotFound) {
		return user, ErrUnauthenticated
	}
	if err != nil {
		return user, fmt.Errorf("read user: %w", err)
	}
	return user, nil
}

func (s *Service) byToken(ctx context.Context, token string) (*Identity, time.Time, error) {
	row, err := s.findToken(ctx, token)
	if err != nil {
		return nil, time.Time{}, err
	}
	var end time.Time
	if row.Expires != nil {
		end = *row.Expires
	}
	if row.Expired || !end.IsZero() && !s.now().Before(end) {
		return nil, end, ErrUnauthenticated
	}
	user, err := s.user(ctx, row.UserID)
	if err != nil {
		return nil, end, err
	}
	return &Identity{User: plain(user), Token: &row, Scopes: row.Scopes}, end, nil
}
