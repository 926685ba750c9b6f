package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) taskRoutes() []route {
	all, one := "/project/{project}/tasks", "/project/{project}/tasks/{task}"
	ofTemplate := "/project/{project}/templates/{template}"
	return []route{
		{method: "POST", path: all, right: canRun, late: true, handle: s.addTask},
		{method: "GET", path: all, right: member, handle: s.listTasks, cached: true},
		{method: "GET", path: all + "/last", right: member, handle: s.lastTasks, cached: true},
		{method: "GET", path: all + "/counts", right: member, handle: s.countTasks, cached: true},
		{method: "GET", path: all + "/recent", right: member, handle: s.recent, cached: true},
		{method: "GET", path: one, right: member, handle: s.getTask},
		{method: "DELETE", path: one, right: canManage, handle: s.deleteTask},
		{method: "POST", path: one + "/stop", right: canRun, late: true, handle: s.stopTask},
		{method: "POST", path: one + "/confirm", right: canRun, late: true, handle: s.confirmTask},
		{method: "POST", path: one + "/reject", right: canRun, late: true, handle: s.rejectTask},
		{method: "POST", path: one + "/retry", right: canRun, late: true, handle: s.retryTask},
		{method: "GET", path: one + "/queue", right: member, handle: s.placeOfTask},
		{method: "GET", path: one + "/stages", right: member, handle: s.stagesOfTask},
		{method: "GET", path: one + "/ansible/hosts", right: member, handle: s.hostsOfTask},
		{method: "GET", path: one + "/ansible/errors", right: member, handle: s.errorsOfTask},
		{method: "GET", path: ofTemplate + "/tasks", right: member, handle: s.listTasks, cached: true},
		{method: "GET", path: ofTemplate + "/tasks/last", right: member, handle: s.lastTasks, cached: true},
		{method: "GET", path: "/project/{project}/stats", right: member, handle: s.stats},
		{method: "GET", path: ofTemplate + "/stats", right: member, handle: s.stats},
	}
}

// unfinished lists the states of tasks that have not ended.
func unfinished() []store.Status {
	return slices.DeleteFunc(store.Statuses(), store.Status.Finished)
}

// oneTask finds the task of the path. One that is not there is a bad request,
// which clients know it by.
func (c *call) oneTask() (store.Task, error) {
	id, err := c.id("task")
	if err != nil {
		return store.Task{}, err
	}
	t, err := c.s.pool.Task(c.ctx(), c.project.ID, id)
	return t, taskError(err, id)
}

func taskError(err error, id int64) error {
	if errors.Is(err, store.ErrNotFound) {
		return answer(http.StatusBadRequest, fmt.Sprintf("there is no task %d in this project", id))
	}
	return err
}

// runnable is oneTask for callers who may run tasks of its template.
func (c *call) runnable() (store.Task, error) {
	t, err := c.oneTask()
	if err != nil {
		return t, err
	}
	return t, c.needTemplate(t.TemplateID)
}

// needTemplate refuses a caller who may run tasks neither in the project nor of
// the template.
func (c *call) needTemplate(template int64) error {
	if c.can(canRun) {
		return nil
	}
	bits, err := c.s.auth.TemplateBits(c.ctx(), c.access, c.project.ID, template)
	if err != nil {
		return err
	}
	if bits&store.CanRunTasks == 0 {
		return answer(http.StatusForbidden, "your role may not do that")
	}
	return nil
}

// hideValues empties the variables of a task for callers who neither run tasks
// nor manage resources.
func (c *call) hideValues(t *store.Task) {
	if !c.seesValues() && t.Environment != "" {
		t.Environment = namesOnly(t.Environment)
	}
}

// taskFilter reads what a list is restricted to.
func (c *call) taskFilter() (store.TaskFilter, error) {
	f := store.TaskFilter{
		ProjectID: c.project.ID, Search: c.r.URL.Query().Get("search"),
		Oldest: c.flag("oldest", false), After: c.r.URL.Query().Get("after"),
	}
	if len(f.Search) > 200 {
		return f, invalid("search", "is longer than 200 bytes")
	}
	for _, list := range c.r.URL.Query()["status"] {
		for status := range strings.SplitSeq(list, ",") {
			if status = strings.TrimSpace(status); status == "" {
				continue
			}
			if !slices.Contains(store.Statuses(), store.Status(status)) {
				return f, invalid("status", "there is no state %q", clip(status, 40))
			}
			f.Statuses = append(f.Statuses, store.Status(status))
		}
	}
	var err error
	if f.UserID, err = c.number("user_id", 0, 0, 1<<62); err != nil {
		return f, err
	}
	if f.TemplateID, err = c.number("template_id", 0, 0, 1<<62); err != nil {
		return f, err
	}
	if f.ScheduleID, err = c.number("schedule_id", 0, 0, 1<<62); err != nil {
		return f, err
	}
	if f.Since, err = c.moment("since"); err != nil {
		return f, err
	}
	if f.Before, err = c.moment("before"); err != nil {
		return f, err
	}
	if c.r.PathValue("template") != "" {
		t, err := c.template()
		if err != nil {
			return f, err
		}
		f.TemplateID = t.ID
	}
	return f, nil
}

// moment reads a time, or a day, of the query.
func (c *call) moment(name string) (time.Time, error) {
	text := c.r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, invalid(name, "is %q: write 2026-01-31 or 2026-01-31T10:00:00Z", clip(text, 40))
}

// listTasks lists the newest tasks, 1000 at most.
func (s *Server) listTasks(c *call) error {
	f, err := c.taskFilter()
	if err != nil {
		return err
	}
	limit, err := c.number("limit", 1000, 1, 1000)
	if err != nil {
		return err
	}
	f.Limit = int(limit)
	return c.tasks(f)
}

// lastTasks lists the newest tasks, 200 at most.
func (s *Server) lastTasks(c *call) error {
	f, err := c.taskFilter()
	if err != nil {
		return err
	}
	limit, err := c.number("limit", 200, 0, 1<<31)
	if err != nil {
		return err
	}
	f.Limit = 200
	if limit > 0 && limit < 200 {
		f.Limit = int(limit)
	}
	return c.tasks(f)
}

func (c *call) tasks(f store.TaskFilter) error {
	page, err := c.s.st.Tasks().List(c.ctx(), f)
	if err != nil {
		return err
	}
	for i := range page.Items {
		c.hideValues(&page.Items[i].Task)
	}
	return c.page(page.Items, page.Next)
}

// deleteTask removes a task that has ended, with its output.
func (s *Server) deleteTask(c *call) error {
	if !c.user.Admin {
		return answer(http.StatusUnauthorized, "only administrators delete tasks")
	}
	t, err := c.oneTask()
	if err != nil {
		return err
	}
	if !t.Status.Finished() {
		return answer(http.StatusBadRequest, fmt.Sprintf("task %d has not ended: stop it first", t.ID))
	}
	err = c.inTx(func(ctx context.Context, tx store.Store) error {
		if err := tx.Tasks().Delete(ctx, c.project.ID, t.ID); err != nil {
			return taskError(err, t.ID)
		}
		return c.record(ctx, tx, store.EventTask, t.ID, "Task %d deleted", t.ID)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
