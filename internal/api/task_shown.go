package api

import (
	"net/http"

	"github.com/alexandervashurin/semaphore/store"
)

// shownTask is a single task with the names of who started it and what ran it:
// null for what it was not, and for what is gone.
type shownTask struct {
	store.Task
	UserName        *string `json:"user_name"`
	ScheduleName    *string `json:"schedule_name"`
	IntegrationName *string `json:"integration_name"`
	RunnerName      *string `json:"runner_name"`
	InventoryName   *string `json:"inventory_name"`
}

func (s *Server) getTask(c *call) error {
	t, err := c.oneTask()
	if err != nil {
		return err
	}
	c.hideValues(&t)
	shown := shownTask{Task: t}
	shown.UserName = rowName[store.User](c, s.st.Users(), 0, t.UserID, func(u store.User) string { return u.Name })
	shown.ScheduleName = rowName[store.Schedule](c, s.st.Schedules(), t.ProjectID, t.ScheduleID, func(r store.Schedule) string { return r.Name })
	shown.IntegrationName = rowName[store.Integration](c, s.st.Integrations(), t.ProjectID, t.IntegrationID, func(r store.Integration) string { return r.Name })
	shown.RunnerName = rowName(c, s.st.Runners(), store.AnyScope, t.RunnerID, func(r store.Runner) string { return r.Name })
	shown.InventoryName = rowName(c, s.st.Inventories(), t.ProjectID, t.InventoryID, func(r store.Inventory) string { return r.Name })
	return c.json(http.StatusOK, shown)
}

// rowName finds the name of a row that a task mentions; a task is shown without
// it where the row cannot be read.
func rowName[T any](c *call, table store.Table[T], scope int64, id *int64, of func(T) string) *string {
	if id == nil {
		return nil
	}
	row, err := table.Get(c.ctx(), scope, *id)
	if err != nil {
		return nil
	}
	name := of(row)
	return &name
}

// countTasks tells how many tasks are in each state, of those that a list with
// the same filters would have.
func (s *Server) countTasks(c *call) error {
	f, err := c.taskFilter()
	if err != nil {
		return err
	}
	return c.counts(f)
}

func (c *call) counts(f store.TaskFilter) error {
	found, err := c.s.st.Tasks().Counts(c.ctx(), f)
	if err != nil {
		return err
	}
	counts := map[store.Status]int{}
	for _, status := range store.Statuses() {
		counts[status] = found[status]
	}
	return c.json(http.StatusOK, counts)
}
