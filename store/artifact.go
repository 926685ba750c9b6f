package store

import (
	"context"
	"time"
)

// ArtifactStore keeps files of tasks: Terraform's local states, and the bundles
// of runs that wait for confirmation. Their data is sealed by who gives it.
type ArtifactStore interface {
	// LockState gives a state to an attempt of a task. It may take it again, and
	// a later attempt of the same task takes it over; else the answer is the lock
	// that holds it and [ErrConflict].
	LockState(ctx context.Context, key StateKey, by StateLock) (holder StateLock, err error)
	// UnlockState gives it back; a lock of another task or attempt stays.
	UnlockState(ctx context.Context, key StateKey, by StateLock) error
	// StateLocks lists all locks.
	StateLocks(ctx context.Context) (map[StateKey]StateLock, error)
	// State returns the newest version, or [ErrNotFound].
	State(ctx context.Context, key StateKey) (StateVersion, error)
	// States lists versions without data, newest first.
	States(ctx context.Context, key StateKey) ([]StateVersion, error)
	// StateVersion returns one version, and DeleteState removes it, or they answer
	// [ErrNotFound].
	StateVersion(ctx context.Context, key StateKey, id int64) (StateVersion, error)
	DeleteState(ctx context.Context, key StateKey, id int64) error
	// SaveState stores a version if the newest one still has that lineage and
	// serial ("" and 0 for none), else it answers [ErrMoved]. A version that names
	// no task gets that of the lock, if there is one. Of each state the newest
	// keep versions stay.
	SaveState(ctx context.Context, key StateKey, lineage string, serial uint64, v StateVersion, keep int) error

	// SaveBundle stores a part of a bundle, numbered from 0. Part 0 replaces
	// whatever was there.
	SaveBundle(ctx context.Context, project, task int64, part int, data []byte) error
	// Bundle returns a part, or [ErrNotFound].
	Bundle(ctx context.Context, project, task int64, part int) ([]byte, error)
	// DeleteBundle forgets all parts. The end of a task does that too.
	DeleteBundle(ctx context.Context, project, task int64) error

	// TerraformAliases are addresses of states that Terraform itself uses.
	TerraformAliases() Table[TerraformAlias]
}

// StateKey names a state.
type StateKey struct {
	ProjectID  int64
	TemplateID int64
	Workspace  string
}

// StateLock tells who holds a state.
type StateLock struct {
	TaskID  int64
	Attempt int
}

// StateVersion is one version of a state.
type StateVersion struct {
	ID      int64
	Lineage string
	Serial  uint64
	TaskID  int64 // 0 where nobody had locked the state
	Created time.Time
	Data    []byte // sealed
}

// TerraformAlias lets Terraform reach the state of an inventory by HTTP.
type TerraformAlias struct {
	ID          int64  `json:"-" db:"id"`
	ProjectID   int64  `json:"project_id" db:"project_id"`
	InventoryID int64  `json:"inventory_id" db:"inventory_id"`
	AuthKeyID   int64  `json:"auth_key_id" db:"auth_key_id"`
	Alias       string `json:"alias" db:"alias"` // unique
}
