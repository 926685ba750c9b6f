package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) accountRoutes() []route {
	return slices.Concat([]route{
		{method: "GET", path: "/user", right: signedIn, handle: s.showSelf},
		{method: "GET", path: "/events", right: signedIn, handle: s.listEvents},
		{method: "GET", path: "/events/last", right: signedIn, handle: s.lastEvents},
	}, s.tokenRoutes(), s.sessionRoutes(), s.userRoutes(), s.totpRoutes())
}

// totpReply tells that there is a second factor; its secret is not shown again.
type totpReply struct {
	ID      int64     `json:"id"`
	Created time.Time `json:"created"`
	UserID  int64     `json:"user_id"`
}

// userReply is an account without anything secret.
type userReply struct {
	store.User
	TOTP     *totpReply `json:"totp,omitempty"` // of those that are active
	EmailOTP *struct{}  `json:"email_otp,omitempty"`
}

// showUsers shows accounts whole, to themselves and to administrators.
func (c *call) showUsers(users []store.User) ([]userReply, error) {
	ids := make([]int64, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	active := map[int64]*totpReply{}
	if len(ids) > 0 {
		page, err := c.s.st.Users().SecondFactors().List(c.ctx(), store.AnyScope, store.Query{Where: map[string]any{"user_id": ids, "active": true}, Limit: -1})
		if err != nil {
			return nil, err
		}
		for _, row := range page.Items {
			active[row.UserID] = &totpReply{ID: row.ID, Created: row.Created, UserID: row.UserID}
		}
	}
	list := make([]userReply, len(users))
	for i, u := range users {
		u.Password, u.TOTP, u.EmailOTP = "", nil, nil
		list[i] = userReply{User: u, TOTP: active[u.ID]}
	}
	return list, nil
}

type selfReply struct {
	userReply
	CanCreateProject      bool `json:"can_create_project"`
	HasActiveSubscription bool `json:"has_active_subscription"`
}

// showSelf tells who the caller is. Nobody has a subscription here, nor needs
// one.
func (s *Server) showSelf(c *call) error {
	u, err := s.st.Users().Get(c.ctx(), 0, c.user.ID)
	if err != nil {
		return named(err, "user")
	}
	u.Pro = false
	shown, err := c.showUsers([]store.User{u})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, selfReply{userReply: shown[0], CanCreateProject: c.mayCreateProject() == nil})
}

// concerned reads the user of the path, who has to be the caller unless that is
// an administrator. Others are refused with the given status: clients expect
// 401 in places.
func (c *call) concerned(refusal int) (store.User, error) {
	id, err := c.id("user")
	if err != nil {
		return store.User{}, err
	}
	if id != c.user.ID && !c.user.Admin {
		return store.User{}, answer(refusal, "only administrators may do that for somebody else")
	}
	u, err := c.s.st.Users().Get(c.ctx(), 0, id)
	return u, named(err, "user")
}
