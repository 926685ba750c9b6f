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
	last, err := s.st.Tasks().Last(c.ctx(), c.project.ID)
	if err != nil {
		return err
	}
	out := make([]recentTasks, 0, len(last))
	for _, t := range last {
		page, err := s.st.Tasks().List(c.ctx(), store.TaskFilter{ProjectID: c.project.ID, TemplateID: t.TemplateID, Limit: int(limit)})
		if err != nil {
			return err
		}
		row := recentTasks{TemplateID: t.TemplateID, Tasks: make([]recentTask, 0, len(page.Items))}
		for _, x := range page.Items {
			row.Tasks = append(row.Tasks, recentTask{ID: x.ID, Status: x.Status, Version: x.Version, Created: x.Created, Start: x.Start, End: x.End})
		}
		out = append(out, row)
	}
	return c.json(http.StatusOK, out)
}
