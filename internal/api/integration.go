package api

func (s *Server) integrationRoutes() []route { return nil }
