package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/coder/websocket"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
)

// viewer is somebody who watches, by one session or token. Its fields are
// guarded by live.mu.
type viewer struct {
	key      string
	request  *http.Request // that proves who it is
	user     int64
	admin    bool
	projects map[int64]bool // that the user is a member of
	only     map[int64]bool // to which the token is bound; nil for all
	watchers map[*watcher]bool
}

// watcher is a connection of a viewer.
type watcher struct {
	by      *viewer
	project int64   // whose member it has to stay; 0 for none
	client  *client // nil for a stream
	// end closes the connection without waiting for that.
	end func(code websocket.StatusCode, why string)
}

func (v *viewer) sees(project int64) bool {
	return (v.admin || v.projects[project]) && (v.only == nil || v.only[project])
}

func (v *viewer) end(code websocket.StatusCode, why string) {
	for w := range v.watchers {
		w.end(code, why)
	}
}

// viewer tells who watches. Connections of one session or token are one viewer;
// what a host program goes by is not known, so that there each is its own.
func (c *call) viewer(ctx context.Context) *viewer {
	sum := sha256.Sum256([]byte(c.r.Header.Get("Authorization") + "\x00" + c.r.Header.Get("Cookie")))
	key := string(sum[:])
	if c.s.cfg.Authenticate != nil {
		key = crypto.Token(16)
	}
	proof := c.r.Clone(ctx)
	proof.Body = http.NoBody
	return &viewer{
		key: key, request: proof, user: c.user.ID, admin: c.user.Admin,
		only: projectsOf(c.identity.Scopes), watchers: map[*watcher]bool{},
	}
}

// projectsOf are the projects that a token is bound to, nil for none.
func projectsOf(scopes []string) map[int64]bool {
	var only map[int64]bool
	for _, scope := range scopes {
		text, bound := strings.CutPrefix(scope, "project:")
		if !bound {
			continue
		}
		if only == nil {
			only = map[int64]bool{}
		}
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			only[id] = true
		}
	}
	return only
}

// whoIs finds out anew who made a request.
func (s *Server) whoIs(ctx context.Context, r *http.Request) (*auth.Identity, error) {
	if f := s.cfg.Authenticate; f != nil {
		user, err := f(r)
		if err != nil {
			return nil, err
		}
		if user == nil {
			return nil, answer(http.StatusUnauthorized, "sign in first")
		}
		return &auth.Identity{User: *user}, nil
	}
	id, err := s.auth.Authenticate(ctx, r)
	var waits *auth.PendingError
	if errors.Is(err, auth.ErrUnauthenticated) || errors.As(err, &waits) {
		return nil, answer(http.StatusUnauthorized, "sign in first")
	}
	return id, err
}
