package api

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// lockLimit is how long the description of a lock may be.
const lockLimit = 16 << 10

// lockInfo describes a lock as Terraform does. Members that are not known here
// are kept with it.
type lockInfo struct {
	ID        string
	Operation string
	Info      string
	Who       string
	Version   string
	Created   time.Time
	Path      string
}

// remoteState is the state of a workspace that a template owns, as Terraform
// reaches it by HTTP. It is the one that tasks of the template keep, with the
// same versions, and each side is held off while the other one works.
//
// A lock of Terraform outlives this process: its description is kept like a
// state of its own, whose compare-and-set decides between two that want it.
type remoteState struct {
	s    *Server
	key  store.StateKey
	task int64 // which works on it by HTTP under its own lock; 0 for none
}

// stateOf is the state of a workspace; without a template it has none.
func (s *Server) stateOf(i store.Inventory) (remoteState, error) {
	workspace := i.Type == store.InventoryTerraform || i.Type == store.InventoryTofu || i.Type == store.InventoryTerragrunt
	switch {
	case !workspace:
		return remoteState{}, answer(http.StatusBadRequest, "the inventory is no workspace of the Terraform family and has no state")
	case i.TemplateID == nil:
		return remoteState{}, answer(http.StatusBadRequest, "no template owns the workspace: attach it to one, whose state it then is")
	}
	return remoteState{s: s, key: store.StateKey{ProjectID: i.ProjectID, TemplateID: *i.TemplateID, Workspace: i.Inventory}}, nil
}

func (r remoteState) states() job.StateStore { return pool.States(r.s.st, r.s.cfg.Ring) }

// lockKey is where the description of the lock is kept: no workspace has such a
// name.
func (r remoteState) lockKey() job.StateKey {
	key := job.StateKey(r.key)
	key.Workspace = "lock:" + key.Workspace
	return key
}

// held returns what describes the lock, empty data for none, for a later
// compare-and-set.
func (r remoteState) held(ctx context.Context) (job.TerraformState, lockInfo, error) {
	var info lockInfo
	kept, err := r.states().Load(ctx, r.lockKey())
	if err == nil && len(kept.Data) > 0 {
		err = json.Unmarshal(kept.Data, &info)
	}
	return kept, info, err
}

// setLock replaces the description of the lock.
func (r remoteState) setLock(ctx context.Context, old job.TerraformState, data []byte) (job.TerraformState, error) {
	next := job.TerraformState{Lineage: "lock", Serial: old.Serial + 1, Data: data}
	return next, r.states().Save(ctx, r.lockKey(), old, next)
}

// holder is what stands for a lock of Terraform where tasks look: no task has a
// number below 0.
func holder(id string) store.StateLock {
	sum := sha256.Sum256([]byte(id))
	return store.StateLock{TaskID: -1 - int64(binary.BigEndian.Uint64(sum[:8])>>1)}
}

// busyError is a lock that somebody else has.
type busyError struct{ info []byte }

// Error tells that the state is locked.
func (busyError) Error() string { return "the state is locked" }

// taskHolds describes the lock of a task to Terraform.
func taskHolds(task int64) error {
	info, err := json.Marshal(lockInfo{ID: "task-" + strconv.FormatInt(task, 10), Operation: "task", Who: fmt.Sprintf("task %d of Semaphore", task)})
	if err != nil {
		return err
	}
	return busyError{info}
}

// lock takes the state for a client. It may take it again.
func (r remoteState) lock(ctx context.Context, info lockInfo, data []byte) error {
	for {
		old, by, err := r.held(ctx)
		switch {
		case err != nil:
			return err
		case by.ID == info.ID:
			return nil
		case by.ID != "":
			return busyError{old.Data}
		}
		now, err := r.setLock(ctx, old, data)
		if errors.Is(err, job.ErrStateConflict) {
			continue // somebody was faster
		}
		if err != nil {
			return err
		}
		err = r.holdOffTasks(ctx, holder(info.ID))
		if err != nil {
			if _, undo := r.setLock(context.WithoutCancel(ctx), now, nil); undo != nil {
				return errors.Join(err, undo)
			}
		}
		return err
	}
}

// holdOffTasks takes the lock that tasks take. The caller has the description,
// so that another client's mark is one that it could not take away any more.
func (r remoteState) holdOffTasks(ctx context.Context, by store.StateLock) error {
	artifacts := r.s.st.Artifacts()
	for {
		other, err := artifacts.LockState(ctx, r.key, by)
		switch {
		case !errors.Is(err, store.ErrConflict):
			return err
		case other.TaskID > 0:
			return taskHolds(other.TaskID)
		}
		if err := artifacts.UnlockState(ctx, r.key, other); err != nil {
			return err
		}
	}
}

// unlock gives the state back; without an id whoever has it.
func (r remoteState) unlock(ctx context.Context, id string) error {
	old, by, err := r.held(ctx)
	switch {
	case err != nil || by.ID == "":
		return err
	case id != "" && id != by.ID:
		return busyError{old.Data}
	}
	if err := r.s.st.Artifacts().UnlockState(ctx, r.key, holder(by.ID)); err != nil {
		return err
	}
	_, err = r.setLock(ctx, old, nil)
	if errors.Is(err, job.ErrStateConflict) {
		return nil // given back by somebody else meanwhile
	}
	return err
}

// writable refuses to change a state that somebody else has locked.
func (r remoteState) writable(ctx context.Context, id string) error {
	old, by, err := r.held(ctx)
	if err != nil {
		return err
	}
	if by.ID != "" {
		if by.ID != id {
			return busyError{old.Data}
		}
		return nil
	}
	locks, err := r.s.st.Artifacts().StateLocks(ctx)
	if err != nil {
		return err
	}
	if lock, ok := locks[r.key]; ok && lock.TaskID > 0 && lock.TaskID != r.task {
		return taskHolds(lock.TaskID)
	}
	return nil
}

// save stores what a client sends as the newest version.
func (r remoteState) save(ctx context.Context, data []byte) error {
	var head struct {
		Version json.Number `json:"version"`
		Lineage string      `json:"lineage"`
		Serial  uint64      `json:"serial"`
	}
	if err := json.Unmarshal(data, &head); err != nil || head.Version == "" || len(head.Lineage) > 255 {
		return answer(http.StatusBadRequest, "the body is no Terraform state")
	}
	return r.replace(ctx, job.TerraformState{Lineage: head.Lineage, Serial: head.Serial, Data: data})
}

// replace stores a version after the newest one.
func (r remoteState) replace(ctx context.Context, next job.TerraformState) error {
	old, err := r.states().Load(ctx, job.StateKey(r.key))
	if err != nil {
		return err
	}
	if string(old.Data) == string(next.Data) {
		return nil
	}
	err = r.states().Save(ctx, job.StateKey(r.key), old, next)
	if errors.Is(err, job.ErrStateConflict) {
		return answer(http.StatusConflict, "the state was changed meanwhile: read it again")
	}
	return err
}
