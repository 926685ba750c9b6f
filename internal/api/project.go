package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

// projectInput is what a client says about a project. Fields of ours that it
// does not send stay.
type projectInput struct {
	ID               int64   `json:"id"`
	Name             string  `json:"name"`
	Alert            bool    `json:"alert"`
	AlertChat        *string `json:"alert_chat"`
	MaxParallelTasks int     `json:"max_parallel_tasks"`
	Type             string  `json:"type"`
	Demo             bool    `json:"demo"`

	DefaultSecretStorageID *int64           `json:"default_secret_storage_id"`
	HostKeys               *string          `json:"host_keys"`
	MaxSeconds             *int             `json:"max_seconds"`
	Retention              *store.Retention `json:"retention"`
}

func (s *Server) projectRoutes() []route {
	return append(s.knownHostRoutes(), []route{
		{method: "GET", path: "/projects", right: signedIn, handle: s.listProjects},
		{method: "POST", path: "/projects", right: signedIn, handle: s.createProject},
		{method: "GET", path: "/project/{project}", right: member, handle: s.showProject},
		{method: "PUT", path: "/project/{project}", right: canUpdate, handle: s.updateProject},
		{method: "DELETE", path: "/project/{project}", right: canUpdate, handle: s.deleteProject},
		{method: "DELETE", path: "/project/{project}/cache", right: canUpdate, handle: s.clearProjectCache},
		{method: "GET", path: "/project/{project}/role", right: member, handle: s.showRole},
		{method: "POST", path: "/project/{project}/notifications/test", right: canManage, handle: s.testAlerts},
	}...)
}

// listProjects lists the caller's projects by name; administrators see all, and
// tokens those that they are bound to.
func (s *Server) listProjects(c *call) error {
	bound := c.bound()
	if !c.user.Admin {
		list, err := s.st.Projects().Of(c.ctx(), c.user.ID)
		if err != nil {
			return err
		}
		if bound != nil {
			list = slices.DeleteFunc(list, func(p store.Project) bool { return !slices.Contains(bound, p.ID) })
		}
		if list == nil {
			list = []store.Project{}
		}
		return c.json(http.StatusOK, list)
	}
	q, err := c.query([]string{"name"}, true)
	if err != nil {
		return err
	}
	if bound != nil {
		q.Where = map[string]any{"id": bound}
	}
	page, err := s.st.Projects().List(c.ctx(), 0, q)
	if err != nil {
		return err
	}
	return c.page(page.Items, page.Next)
}

// mayCreateProject answers 401 to those who may not, as clients expect.
func (c *call) mayCreateProject() error {
	if !c.user.Admin && !c.s.cfg.Settings.NonAdminCanCreateProject {
		return answer(http.StatusUnauthorized, "only administrators may create projects")
	}
	return nil
}

func (in *projectInput) apply(p *store.Project) error {
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	switch {
	case in.MaxParallelTasks < 0:
		return invalid("max_parallel_tasks", "is below 0: 0 means no limit")
	case in.AlertChat != nil && len(*in.AlertChat) > 30:
		return invalid("alert_chat", "is longer than 30 bytes")
	case in.HostKeys != nil && *in.HostKeys != "" && *in.HostKeys != "off" && *in.HostKeys != "pin" && *in.HostKeys != "strict":
		return invalid("host_keys", "is %q: use off, pin or strict", clip(*in.HostKeys, 20))
	case in.MaxSeconds != nil && *in.MaxSeconds < 0:
		return invalid("max_seconds", "is below 0: 0 means no time-out")
	case in.Retention != nil && (in.Retention.Days < 0 || in.Retention.Tasks < 0 || in.Retention.Bytes < 0):
		return invalid("retention", "is below 0: 0 keeps everything")
	}
	p.Name, p.Alert, p.AlertChat, p.MaxParallelTasks = in.Name, in.Alert, in.AlertChat, in.MaxParallelTasks
	if in.HostKeys != nil {
		p.HostKeys = *in.HostKeys
	}
	if in.MaxSeconds != nil {
		p.MaxSeconds = *in.MaxSeconds
	}
	if in.Retention != nil {
		p.Retention = *in.Retention
	}
	return nil
}

// createProject makes a project with what every project has: its owner, a key
// of type none, a view of all templates and an empty variable group.
func (s *Server) createProject(c *call) error {
	if err := c.mayCreateProject(); err != nil {
		return err
	}
	var in projectInput
	if err := c.decode(&in); err != nil {
		return err
	}
	p := store.Project{Created: s.cfg.Now(), Type: in.Type, HostKeys: "pin"}
	if err := in.apply(&p); err != nil {
		return err
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) (err error) {
		if p, err = s.newProject(ctx, tx, p, c.user.ID); err != nil {
			return err
		}
		c.project = p
		if in.Demo {
			if err := demoProject(ctx, tx, p.ID); err != nil {
				return err
			}
		}
		return c.record(ctx, tx, store.EventProject, p.ID, "Project %q created", p.Name)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, p)
}

// newProject stores a project with what every project has.
func (s *Server) newProject(ctx context.Context, tx store.Store, p store.Project, owner int64) (store.Project, error) {
	p, err := tx.Projects().Create(ctx, p)
	if err != nil {
		return p, err
	}
	if _, err := tx.Projects().Members().Create(ctx, store.Member{ProjectID: p.ID, UserID: owner, Role: "owner"}); err != nil {
		return p, fmt.Errorf("owner: %w", err)
	}
	if _, err := tx.Keys().Create(ctx, store.AccessKey{ProjectID: p.ID, Name: "None", Type: store.KeyNone}); err != nil {
		return p, fmt.Errorf("key: %w", err)
	}
	if _, err := tx.Views().Create(ctx, store.View{ProjectID: p.ID, Title: "All", Type: "all"}); err != nil {
		return p, fmt.Errorf("view: %w", err)
	}
	empty := "{}"
	if _, err := tx.Environments().Create(ctx, store.Environment{ProjectID: p.ID, Name: "Empty", JSON: empty, Env: &empty}); err != nil {
		return p, fmt.Errorf("variable group: %w", err)
	}
	return p, nil
}

// showProject answers with a project.
func (s *Server) showProject(c *call) error { return c.json(http.StatusOK, c.project) }

// updateProject changes a project.
func (s *Server) updateProject(c *call) error {
	var in projectInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.ID != 0 && in.ID != c.project.ID {
		return invalid("id", "is %d, the path says %d", in.ID, c.project.ID)
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		p, err := tx.Projects().Get(ctx, 0, c.project.ID)
		if err != nil {
			return named(err, "project")
		}
		if err := in.apply(&p); err != nil {
			return err
		}
		if in.DefaultSecretStorageID != nil {
			if _, err := tx.SecretStorages().Get(ctx, p.ID, *in.DefaultSecretStorageID); err != nil {
				return invalid("default_secret_storage_id", "is no storage of this project")
			}
			p.DefaultSecretStorageID = in.DefaultSecretStorageID
		}
		if err := tx.Projects().Update(ctx, p); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventProject, p.ID, "Project %q updated", p.Name)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// deleteProject removes a project with everything in it. Unfinished tasks are
// in the way.
func (s *Server) deleteProject(c *call) error {
	counts, err := s.st.Tasks().Counts(c.ctx(), store.TaskFilter{ProjectID: c.project.ID, Statuses: unfinished()})
	if err != nil {
		return err
	}
	for status, n := range counts {
		if n > 0 {
			return answer(http.StatusBadRequest, fmt.Sprintf("a task is %s: stop the tasks of the project first", status))
		}
	}
	if err := s.st.Projects().Delete(c.ctx(), 0, c.project.ID); err != nil {
		return named(err, "project")
	}
	id := c.project.ID
	name := c.project.Name
	c.project = store.Project{}
	ctx := context.WithoutCancel(c.ctx())
	if err := c.record(ctx, s.st, store.EventProject, id, "Project %q deleted", name); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// clearProjectCache empties what is kept of the project's repositories.
func (s *Server) clearProjectCache(c *call) error {
	if f := s.cfg.Settings.ClearCache; f != nil {
		if err := f(c.ctx(), c.project.ID); err != nil {
			return err
		}
	}
	return c.empty(http.StatusNoContent)
}

// accessReply is what the caller may do: the sum of 1 (run tasks), 2 (update
// the project), 4 (manage its resources) and 8 (manage its members).
type accessReply struct {
	Role        string `json:"role"`
	Permissions int64  `json:"permissions"`
}

// showRole tells what the caller may do.
func (s *Server) showRole(c *call) error {
	return c.json(http.StatusOK, accessReply{c.access.Role, c.access.Bits})
}

// testAlerts sends the test notification.
func (s *Server) testAlerts(c *call) error {
	if !c.project.Alert {
		return answer(http.StatusConflict, "alerts of this project are off: switch them on in its settings")
	}
	if s.cfg.Alerts == nil {
		return answer(http.StatusConflict, "no channel is configured: name one in the server's configuration")
	}
	if err := s.cfg.Alerts.Test(c.ctx(), c.project); err != nil {
		return answer(http.StatusBadRequest, "not every channel took it: "+clip(err.Error(), 500))
	}
	return c.empty(http.StatusNoContent)
}
