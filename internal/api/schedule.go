package api

func (s *Server) scheduleRoutes() []route { return nil }
