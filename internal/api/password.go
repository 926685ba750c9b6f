package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

type passwordInput struct {
	Password string  `json:"password"`
	Current  *string `json:"current_password"`
}

// checkCurrent asks for the current password, where somebody changes his own
// and has sent it or has to.
func (in *passwordInput) checkCurrent(c *call, u store.User) error {
	if u.ID != c.user.ID || in.Current == nil && !c.s.cfg.Settings.RequireCurrentPassword {
		return nil
	}
	if in.Current == nil {
		return invalid("current_password", "is missing: send it with the new one")
	}
	err := c.s.auth.CheckPassword(c.ctx(), u, *in.Current)
	if errors.Is(err, auth.ErrCredentials) {
		return invalid("current_password", "is wrong")
	}
	return err
}

// setPassword sets the password of a local account and ends its other sessions.
func (s *Server) setPassword(c *call) error {
	u, err := c.concerned(http.StatusForbidden)
	if err != nil {
		return err
	}
	var in passwordInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if u.External {
		return invalid("password", "of this account is the provider's: change it there")
	}
	if err := in.checkCurrent(c, u); err != nil {
		return err
	}
	err = c.inTx(func(ctx context.Context, tx store.Store) error {
		if err := s.auth.SetPassword(ctx, tx, u.ID, in.Password); err != nil {
			return named(err, "user")
		}
		return c.record(ctx, tx, store.EventUser, u.ID, "Password of user %q changed", u.Username)
	})
	if err != nil {
		return err
	}
	s.auth.Forget(u.ID)
	return c.empty(http.StatusNoContent)
}
