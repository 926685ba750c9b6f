//go:build linux

package crash

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// Mutant names a safeguard that a program goes without.
type Mutant string

// The mutants.
const (
	NoOwner       Mutant = "no owner"        // two programs may work on one file
	NoFence       Mutant = "no fence"        // any lease of a task may end it
	NoLimits      Mutant = "no limits"       // claims keep none
	NoFinishRetry Mutant = "no finish retry" // a result that is not stored at once is dropped
	NoStore       Mutant = "no store"        // output is acknowledged and not stored
	RunAgain      Mutant = "run again"       // lost tasks wait again, whatever their template says
	NoTreeKill    Mutant = "no tree kill"    // scripts outlive the program
	NoSweep       Mutant = "no sweep"        // tasks are lost while their scripts are still ending
)

// Mutants lists all of them.
func Mutants() []Mutant {
	return []Mutant{NoOwner, NoFence, NoLimits, NoFinishRetry, NoStore, RunAgain, NoTreeKill, NoSweep}
}

// every is which calls of a kind a mutant spoils.
const every = 3

// store takes a safeguard out of a store.
func (m Mutant) store(st *sqlite.Store) store.Store {
	switch m {
	case NoOwner:
		return struct{ store.Store }{st}
	case NoFence: // matters between nodes, and a file has one
		return struct{ store.Store }{mutantStore{st, func(q store.TaskQueue) store.TaskQueue { return unfenced{q} }}}
	case NoLimits:
		return mutantStore{st, func(q store.TaskQueue) store.TaskQueue { return unlimited{q, st} }}
	case NoFinishRetry:
		var calls atomic.Int64
		return mutantStore{st, func(q store.TaskQueue) store.TaskQueue { return forgetful{q, &calls} }}
	case NoStore:
		var calls atomic.Int64
		return mutantStore{st, func(q store.TaskQueue) store.TaskQueue { return dropping{q, &calls} }}
	case RunAgain:
		return mutantStore{st, func(q store.TaskQueue) store.TaskQueue { return repeating{q} }}
	default:
		return st
	}
}

// mutantStore is still owned by one program.
type mutantStore struct {
	*sqlite.Store
	queue func(store.TaskQueue) store.TaskQueue
}

func (s mutantStore) Queue() store.TaskQueue { return s.queue(s.Store.Queue()) }

// unfenced lets whoever once had a task end it.
type unfenced struct{ store.TaskQueue }

func (q unfenced) Finish(ctx context.Context, l store.Lease, f store.Finish) (store.Task, error) {
	held, err := q.Leases(ctx)
	if err != nil {
		return store.Task{}, err
	}
	for _, h := range held {
		if h.Lease.TaskID == l.TaskID {
			l = h.Lease
		}
	}
	return q.TaskQueue.Finish(ctx, l, f)
}

// unlimited claims as if nobody had set a limit.
type unlimited struct {
	store.TaskQueue
	st store.Store
}

func (q unlimited) Claim(ctx context.Context, r store.ClaimRequest) (list []store.Claimed, err error) {
	r.MaxParallel = 0
	err = q.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		projects, err := tx.Projects().List(ctx, 0, store.Query{Limit: -1})
		if err != nil {
			return err
		}
		for _, p := range projects.Items {
			p.MaxParallelTasks = 0
			if err := tx.Projects().Update(ctx, p); err != nil {
				return err
			}
		}
		if list, err = tx.Queue().Claim(ctx, r); err != nil {
			return err
		}
		for _, p := range projects.Items {
			if err := tx.Projects().Update(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// forgetful does not store some results, and lets nobody offer them again.
type forgetful struct {
	store.TaskQueue
	calls *atomic.Int64
}

func (q forgetful) Finish(ctx context.Context, l store.Lease, f store.Finish) (store.Task, error) {
	if q.calls.Add(1)%every == 0 {
		return store.Task{}, fmt.Errorf("dropped: %w", store.ErrLease)
	}
	return q.TaskQueue.Finish(ctx, l, f)
}

// dropping stores some reports without their lines.
type dropping struct {
	store.TaskQueue
	calls *atomic.Int64
}

func (q dropping) Append(ctx context.Context, l store.Lease, a store.Append) error {
	if len(a.Lines) > 0 && q.calls.Add(1)%every == 0 {
		a.Lines = nil
	}
	return q.TaskQueue.Append(ctx, l, a)
}

// repeating gives every lost task another attempt.
type repeating struct{ store.TaskQueue }

func (q repeating) Expire(ctx context.Context, e store.Expiry) ([]store.Expired, error) {
	held, err := q.Leases(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		if h.Owner == e.Self || slices.Contains(e.Spare, h.Lease.TaskID) {
			continue
		}
		if _, err := q.Finish(ctx, h.Lease, store.Finish{Status: store.Waiting}); err != nil && !errors.Is(err, store.ErrLease) {
			return nil, err
		}
	}
	return q.TaskQueue.Expire(ctx, e)
}

// executor takes a safeguard out of an executor.
func (m Mutant) executor(local *job.LocalJob, p Program) job.Executor {
	switch m {
	case NoTreeKill:
		return Plain{Repo: p.Repo, Dir: p.Dir, Env: []string{EventsEnv + "=" + p.Events}}
	case NoSweep:
		return struct{ job.Executor }{local}
	default:
		return local
	}
}
