//go:build linux

package cluster_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// mutant names a safeguard that programs go without.
type mutant string

const (
	complete      mutant = "complete" // nothing is missing: proves that the scenario is not the fault
	noFence       mutant = "no fence"
	noLock        mutant = "no advisory lock"
	noFinishRetry mutant = "no finish retry"
	noTreeKill    mutant = "no tree kill"
	noStop        mutant = "retry before kill" // the tool runs on although another attempt may start
	noRedelivery  mutant = "no spool re-delivery"
)

// store takes a safeguard out of a server.
func (m mutant) store(st *postgres.Store) store.Store {
	if m != noFence {
		return st
	}
	return unfencedStore{st}
}

type unfencedStore struct{ *postgres.Store }

func (s unfencedStore) Queue() store.TaskQueue { return unfenced{s.Store.Queue()} }

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

// source takes a safeguard out of what a runner calls.
func (m mutant) source(r *job.RemoteSource) job.Source {
	switch m {
	case noFinishRetry:
		return forgetful{r}
	case noRedelivery:
		return dropping{r}
	case noStop:
		return careless{r}
	default:
		return r
	}
}

// forgetful offers no result again that was not taken at once.
type forgetful struct{ *job.RemoteSource }

func (s forgetful) Finish(ctx context.Context, l job.Lease, res job.Result) error {
	if err := s.RemoteSource.Finish(ctx, l, res); err != nil {
		return fmt.Errorf("dropped: %w", job.ErrLeaseLost)
	}
	return nil
}

// dropping offers no report again that was not taken at once.
type dropping struct{ *job.RemoteSource }

func (s dropping) Append(ctx context.Context, l job.Lease, r job.Report) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = s.RemoteSource.Append(ctx, l, r)
	return nil
}

// careless does not know that another attempt may start.
type careless struct {
	*job.RemoteSource
}

func (s careless) Claim(ctx context.Context, free int) ([]job.Assignment, error) {
	list, err := s.RemoteSource.Claim(ctx, free)
	for i := range list {
		list[i].LostAfter = 0
	}
	return list, err
}

// executor takes a safeguard out of a runner.
func (m mutant) executor(local *job.LocalJob, a altered) job.Executor {
	if m == noTreeKill {
		return crash.Plain{Repo: a.Repo, Dir: a.Dir, Env: []string{crash.EventsEnv + "=" + a.Vars[crash.EventsEnv], crash.WhereEnv + "=" + a.Vars[crash.WhereEnv]}}
	}
	return local
}
