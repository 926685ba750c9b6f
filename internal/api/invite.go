package api

func (s *Server) inviteRoutes() []route { return nil }
