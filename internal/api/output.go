package api

func (s *Server) outputRoutes() []route { return nil }
