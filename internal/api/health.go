package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// healthTimeout is how long the database may take to count as there.
const healthTimeout = 2 * time.Second

type healthReply struct {
	Status   string `json:"status"`             // ok or unavailable
	Database string `json:"database"`           // the same
	Pool     string `json:"pool"`               // the same
	Draining bool   `json:"draining,omitempty"` // it takes no tasks of its own any more
	Error    string `json:"error,omitempty"`
}

// health tells whether the server can do its work: 200, else 503. What exactly
// is wrong is in the log only, for anybody may ask.
func (s *Server) health(c *call) error {
	ctx, cancel := context.WithTimeout(c.ctx(), healthTimeout)
	defer cancel()
	h := healthReply{Status: "ok", Database: "ok", Pool: "ok", Draining: s.pool.Draining()}
	if _, err := s.st.Users().List(ctx, 0, store.Query{Limit: 1}); err != nil {
		h.Database, h.Error = "unavailable", "the database does not answer"
		s.log.Warn("not healthy: database", slog.Any("error", err))
	}
	if s.cfg.Ready != nil {
		if err := s.cfg.Ready(ctx); err != nil {
			h.Pool = "unavailable"
			if h.Error == "" {
				h.Error = "the server is not ready"
			}
			s.log.Warn("not healthy", slog.Any("error", err))
		}
	}
	c.private()
	if h.Error != "" {
		h.Status = "unavailable"
		return c.json(http.StatusServiceUnavailable, h)
	}
	return c.json(http.StatusOK, h)
}
