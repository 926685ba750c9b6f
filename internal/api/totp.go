package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) totpRoutes() []route {
	const all = "/users/{user}/2fas/totp"
	return []route{
		{method: "POST", path: all, right: signedIn, handle: s.enrollTOTP},
		{method: "GET", path: all + "/{totp}/qr", right: signedIn, handle: s.showQR},
		{method: "POST", path: all + "/{totp}/verify", right: signedIn, handle: s.confirmTOTP},
		{method: "DELETE", path: all + "/{totp}", right: signedIn, handle: s.removeTOTP},
	}
}

// newTOTP is a second factor with its secret, which is shown this once.
type newTOTP struct {
	ID           int64     `json:"id"`
	Created      time.Time `json:"created"`
	UserID       int64     `json:"user_id"`
	URL          string    `json:"url"`
	RecoveryCode string    `json:"recovery_code,omitempty"`
	Active       bool      `json:"active"`
}

// enrollTOTP makes a second factor. It counts once a code has confirmed it, by
// its verify or by /auth/verify.
func (s *Server) enrollTOTP(c *call) error {
	u, err := c.concerned(http.StatusForbidden)
	if err != nil {
		return err
	}
	row, err := s.auth.EnrollTOTP(c.ctx(), u.ID)
	if err != nil {
		return totpError(err)
	}
	ctx := context.WithoutCancel(c.ctx())
	if err := c.record(ctx, s.st, store.EventUser, u.ID, "Second factor of user %q set up", u.Username); err != nil {
		return err
	}
	c.private()
	return c.json(http.StatusOK, newTOTP{row.ID, row.Created, row.UserID, row.URL, row.RecoveryCode, row.Active})
}

// totpError gives errors about second factors their status.
func totpError(err error) error {
	switch {
	case errors.Is(err, auth.ErrTOTPDisabled):
		return answer(http.StatusBadRequest, "second factors are switched off: set auth.totp.enabled in the server's configuration")
	case errors.Is(err, auth.ErrTOTPActive):
		return answer(http.StatusBadRequest, auth.ErrTOTPActive.Error())
	case errors.Is(err, auth.ErrShownOnce):
		return answer(http.StatusNotFound, auth.ErrShownOnce.Error())
	case errors.Is(err, auth.ErrCode):
		return answer(http.StatusBadRequest, "passcode: is wrong, used or out of date: give the one that the app shows now")
	}
	return named(err, "second factor")
}

// showQR answers with a picture for the app.
func (s *Server) showQR(c *call) error {
	u, err := c.concerned(http.StatusForbidden)
	if err != nil {
		return err
	}
	id, err := c.id("totp")
	if err != nil {
		return err
	}
	png, err := s.auth.TOTPQR(c.ctx(), u.ID, id)
	if err != nil {
		return totpError(err)
	}
	c.private()
	c.w.Header().Set("Content-Type", "image/png")
	c.w.Header().Set("Content-Length", strconv.Itoa(len(png)))
	if _, err := c.w.Write(png); err != nil {
		return errGone
	}
	return nil
}

// confirmTOTP makes a second factor active.
func (s *Server) confirmTOTP(c *call) error {
	u, err := c.concerned(http.StatusForbidden)
	if err != nil {
		return err
	}
	id, err := c.id("totp")
	if err != nil {
		return err
	}
	var in passcodeInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := s.auth.ConfirmTOTP(c.ctx(), u.ID, id, in.Passcode); err != nil {
		return totpError(err)
	}
	return c.totpChanged(u, "is active")
}

// removeTOTP takes a second factor away.
func (s *Server) removeTOTP(c *call) error {
	u, err := c.concerned(http.StatusForbidden)
	if err != nil {
		return err
	}
	id, err := c.id("totp")
	if err != nil {
		return err
	}
	if err := s.auth.DisableTOTP(c.ctx(), u.ID, id); err != nil {
		return totpError(err)
	}
	return c.totpChanged(u, "removed")
}

func (c *call) totpChanged(u store.User, what string) error {
	ctx := context.WithoutCancel(c.ctx())
	if err := c.record(ctx, c.s.st, store.EventUser, u.ID, "Second factor of user %q %s", u.Username, what); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
