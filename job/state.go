package job

import (
	"context"
	"errors"
	"io"
)

// StateStore keeps Terraform's local state of configurations that have no
// backend of their own. The state is Terraform's own file, byte for byte.
//
// A run locks a key before it loads, saves while it runs, and unlocks when the
// workspace is gone. Implementations are safe for concurrent use.
type StateStore interface {
	// Lock takes the key for a task. A key that another task holds is a
	// *[LockedError]. The returned function gives it back and may be called
	// again.
	Lock(ctx context.Context, key StateKey, task TaskRef) (unlock func() error, err error)
	// Load returns the newest state, or the zero value where there is none.
	Load(ctx context.Context, key StateKey) (TerraformState, error)
	// Save stores next if the newest state still has the lineage and serial of
	// prev (the zero value for none), else it answers [ErrStateConflict] and
	// stores nothing.
	Save(ctx context.Context, key StateKey, prev, next TerraformState) error
}

// DeadReleaser is what a [StateStore] may offer beside its methods, where locks
// outlive the process that took them.
//
// ReleaseDead gives back the locks of tasks whose process is gone. It leaves
// those alone for which unswept answers true: the directory of such a run is
// still there, and its state may not be stored yet. [LocalJob.Sweep] calls it
// once, after it has saved the states of the dead runs that it found.
type DeadReleaser interface {
	ReleaseDead(ctx context.Context, unswept func(TaskRef) bool) error
}

// StateKey names a state.
type StateKey struct {
	ProjectID  int64  `json:"project_id"`
	TemplateID int64  `json:"template_id"`
	Workspace  string `json:"workspace"` // "default" or the name
}

// TerraformState is one version of Terraform's state file. Its Data holds secrets.
type TerraformState struct {
	Lineage string
	Serial  uint64
	Data    []byte
}

// TaskRef names a run.
type TaskRef struct {
	TaskID  int64 `json:"task_id"`
	Attempt int   `json:"attempt"`
}

// BundleStore keeps the run bundle of a task that waits for confirmation: an
// archive of its workspace with the plan. A bundle holds secrets in clear; a
// store that outlives the machine seals it.
type BundleStore interface {
	// Save reads r to its end and keeps it under the task, replacing an older
	// one. After an error nothing is kept.
	Save(ctx context.Context, taskID int64, r io.Reader) error
	// Open returns the bundle, or [ErrNoBundle].
	Open(ctx context.Context, taskID int64) (io.ReadCloser, error)
	// Delete forgets the bundle; an unknown one is no error.
	Delete(ctx context.Context, taskID int64) error
}

// Errors of the two stores.
var (
	ErrStateConflict = errors.New("terraform state changed meanwhile")
	ErrNoBundle      = errors.New("no run bundle: plan again")
)

// LockedError tells who holds a state.
type LockedError struct {
	Key    StateKey
	Holder TaskRef
}

// Error names the holder.
func (e *LockedError) Error() string {
	return "terraform state of workspace " + e.Key.Workspace + " is in use by task " + itoa(e.Holder.TaskID)
}
