package api

import (
	"context"
	"net/http"

	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) sessionRoutes() []route {
	var list []route
	for _, r := range []struct {
		path string
		whom func(*call) (store.User, error)
	}{
		{"/user/sessions", func(c *call) (store.User, error) { return c.user, nil }},
		{"/users/{user}/sessions", func(c *call) (store.User, error) { return c.concerned(http.StatusForbidden) }},
	} {
		list = append(list,
			route{method: "GET", path: r.path, right: signedIn, handle: withUser(r.whom, s.listSessions)},
			route{method: "DELETE", path: r.path, right: signedIn, handle: withUser(r.whom, s.endSessions)},
			route{method: "DELETE", path: r.path + "/{session}", right: signedIn, handle: withUser(r.whom, s.endSession)},
		)
	}
	return list
}

// withUser calls a handler with the user whom the path is about.
func withUser(whom func(*call) (store.User, error), handle func(*call, store.User) error) func(*call) error {
	return func(c *call) error {
		u, err := whom(c)
		if err != nil {
			return err
		}
		return handle(c, u)
	}
}

type sessionReply struct {
	store.Session
	Current bool `json:"current"` // the one that asks
}

// ownSession is the session that the request came with, or 0.
func (c *call) ownSession() int64 {
	if c.identity == nil || c.identity.Session == nil {
		return 0
	}
	return c.identity.Session.ID
}

// listSessions lists where a user is signed in, the newest first.
func (s *Server) listSessions(c *call, u store.User) error {
	sessions, err := s.auth.Sessions(c.ctx(), u.ID)
	if err != nil {
		return err
	}
	list := make([]sessionReply, len(sessions))
	for i, row := range sessions {
		list[i] = sessionReply{row, row.ID == c.ownSession()}
	}
	return c.json(http.StatusOK, list)
}

// endSessions signs a user out everywhere else.
func (s *Server) endSessions(c *call, u store.User) error {
	if err := s.auth.EndSessions(c.ctx(), u.ID, c.ownSession()); err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.ctx())
	if err := c.record(ctx, s.st, store.EventUser, u.ID, "Sessions of user %q ended", u.Username); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// endSession ends one session.
func (s *Server) endSession(c *call, u store.User) error {
	id, err := c.id("session")
	if err != nil {
		return err
	}
	if err := s.auth.EndSession(c.ctx(), u.ID, id); err != nil {
		return named(err, "session")
	}
	ctx := context.WithoutCancel(c.ctx())
	if err := c.record(ctx, s.st, store.EventUser, u.ID, "A session of user %q ended", u.Username); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
