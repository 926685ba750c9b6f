package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) terraformRoutes() []route {
	const base = "/project/{project}/inventory/{inventory}/terraform"
	return append(s.stateProtocol(), []route{
		{method: "GET", path: base + "/aliases", right: member, handle: s.listStateAliases},
		{method: "POST", path: base + "/aliases", right: canManage, handle: s.createStateAlias},
		{method: "GET", path: base + "/aliases/{alias}", right: member, handle: s.showStateAlias},
		{method: "PUT", path: base + "/aliases/{alias}", right: canManage, handle: s.updateStateAlias},
		{method: "DELETE", path: base + "/aliases/{alias}", right: canManage, handle: s.deleteStateAlias},
		{method: "GET", path: base + "/states", right: member, handle: s.listStates},
		{method: "GET", path: base + "/states/latest", right: member, handle: s.latestState},
		{method: "GET", path: base + "/states/{state}", right: member, handle: s.showState},
		{method: "DELETE", path: base + "/states/{state}", right: canManage, handle: s.deleteState},
	}...)
}

// inventoryOf finds the inventory of the path.
func (c *call) inventoryOf(ctx context.Context, st store.Store) (store.Inventory, error) {
	id, err := c.id("inventory")
	if err != nil {
		return store.Inventory{}, err
	}
	row, err := st.Inventories().Get(ctx, c.project.ID, id)
	return row, named(err, "inventory")
}

// stateAlias is an address as clients see it.
type stateAlias struct {
	store.TerraformAlias
	URL string `json:"url"`
}

// showAlias adds the address. It works with the login of its key alone, so that
// guests may know it.
func (c *call) showAlias(a store.TerraformAlias) stateAlias {
	return stateAlias{a, c.publicLink("/api/terraform/" + a.Alias)}
}

type stateAliasInput struct {
	rowIDs
	InventoryID int64 `json:"inventory_id"`
	AuthKeyID   int64 `json:"auth_key_id"`
}

// read checks a body against the path and the key that it names.
func (in *stateAliasInput) read(ctx context.Context, c *call, tx store.Store, i store.Inventory) error {
	switch {
	case in.ProjectID != 0 && in.ProjectID != c.project.ID:
		return invalid("project_id", "is %d, the path says %d", in.ProjectID, c.project.ID)
	case in.InventoryID != 0 && in.InventoryID != i.ID:
		return invalid("inventory_id", "is %d, the path says %d", in.InventoryID, i.ID)
	case in.AuthKeyID == 0:
		return invalid("auth_key_id", "is missing: choose the login_password key that Terraform signs in with")
	}
	key, err := tx.Keys().Get(ctx, c.project.ID, in.AuthKeyID)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && key.Owner != store.OwnerShared:
		return invalid("auth_key_id", "is no key of this project")
	case err == nil && key.Type != store.KeyLoginPassword:
		return invalid("auth_key_id", "key %q is of type %s: choose one of type login_password", key.Name, key.Type)
	}
	return err
}

// aliasOf finds the address of the path.
func (c *call) aliasOf(ctx context.Context, st store.Store) (store.TerraformAlias, store.Inventory, error) {
	i, err := c.inventoryOf(ctx, st)
	if err != nil {
		return store.TerraformAlias{}, i, err
	}
	a, err := first(ctx, st.Artifacts().TerraformAliases(), c.project.ID, store.Query{Where: map[string]any{"inventory_id": i.ID, "alias": c.r.PathValue("alias")}})
	return a, i, named(err, "address")
}

func (s *Server) listStateAliases(c *call) error {
	i, err := c.inventoryOf(c.ctx(), s.st)
	if err != nil {
		return err
	}
	page, err := s.st.Artifacts().TerraformAliases().List(c.ctx(), c.project.ID, store.Query{Where: map[string]any{"inventory_id": i.ID}, Limit: -1})
	if err != nil {
		return err
	}
	list := make([]stateAlias, len(page.Items))
	for n, a := range page.Items {
		list[n] = c.showAlias(a)
	}
	return c.json(http.StatusOK, list)
}

func (s *Server) showStateAlias(c *call) error {
	a, _, err := c.aliasOf(c.ctx(), s.st)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.showAlias(a))
}

// createStateAlias makes an address for the state of a workspace.
func (s *Server) createStateAlias(c *call) error {
	var in stateAliasInput
	if err := c.decode(&in); err != nil {
		return err
	}
	var row store.TerraformAlias
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		i, err := c.inventoryOf(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := s.stateOf(i); err != nil {
			return err
		}
		if err := in.read(ctx, c, tx, i); err != nil {
			return err
		}
		row, err = tx.Artifacts().TerraformAliases().Create(ctx, store.TerraformAlias{
			ProjectID: c.project.ID, InventoryID: i.ID, AuthKeyID: in.AuthKeyID, Alias: randomHex(16),
		})
		if err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventTerraformAlias, row.ID, "Terraform address of workspace %q created", i.Name)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, c.showAlias(row))
}

// updateStateAlias chooses another key.
func (s *Server) updateStateAlias(c *call) error {
	var in stateAliasInput
	if err := c.decode(&in); err != nil {
		return err
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		row, i, err := c.aliasOf(ctx, tx)
		if err != nil {
			return err
		}
		if err := in.read(ctx, c, tx, i); err != nil {
			return err
		}
		row.AuthKeyID = in.AuthKeyID
		if err := tx.Artifacts().TerraformAliases().Update(ctx, row); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventTerraformAlias, row.ID, "Terraform address of workspace %q updated", i.Name)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func (s *Server) deleteStateAlias(c *call) error {
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		row, i, err := c.aliasOf(ctx, tx)
		if err != nil {
			return err
		}
		if err := tx.Artifacts().TerraformAliases().Delete(ctx, c.project.ID, row.ID); err != nil {
			return named(err, "address")
		}
		return c.record(ctx, tx, store.EventTerraformAlias, row.ID, "Terraform address of workspace %q deleted", i.Name)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
