package pool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// stateVersions is how many versions of a Terraform state stay.
const stateVersions = 50

// States keeps Terraform's local states in a store, sealed. Give it to a
// [job.LocalJob].
func States(st store.Store, ring *crypto.Ring) job.StateStore { return states{st, ring} }

type states struct {
	st   store.Store
	ring *crypto.Ring
}

// statePlace binds a version to its template, workspace and number.
func statePlace(key job.StateKey, lineage string, serial uint64) string {
	return fmt.Sprintf("%d/%s/%s/%d", key.TemplateID, key.Workspace, lineage, serial)
}

func (s states) Lock(ctx context.Context, key job.StateKey, task job.TaskRef) (func() error, error) {
	lock := store.StateLock{TaskID: task.TaskID, Attempt: task.Attempt}
	holder, err := s.st.Artifacts().LockState(ctx, store.StateKey(key), lock)
	if errors.Is(err, store.ErrConflict) {
		return nil, &job.LockedError{Key: key, Holder: job.TaskRef{TaskID: holder.TaskID, Attempt: holder.Attempt}}
	}
	if err != nil {
		return nil, fmt.Errorf("lock terraform state: %w", err)
	}
	ctx = context.WithoutCancel(ctx)
	return sync.OnceValue(func() error { return s.st.Artifacts().UnlockState(ctx, store.StateKey(key), lock) }), nil
}

// StateData opens a version of a state that [States] has saved.
func StateData(ring *crypto.Ring, key store.StateKey, v store.StateVersion) ([]byte, error) {
	data, err := openBound(ring, stateField, key.ProjectID, statePlace(job.StateKey(key), v.Lineage, v.Serial), v.Data)
	if err != nil {
		return nil, fmt.Errorf("open terraform state: %w", err)
	}
	return data, nil
}

func (s states) Load(ctx context.Context, key job.StateKey) (job.TerraformState, error) {
	v, err := s.st.Artifacts().State(ctx, store.StateKey(key))
	if errors.Is(err, store.ErrNotFound) {
		return job.TerraformState{}, nil
	}
	if err != nil {
		return job.TerraformState{}, fmt.Errorf("load terraform state: %w", err)
	}
	data, err := StateData(s.ring, store.StateKey(key), v)
	if err != nil {
		return job.TerraformState{}, err
	}
	return job.TerraformState{Lineage: v.Lineage, Serial: v.Serial, Data: data}, nil
}

func (s states) Save(ctx context.Context, key job.StateKey, prev, next job.TerraformState) error {
	data, err := sealBound(s.ring, stateField, key.ProjectID, statePlace(key, next.Lineage, next.Serial), next.Data)
	if err != nil {
		return fmt.Errorf("seal terraform state: %w", err)
	}
	v := store.StateVersion{Lineage: next.Lineage, Serial: next.Serial, Data: data}
	err = s.st.Artifacts().SaveState(ctx, store.StateKey(key), prev.Lineage, prev.Serial, v, stateVersions)
	if errors.Is(err, store.ErrMoved) {
		return job.ErrStateConflict
	}
	if err != nil {
		return fmt.Errorf("save terraform state: %w", err)
	}
	return nil
}

// ReleaseDead forgets locks of runs that have ended and left nothing to save.
func (s states) ReleaseDead(ctx context.Context, unswept func(job.TaskRef) bool) error {
	locks, err := s.st.Artifacts().StateLocks(ctx)
	if err != nil {
		return fmt.Errorf("terraform state locks: %w", err)
	}
	for key, lock := range locks {
		if unswept(job.TaskRef{TaskID: lock.TaskID, Attempt: lock.Attempt}) || s.alive(ctx, key, lock) {
			continue
		}
		if err := s.st.Artifacts().UnlockState(ctx, key, lock); err != nil {
			return fmt.Errorf("release terraform state: %w", err)
		}
	}
	return nil
}

// alive tells whether the attempt that holds a lock may still be under way.
func (s states) alive(ctx context.Context, key store.StateKey, lock store.StateLock) bool {
	t, err := s.st.Tasks().Get(ctx, key.ProjectID, lock.TaskID)
	if errors.Is(err, store.ErrNotFound) {
		return false
	}
	return err != nil || t.Attempt == lock.Attempt && t.Status.Leased()
}

// Bundles keeps the bundles of runs that wait for confirmation in a store,
// sealed. Give it to a [job.LocalJob].
func Bundles(st store.Store, ring *crypto.Ring) job.BundleStore { return bundles{st, ring} }

type bundles struct {
	st   store.Store
	ring *crypto.Ring
}

// bundlePart is how much of a bundle one row holds, and one statement writes.
const bundlePart = 1 << 20

func bundleAD(task int64, part int, last bool) crypto.AD {
	return crypto.AD{Table: "task_bundle", ID: task, Field: fmt.Sprintf("part %d, last %t", part, last)}
}

func (b bundles) project(ctx context.Context, task int64) (int64, error) {
	project, err := projectOf(ctx, b.st, task)
	if errors.Is(err, store.ErrNotFound) {
		return 0, job.ErrNoBundle
	}
	return project, err
}

func (b bundles) Save(ctx context.Context, task int64, r io.Reader) error {
	project, err := b.project(ctx, task)
	if err != nil {
		return err
	}
	if err = b.save(ctx, project, task, r); err != nil {
		err = errors.Join(err, b.st.Artifacts().DeleteBundle(context.WithoutCancel(ctx), project, task))
		return fmt.Errorf("keep bundle: %w", err)
	}
	return nil
}

func (b bundles) save(ctx context.Context, project, task int64, r io.Reader) error {
	chunk, ahead := make([]byte, bundlePart), make([]byte, bundlePart)
	n, err := io.ReadFull(r, chunk)
	for part := 0; ; part++ {
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		var m int
		if !last {
			if m, err = io.ReadFull(r, ahead); errors.Is(err, io.EOF) {
				last = true
			}
		}
		sealed, sealErr := b.ring.SealBytes(chunk[:n], bundleAD(task, part, last))
		if sealErr != nil {
			return sealErr
		}
		if saveErr := b.st.Artifacts().SaveBundle(ctx, project, task, part, sealed); saveErr != nil {
			return saveErr
		}
		if last {
			return nil
		}
		chunk, ahead, n = ahead, chunk, m
	}
}

func (b bundles) Open(ctx context.Context, task int64) (io.ReadCloser, error) {
	project, err := b.project(ctx, task)
	if err != nil {
		return nil, err
	}
	r := &bundleReader{bundles: b, ctx: ctx, project: project, task: task}
	if err := r.fill(); err != nil {
		return nil, err
	}
	return r, nil
}

// Delete leaves the bundle to the store, which forgets it in the transaction
// that ends the task: before that a crash must not lose it.
func (b bundles) Delete(context.Context, int64) error { return nil }

// bundleReader opens one part after the other. It lives for one resumed run,
// whose context it carries.
type bundleReader struct {
	bundles bundles
	ctx     context.Context
	project int64
	task    int64
	part    int
	buf     bytes.Reader
	last    bool
}

func (r *bundleReader) Read(p []byte) (int, error) {
	for r.buf.Len() == 0 {
		if r.last {
			return 0, io.EOF
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	return r.buf.Read(p)
}

func (r *bundleReader) fill() error {
	sealed, err := r.bundles.st.Artifacts().Bundle(r.ctx, r.project, r.task, r.part)
	if errors.Is(err, store.ErrNotFound) {
		return job.ErrNoBundle
	}
	if err != nil {
		return fmt.Errorf("read bundle: %w", err)
	}
	plain, err := r.bundles.ring.OpenBytes(sealed, bundleAD(r.task, r.part, false))
	if err != nil {
		if plain, err = r.bundles.ring.OpenBytes(sealed, bundleAD(r.task, r.part, true)); err != nil {
			return fmt.Errorf("open bundle: %w", err)
		}
		r.last = true
	}
	r.part++
	r.buf.Reset(plain)
	return nil
}

// Close ends the reading.
func (r *bundleReader) Close() error { return nil }

// projectOf finds the project of a task that only its id is known of.
func projectOf(ctx context.Context, st store.Store, task int64) (int64, error) {
	leases, err := st.Queue().Leases(ctx)
	if err != nil {
		return 0, fmt.Errorf("leases: %w", err)
	}
	for _, l := range leases {
		if l.Lease.TaskID == task {
			return l.Lease.ProjectID, nil
		}
	}
	return 0, store.ErrNotFound
}
