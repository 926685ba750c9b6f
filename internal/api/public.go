package api

func (s *Server) publicRoutes() []route { return nil }
