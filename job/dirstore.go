package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/alexandervashurin/semaphore/internal/flock"
)

// DirStates is a [StateStore] in a directory: one file per version, the newest
// ten kept, all with mode 0600. Several processes may share it.
type DirStates struct{ Dir string }

const holderName = "holder.json"

// keepVersions is how many versions of a state stay.
const keepVersions = 10

// lockRecord tells who holds a state; a record whose lock is free belongs to a
// dead process and stays until a sweep has saved that run's state.
type lockRecord struct {
	Task TaskRef `json:"task"`
}

func (d DirStates) keyDir(key StateKey) string {
	return filepath.Join(d.Dir, fmt.Sprintf("project_%d", key.ProjectID), fmt.Sprintf("template_%d", key.TemplateID), key.Workspace)
}

// Lock implements [StateStore]. A task that holds the key in a dead process
// may take it again.
func (d DirStates) Lock(_ context.Context, key StateKey, task TaskRef) (func() error, error) {
	if !workspacePattern.MatchString(key.Workspace) {
		return nil, fmt.Errorf("state of workspace %q: not a workspace name", key.Workspace)
	}
	dir := d.keyDir(key)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make state directory: %w", err)
	}
	lock, err := flock.Try(filepath.Join(dir, "lock"))
	if errors.Is(err, flock.ErrHeld) {
		return nil, &LockedError{Key: key, Holder: d.holder(dir).Task}
	}
	if err != nil {
		return nil, err
	}
	if held := d.holder(dir); held.Task != (TaskRef{}) && held.Task != task {
		return nil, errors.Join(&LockedError{Key: key, Holder: held.Task}, lock.Unlock())
	}
	record := filepath.Join(dir, holderName)
	text, err := json.Marshal(lockRecord{Task: task})
	if err == nil {
		err = writeFileAtomic(record, text, 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return sync.OnceValue(func() error {
		return errors.Join(os.Remove(record), lock.Unlock())
	}), nil
}

func (d DirStates) holder(dir string) (record lockRecord) {
	if text, err := os.ReadFile(filepath.Join(dir, holderName)); err == nil {
		_ = json.Unmarshal(text, &record)
	}
	return record
}

// ReleaseDead implements [DeadReleaser]: a holder is dead when its lock file is
// free.
func (d DirStates) ReleaseDead(ctx context.Context, unswept func(TaskRef) bool) error {
	var problems []error
	_ = filepath.WalkDir(d.Dir, func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			problems = append(problems, context.Cause(ctx))
			return fs.SkipAll
		}
		if err != nil || entry.Name() != holderName {
			return nil //nolint:nilerr // what cannot be read is nobody's record
		}
		dir := filepath.Dir(path)
		if unswept(d.holder(dir).Task) {
			return nil
		}
		lock, err := flock.Try(filepath.Join(dir, "lock"))
		if errors.Is(err, flock.ErrHeld) {
			return nil
		}
		if err == nil {
			err = errors.Join(os.Remove(path), lock.Unlock()) //nolint:gosec // no task can write to the store
		}
		problems = append(problems, err)
		return nil
	})
	return errors.Join(problems...)
}

// Load implements [StateStore].
func (d DirStates) Load(_ context.Context, key StateKey) (TerraformState, error) {
	versions, err := d.versions(key)
	if err != nil || len(versions) == 0 {
		return TerraformState{}, err
	}
	text, err := os.ReadFile(versions[len(versions)-1])
	if err != nil {
		return TerraformState{}, fmt.Errorf("read state: %w", err)
	}
	state, ok := parseState(text)
	if !ok {
		return TerraformState{}, fmt.Errorf("stored state %s is damaged: restore an older version beside it", filepath.Base(versions[len(versions)-1]))
	}
	return state, nil
}

func (d DirStates) versions(key StateKey) ([]string, error) {
	entries, err := os.ReadDir(d.keyDir(key)) // in order of their names
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list states: %w", err)
	}
	var files []string
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".tfstate") && !strings.HasPrefix(name, ".") {
			files = append(files, filepath.Join(d.keyDir(key), name))
		}
	}
	return files, nil
}

// Save implements [StateStore].
func (d DirStates) Save(ctx context.Context, key StateKey, prev, next TerraformState) error {
	dir := d.keyDir(key)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make state directory: %w", err)
	}
	lock, err := flock.Wait(ctx, filepath.Join(dir, "write"), nil)
	if err != nil {
		return err
	}
	defer lock.Unlock() //nolint:errcheck // closing the file is all there is
	newest, err := d.Load(ctx, key)
	if err != nil {
		return err
	}
	if newest.Lineage != prev.Lineage || newest.Serial != prev.Serial {
		return ErrStateConflict
	}
	versions, err := d.versions(key)
	if err != nil {
		return err
	}
	number := 1
	if n := len(versions); n > 0 {
		base := strings.TrimSuffix(filepath.Base(versions[n-1]), ".tfstate")
		if _, err := fmt.Sscanf(base, "%d", &number); err != nil {
			return fmt.Errorf("number states: %w", err)
		}
		number++
	}
	if err := writeFileAtomic(filepath.Join(dir, fmt.Sprintf("%08d.tfstate", number)), next.Data, 0o600); err != nil {
		return err
	}
	for len(versions) >= keepVersions {
		if err := os.Remove(versions[0]); err != nil {
			return fmt.Errorf("drop old state: %w", err)
		}
		versions = versions[1:]
	}
	return nil
}

// DirBundles is a [BundleStore] in a directory of mode 0700.
type DirBundles struct{ Dir string }

func (d DirBundles) file(taskID int64) string {
	return filepath.Join(d.Dir, fmt.Sprintf("task_%d.tar.gz", taskID))
}

// Save implements [BundleStore].
func (d DirBundles) Save(_ context.Context, taskID int64, r io.Reader) error {
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return fmt.Errorf("make bundle directory: %w", err)
	}
	f, err := os.CreateTemp(d.Dir, ".new-*")
	if err != nil {
		return fmt.Errorf("keep bundle: %w", err)
	}
	_, err = io.Copy(f, r)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), d.file(taskID))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep bundle: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// Open implements [BundleStore].
func (d DirBundles) Open(_ context.Context, taskID int64) (io.ReadCloser, error) {
	f, err := os.Open(d.file(taskID))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNoBundle
	}
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	return f, nil
}

// Delete implements [BundleStore].
func (d DirBundles) Delete(_ context.Context, taskID int64) error {
	if err := os.Remove(d.file(taskID)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("delete bundle: %w", err)
	}
	return nil
}
