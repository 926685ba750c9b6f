package api

import (
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) taskRoutes() []route { return nil }

// unfinished lists the states of tasks that have not ended.
func unfinished() []store.Status {
	return slices.DeleteFunc(store.Statuses(), store.Status.Finished)
}
