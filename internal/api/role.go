package api

func (s *Server) roleRoutes() []route { return nil }
