package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

// bodyLimit is how many bytes of a body are read where the route says nothing.
const bodyLimit = 1 << 20

// serve is what every request of a route goes through: who asks, whether they
// may, the handler, and what its error answers.
func (s *Server) serve(r route) http.Handler {
	limit := r.limit
	if limit == 0 {
		limit = bodyLimit
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Body = http.MaxBytesReader(w, req.Body, limit)
		c := &call{s: s, w: w, r: req, route: r}
		if t, ok := w.(*tracker); ok {
			t.route = r.method + " " + r.path
			c.requestID = t.id
		}
		err := c.admit()
		switch {
		case err != nil:
		case r.cached:
			err = s.replies.serve(c, r.handle)
		default:
			err = r.handle(c)
		}
		if err != nil {
			c.fail(err)
		}
	})
}

// admit finds out who asks and whether they may.
func (c *call) admit() error {
	if !c.route.open {
		if err := c.s.origins.Check(c.r); err != nil {
			return answer(http.StatusForbidden, "requests of another site are refused: add its origin to trusted_origins")
		}
	}
	if c.route.right == anyone {
		return nil
	}
	if err := c.identify(); err != nil {
		return err
	}
	switch c.route.right {
	case pending, signedIn:
		return nil
	case admin:
		if !c.user.Admin {
			return answer(http.StatusForbidden, "only administrators may do that")
		}
		return nil
	}
	return c.enter()
}

// identify sets the user who asks.
func (c *call) identify() error {
	if f := c.s.cfg.Authenticate; f != nil {
		user, err := f(c.r)
		if err != nil {
			return err
		}
		if user == nil {
			return answer(http.StatusUnauthorized, "sign in first")
		}
		c.user, c.identity = *user, &auth.Identity{User: *user}
		return nil
	}
	id, err := c.s.auth.Authenticate(c.r.Context(), c.r)
	var waits *auth.PendingError
	switch {
	case errors.As(err, &waits) && c.route.right == pending && waits.Identity != nil:
		id = waits.Identity
	case errors.As(err, &waits):
		return answer(http.StatusUnauthorized, waits.Code)
	case errors.Is(err, auth.ErrUnauthenticated):
		return answer(http.StatusUnauthorized, "sign in first")
	case err != nil:
		return err
	}
	c.user, c.identity = id.User, id
	c.r = c.r.WithContext(auth.NewContext(c.r.Context(), id))
	if !c.scoped(id.Scopes) {
		return answer(http.StatusForbidden, "the token has no scope for that")
	}
	return nil
}

// scoped tells whether a token's scopes cover the request: "read" covers what
// changes nothing, "run" tasks, "project:ID" one project, "write" everything.
// Reads outside of any project are left to their handlers, which show a token
// that is bound to projects nothing of others: see [call.bound].
func (c *call) scoped(scopes []string) bool {
	if len(scopes) == 0 {
		return true
	}
	verb, project, bound := false, false, false
	reads := c.r.Method == http.MethodGet || c.r.Method == http.MethodHead
	for _, scope := range scopes {
		if id, ok := strings.CutPrefix(scope, "project:"); ok {
			bound = true
			project = project || id == c.r.PathValue("project")
			continue
		}
		verb = verb || scope == "write" || (scope == "read" && reads) || (scope == "run" && (reads || c.route.right == canRun))
	}
	return verb && (!bound || project || (reads && c.r.PathValue("project") == "" && c.route.right <= signedIn))
}

// bound are the projects that the caller's token is narrowed to, in no order;
// nil for all.
func (c *call) bound() []int64 {
	only := projectsOf(c.identity.Scopes)
	if only == nil {
		return nil
	}
	return slices.AppendSeq(make([]int64, 0, len(only)), maps.Keys(only))
}

// enter checks the membership and the right in the project of the path.
func (c *call) enter() error {
	id, err := c.id("project")
	if err != nil {
		return err
	}
	ctx := c.r.Context()
	if c.project, err = c.s.st.Projects().Get(ctx, 0, id); err != nil {
		return named(err, "project")
	}
	if c.access, err = c.s.auth.Access(ctx, c.user, id); err != nil {
		return named(err, "project")
	}
	if c.route.late || c.route.right == member {
		return nil
	}
	if c.r.PathValue("template") != "" && !c.can(c.route.right) {
		template, err := c.id("template")
		if err != nil {
			return err
		}
		if err := c.addTemplateBits(template); err != nil {
			return err
		}
	}
	return c.need(c.route.right)
}

// bits are the permission bits that a right stands for.
func (r right) bits() int64 {
	switch r {
	case canRun:
		return store.CanRunTasks
	case canUpdate:
		return store.CanUpdateProject
	case canManage:
		return store.CanManageResources
	case canUsers:
		return store.CanManageUsers
	default:
		return 0
	}
}

// can tells whether the caller has a right in the project.
func (c *call) can(r right) bool { return c.access.Bits&r.bits() == r.bits() }

// need refuses a caller without a right.
func (c *call) need(r right) error {
	if !c.can(r) {
		return answer(http.StatusForbidden, "your role may not do that")
	}
	return nil
}

// addTemplateBits adds what the caller's role may do with one template.
func (c *call) addTemplateBits(template int64) error {
	bits, err := c.s.auth.TemplateBits(c.r.Context(), c.access, c.project.ID, template)
	if err != nil {
		return err
	}
	c.access.Bits |= bits
	return nil
}

// client is who is at the other end, for limits and sessions.
func (c *call) client() auth.Client {
	return auth.Client{IP: clientIP(c.r), UserAgent: c.r.UserAgent()}
}

type ipKey struct{}

// clientIP is the address that the middleware found.
func clientIP(r *http.Request) netip.Addr {
	if ip, ok := r.Context().Value(ipKey{}).(netip.Addr); ok {
		return ip
	}
	return peer(r)
}

func withIP(ctx context.Context, ip netip.Addr) context.Context {
	return context.WithValue(ctx, ipKey{}, ip)
}
