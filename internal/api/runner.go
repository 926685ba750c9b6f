package api

func (s *Server) runnerRoutes() []route { return nil }
