package api

func (s *Server) keyRoutes() []route { return nil }
