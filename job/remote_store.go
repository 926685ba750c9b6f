package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// RemoteBundlePart is the size of the parts that a bundle travels in.
const RemoteBundlePart = 1 << 20

// States keeps Terraform's states at the server.
func (r *RemoteSource) States() StateStore { return remoteStates{r} }

type remoteStates struct{ r *RemoteSource }

// Lock waits for a server that cannot be reached.
func (s remoteStates) Lock(ctx context.Context, key StateKey, task TaskRef) (func() error, error) {
	var reply RemoteLock
	if err := s.r.persist(ctx, "state/lock", RemoteState{Key: key, Task: task}, &reply); err != nil {
		return nil, fmt.Errorf("lock terraform state: %w", lost(err))
	}
	if reply.Holder != nil {
		return nil, &LockedError{Key: key, Holder: *reply.Holder}
	}
	ctx = context.WithoutCancel(ctx)
	return sync.OnceValue(func() error {
		ctx, cancel := context.WithTimeout(ctx, stateTimeout)
		defer cancel()
		if err := s.r.persist(ctx, "state/unlock", RemoteState{Key: key, Task: task}, nil); err != nil {
			return fmt.Errorf("unlock terraform state: %w", lost(err))
		}
		return nil
	}), nil
}

// Load returns the newest state.
func (s remoteStates) Load(ctx context.Context, key StateKey) (state TerraformState, err error) {
	err = s.r.insist(ctx, "state/load", func() error {
		session, err := s.r.enter(ctx)
		if err != nil {
			return err
		}
		var reply RemoteStateData
		if err := s.r.call(ctx, "state/load", RemoteState{Key: key}, &reply); err != nil || len(reply.Data) == 0 {
			return err
		}
		state = TerraformState{Lineage: reply.Lineage, Serial: reply.Serial}
		state.Data, err = session.cipher.Open(reply.Data, RemoteStatePlace(RemoteDown, key, reply.Lineage, reply.Serial))
		return err // a session that was begun anew meanwhile is asked again
	})
	if err != nil {
		return TerraformState{}, fmt.Errorf("load terraform state: %w", lost(err))
	}
	return state, nil
}

// Save stores a state.
func (s remoteStates) Save(ctx context.Context, key StateKey, prev, next TerraformState) error {
	err := s.r.insist(ctx, "state/save", func() error {
		session, err := s.r.enter(ctx)
		if err != nil {
			return err
		}
		sealed := session.cipher.Seal(next.Data, RemoteStatePlace(RemoteUp, key, next.Lineage, next.Serial))
		return s.r.call(ctx, "state/save", RemoteState{
			Key: key, Prev: RemoteStateData{Lineage: prev.Lineage, Serial: prev.Serial},
			Next: &RemoteStateData{Lineage: next.Lineage, Serial: next.Serial, Data: sealed},
		}, nil)
	})
	if err != nil {
		return fmt.Errorf("save terraform state: %w", lost(err))
	}
	return nil
}

// Bundles keeps run bundles at the server, part by part, so that any runner
// resumes them.
func (r *RemoteSource) Bundles() BundleStore { return remoteBundles{r} }

type remoteBundles struct{ r *RemoteSource }

// Save sends a bundle. The first part replaces an older bundle; one that lacks
// its last part counts as none.
func (b remoteBundles) Save(ctx context.Context, task int64, r io.Reader) error {
	lease, ok := b.r.leaseOf(task)
	if !ok {
		return fmt.Errorf("keep bundle of task %d: %w", task, ErrLeaseLost)
	}
	chunk, ahead := make([]byte, RemoteBundlePart), make([]byte, RemoteBundlePart)
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
		if err := b.send(ctx, lease, part, last, chunk[:n]); err != nil {
			return fmt.Errorf("keep bundle: %w", lost(err))
		}
		if last {
			return nil
		}
		chunk, ahead, n = ahead, chunk, m
	}
}

func (b remoteBundles) send(ctx context.Context, lease Lease, part int, last bool, data []byte) error {
	return b.r.insist(ctx, "bundle/save", func() error {
		session, err := b.r.enter(ctx)
		if err != nil {
			return err
		}
		sealed := session.cipher.Seal(data, RemoteBundlePlace(RemoteUp, lease.TaskID, part, last))
		return b.r.call(ctx, "bundle/save", RemoteBundle{Lease: lease, Part: part, Last: last, Data: sealed}, nil)
	})
}

// Open returns a bundle, which is fetched as it is read.
func (b remoteBundles) Open(ctx context.Context, task int64) (io.ReadCloser, error) {
	lease, ok := b.r.leaseOf(task)
	if !ok {
		return nil, fmt.Errorf("open bundle of task %d: %w", task, ErrLeaseLost)
	}
	r := &remoteBundle{remote: b.r, ctx: ctx, lease: lease}
	if err := r.fetch(); err != nil {
		return nil, err
	}
	return r, nil
}

// Delete leaves the bundle to the server, which forgets it when the task ends.
func (b remoteBundles) Delete(context.Context, int64) error { return nil }

// remoteBundle reads one part after the other. It lives for one resumed run,
// whose context it carries.
type remoteBundle struct {
	remote *RemoteSource
	ctx    context.Context
	lease  Lease
	part   int
	last   bool
	rest   []byte
}

// Read reads on.
func (r *remoteBundle) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.last {
			return 0, io.EOF
		}
		if err := r.fetch(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *remoteBundle) fetch() error {
	missing := false
	err := r.remote.insist(r.ctx, "bundle/load", func() error {
		session, err := r.remote.enter(r.ctx)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
		defer cancel()
		var reply RemoteBundle
		if err := r.remote.call(ctx, "bundle/load", RemoteBundle{Lease: r.lease, Part: r.part}, &reply); err != nil {
			return err
		}
		if missing = reply.Missing; missing {
			return nil
		}
		r.rest, err = session.cipher.Open(reply.Data, RemoteBundlePlace(RemoteDown, r.lease.TaskID, r.part, reply.Last))
		r.last = reply.Last
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("fetch bundle: %w", lost(err))
	case missing:
		return ErrNoBundle
	}
	r.part++
	return nil
}

// Close ends the reading.
func (r *remoteBundle) Close() error { return nil }

var (
	_ Source    = (*RemoteSource)(nil)
	_ Signaller = (*RemoteSource)(nil)
)
