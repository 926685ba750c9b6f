package api

import (
	"encoding/json"
	"net/http"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// placeReply is where a task stands in the queue, for programs and in words.
type placeReply struct {
	TaskID      int64            `json:"task_id"`
	Status      store.Status     `json:"status"`
	Position    int              `json:"position"` // 0 where it does not wait
	Reason      store.WaitReason `json:"reason"`
	Tasks       []int64          `json:"tasks"` // that it waits for
	Explanation string           `json:"explanation"`
}

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
	return c.json(http.StatusOK, placeReply{t.ID, t.Status, place.Position, place.Reason, place.Tasks, pool.Explain(place)})
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
