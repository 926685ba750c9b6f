package pool

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// reap deals with leases that were not renewed. Where the store is owned, every
// other owner is proven dead.
func (p *TaskPool) reap(ctx context.Context, owned bool) error {
	e := store.Expiry{Self: p.self, AllDead: owned}
	sweeping := true
	return each(ctx, p.cfg.Poll, nil, func(ctx context.Context) error {
		if sweeping {
			ending, err := p.sweep(ctx)
			if err != nil {
				p.cfg.Log.Error("clean up after dead runs", "error", err)
			}
			e.Spare = ending
			sweeping = len(ending) > 0
		}
		return p.expire(ctx, e)
	})
}

// sweep cleans up what dead processes of this machine have left, and names the
// tasks whose tools are still ending.
func (p *TaskPool) sweep(ctx context.Context) ([]int64, error) {
	s, ok := p.cfg.Executor.(Sweeper)
	if !ok {
		return nil, nil
	}
	swept, err := s.Sweep(ctx)
	var ending []int64
	for _, run := range swept {
		if run.Ending {
			ending = append(ending, run.Task.TaskID)
			continue
		}
		p.cfg.Log.Info("cleaned up after a dead run", "task_id", run.Task.TaskID, "attempt", run.Task.Attempt,
			"processes", len(run.Processes), "state_saved", run.StateSaved)
	}
	return ending, err
}

func (p *TaskPool) expire(ctx context.Context, e store.Expiry) error {
	for {
		expired, err := p.st.Queue().Expire(ctx, e)
		if err != nil {
			return fmt.Errorf("expire leases: %w", err)
		}
		for _, x := range expired {
			p.cfg.Log.Warn("task has lost its worker", "task_id", x.Task.ID, "attempt", x.Task.Attempt, "outcome", string(x.Outcome))
			if m := p.cfg.Metrics.Lost; m != nil {
				m(x.Outcome)
			}
			p.finished(x.Task)
		}
		if len(expired) == 0 {
			return nil
		}
	}
}

var _ Sweeper = (*job.LocalJob)(nil)
