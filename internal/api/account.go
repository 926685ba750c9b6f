package api

func (s *Server) accountRoutes() []route { return nil }
