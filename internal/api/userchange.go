package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

// may refuses what only administrators, or nobody, may change of an account.
func (in *userInput) may(c *call, u store.User) error {
	self := u.ID == c.user.ID
	switch {
	case in.ID != 0 && in.ID != u.ID:
		return invalid("id", "is %d, the path says %d", in.ID, u.ID)
	case self && in.Admin != u.Admin:
		return answer(http.StatusUnauthorized, "admin: nobody may change that of himself")
	case u.External && in.Username != u.Username:
		return invalid("username", "comes from the provider of the account and cannot be changed")
	case u.External && in.Email != u.Email && !c.user.Admin:
		return invalid("email", "comes from the provider of the account: ask an administrator")
	case u.External && in.Password != "":
		return invalid("password", "of this account is the provider's: change it there")
	}
	return nil
}

// updateUser replaces an account, but for whose it is. A password that is sent
// is set as well.
func (s *Server) updateUser(c *call) error {
	u, err := c.concerned(http.StatusUnauthorized)
	if err != nil {
		return err
	}
	var in userInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	if err := in.may(c, u); err != nil {
		return err
	}
	if in.Password != "" {
		if err := in.checkCurrent(c, u); err != nil {
			return err
		}
	}
	err = c.inTx(func(ctx context.Context, tx store.Store) error { return in.save(ctx, c, tx, u.ID) })
	if err != nil {
		return err
	}
	s.auth.Forget(u.ID)
	return c.empty(http.StatusNoContent)
}

// save stores the change, judged by the account as it is now.
func (in *userInput) save(ctx context.Context, c *call, tx store.Store, id int64) error {
	u, err := tx.Users().Get(ctx, 0, id)
	if err != nil {
		return named(err, "user")
	}
	if err := in.may(c, u); err != nil {
		return err
	}
	if err := in.free(ctx, tx, id); err != nil {
		return err
	}
	demoted := u.Admin && !in.Admin
	u.Username, u.Name, u.Email, u.Alert, u.Admin = in.Username, in.Name, in.Email, in.Alert, in.Admin
	if c.user.Admin {
		u.Pro = in.Pro
	}
	if err := tx.Users().Update(ctx, u); err != nil {
		return err
	}
	if demoted {
		if err := someAdmin(ctx, tx); err != nil {
			return err
		}
	}
	if in.Password != "" {
		if err := c.s.auth.SetPassword(ctx, tx, id, in.Password); err != nil {
			return err
		}
	}
	return c.record(ctx, tx, store.EventUser, id, "User %q updated", u.Username)
}

// someAdmin refuses a change that would leave nobody in charge.
func someAdmin(ctx context.Context, tx store.Store) error {
	n, err := tx.Users().Count(ctx, 0, store.Query{Where: map[string]any{"admin": true}})
	if err != nil {
		return err
	}
	if n == 0 {
		return answer(http.StatusBadRequest, "this is the last administrator: appoint another one first")
	}
	return nil
}

// deleteUser removes an account. Its tasks and events stay, without a name.
func (s *Server) deleteUser(c *call) error {
	u, err := c.concerned(http.StatusForbidden)
	if err != nil {
		return err
	}
	err = c.inTx(func(ctx context.Context, tx store.Store) error {
		if u, err = tx.Users().Get(ctx, 0, u.ID); err != nil {
			return named(err, "user")
		}
		if !c.user.Admin {
			if err := soleOwner(ctx, tx, u.ID); err != nil {
				return err
			}
		}
		// The deletion goes in steps, because there may be many tasks. What keeps
		// the last administrator is decided here, at once.
		if u.Admin {
			u.Admin = false
			if err := tx.Users().Update(ctx, u); err != nil {
				return err
			}
			if err := someAdmin(ctx, tx); err != nil {
				return err
			}
		}
		return c.record(ctx, tx, store.EventUser, u.ID, "User %q deleted", u.Username)
	})
	if err != nil {
		return err
	}
	s.auth.Forget(u.ID)
	ctx := context.WithoutCancel(c.ctx())
	if err := s.st.Users().Delete(ctx, 0, u.ID); err != nil {
		return named(err, "user")
	}
	s.auth.Forget(u.ID)
	return c.empty(http.StatusNoContent)
}

// soleOwner refuses to leave a project without an owner.
func soleOwner(ctx context.Context, tx store.Store, user int64) error {
	owned, err := tx.Projects().Members().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"user_id": user, "role": auth.RoleOwner}, Limit: -1})
	if err != nil || len(owned.Items) == 0 {
		return err
	}
	ids := make([]int64, len(owned.Items))
	for i, m := range owned.Items {
		ids[i] = m.ProjectID
	}
	owners, err := tx.Projects().Members().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"project_id": ids, "role": auth.RoleOwner}, Limit: -1})
	if err != nil {
		return err
	}
	count := map[int64]int{}
	for _, m := range owners.Items {
		count[m.ProjectID]++
	}
	for _, id := range ids {
		if count[id] == 1 {
			return answer(http.StatusBadRequest, fmt.Sprintf("this is the only owner of project %d: make another member its owner first", id))
		}
	}
	return nil
}
