package api

func (s *Server) terraformRoutes() []route { return nil }
