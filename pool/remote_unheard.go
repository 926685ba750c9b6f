package pool

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// unheard ends the owner of a lease that was handed to a runner which has not
// said anything about it since. Where the answer did not arrive nobody works on
// the task, and nobody can begin: what there is to do is told only after the
// owner has become the runner itself, which the store does in one step, as it
// does to end a lease of this owner.
const unheard = "/unheard"

// hear makes a lease the runner's for good: it has heard of it.
func (r *Runner) hear(ctx context.Context, lease job.Lease) error {
	signals, err := r.pool.st.Queue().Extend(ctx, r.owner, []store.Lease{store.Lease(lease)}, r.pool.cfg.LeaseTTL)
	switch {
	case err != nil:
		return fmt.Errorf("lease: %w", err)
	case signals[0].Gone:
		return job.ErrLeaseLost
	}
	return nil
}

// takeBack lets another runner have a task that its runner has not heard of
// within the time of a lease. It is neither lost nor tried again, for it was not
// begun.
func (p *TaskPool) takeBack(ctx context.Context, t store.Task) {
	held, err := p.st.Queue().Leases(ctx)
	for _, h := range held {
		if h.Lease.TaskID != t.ID || !strings.HasSuffix(h.Owner, unheard) {
			continue
		}
		if err = p.handBackOf(ctx, h.Owner, h.Lease, t.Prompt, ""); err == nil {
			p.far.release(h.Lease)
			p.cfg.Log.Warn("task did not reach its runner", "task_id", t.ID, "attempt", t.Attempt)
		}
	}
	if err != nil && !errors.Is(err, store.ErrLease) { // which has been heard of meanwhile
		p.cfg.Log.Warn("hand a task back that did not reach its runner", "task_id", t.ID, "error", err)
	}
}
