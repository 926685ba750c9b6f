package api

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

func (s *Server) liveRoutes() []route {
	return []route{
		{method: "GET", path: "/ws", right: signedIn, handle: s.ws},
		{method: "GET", path: "/project/{project}/tasks/{task}/stream", right: member, handle: s.stream},
	}
}

// ws upgrades a request. Without parameters a client is told of all that
// happens in its projects; project and task restrict that, batch=1 joins the
// lines of one moment in one frame, lines=0 leaves lines out.
func (s *Server) ws(c *call) error {
	if err := c.sameOrigin(); err != nil {
		return err
	}
	cl := &client{live: s.live, batch: c.flag("batch", false), quiet: !c.flag("lines", true)}
	var err error
	if cl.project, err = c.number("project", 0, 1, math.MaxInt64); err != nil {
		return err
	}
	if cl.task, err = c.number("task", 0, 1, math.MaxInt64); err != nil {
		return err
	}
	if cl.project != 0 {
		if _, err := s.auth.Access(c.ctx(), c.user, cl.project); err != nil {
			return named(err, "project")
		}
	}
	// It joins before the handshake ends: a client that sees it end misses nothing
	// from then on.
	ctx := context.WithoutCancel(c.ctx())
	cl.pingAt, cl.writing = time.Now().Add(pingEvery), true
	cl.client, cl.by, cl.end = cl, c.viewer(ctx), cl.finish
	if !s.live.join(ctx, &cl.watcher, cl) {
		return answer(http.StatusServiceUnavailable, "the server stops: come back later")
	}
	defer s.live.leave(&cl.watcher, cl)
	up := &upgrade{ResponseWriter: c.w}
	// Origins have been checked, by the rule of all other requests.
	conn, err := websocket.Accept(up, c.r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return answer(http.StatusUpgradeRequired, "this is a websocket: ask for it by an HTTP/1.1 upgrade")
	}
	conn.SetReadLimit(readLimit)
	cl.open(ctx, conn, up.conn)
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			cl.drop()
			return errGone
		}
	}
}

// sameOrigin refuses connections that pages of other sites open with a cookie.
// To browsers opening one is a safe request, and so is no reason to ask.
func (c *call) sameOrigin() error {
	if c.r.Header.Get("Authorization") != "" {
		return nil
	}
	asked := *c.r
	asked.Method = http.MethodPost
	if err := c.s.origins.Check(&asked); err != nil {
		return answer(http.StatusForbidden, "requests of another site are refused: add its origin to trusted_origins")
	}
	return nil
}

// flag reads a switch of the query.
func (c *call) flag(name string, otherwise bool) bool {
	switch c.r.URL.Query().Get(name) {
	case "1", "true":
		return true
	case "0", "false":
		return false
	default:
		return otherwise
	}
}

// upgrade is a ResponseWriter that keeps the connection it gives away, and
// leaves refusals to us.
type upgrade struct {
	http.ResponseWriter
	conn    net.Conn
	refused bool
}

// WriteHeader lets only the switch of protocols pass.
func (u *upgrade) WriteHeader(status int) {
	if status == http.StatusSwitchingProtocols {
		u.ResponseWriter.WriteHeader(status)
		return
	}
	u.refused = true
}

// Write drops the text of a refusal.
func (u *upgrade) Write(p []byte) (int, error) {
	if u.refused {
		return len(p), nil
	}
	return u.ResponseWriter.Write(p)
}

// Hijack gives the connection away.
func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("take over connection: %w", err)
	}
	u.conn = conn
	return conn, buffers, nil
}
