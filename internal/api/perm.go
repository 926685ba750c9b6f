package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

// permInput is what a role may do with a template beside its rights in the
// project.
type permInput struct {
	rowIDs
	RoleSlug    string `json:"role_slug"`
	Permissions int64  `json:"permissions"`
}

// permRoutes ask for the right to manage the whole project where they change
// something: who may manage a single template must not hand that on.
func (s *Server) permRoutes() []route {
	all := "/project/{project}/templates/{template}/perms"
	return []route{
		{method: "GET", path: all, right: member, handle: s.listPerms},
		{method: "POST", path: all, right: canManage, late: true, handle: s.createPerm},
		{method: "GET", path: all + "/{perm}", right: member, handle: s.getPerm},
		{method: "PUT", path: all + "/{perm}", right: canManage, late: true, handle: s.updatePerm},
		{method: "DELETE", path: all + "/{perm}", right: canManage, late: true, handle: s.deletePerm},
	}
}

func (s *Server) listPerms(c *call) error {
	t, err := c.template()
	if err != nil {
		return err
	}
	page, err := s.st.Templates().Roles().List(c.ctx(), c.project.ID, store.Query{Where: map[string]any{"template_id": t.ID}, Limit: -1})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, page.Items)
}

// perm returns the row of the path.
func (c *call) perm(ctx context.Context, st store.Store) (store.TemplateRole, error) {
	template, err := c.id("template")
	if err != nil {
		return store.TemplateRole{}, err
	}
	id, err := c.id("perm")
	if err != nil {
		return store.TemplateRole{}, err
	}
	row, err := st.Templates().Roles().Get(ctx, c.project.ID, id)
	if err == nil && row.TemplateID != template {
		err = store.ErrNotFound
	}
	return row, named(err, "permission")
}

func (s *Server) getPerm(c *call) error {
	row, err := c.perm(c.ctx(), s.st)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, row)
}

// readPerm checks a body.
func (c *call) readPerm(ctx context.Context, tx store.Store, in permInput) error {
	if in.Permissions&^(store.CanRunTasks|store.CanManageResources) != 0 {
		return invalid("permissions", "is %d: add up 1 to run tasks and 4 to manage the template", in.Permissions)
	}
	if slices.ContainsFunc(auth.Builtin(), func(r store.Role) bool { return r.Slug == in.RoleSlug }) {
		return nil
	}
	roles, err := tx.Projects().Roles().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"slug": in.RoleSlug}, Limit: -1})
	if err != nil {
		return err
	}
	for _, r := range roles.Items {
		if r.ProjectID == nil || *r.ProjectID == c.project.ID {
			return nil
		}
	}
	return invalid("role_slug", "%q is no role of this project", clip(in.RoleSlug, 100))
}

func (s *Server) createPerm(c *call) error {
	if err := c.need(canManage); err != nil {
		return err
	}
	var in permInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := checkIDs(in, 0, c.project.ID); err != nil {
		return err
	}
	t, err := c.template()
	if err != nil {
		return err
	}
	row := store.TemplateRole{ProjectID: c.project.ID, TemplateID: t.ID, RoleSlug: in.RoleSlug, Permissions: in.Permissions}
	err = c.inTx(func(ctx context.Context, tx store.Store) error {
		if err := c.readPerm(ctx, tx, in); err != nil {
			return err
		}
		if row, err = tx.Templates().Roles().Create(ctx, row); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventTemplate, t.ID, "Role %q was given rights on template %q", row.RoleSlug, t.Name)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, row)
}

func (s *Server) updatePerm(c *call) error {
	if err := c.need(canManage); err != nil {
		return err
	}
	var in permInput
	if err := c.decode(&in); err != nil {
		return err
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		row, err := c.perm(ctx, tx)
		if err != nil {
			return err
		}
		if err := checkIDs(in, row.ID, c.project.ID); err != nil {
			return err
		}
		if in.RoleSlug == "" { // the role of a row seldom changes
			in.RoleSlug = row.RoleSlug
		}
		if err := c.readPerm(ctx, tx, in); err != nil {
			return err
		}
		row.RoleSlug, row.Permissions = in.RoleSlug, in.Permissions
		if err := tx.Templates().Roles().Update(ctx, row); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventTemplate, row.TemplateID, "Rights of role %q on template %d changed", row.RoleSlug, row.TemplateID)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func (s *Server) deletePerm(c *call) error {
	if err := c.need(canManage); err != nil {
		return err
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		row, err := c.perm(ctx, tx)
		if err != nil {
			return err
		}
		if err := tx.Templates().Roles().Delete(ctx, c.project.ID, row.ID); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventTemplate, row.TemplateID, "Rights of role %q on template %d taken away", row.RoleSlug, row.TemplateID)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
