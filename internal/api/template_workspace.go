package api

import (
	"context"
	"net/http"

	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) workspaceRoutes() []route {
	one := "/project/{project}/templates/{template}/inventory/{inventory}"
	return []route{
		{method: "POST", path: one + "/set_default", right: canManage, handle: s.setWorkspace},
		{method: "POST", path: one + "/attach", right: canManage, handle: s.attachWorkspace},
		{method: "POST", path: one + "/detach", right: canManage, handle: s.detachWorkspace},
	}
}

// saveWorkspace gives a template of the Terraform family a workspace of its
// own where none was chosen, and makes it the owner of the chosen one unless
// that has an owner.
func saveWorkspace(ctx context.Context, tx store.Store, t *store.Template) error {
	if t.InventoryID == nil {
		inv, err := tx.Inventories().Create(ctx, store.Inventory{
			ProjectID: t.ProjectID, Name: "default", Inventory: "default",
			Type: store.InventoryType(t.App + "-workspace"), TemplateID: &t.ID,
		})
		if err != nil {
			return err
		}
		t.InventoryID = &inv.ID
		return tx.Templates().Update(ctx, *t)
	}
	inv, err := tx.Inventories().Get(ctx, t.ProjectID, *t.InventoryID)
	if err != nil {
		return err
	}
	if inv.TemplateID != nil {
		return nil
	}
	inv.TemplateID = &t.ID
	return tx.Inventories().Update(ctx, inv)
}

// workspace returns the inventory of the path, a workspace of the template's
// app.
func (c *call) workspace(ctx context.Context, tx store.Store, t store.Template) (store.Inventory, error) {
	id, err := c.id("inventory")
	if err != nil {
		return store.Inventory{}, err
	}
	inv, err := tx.Inventories().Get(ctx, c.project.ID, id)
	if err != nil {
		return inv, named(err, "inventory")
	}
	if !terraformFamily(t.App) || inv.Type != store.InventoryType(t.App+"-workspace") {
		return inv, answer(http.StatusBadRequest, "an inventory of type "+string(inv.Type)+" is no workspace for "+clip(t.App, 40))
	}
	return inv, nil
}

// setWorkspace makes an attached workspace the one that tasks use.
func (s *Server) setWorkspace(c *call) error {
	return c.changeTemplate("default workspace of template %q changed", func(ctx context.Context, tx store.Store, t *store.Template) error {
		inv, err := c.workspace(ctx, tx, *t)
		if err != nil {
			return err
		}
		if inv.TemplateID == nil || *inv.TemplateID != t.ID {
			return answer(http.StatusBadRequest, "the workspace is not attached to the template: attach it first")
		}
		t.InventoryID = &inv.ID
		return nil
	})
}

func (s *Server) attachWorkspace(c *call) error {
	return c.changeTemplate("workspace attached to template %q", func(ctx context.Context, tx store.Store, t *store.Template) error {
		inv, err := c.workspace(ctx, tx, *t)
		if err != nil {
			return err
		}
		if inv.TemplateID != nil {
			return answer(http.StatusBadRequest, "the workspace is attached already: detach it first")
		}
		inv.TemplateID = &t.ID
		return tx.Inventories().Update(ctx, inv)
	})
}

func (s *Server) detachWorkspace(c *call) error {
	return c.changeTemplate("workspace detached from template %q", func(ctx context.Context, tx store.Store, t *store.Template) error {
		inv, err := c.workspace(ctx, tx, *t)
		if err != nil {
			return err
		}
		if inv.TemplateID == nil || *inv.TemplateID != t.ID {
			return answer(http.StatusBadRequest, "the workspace is not attached to the template")
		}
		inv.TemplateID = nil
		return tx.Inventories().Update(ctx, inv)
	})
}
