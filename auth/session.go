package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

const (
	secretBytes  = 33
	maxUserAgent = 255
	maxSessions  = 1000   // of a user
	familyPrefix = "jwt." // Session.Secret of refresh tokens, which no cookie matches
)

// way is how somebody signed in.
type way int

const (
	byPassword way = iota
	byProvider     // with a web page of its own
)

// open makes the session of somebody whose password or provider was checked. It
// answers store.ErrMoved where the password is another one by now.
func (s *Service) open(ctx context.Context, c Client, user store.User, by way) (SignedIn, error) {
	secret := crypto.Token(secretBytes)
	var in SignedIn
	var code string
	err := s.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		// A password that was changed meanwhile has ended all sessions; this one
		// must not come after that.
		row, err := tx.Users().Get(ctx, 0, user.ID)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return ErrCredentials
		case err != nil:
			return fmt.Errorf("open session: %w", err)
		case row.Password != user.Password || row.External != user.External:
			return store.ErrMoved
		}
		method, err := s.method(ctx, tx, row, by)
		if err != nil {
			return err
		}
		if method == store.VerifyEmail {
			if code, err = newEmailCode(ctx, tx, row.ID, s.now()); err != nil {
				return err
			}
		}
		if err := s.sweep(ctx, tx, row.ID); err != nil {
			return err
		}
		session, err := tx.Users().Sessions().Create(ctx, s.newSession(c, row.ID, method, crypto.HashToken(secret)))
		if err != nil {
			return fmt.Errorf("open session: %w", err)
		}
		in = SignedIn{User: plain(row), Session: session, Cookie: cookieValue(session.ID, secret)}
		return nil
	})
	if err != nil {
		return SignedIn{}, err
	}
	if code != "" {
		if err := s.cfg.SendCode(ctx, in.User, code); err != nil {
			return SignedIn{}, fmt.Errorf("send code: %w", err)
		}
	}
	return in, nil
}

func (s *Service) newSession(c Client, user int64, method store.VerificationMethod, secretHash string) store.Session {
	now := s.now()
	ip := ""
	if c.IP.IsValid() {
		ip = c.IP.Unmap().String()
	}
	agent := strings.ToValidUTF8(c.UserAgent[:min(len(c.UserAgent), maxUserAgent)], "")
	return store.Session{
		UserID: user, Created: now, LastActive: now, IP: ip, UserAgent: agent,
		VerificationMethod: method, Verified: method == store.VerifyNone, Secret: secretHash,
	}
}

// session finds a session by its id alone.
func (s *Service) session(ctx context.Context, st store.Store, id int64) (store.Session, error) {
	page, err := st.Users().Sessions().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"id": id}, Limit: 1})
	if err != nil {
		return store.Session{}, fmt.Errorf("read session: %w", err)
	}
	if len(page.Items) == 0 {
		return store.Session{}, ErrUnauthenticated
	}
	return page.Items[0], nil
}

// sessionEnd is when a session is over unless it is used.
func (s *Service) sessionEnd(session store.Session) time.Time {
	idle := s.cfg.SessionIdle
	if strings.HasPrefix(session.Secret, familyPrefix) {
		idle = max(idle, s.cfg.RefreshTTL)
	}
	byIdle, byAge := session.LastActive.Add(idle), session.Created.Add(s.cfg.SessionMax)
	if byIdle.Before(byAge) {
		return byIdle
	}
	return byAge
}

// touch notes now and then that a session is in use, and returns when that was
// noted last.
func (s *Service) touch(ctx context.Context, session store.Session) time.Time {
	now, every := s.now(), min(touchEvery, s.cfg.SessionIdle/4)
	if now.Sub(session.LastActive) < every {
		return session.LastActive
	}
	err := s.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		row, err := tx.Users().Sessions().Get(ctx, session.UserID, session.ID)
		if err != nil || now.Sub(row.LastActive) < every {
			return err // another request was first
		}
		row.LastActive = now
		return tx.Users().Sessions().Update(ctx, row)
	})
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "use of a session not noted", "user_id", session.UserID, "session_id", session.ID, "error", err)
		return session.LastActive
	}
	return now
}

// Sessions lists the sessions of a user that are not over, newest first.
func (s *Service) Sessions(ctx context.Context, userID int64) ([]store.Session, error) {
	page, err := s.st.Users().Sessions().List(ctx, userID, store.Query{Sort: "id", Desc: true, Limit: -1})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	live := []store.Session{}
	for _, session := range page.Items {
		if !s.over(session) {
			live = append(live, session)
		}
	}
	return live, nil
}

func (s *Service) over(session store.Session) bool {
	return session.Expired || !s.now().Before(s.sessionEnd(session))
}

// sweep makes room for one more session of a user: those that are over go, and
// of too many those that were not used for longest.
func (s *Service) sweep(ctx context.Context, tx store.Store, userID int64) error {
	page, err := tx.Users().Sessions().List(ctx, userID, store.Query{Sort: "last_active", Desc: true, Limit: -1})
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	for i, session := range page.Items {
		if s.over(session) || i >= maxSessions-1 {
			if err := tx.Users().Sessions().Delete(ctx, userID, session.ID); err != nil {
				return fmt.Errorf("remove old session: %w", err)
			}
		}
	}
	return nil
}

// EndSession ends one session of a user; store.ErrNotFound if it has none such.
func (s *Service) EndSession(ctx context.Context, userID, sessionID int64) error {
	defer s.Forget(userID)
	if err := s.st.Users().Sessions().Delete(ctx, userID, sessionID); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// EndSessions ends all sessions of a user but keep, 0 for none.
func (s *Service) EndSessions(ctx context.Context, userID, keep int64) error {
	defer s.Forget(userID)
	return s.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		return endSessions(ctx, tx, userID, keep)
	})
}

func endSessions(ctx context.Context, tx store.Store, userID, keep int64) error {
	page, err := tx.Users().Sessions().List(ctx, userID, store.Query{Limit: -1})
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	for _, session := range page.Items {
		if session.ID == keep {
			continue
		}
		if err := tx.Users().Sessions().Delete(ctx, userID, session.ID); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
	}
	return nil
}

// SignOut ends the session of an identity. One without a session, or whose
// session is over, has nothing to end.
func (s *Service) SignOut(ctx context.Context, id *Identity) error {
	if id == nil || id.Session == nil {
		return nil
	}
	return ignoreMissing(s.EndSession(ctx, id.User.ID, id.Session.ID))
}
