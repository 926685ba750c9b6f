package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// answerInput names an invitation: by the token of its link, or by its id,
// which is enough where it names the user.
type answerInput struct {
	Token string `json:"token"`
	ID    int64  `json:"id"`
}

// listOwnInvites lists the invitations that name the caller and can still be
// accepted.
func (s *Server) listOwnInvites(c *call) error {
	if !s.cfg.Settings.InvitesEnabled {
		return c.json(http.StatusOK, []inviteReply{})
	}
	page, err := s.st.Projects().Invites().List(c.ctx(), store.AnyScope, store.Query{Where: map[string]any{"user_id": c.user.ID, "status": invitePending}, Limit: -1})
	if err != nil {
		return err
	}
	bound := c.bound()
	var rows []store.Invite
	var projects []int64
	for _, r := range page.Items {
		if c.open(r) && (bound == nil || slices.Contains(bound, r.ProjectID)) {
			rows, projects = append(rows, r), append(projects, r.ProjectID)
		}
	}
	shown, err := c.showInvites(rows)
	if err != nil {
		return err
	}
	found, err := names(c.ctx(), s.st.Projects(), 0, projects, func(p store.Project) (int64, string) { return p.ID, p.Name })
	if err != nil {
		return err
	}
	for i := range shown {
		shown[i].Project = nameOf(found, shown[i].ProjectID)
	}
	return c.json(http.StatusOK, shown)
}

// addressed finds an open invitation of the caller. An address that anybody can
// give himself proves nothing, so that one by e-mail needs its token too.
func (c *call) addressed(ctx context.Context, tx store.Store, in answerInput) (store.Invite, error) {
	none := answer(http.StatusNotFound, "there is no such invitation for you, or not any more: ask for a new one")
	if !c.s.cfg.Settings.InvitesEnabled {
		return store.Invite{}, none
	}
	where := map[string]any{"id": in.ID, "user_id": c.user.ID}
	if in.Token != "" {
		where = map[string]any{"status": invitePending}
	}
	page, err := tx.Projects().Invites().List(ctx, store.AnyScope, store.Query{Where: where, Limit: -1})
	if err != nil {
		return store.Invite{}, err
	}
	for _, r := range page.Items {
		if in.Token != "" && !crypto.Equal(r.Token, crypto.HashToken(in.Token)) {
			continue
		}
		mine := r.UserID != nil && *r.UserID == c.user.ID || r.Email != nil && strings.EqualFold(*r.Email, c.user.Email)
		if mine && c.open(r) {
			return r, nil
		}
	}
	return store.Invite{}, none
}

type acceptedReply struct {
	ProjectID int64 `json:"project_id"`
}

// acceptInvite makes the caller a member of the project that he was asked into.
func (s *Server) acceptInvite(c *call) error {
	var in answerInput
	if err := c.decode(&in); err != nil {
		return err
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) (err error) {
		row, err := c.addressed(ctx, tx, in)
		if err != nil {
			return err
		}
		if c.project, err = tx.Projects().Get(ctx, 0, row.ProjectID); err != nil {
			return named(err, "project")
		}
		if err := stillGranted(ctx, tx, row); err != nil {
			return err
		}
		if _, err := tx.Projects().Members().Create(ctx, store.Member{ProjectID: row.ProjectID, UserID: c.user.ID, Role: row.Role}); err != nil {
			return err
		}
		now := s.cfg.Now()
		row.Status, row.Accepted = inviteAccepted, &now
		if err := tx.Projects().Invites().Update(ctx, row); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventUser, c.user.ID, "User %q joined the project as %s", c.user.Username, row.Role)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, acceptedReply{c.project.ID})
}

// stillGranted refuses an invitation whose role is gone, or that its author could
// not make any more.
func stillGranted(ctx context.Context, tx store.Store, row store.Invite) error {
	wanted, known, err := roleBits(ctx, tx, row.ProjectID, row.Role)
	if err != nil {
		return err
	}
	if !known {
		return answer(http.StatusBadRequest, "the role of the invitation is gone: ask for a new one")
	}
	void := answer(http.StatusBadRequest, "whoever invited you may not do that any more: ask for a new invitation")
	inviter, err := tx.Users().Get(ctx, 0, row.InviterUserID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return void
	case err != nil:
		return err
	case inviter.Admin:
		return nil
	}
	m, err := findMember(ctx, tx, row.ProjectID, inviter.ID)
	if errors.Is(err, store.ErrNotFound) {
		return void
	}
	if err != nil {
		return err
	}
	has, _, err := roleBits(ctx, tx, row.ProjectID, m.Role)
	if err != nil {
		return err
	}
	if has&store.CanManageUsers == 0 || wanted&^has != 0 {
		return void
	}
	return nil
}

// declineInvite turns an invitation down.
func (s *Server) declineInvite(c *call) error {
	var in answerInput
	if err := c.decode(&in); err != nil {
		return err
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		row, err := c.addressed(ctx, tx, in)
		if err != nil {
			return err
		}
		c.project.ID = row.ProjectID
		row.Status = inviteDeclined
		if err := tx.Projects().Invites().Update(ctx, row); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventUser, c.user.ID, "User %q declined the invitation", c.user.Username)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
