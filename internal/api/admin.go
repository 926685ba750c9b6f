package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) adminRoutes() []route {
	return slices.Concat([]route{
		{method: "GET", path: "/tasks", right: admin, handle: s.listActive},
		{method: "GET", path: "/tasks/counts", right: admin, handle: s.countActive},
		{method: "GET", path: "/tasks/{task}", right: admin, handle: s.listActive},
		{method: "DELETE", path: "/tasks/{task}", right: admin, handle: s.stopActive},
		{method: "DELETE", path: "/cache", right: admin, handle: s.clearCache},
		{method: "POST", path: "/drain", right: admin, handle: s.drain},
		{method: "POST", path: "/debug/gc", right: admin, handle: s.collectGarbage},
		{method: "POST", path: "/debug/pprof/dump", right: admin, handle: s.dumpHeap},
		{method: "GET", path: "/subscription", right: signedIn, handle: noSubscription},
		{method: "POST", path: "/subscription", right: signedIn, handle: noSubscription},
		{method: "DELETE", path: "/subscription", right: signedIn, handle: noSubscription},
		{method: "POST", path: "/subscription/refresh", right: signedIn, handle: noSubscription},
	}, s.optionRoutes(), s.appRoutes(), s.roleRoutes())
}

// activeTask is an unfinished task, of whichever project.
type activeTask struct {
	TaskID      int64        `json:"task_id"`
	ProjectID   int64        `json:"project_id"`
	Username    *string      `json:"username"`
	RunnerID    *int64       `json:"runner_id"`
	Status      store.Status `json:"status"`
	Location    string       `json:"location"` // queue or running
	RunnerName  *string      `json:"runner_name"`
	ProjectName *string      `json:"project_name"`
	TemplateID  int64        `json:"template_id"`
	Template    string       `json:"template_name"`
	Created     time.Time    `json:"created"`
	Start       *time.Time   `json:"start"`
	RunnerTag   string       `json:"runner_tag"`
}

// listActive lists what runs and what waits, the oldest first, 1000 at most.
func (s *Server) listActive(c *call) error {
	page, err := s.st.Tasks().List(c.ctx(), store.TaskFilter{Statuses: unfinished(), Oldest: true, After: c.r.URL.Query().Get("after"), Limit: 1000})
	if err != nil {
		return err
	}
	var projects, runners []int64
	for _, t := range page.Items {
		projects = append(projects, t.ProjectID)
		if t.RunnerID != nil {
			runners = append(runners, *t.RunnerID)
		}
	}
	projectNames, err := names(c.ctx(), s.st.Projects(), 0, projects, func(p store.Project) (int64, string) { return p.ID, p.Name })
	if err != nil {
		return err
	}
	runnerNames, err := names(c.ctx(), s.st.Runners(), store.AnyScope, runners, func(r store.Runner) (int64, string) { return r.ID, r.Name })
	if err != nil {
		return err
	}
	list := make([]activeTask, len(page.Items))
	for i, t := range page.Items {
		list[i] = activeTask{TaskID: t.ID, ProjectID: t.ProjectID, Username: t.Username, RunnerID: t.RunnerID, Status: t.Status, Location: "running", TemplateID: t.TemplateID, Template: t.TemplateName, Created: t.Created, Start: t.Start, RunnerTag: t.RunnerTag}
		if t.Status.Claimable() {
			list[i].Location = "queue"
		}
		if name, ok := projectNames[t.ProjectID]; ok {
			list[i].ProjectName = &name
		}
		if t.RunnerID != nil {
			if name, ok := runnerNames[*t.RunnerID]; ok {
				list[i].RunnerName = &name
			}
		}
	}
	return c.page(list, page.Next)
}

// countActive tells how many tasks that have not ended are in each state, over
// all projects.
func (s *Server) countActive(c *call) error {
	return c.counts(store.TaskFilter{Statuses: unfinished()})
}

// names finds the names of rows by their ids, in one query.
func names[T any](ctx context.Context, table store.Table[T], scope int64, ids []int64, of func(T) (int64, string)) (map[int64]string, error) {
	found := map[int64]string{}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for part := range slices.Chunk(ids, 500) {
		page, err := table.List(ctx, scope, store.Query{Where: map[string]any{"id": part}, Limit: -1})
		if err != nil {
			return nil, err
		}
		for _, row := range page.Items {
			id, name := of(row)
			found[id] = name
		}
	}
	return found, nil
}

// stopActive stops a task gently. One that has ended, or never was, is as good
// as stopped.
func (s *Server) stopActive(c *call) error {
	id, err := c.id("task")
	if err != nil {
		return err
	}
	filter := store.TaskFilter{Statuses: unfinished(), Limit: 1000}
	for {
		page, err := s.st.Tasks().List(c.ctx(), filter)
		if err != nil {
			return err
		}
		for _, t := range page.Items {
			if t.ID != id {
				continue
			}
			_, err := s.pool.StopTask(c.ctx(), t.ProjectID, id, false, c.caller())
			if err != nil && !errors.Is(err, store.ErrState) && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			return c.empty(http.StatusNoContent)
		}
		if filter.After = page.Next; filter.After == "" {
			return c.empty(http.StatusNoContent)
		}
	}
}

// clearCache empties the caches of all projects, but for what is in use.
func (s *Server) clearCache(c *call) error {
	if f := s.cfg.Settings.ClearCache; f != nil {
		if err := f(c.ctx(), 0); err != nil {
			return err
		}
	}
	if err := c.record(c.ctx(), s.st, store.EventOption, 0, "Caches of all projects cleared"); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// collectGarbage runs the garbage collector.
func (s *Server) collectGarbage(c *call) error {
	runtime.GC()
	return c.empty(http.StatusNoContent)
}

// dumpHeap writes a heap profile into the directory of the configuration.
func (s *Server) dumpHeap(c *call) error {
	dir := s.cfg.Settings.DumpDir
	if dir == "" {
		return answer(http.StatusBadRequest, "no directory for profiles is configured: set debugging.pprof_dump_dir")
	}
	name := "heap-" + s.cfg.Now().UTC().Format("20060102T150405.000000000") + ".pprof"
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write heap profile: %w", err)
	}
	if err := errors.Join(pprof.WriteHeapProfile(f), f.Close()); err != nil {
		return fmt.Errorf("write heap profile: %w", err)
	}
	return c.empty(http.StatusNoContent)
}

func noSubscription(*call) error {
	return answer(http.StatusNotFound, "there are no subscriptions: everything is included")
}
