package api

func (s *Server) environmentRoutes() []route { return nil }
