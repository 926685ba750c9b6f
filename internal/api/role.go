package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

const everyBit = store.CanRunTasks | store.CanUpdateProject | store.CanManageResources | store.CanManageUsers

func (s *Server) roleRoutes() []route {
	return roleTable("/roles", admin, admin)
}

func (s *Server) projectRoleRoutes() []route {
	const all = "/project/{project}/roles"
	return append(roleTable(all, member, canUsers),
		route{method: "GET", path: all + "/all", right: member, handle: s.listUsableRoles})
}

// roleTable are the routes of the roles of a project, or of those of all.
func roleTable(all string, read, write right) []route {
	one := all + "/{role}"
	return []route{
		{method: "GET", path: all, right: read, handle: listRoles},
		{method: "POST", path: all, right: write, handle: createRole},
		{method: "GET", path: one, right: read, handle: showRoleRow},
		{method: "PUT", path: one, right: write, handle: updateRole},
		{method: "POST", path: one, right: write, handle: updateRole},
		{method: "DELETE", path: one, right: write, handle: deleteRole},
	}
}

type roleInput struct {
	Slug        string `json:"slug"` // Defaults to one made of the name
	Name        string `json:"name"`
	Permissions int64  `json:"permissions"`
	ProjectID   int64  `json:"project_id"`
}

func (in *roleInput) check(c *call) error {
	switch {
	case strings.TrimSpace(in.Name) == "":
		return invalid("name", "is empty: name the role")
	case in.Permissions < 0 || in.Permissions > everyBit:
		return invalid("permissions", "are %d: use a sum of 1 (run), 2 (update), 4 (manage) and 8 (users)", in.Permissions)
	case in.ProjectID != 0 && in.ProjectID != c.project.ID:
		return invalid("project_id", "is %d, which the path does not say", in.ProjectID)
	}
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	return c.coversRole(in.Permissions)
}

// coversRole refuses the bits of a role that the caller has not himself.
// Administrators, who alone come to roles without a project, have all.
func (c *call) coversRole(bits int64) error {
	if c.user.Admin {
		return nil
	}
	return c.covers(bits, "permissions: nobody may give or take more than he has himself")
}

// listRoles lists the roles of the project, or those of all projects.
func listRoles(c *call) error {
	page, err := c.s.st.Projects().Roles().List(c.ctx(), c.project.ID, store.Query{Sort: "name", Limit: -1})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, page.Items)
}

// listUsableRoles lists what members may be beside the built-in roles.
func (s *Server) listUsableRoles(c *call) error {
	list := []store.Role{}
	for _, scope := range []int64{0, c.project.ID} {
		page, err := s.st.Projects().Roles().List(c.ctx(), scope, store.Query{Sort: "name", Limit: -1})
		if err != nil {
			return err
		}
		list = append(list, page.Items...)
	}
	return c.json(http.StatusOK, list)
}

// findRole reads the role of the path.
func (c *call) findRole(ctx context.Context, st store.Store) (store.Role, error) {
	page, err := st.Projects().Roles().List(ctx, c.project.ID, store.Query{Where: map[string]any{"slug": c.r.PathValue("role")}, Limit: 1})
	if err != nil {
		return store.Role{}, err
	}
	if len(page.Items) == 0 {
		return store.Role{}, named(store.ErrNotFound, "role")
	}
	return page.Items[0], nil
}

func showRoleRow(c *call) error {
	row, err := c.findRole(c.ctx(), c.s.st)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, row)
}

// createRole adds a role.
func createRole(c *call) error {
	var in roleInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := in.check(c); err != nil {
		return err
	}
	row := store.Role{Slug: in.Slug, Name: in.Name, Permissions: in.Permissions}
	if c.project.ID != 0 {
		row.ProjectID = &c.project.ID
	}
	if err := c.checkSlug(in.Slug); err != nil {
		return err
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) (err error) {
		if row.Slug == "" {
			if row.Slug, err = freeSlug(ctx, tx, in.Name); err != nil {
				return err
			}
		}
		if row, err = tx.Projects().Roles().Create(ctx, row); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventRole, row.ID, "Role %q created", row.Slug)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, row)
}

// updateRole changes name and bits of a role; its slug stays.
func updateRole(c *call) error {
	var in roleInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := in.check(c); err != nil {
		return err
	}
	if slug := c.r.PathValue("role"); in.Slug != "" && in.Slug != slug {
		return invalid("slug", "is %q, the path says %q: a slug cannot be changed", clip(in.Slug, 40), clip(slug, 40))
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		row, err := c.findRole(ctx, tx)
		if err != nil {
			return err
		}
		if err := c.coversRole(row.Permissions); err != nil {
			return err
		}
		row.Name, row.Permissions = in.Name, in.Permissions
		if err := tx.Projects().Roles().Update(ctx, row); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventRole, row.ID, "Role %q updated", row.Slug)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// deleteRole removes a role that nobody has.
func deleteRole(c *call) error {
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		row, err := c.findRole(ctx, tx)
		if err != nil {
			return err
		}
		if err := c.coversRole(row.Permissions); err != nil {
			return err
		}
		if err := unusedRole(ctx, tx, row); err != nil {
			return err
		}
		if err := tx.Projects().Roles().Delete(ctx, c.project.ID, row.ID); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventRole, row.ID, "Role %q deleted", row.Slug)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// unusedRole refuses the deletion of a role that members or templates name.
// Where a built-in role of that slug comes back, nobody is left without one.
func unusedRole(ctx context.Context, tx store.Store, row store.Role) error {
	if builtin(row.Slug) >= 0 {
		return nil
	}
	members, err := tx.Projects().Members().Count(ctx, store.AnyScope, store.Query{Where: map[string]any{"role": row.Slug}})
	if err != nil {
		return err
	}
	templates, err := tx.Templates().Roles().Count(ctx, store.AnyScope, store.Query{Where: map[string]any{"role_slug": row.Slug}})
	if err != nil {
		return err
	}
	if members+templates > 0 {
		return &reply{status: http.StatusBadRequest, inUse: true,
			text: fmt.Sprintf("role %s is used by %d members and %d templates: give them another one first", row.Slug, members, templates)}
	}
	return nil
}
