package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) memberRoutes() []route {
	const all, one = "/project/{project}/users", "/project/{project}/users/{user}"
	return slices.Concat([]route{
		{method: "GET", path: all, right: member, handle: s.listMembers},
		{method: "POST", path: all, right: canUsers, handle: s.addMember},
		{method: "GET", path: one, right: member, handle: s.showMember},
		{method: "PUT", path: one, right: canUsers, handle: s.changeMember},
		{method: "DELETE", path: one, right: canUsers, handle: s.removeMember},
		{method: "DELETE", path: "/project/{project}/me", right: member, handle: s.leave},
		{method: "GET", path: "/project/{project}/events", right: member, handle: s.listProjectEvents},
		{method: "GET", path: "/project/{project}/events/last", right: member, handle: s.lastProjectEvents},
	}, s.projectRoleRoutes(), s.inviteRoutes())
}

// memberItem is a member as the list shows it.
type memberItem struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Role     string `json:"role"`
}

// listMembers lists who belongs to the project, by name.
func (s *Server) listMembers(c *call) error {
	q, err := c.query([]string{"name", "username", "role"}, false)
	if err != nil {
		return err
	}
	members, err := s.st.Projects().Members().List(c.ctx(), c.project.ID, store.Query{Limit: -1})
	if err != nil {
		return err
	}
	ids := make([]int64, len(members.Items))
	roles := map[int64]string{}
	for i, m := range members.Items {
		ids[i], roles[m.UserID] = m.UserID, m.Role
	}
	list := []memberItem{}
	for part := range slices.Chunk(ids, 500) {
		users, err := s.st.Users().List(c.ctx(), 0, store.Query{Where: map[string]any{"id": part}, Limit: -1})
		if err != nil {
			return err
		}
		for _, u := range users.Items {
			list = append(list, memberItem{u.ID, u.Username, u.Name, roles[u.ID]})
		}
	}
	column := func(m memberItem) string {
		return strings.ToLower(map[string]string{"name": m.Name, "username": m.Username, "role": m.Role}[q.Sort])
	}
	slices.SortStableFunc(list, func(a, b memberItem) int {
		if q.Desc {
			a, b = b, a
		}
		return strings.Compare(column(a), column(b))
	})
	return c.json(http.StatusOK, list)
}

// memberReply has all members of an account, those beyond its names empty but
// for what the caller may know.
type memberReply struct {
	store.User
	Role string `json:"role"`
}

// showMember shows a member of the project. The address is for those who manage
// members.
func (s *Server) showMember(c *call) error {
	id, err := c.id("user")
	if err != nil {
		return err
	}
	m, err := findMember(c.ctx(), s.st, c.project.ID, id)
	if err != nil {
		return err
	}
	u, err := s.st.Users().Get(c.ctx(), 0, id)
	if err != nil {
		return named(err, "member")
	}
	shown := memberReply{User: store.User{ID: u.ID, Username: u.Username, Name: u.Name}, Role: m.Role}
	if c.can(canUsers) || u.ID == c.user.ID {
		shown.Email = u.Email
	}
	return c.json(http.StatusOK, shown)
}

// findMember reads a membership.
func findMember(ctx context.Context, st store.Store, project, user int64) (store.Member, error) {
	page, err := st.Projects().Members().List(ctx, project, store.Query{Where: map[string]any{"user_id": user}, Limit: 1})
	if err != nil {
		return store.Member{}, err
	}
	if len(page.Items) == 0 {
		return store.Member{}, named(store.ErrNotFound, "member")
	}
	return page.Items[0], nil
}

type memberInput struct {
	UserID int64  `json:"user_id"`
	Role   string `json:"role"`
}

// addMember makes somebody a member. Where members are invited only
// administrators add anybody without being accepted first.
func (s *Server) addMember(c *call) error {
	var in memberInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if s.cfg.Settings.InvitesEnabled && !c.user.Admin {
		return answer(http.StatusForbidden, "members are invited here, not added: create an invitation, or ask an administrator")
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		if err := c.mayGrant(ctx, tx, in.Role); err != nil {
			return err
		}
		u, err := tx.Users().Get(ctx, 0, in.UserID)
		if err != nil {
			return invalid("user_id", "is no user: give the id of one")
		}
		if _, err := tx.Projects().Members().Create(ctx, store.Member{ProjectID: c.project.ID, UserID: u.ID, Role: in.Role}); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventUser, u.ID, "User %q added to the project as %s", u.Username, in.Role)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// changeMember gives a member another role.
func (s *Server) changeMember(c *call) error {
	var in memberInput
	id, err := c.id("user")
	if err != nil {
		return err
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.UserID != 0 && in.UserID != id {
		return invalid("user_id", "is %d, the path says %d", in.UserID, id)
	}
	err = c.inTx(func(ctx context.Context, tx store.Store) error {
		m, err := c.mayChange(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := c.mayGrant(ctx, tx, in.Role); err != nil {
			return err
		}
		old := m.Role
		m.Role = in.Role
		if err := tx.Projects().Members().Update(ctx, m); err != nil {
			return err
		}
		if err := c.someOwner(ctx, tx, old); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventUser, id, "Role of user %d changed from %s to %s", id, old, in.Role)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// removeMember takes somebody out of the project.
func (s *Server) removeMember(c *call) error {
	id, err := c.id("user")
	if err != nil {
		return err
	}
	err = c.inTx(func(ctx context.Context, tx store.Store) error {
		m, err := c.mayChange(ctx, tx, id)
		if err != nil {
			return err
		}
		return c.dropMember(ctx, tx, m, "User %d removed from the project")
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// leave takes the caller out of the project.
func (s *Server) leave(c *call) error {
	switch {
	case !c.access.Member:
		return answer(http.StatusBadRequest, "you are no member of this project")
	case c.access.Role == auth.RoleOwner:
		return answer(http.StatusBadRequest, "an owner cannot leave: another owner may change your role first")
	case !s.cfg.Settings.MembersCanLeave && !c.user.Admin:
		return answer(http.StatusForbidden, "members may not leave by themselves: ask an owner")
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		m, err := findMember(ctx, tx, c.project.ID, c.user.ID)
		if err != nil {
			return err
		}
		return c.dropMember(ctx, tx, m, "User %d left the project")
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func (c *call) dropMember(ctx context.Context, tx store.Store, m store.Member, format string) error {
	if err := tx.Projects().Members().Delete(ctx, m.ProjectID, m.ID); err != nil {
		return named(err, "member")
	}
	if err := c.someOwner(ctx, tx, m.Role); err != nil {
		return err
	}
	return c.record(ctx, tx, store.EventUser, m.UserID, format, m.UserID)
}
