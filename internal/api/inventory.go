package api

func (s *Server) inventoryRoutes() []route { return nil }
