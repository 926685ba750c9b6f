package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

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
