package api

import (
	"net/http"

	"github.com/alexandervashurin/semaphore/store"
)

type drainInput struct {
	Drain *bool `json:"drain"` // Defaults to true.
}

type drainReply struct {
	Draining bool `json:"draining"`
}

// drain has the server that answers take no tasks of its own any more, before
// it is ended, or take them again. It serves everything else on.
func (s *Server) drain(c *call) error {
	var in drainInput
	if err := c.decodeOptional(&in); err != nil {
		return err
	}
	what := "Server takes no more tasks"
	if in.Drain == nil || *in.Drain {
		s.pool.Drain()
	} else {
		s.pool.Undrain()
		what = "Server takes tasks"
	}
	if err := c.record(c.ctx(), s.st, store.EventOption, 0, "%s", what); err != nil {
		return err
	}
	return c.json(http.StatusOK, drainReply{s.pool.Draining()})
}
