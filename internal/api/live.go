package api

// live serves those who watch.
type live struct{ s *Server }

func newLive(s *Server) *live { return &live{s: s} }

func (l *live) close() {}
