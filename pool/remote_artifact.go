package pool

import (
	"context"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// RunnerBundleParts is how many parts of a bundle a runner may send, each of
// [job.RemoteBundlePart] bytes at most.
const RunnerBundleParts = 320

// states are those of the store.
func (r *Runner) states() job.StateStore { return States(r.pool.st, r.pool.cfg.Ring) }

// LockState gives a state to a task that this runner has, or had when it was lost
// or failed: what it wrote must not be lost. Once a later task has stored the
// state, or the task has ended well, there is nothing more to save.
func (r *Runner) LockState(ctx context.Context, key job.StateKey, task job.TaskRef) error {
	t, err := r.pool.st.Tasks().Get(ctx, key.ProjectID, task.TaskID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return job.ErrLeaseLost
	case err != nil:
		return fmt.Errorf("task of state: %w", err)
	case t.RunnerID == nil || *t.RunnerID != r.row.ID || t.Attempt != task.Attempt || t.TemplateID != key.TemplateID || t.Status == store.Success:
		return job.ErrLeaseLost
	}
	newest, err := r.pool.st.Artifacts().State(ctx, store.StateKey(key))
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("newest terraform state: %w", err)
	case err == nil && newest.TaskID > task.TaskID:
		return job.ErrLeaseLost
	}
	_, err = r.states().Lock(ctx, key, task)
	return err
}

// UnlockState gives it back.
func (r *Runner) UnlockState(ctx context.Context, key job.StateKey, task job.TaskRef) error {
	holder, err := r.locked(ctx, key)
	if err != nil || holder.TaskID != task.TaskID || holder.Attempt != task.Attempt {
		if errors.Is(err, job.ErrLeaseLost) {
			err = nil // it was given back already
		}
		return err
	}
	if err := r.pool.st.Artifacts().UnlockState(ctx, store.StateKey(key), holder); err != nil {
		return fmt.Errorf("unlock terraform state: %w", err)
	}
	return nil
}

// locked makes sure that a task of this runner holds a state.
func (r *Runner) locked(ctx context.Context, key job.StateKey) (store.StateLock, error) {
	locks, err := r.pool.st.Artifacts().StateLocks(ctx)
	if err != nil {
		return store.StateLock{}, fmt.Errorf("terraform state locks: %w", err)
	}
	lock, ok := locks[store.StateKey(key)]
	if !ok {
		return lock, job.ErrLeaseLost
	}
	t, err := r.pool.st.Tasks().Get(ctx, key.ProjectID, lock.TaskID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return lock, fmt.Errorf("task of state: %w", err)
	}
	if err != nil || t.RunnerID == nil || *t.RunnerID != r.row.ID || t.Attempt != lock.Attempt {
		return lock, job.ErrLeaseLost
	}
	return lock, nil
}

// LoadState returns the newest version of a state that the runner has locked.
func (r *Runner) LoadState(ctx context.Context, key job.StateKey) (job.TerraformState, error) {
	if _, err := r.locked(ctx, key); err != nil {
		return job.TerraformState{}, err
	}
	return r.states().Load(ctx, key)
}

// SaveState stores a version of a state that the runner has locked.
func (r *Runner) SaveState(ctx context.Context, key job.StateKey, prev, next job.TerraformState) error {
	if _, err := r.locked(ctx, key); err != nil {
		return err
	}
	err := r.states().Save(ctx, key, prev, next)
	if errors.Is(err, job.ErrStateConflict) { // the answer to the same call may have been lost
		if now, loadErr := r.states().Load(ctx, key); loadErr == nil && now.Lineage == next.Lineage && now.Serial == next.Serial && string(now.Data) == string(next.Data) {
			return nil
		}
	}
	return err
}

// SaveBundlePart keeps a part of a bundle; part 0 replaces an older bundle.
func (r *Runner) SaveBundlePart(ctx context.Context, lease job.Lease, part int, last bool, data []byte) error {
	if part < 0 || part >= RunnerBundleParts || len(data) > job.RemoteBundlePart {
		return &job.FieldError{Field: "part", Reason: fmt.Sprintf("a bundle has at most %d parts of %d bytes", RunnerBundleParts, job.RemoteBundlePart)}
	}
	if err := r.valid(ctx, lease); err != nil {
		return err
	}
	sealed, err := r.pool.cfg.Ring.SealBytes(data, bundleAD(lease.TaskID, part, last))
	if err != nil {
		return fmt.Errorf("keep bundle: %w", err)
	}
	if err := r.pool.st.Artifacts().SaveBundle(ctx, lease.ProjectID, lease.TaskID, part, sealed); err != nil {
		return fmt.Errorf("keep bundle: %w", err)
	}
	return nil
}

// BundlePart returns a part of a bundle, and whether it is the last one, or
// [job.ErrNoBundle].
func (r *Runner) BundlePart(ctx context.Context, lease job.Lease, part int) (data []byte, last bool, err error) {
	if err := r.valid(ctx, lease); err != nil {
		return nil, false, err
	}
	b := bundleReader{bundles: bundles{r.pool.st, r.pool.cfg.Ring}, ctx: ctx, project: lease.ProjectID, task: lease.TaskID, part: part}
	if err := b.fill(); err != nil {
		return nil, false, err
	}
	data = make([]byte, b.buf.Len())
	_, err = b.buf.Read(data)
	if len(data) == 0 {
		err = nil
	}
	return data, b.last, err
}
