package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

const (
	jwtLeeway  = 30 * time.Second // between the clocks of several processes
	accessFor  = "access"
	refreshFor = "refresh"
)

// Pair is what a client with JSON web tokens has.
type Pair struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"` // Bearer
	ExpiresIn    int    `json:"expires_in"` // seconds, of the access token
}

// claims are those of both kinds. The audience tells them apart.
type claims struct {
	jwt.RegisteredClaims
	Session int64 `json:"sid"`
}

// IssueJWT opens a session of its own for a client that keeps tokens rather
// than a cookie. The identity needs a session whose second factor is verified,
// else the error is [ErrNoSession] or a *[PendingError]; SignOut ends that one
// if nobody needs it any more.
func (s *Service) IssueJWT(ctx context.Context, c Client, id *Identity) (Pair, error) {
	switch {
	case id == nil || id.Session == nil:
		return Pair{}, ErrNoSession
	case !id.Session.Verified:
		return Pair{}, pending(id)
	}
	generation := crypto.Token(secretBytes)
	session := s.newSession(c, id.User.ID, store.VerifyNone, familyPrefix+crypto.HashToken(generation))
	err := s.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		// The session that vouches for this one may have been ended meanwhile.
		if _, err := tx.Users().Sessions().Get(ctx, id.User.ID, id.Session.ID); err != nil {
			return gone(err)
		}
		if err := s.sweep(ctx, tx, id.User.ID); err != nil {
			return err
		}
		var err error
		session, err = tx.Users().Sessions().Create(ctx, session)
		return err
	})
	if err != nil {
		return Pair{}, fmt.Errorf("issue tokens: %w", err)
	}
	return s.pair(session, generation)
}

func gone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnauthenticated
	}
	return err
}

// RefreshJWT changes a refresh token for a new pair. Each works once: one that
// comes again has been stolen from somebody, which ends the session that all of
// them belong to. The error is then, as for all others that are not valid,
// [ErrUnauthenticated].
func (s *Service) RefreshJWT(ctx context.Context, c Client, refresh string) (Pair, error) {
	cl, err := s.parseJWT(refresh, refreshFor)
	if err != nil {
		return Pair{}, err
	}
	generation := crypto.Token(secretBytes)
	var session store.Session
	var reused bool
	err = s.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		if session, err = s.family(ctx, tx, cl); err != nil {
			return err
		}
		if reused = !crypto.Equal(session.Secret, familyPrefix+crypto.HashToken(cl.ID)); reused {
			return tx.Users().Sessions().Delete(ctx, session.UserID, session.ID)
		}
		fresh := s.newSession(c, session.UserID, store.VerifyNone, familyPrefix+crypto.HashToken(generation))
		session.Secret, session.LastActive = fresh.Secret, fresh.LastActive
		session.IP, session.UserAgent = fresh.IP, fresh.UserAgent
		return tx.Users().Sessions().Update(ctx, session)
	})
	switch {
	case errors.Is(err, ErrUnauthenticated):
		return Pair{}, ErrUnauthenticated
	case err != nil:
		return Pair{}, fmt.Errorf("refresh token: %w", err)
	case reused:
		s.Forget(session.UserID)
		s.cfg.Log.WarnContext(ctx, "refresh token used twice: session ended", "user_id", session.UserID, "session_id", session.ID)
		return Pair{}, ErrUnauthenticated
	}
	return s.pair(session, generation)
}

// RevokeJWT ends the session of a refresh token. One that is not valid any more
// has nothing to end.
func (s *Service) RevokeJWT(ctx context.Context, refresh string) error {
	cl, err := s.parseJWT(refresh, refreshFor)
	if err != nil {
		return err
	}
	session, err := s.family(ctx, s.st, cl)
	if errors.Is(err, ErrUnauthenticated) {
		return nil
	}
	if err != nil {
		return err
	}
	return ignoreMissing(s.EndSession(ctx, session.UserID, session.ID))
}

// family is the session of a token of ours.
func (s *Service) family(ctx context.Context, st store.Store, cl claims) (store.Session, error) {
	user, err := strconv.ParseInt(cl.Subject, 10, 64)
	if err != nil {
		return store.Session{}, ErrUnauthenticated
	}
	session, err := st.Users().Sessions().Get(ctx, user, cl.Session)
	if err != nil {
		return session, gone(err)
	}
	if s.over(session) || len(session.Secret) < len(familyPrefix) || session.Secret[:len(familyPrefix)] != familyPrefix {
		return session, ErrUnauthenticated
	}
	return session, nil
}

func (s *Service) byJWT(ctx context.Context, token string) (*Identity, time.Time, error) {
	cl, err := s.parseJWT(token, accessFor)
	if err != nil {
		return nil, time.Time{}, err
	}
	session, err := s.family(ctx, s.st, cl)
	if err != nil {
		return nil, time.Time{}, err
	}
	id, end, err := s.ofSession(ctx, session)
	if expires := cl.ExpiresAt.Time; expires.Before(end) {
		end = expires
	}
	return id, end, err
}

func (s *Service) pair(session store.Session, generation string) (Pair, error) {
	access, err := s.sign(session, accessFor, crypto.Token(secretBytes), s.cfg.AccessTTL)
	if err != nil {
		return Pair{}, err
	}
	refresh, err := s.sign(session, refreshFor, generation, s.cfg.RefreshTTL)
	if err != nil {
		return Pair{}, err
	}
	return Pair{AccessToken: access, RefreshToken: refresh, TokenType: "Bearer", ExpiresIn: int(s.cfg.AccessTTL / time.Second)}, nil
}

func (s *Service) sign(session store.Session, audience, id string, life time.Duration) (string, error) {
	keys := s.cfg.Ring.Derive(jwtPurpose)
	if len(keys) == 0 {
		return "", errors.New("sign token: the ring has no key")
	}
	now := s.now()
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.cfg.Issuer, Subject: strconv.FormatInt(session.UserID, 10), Audience: jwt.ClaimStrings{audience}, ID: id,
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(life)),
		},
		Session: session.ID,
	})
	t.Header["kid"] = keys[0].ID
	signed, err := t.SignedString(keys[0].Secret)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed, nil
}

// parseJWT accepts our own tokens for one audience, of any key of the ring.
func (s *Service) parseJWT(text, audience string) (claims, error) {
	var cl claims
	if len(text) > maxBearer {
		return cl, ErrUnauthenticated
	}
	_, err := jwt.ParseWithClaims(text, &cl, s.jwtKey,
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(s.cfg.Issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(jwtLeeway),
		jwt.WithTimeFunc(s.cfg.Now), jwt.WithStrictDecoding())
	if err != nil || cl.ID == "" || cl.Session <= 0 {
		return claims{}, ErrUnauthenticated
	}
	return cl, nil
}

func (s *Service) jwtKey(t *jwt.Token) (any, error) {
	id, _ := t.Header["kid"].(string)
	for _, k := range s.cfg.Ring.Derive(jwtPurpose) {
		if k.ID == id && id != "" {
			return k.Secret, nil
		}
	}
	return nil, ErrUnauthenticated
}
