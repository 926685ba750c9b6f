package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/alexandervashurin/semaphore/pool"
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

// stateVersion is a version of a state as clients see it.
type stateVersion struct {
	ID          int64     `json:"id"`
	Created     time.Time `json:"created"`
	TaskID      *int64    `json:"task_id,omitempty"`
	ProjectID   int64     `json:"project_id"`
	InventoryID int64     `json:"inventory_id"`
	State       string    `json:"state,omitempty"`

	Lineage string `json:"lineage"`
	Serial  uint64 `json:"serial"`
}

// versionsOf lists the versions of the inventory of the path, newest first,
// but for marks that a state was dropped. An inventory without a state has none.
func (c *call) versionsOf(ctx context.Context) (remoteState, store.Inventory, []store.StateVersion, error) {
	i, err := c.inventoryOf(ctx, c.s.st)
	if err != nil {
		return remoteState{}, i, nil, err
	}
	r, err := c.s.stateOf(i)
	if err != nil {
		return r, i, nil, nil //nolint:nilerr // no state is no fault
	}
	all, err := c.s.st.Artifacts().States(ctx, r.key)
	if err != nil {
		return r, i, nil, err
	}
	list := all[:0]
	for _, v := range all {
		if v.Lineage != "" || v.Serial != 0 {
			list = append(list, v)
		}
	}
	return r, i, list, nil
}

func wireVersion(i store.Inventory, v store.StateVersion) stateVersion {
	w := stateVersion{ID: v.ID, Created: v.Created, ProjectID: i.ProjectID, InventoryID: i.ID, Lineage: v.Lineage, Serial: v.Serial}
	if v.TaskID > 0 {
		w.TaskID = &v.TaskID
	}
	return w
}

func (s *Server) listStates(c *call) error {
	_, i, versions, err := c.versionsOf(c.ctx())
	if err != nil {
		return err
	}
	list := make([]stateVersion, len(versions))
	for n, v := range versions {
		list[n] = wireVersion(i, v)
	}
	return c.json(http.StatusOK, list)
}

func (s *Server) latestState(c *call) error {
	r, i, versions, err := c.versionsOf(c.ctx())
	if err != nil {
		return err
	}
	if len(versions) == 0 {
		return answer(http.StatusNotFound, "No state found")
	}
	return s.answerState(c, r, i, versions[0].ID)
}

func (s *Server) showState(c *call) error {
	id, err := c.id("state")
	if err != nil {
		return err
	}
	r, i, _, err := c.versionsOf(c.ctx())
	if err != nil {
		return err
	}
	return s.answerState(c, r, i, id)
}

// answerState shows a version. A state holds secrets in clear, so that its text
// is for those who manage resources.
func (s *Server) answerState(c *call, r remoteState, i store.Inventory, id int64) error {
	v, err := s.st.Artifacts().StateVersion(c.ctx(), r.key, id)
	if err != nil {
		return named(err, "state")
	}
	shown := wireVersion(i, v)
	if c.can(canManage) {
		data, err := pool.StateData(s.cfg.Ring, r.key, v)
		if err != nil {
			return err
		}
		shown.State = string(data)
	}
	return c.json(http.StatusOK, shown)
}

// deleteState removes a version while nobody works on the state.
func (s *Server) deleteState(c *call) error {
	id, err := c.id("state")
	if err != nil {
		return err
	}
	i, err := c.inventoryOf(c.ctx(), s.st)
	if err != nil {
		return err
	}
	r, err := s.stateOf(i)
	if err != nil {
		return named(store.ErrNotFound, "state")
	}
	var busy busyError
	if err := r.writable(c.ctx(), ""); errors.As(err, &busy) {
		return answer(http.StatusConflict, "the state is locked: wait until nobody works on it")
	} else if err != nil {
		return err
	}
	err = c.inTx(func(ctx context.Context, tx store.Store) error {
		if err := tx.Artifacts().DeleteState(ctx, r.key, id); err != nil {
			return named(err, "state")
		}
		return c.record(ctx, tx, store.EventInventory, i.ID, "Version %d of the Terraform state of workspace %q deleted", id, i.Name)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
