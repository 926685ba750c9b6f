package pool

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/alexandervashurin/semaphore/job"
)

// snapshotVersion is what this package writes.
const snapshotVersion = 1

// Snapshot is what was frozen for a task when it was added: everything its runs
// need but key material, which is named by id.
type Snapshot struct {
	Version int      `json:"version"`
	Spec    job.Spec `json:"spec"` // without secrets

	RepositoryKey    int64       `json:"repository_key,omitempty"`
	InventoryRepoKey int64       `json:"inventory_repository_key,omitempty"`
	UserKey          int64       `json:"user_key,omitempty"`
	BecomeKey        int64       `json:"become_key,omitempty"`
	Secrets          []SecretRef `json:"secrets,omitempty"`
	Vaults           []VaultRef  `json:"vaults,omitempty"`
	Survey           []string    `json:"survey,omitempty"`  // names of the secret survey values
	SealID           string      `json:"seal_id,omitempty"` // binds the sealed survey values to this task
	ConfirmSeconds   int         `json:"confirm_seconds,omitempty"`
	InPlace          bool        `json:"in_place,omitempty"` // a local directory, used as it is
}

// SecretRef names a secret variable of the variable group.
type SecretRef struct {
	Name  string         `json:"name"`
	Kind  job.SecretKind `json:"kind"`
	KeyID int64          `json:"key_id"`
}

// VaultRef names a vault password.
type VaultRef struct {
	Name   string `json:"name,omitempty"`
	KeyID  int64  `json:"key_id,omitempty"`
	Script string `json:"script,omitempty"`
}

func (s *Snapshot) encode() ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	return text, nil
}

// decodeSnapshot reads a snapshot; numbers keep their spelling.
func decodeSnapshot(text []byte) (*Snapshot, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var s Snapshot
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("the task's snapshot is damaged: start the task anew: %w", err)
	}
	if s.Version < 1 || s.Version > snapshotVersion {
		return nil, fmt.Errorf("the task was added by a newer program (snapshot version %d): update this one", s.Version)
	}
	return &s, nil
}

// Snapshot returns what was frozen for a task.
func (p *TaskPool) Snapshot(ctx context.Context, project, id int64) (*Snapshot, error) {
	text, _, err := p.st.Tasks().Snapshot(ctx, project, id)
	if err != nil {
		return nil, fmt.Errorf("snapshot of task %d: %w", id, err)
	}
	return decodeSnapshot(text)
}
