package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// inviteLife is how long an invitation may be accepted.
const inviteLife = 7 * 24 * time.Hour

// States of an invitation.
const (
	invitePending  = "pending"
	inviteAccepted = "accepted"
	inviteDeclined = "declined"
	inviteExpired  = "expired"
)

func (s *Server) inviteRoutes() []route {
	const all, one = "/project/{project}/invites", "/project/{project}/invites/{invite}"
	return []route{
		{method: "GET", path: all, right: canUsers, handle: s.listInvites},
		{method: "POST", path: all, right: canUsers, handle: s.createInvite},
		{method: "GET", path: one, right: canUsers, handle: s.showInvite},
		{method: "DELETE", path: one, right: canUsers, handle: s.deleteInvite},
		{method: "GET", path: "/invites", right: signedIn, handle: s.listOwnInvites},
		{method: "POST", path: "/invites/accept", right: signedIn, handle: s.acceptInvite},
		{method: "POST", path: "/invites/decline", right: signedIn, handle: s.declineInvite},
	}
}

type inviteInput struct {
	rowIDs
	UserID *int64  `json:"user_id"`
	Email  *string `json:"email"`
	Role   string  `json:"role"`
}

// inviteReply is an invitation with the people whom it names.
type inviteReply struct {
	store.Invite
	CreatedAt time.Time    `json:"created"`
	Inviter   *minimalUser `json:"inviter_user,omitempty"`
	User      *minimalUser `json:"user,omitempty"`
	Project   *string      `json:"project_name,omitempty"`
	// URL accepts the invitation. It is shown once, to be passed on.
	URL string `json:"url,omitempty"`
}

// showInvites names the people, and tells which invitations are out of date.
func (c *call) showInvites(rows []store.Invite) ([]inviteReply, error) {
	var users []int64
	for _, r := range rows {
		users = append(users, r.InviterUserID)
		if r.UserID != nil {
			users = append(users, *r.UserID)
		}
	}
	slices.Sort(users)
	people := map[int64]*minimalUser{}
	for part := range slices.Chunk(slices.Compact(users), 500) {
		page, err := c.s.st.Users().List(c.ctx(), 0, store.Query{Where: map[string]any{"id": part}, Limit: -1})
		if err != nil {
			return nil, err
		}
		for _, u := range page.Items {
			people[u.ID] = &minimalUser{u.ID, u.Username, u.Name}
		}
	}
	list := make([]inviteReply, len(rows))
	for i, r := range rows {
		if !c.open(r) && r.Status == invitePending {
			r.Status = inviteExpired
		}
		list[i] = inviteReply{Invite: r, CreatedAt: r.Created, Inviter: people[r.InviterUserID]}
		if r.UserID != nil {
			list[i].User = people[*r.UserID]
		}
	}
	return list, nil
}

// open tells whether an invitation can still be accepted.
func (c *call) open(r store.Invite) bool {
	return r.Status == invitePending && (r.Expires == nil || c.s.cfg.Now().Before(*r.Expires))
}

// listInvites lists the invitations of the project.
func (s *Server) listInvites(c *call) error {
	page, err := s.st.Projects().Invites().List(c.ctx(), c.project.ID, store.Query{Limit: -1})
	if err != nil {
		return err
	}
	shown, err := c.showInvites(page.Items)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, shown)
}

func (c *call) findInvite(ctx context.Context, st store.Store) (store.Invite, error) {
	id, err := c.id("invite")
	if err != nil {
		return store.Invite{}, err
	}
	row, err := st.Projects().Invites().Get(ctx, c.project.ID, id)
	return row, named(err, "invite")
}

func (s *Server) showInvite(c *call) error {
	row, err := c.findInvite(c.ctx(), s.st)
	if err != nil {
		return err
	}
	shown, err := c.showInvites([]store.Invite{row})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, shown[0])
}

// check refuses invitations of nobody, of too many, or in a way that is off.
func (in *inviteInput) check(c *call) error {
	set := c.s.cfg.Settings
	if err := checkIDs(in, 0, c.project.ID); err != nil {
		return err
	}
	switch {
	case !set.InvitesEnabled:
		return answer(http.StatusBadRequest, "invitations are switched off: set teams.invites_enabled, or add the member")
	case (in.UserID == nil) == (in.Email == nil):
		return invalid("user_id", "or email: name exactly one of them")
	case in.UserID != nil && set.InviteType == "email":
		return invalid("user_id", "is not allowed here: teams.invite_type is email")
	case in.Email != nil && set.InviteType != "email" && set.InviteType != "both":
		return invalid("email", "is not allowed here: teams.invite_type is username")
	case in.Email != nil && (len(*in.Email) > 255 || !strings.Contains(*in.Email, "@") || isLine(*in.Email) != nil):
		return invalid("email", "is no address")
	}
	return nil
}

// createInvite asks somebody into the project.
func (s *Server) createInvite(c *call) error {
	var in inviteInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := in.check(c); err != nil {
		return err
	}
	if in.Email != nil {
		lower := strings.ToLower(*in.Email) // as addresses are compared everywhere
		in.Email = &lower
	}
	token := crypto.Token(33)
	now := s.cfg.Now()
	until := now.Add(inviteLife)
	row := store.Invite{
		ProjectID: c.project.ID, UserID: in.UserID, Email: in.Email, Role: in.Role, Status: invitePending,
		Token: crypto.HashToken(token), InviterUserID: c.user.ID, Created: now, Expires: &until,
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) (err error) {
		if err := c.mayGrant(ctx, tx, in.Role); err != nil {
			return err
		}
		if err := c.clearInvites(ctx, tx, in); err != nil {
			return err
		}
		if row, err = tx.Projects().Invites().Create(ctx, row); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventUser, c.user.ID, "Invitation %d to the project as %s created", row.ID, in.Role)
	})
	if err != nil {
		return err
	}
	shown, err := c.showInvites([]store.Invite{row})
	if err != nil {
		return err
	}
	shown[0].URL = s.link("/accept-invite?token=" + token)
	c.private()
	return c.json(http.StatusCreated, shown[0])
}

// clearInvites makes room for a new invitation: who is a member needs none, and
// old ones of the same person that are over go.
func (c *call) clearInvites(ctx context.Context, tx store.Store, in inviteInput) error {
	where := map[string]any{"email": in.Email}
	if in.UserID != nil {
		where = map[string]any{"user_id": *in.UserID}
		if _, err := tx.Users().Get(ctx, 0, *in.UserID); err != nil {
			return invalid("user_id", "is no user: give the id of one")
		}
		if n, err := tx.Projects().Members().Count(ctx, c.project.ID, store.Query{Where: where}); err != nil {
			return err
		} else if n > 0 {
			return answer(http.StatusConflict, "this user is a member already")
		}
	}
	old, err := tx.Projects().Invites().List(ctx, c.project.ID, store.Query{Where: where, Limit: -1})
	if err != nil {
		return err
	}
	for _, r := range old.Items {
		if c.open(r) {
			return answer(http.StatusConflict, "there is an open invitation already: delete it first")
		}
		if err := tx.Projects().Invites().Delete(ctx, c.project.ID, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// deleteInvite takes an invitation back.
func (s *Server) deleteInvite(c *call) error {
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		row, err := c.findInvite(ctx, tx)
		if err != nil {
			return err
		}
		if err := tx.Projects().Invites().Delete(ctx, c.project.ID, row.ID); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventUser, c.user.ID, "Invitation %d deleted", row.ID)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
