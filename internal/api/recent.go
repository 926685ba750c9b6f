package api

import (
	"net/http"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// recentTasks are the newest tasks of one template, newest first.
type recentTasks struct {
	TemplateID int64        `json:"template_id"`
	Tasks      []recentTask `json:"tasks"`
}

// recentTask is what a glance needs of a task.
type recentTask struct {
	ID      int64        `json:"id"`
	Status  store.Status `json:"status"`
	Version *string      `json:"version"`
	Created time.Time    `json:"created"`
	Start   *time.Time   `json:"start"`
	End     *time.Time   `json:"end"`
}

// recent lists the newest tasks of each template that has one, so that a
// template which seldom runs is seen beside one that runs every minute.
func (s *Server) recent(c *call) error {
	limit, err := c.number("limit", 10, 1, 50)
	if err != nil {
		return err
	}
	list, err := s.st.Tasks().Last(c.ctx(), c.project.ID, int(limit))
	if err != nil {
		return err
	}
	out := []recentTasks{}
	for _, x := range list {
		if len(out) == 0 || out[len(out)-1].TemplateID != x.TemplateID {
			out = append(out, recentTasks{TemplateID: x.TemplateID})
		}
		row := &out[len(out)-1]
		row.Tasks = append(row.Tasks, recentTask{ID: x.ID, Status: x.Status, Version: x.Version, Created: x.Created, Start: x.Start, End: x.End})
	}
	return c.json(http.StatusOK, out)
}
