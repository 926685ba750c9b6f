package api

import "net/http"

func (s *Server) listEvents(c *call) error { return c.json(http.StatusOK, []any{}) }
func (s *Server) lastEvents(c *call) error { return c.json(http.StatusOK, []any{}) }
