package api

import (
	"errors"
	"net/http"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) signInRoutes() []route {
	return []route{
		{method: "POST", path: "/auth/login", right: anyone, handle: s.signIn},
		{method: "POST", path: "/auth/verify", right: pending, handle: s.verify},
		{method: "POST", path: "/auth/recovery", right: pending, handle: s.recover},
		{method: "POST", path: "/auth/logout", right: anyone, handle: s.signOut},
		{method: "POST", path: "/auth/token", right: anyone, handle: s.issueJWT},
		{method: "POST", path: "/auth/refresh", right: anyone, handle: s.refreshJWT},
		{method: "POST", path: "/auth/revoke", right: anyone, handle: s.revokeJWT},
		{method: "GET", path: "/auth/oidc/{provider}/login", right: anyone, handle: s.beginOIDC},
		{method: "GET", path: "/auth/oidc/{provider}/redirect", right: anyone, handle: s.finishOIDC},
		{method: "GET", path: "/auth/oidc/{provider}/redirect/{path...}", right: anyone, handle: s.finishOIDC},
	}
}

// authText is what a client is told about an error of who somebody is; false
// for errors of another kind.
func authText(err error) (string, bool) {
	var waits *auth.PendingError
	switch {
	case errors.As(err, &waits):
		return waits.Code, true
	case errors.Is(err, auth.ErrCredentials), errors.Is(err, auth.ErrExternal):
		return auth.ErrCredentials.Error(), true
	case errors.Is(err, auth.ErrUnauthenticated):
		return "the token or session is not valid: sign in", true
	case errors.Is(err, auth.ErrNoSession):
		return auth.ErrNoSession.Error(), true
	case errors.Is(err, auth.ErrCode):
		return auth.ErrCode.Error(), true
	case errors.Is(err, auth.ErrRecoveryCode):
		return auth.ErrRecoveryCode.Error(), true
	}
	return "", false
}

type loginInput struct {
	Auth     string `json:"auth"`
	Password string `json:"password"`
}

// signIn opens a session for a browser. Whatever is wrong gets one answer.
func (s *Server) signIn(c *call) error {
	var in loginInput
	if err := c.decode(&in); err != nil {
		return err
	}
	who, err := s.auth.SignIn(c.ctx(), c.client(), in.Auth, in.Password)
	if err != nil {
		return unauthenticated(err)
	}
	if err := c.recordSignIn(who.User, "by password"); err != nil {
		return err
	}
	s.auth.SetCookie(c.w, c.r, who.Cookie)
	return c.empty(http.StatusNoContent)
}

// recordSignIn notes who has come in, and how. Failed tries are not noted:
// anybody could fill the database with them.
func (c *call) recordSignIn(u store.User, how string) error {
	c.user = u
	return c.record(c.ctx(), c.s.st, store.EventUser, u.ID, "User %q signed in %s", u.Username, how)
}

type passcodeInput struct {
	Passcode string `json:"passcode"`
}

// verify takes the second factor of a session that waits for it, or the first
// code of a new one.
func (s *Server) verify(c *call) error {
	var in passcodeInput
	if err := c.decode(&in); err != nil {
		return err
	}
	err := s.auth.Verify(c.ctx(), c.identity, in.Passcode)
	switch {
	case err == nil:
		return c.empty(http.StatusOK)
	case errors.Is(err, auth.ErrNothingToVerify):
		return c.empty(http.StatusNoContent)
	case errors.Is(err, auth.ErrTOTPDisabled):
		return answer(http.StatusForbidden, auth.ErrTOTPDisabled.Error())
	}
	return unauthenticated(err)
}

type recoveryInput struct {
	Code string `json:"recovery_code"`
}

// recover takes the recovery code in place of the second factor, which is gone
// afterwards.
func (s *Server) recover(c *call) error {
	var in recoveryInput
	if err := c.decode(&in); err != nil {
		return err
	}
	err := s.auth.Recover(c.ctx(), c.identity, in.Code)
	switch {
	case err == nil:
		if err := c.record(c.ctx(), s.st, store.EventUser, c.user.ID, "Second factor of %q removed by its recovery code", c.user.Username); err != nil {
			return err
		}
		return c.empty(http.StatusNoContent)
	case errors.Is(err, auth.ErrTOTPDisabled):
		return answer(http.StatusForbidden, auth.ErrTOTPDisabled.Error())
	case errors.Is(err, auth.ErrNoTOTP):
		return answer(http.StatusBadRequest, auth.ErrNoTOTP.Error())
	}
	return unauthenticated(err)
}

// signOut ends the session of whoever asks, if there is one.
func (s *Server) signOut(c *call) error {
	id, err := s.auth.Authenticate(c.ctx(), c.r)
	var waits *auth.PendingError
	switch {
	case errors.As(err, &waits):
		id = waits.Identity
	case errors.Is(err, auth.ErrUnauthenticated):
		id = nil
	case err != nil:
		return err
	}
	if err := s.auth.SignOut(c.ctx(), id); err != nil {
		return err
	}
	s.auth.ClearCookie(c.w, c.r)
	return c.empty(http.StatusNoContent)
}
