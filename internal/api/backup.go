package api

import (
	"bytes"
	"context"
	"net/http"
	"strconv"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) backupRoutes() []route {
	return []route{
		{method: "GET", path: "/project/{project}/backup", right: canUpdate, handle: s.backupProject},
		{method: "POST", path: "/projects/restore", right: signedIn, handle: s.restoreProject, limit: export.MaxBackupBytes},
	}
}

// backupProject answers with the project as a file without secrets.
func (s *Server) backupProject(c *call) error {
	b, err := export.Project(c.ctx(), s.st, c.project.ID, export.ProjectOptions{})
	if err != nil {
		return named(err, "project")
	}
	var file bytes.Buffer
	if err := b.Encode(&file); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(file.Len()))
	h.Set("Cache-Control", "no-store") // addresses of webhooks are in it
	c.w.WriteHeader(http.StatusOK)
	if _, err := c.w.Write(file.Bytes()); err != nil {
		return errGone
	}
	return nil
}

// restoreReply is the new project, and what became of the file.
type restoreReply struct {
	store.Project
	Restore export.RestoreReport `json:"restore"`
}

// restoreProject makes a project of a backup. Those who may create projects may
// restore them.
func (s *Server) restoreProject(c *call) error {
	if err := c.mayCreateProject(); err != nil {
		return err
	}
	var b export.Backup
	if err := b.Decode(c.r.Body, ""); err != nil {
		return err
	}
	report, err := export.Restore(c.ctx(), s.st, &b, export.RestoreOptions{
		Owner: c.user.ID, Now: s.cfg.Now, CheckSchedule: s.pool.CheckSchedule,
		Record: func(ctx context.Context, tx store.Store, p store.Project) error {
			c.project = p
			return c.record(ctx, tx, store.EventProject, p.ID, "Project %q restored from a backup", p.Name)
		},
	})
	if err != nil {
		return err
	}
	s.pool.Wake() // its schedules are to fire
	return c.json(http.StatusOK, restoreReply{report.Project, report})
}
