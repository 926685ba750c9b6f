package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

type tokenInput struct {
	loginInput
	Passcode string `json:"passcode"`
}

// issueJWT gives a pair of JSON web tokens for a login and its password, or,
// where neither is sent, for the session of the request.
func (s *Server) issueJWT(c *call) error {
	var in tokenInput
	if err := c.decode(&in); err != nil {
		return err
	}
	id, end, err := c.forTokens(in)
	if err != nil {
		return unauthenticated(err)
	}
	pair, err := s.auth.IssueJWT(c.ctx(), c.client(), id)
	if err := errors.Join(err, end()); err != nil {
		return unauthenticated(err)
	}
	if err := c.recordSignIn(id.User, "for tokens"); err != nil {
		return err
	}
	c.private()
	return c.json(http.StatusOK, pair)
}

// forTokens is who tokens are for. A session that it has opened for that is
// ended by end.
func (c *call) forTokens(in tokenInput) (id *auth.Identity, end func() error, err error) {
	s := c.s
	if in.Auth == "" && in.Password == "" {
		id, err = s.auth.Authenticate(c.ctx(), c.r)
		return id, func() error { return nil }, err
	}
	who, err := s.auth.SignIn(c.ctx(), c.client(), in.Auth, in.Password)
	if err != nil {
		return nil, nil, err
	}
	id = who.Identity()
	end = func() error { return s.auth.SignOut(context.WithoutCancel(c.ctx()), id) }
	if id.Session.Verified {
		return id, end, nil
	}
	if in.Passcode == "" {
		err = &auth.PendingError{Identity: id, Code: secondFactor(id)}
	} else {
		err = s.auth.Verify(c.ctx(), id, in.Passcode)
	}
	if err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return id, end, nil
}

// secondFactor is the code by which clients know what is missing.
func secondFactor(id *auth.Identity) string {
	if id.Session.VerificationMethod == store.VerifyEmail {
		return "EMAIL_OTP_REQUIRED"
	}
	return "TOTP_REQUIRED"
}

type refreshInput struct {
	Token string `json:"refresh_token"`
}

// refreshJWT changes a refresh token for a new pair.
func (s *Server) refreshJWT(c *call) error {
	var in refreshInput
	if err := c.decode(&in); err != nil {
		return err
	}
	pair, err := s.auth.RefreshJWT(c.ctx(), c.client(), in.Token)
	if err != nil {
		return unauthenticated(err)
	}
	c.private()
	return c.json(http.StatusOK, pair)
}

// revokeJWT ends the session of a refresh token. A token that is worth nothing
// is as good as revoked.
func (s *Server) revokeJWT(c *call) error {
	var in refreshInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := s.auth.RevokeJWT(c.ctx(), in.Token); err != nil && !errors.Is(err, auth.ErrUnauthenticated) {
		return err
	}
	return c.empty(http.StatusNoContent)
}
