package api

func (s *Server) memberRoutes() []route { return nil }
