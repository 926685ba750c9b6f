package api

import (
	"encoding/json"
	"net/http"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// placeOfTask tells where an unfinished task stands in the queue.
func (s *Server) placeOfTask(c *call) error {
	t, err := c.oneTask()
	if err != nil {
		return err
	}
	place := store.Place{}
	if !t.Status.Finished() {
		if place, err = s.pool.Place(c.ctx(), c.project.ID, t.ID); err != nil {
			return taskError(err, t.ID)
		}
	}
	if place.Tasks == nil {
		place.Tasks = []int64{}
	}
	return c.json(http.StatusOK, map[string]any{
		"task_id": t.ID, "status": t.Status, "position": place.Position,
		"reason": place.Reason, "tasks": place.Tasks, "explanation": pool.Explain(place),
	})
}

// stagesOfTask lists the parts of a task's output.
func (s *Server) stagesOfTask(c *call) error {
	t, err := c.oneTask()
	if err != nil {
		return err
	}
	stages, err := s.st.Tasks().Stages(c.ctx(), c.project.ID, t.ID)
	if err != nil {
		return taskError(err, t.ID)
	}
	for i := range stages {
		if len(stages[i].Result) == 0 {
			stages[i].Result = json.RawMessage("null")
		}
	}
	return list(c, stages)
}

// hostsOfTask lists Ansible's recap.
func (s *Server) hostsOfTask(c *call) error {
	t, err := c.oneTask()
	if err != nil {
		return err
	}
	hosts, err := s.st.Tasks().Hosts(c.ctx(), c.project.ID, t.ID)
	if err != nil {
		return taskError(err, t.ID)
	}
	return list(c, hosts)
}

// errorsOfTask lists the failures that Ansible's output tells of.
func (s *Server) errorsOfTask(c *call) error {
	t, err := c.oneTask()
	if err != nil {
		return err
	}
	problems, err := s.st.Tasks().Problems(c.ctx(), c.project.ID, t.ID)
	if err != nil {
		return taskError(err, t.ID)
	}
	return list(c, problems)
}

// list answers with a list that is never null.
func list[T any](c *call, items []T) error {
	if items == nil {
		items = []T{}
	}
	return c.json(http.StatusOK, items)
}
