package api

func (s *Server) storageRoutes() []route { return nil }
