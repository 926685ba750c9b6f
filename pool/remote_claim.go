package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// RunnerClaim is what a runner asks for.
type RunnerClaim struct {
	Free int           // how many tasks it has room for; 0 is answered at once
	Held []job.Lease   // what it has: leases whose answer was lost are handed out again
	Wait time.Duration // how long to wait for a task, and half of Config.LostAfterRetry at most
}

// Claim hands out a task that the runner may have, and waits for one
// otherwise: one at a time, so that several runners that wait share what comes.
//
// A runner serves its tag, and tasks without a tag where this pool runs none
// itself. A runner of a project gets tasks of that project only. It never has
// more than its max_parallel_tasks at once.
//
// The error is [ErrRunnerInactive] or [ErrRunnerGone], also of a runner that
// becomes so while it waits, and [ErrClosing] once Run is to end.
func (r *Runner) Claim(ctx context.Context, c RunnerClaim) ([]job.Assignment, error) {
	// A call that waits does not show that its runner is still there. One that was
	// cut off must not get what it has just lost itself, so its last call is over
	// by the time when another attempt may start.
	c.Wait = min(c.Wait, r.pool.cfg.LostAfterRetry/2)
	if c.Free <= 0 {
		c.Wait = 0
	}
	return await(ctx, r.pool, r.pool.wake, c.Wait, func() ([]job.Assignment, error) {
		switch err := r.refresh(ctx); {
		case err != nil:
			return nil, err
		case !r.row.Active:
			return nil, ErrRunnerInactive
		}
		return r.claim(ctx, c)
	})
}

// await asks until there is something, for as long as a runner's call may wait:
// again when the bell rings, and every so often in any case. It returns nothing
// when the time is over, and [ErrClosing] once Run is to end.
func await[T any](ctx context.Context, p *TaskPool, b *bell, wait time.Duration, ask func() ([]T, error)) ([]T, error) {
	ring, stop := b.listen()
	defer stop()
	poll := time.NewTicker(p.cfg.Poll)
	defer poll.Stop()
	end := time.NewTimer(wait)
	defer end.Stop()
	for {
		list, err := ask()
		if err != nil || len(list) > 0 {
			return list, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-p.over:
			return nil, ErrClosing
		case <-end.C:
			return nil, nil
		case <-ring:
		case <-poll.C:
		}
	}
}

// claim takes what there is.
func (r *Runner) claim(ctx context.Context, c RunnerClaim) ([]job.Assignment, error) {
	r.far.claims.Lock()
	defer r.far.claims.Unlock()
	if r.far.left[r.owner] {
		return nil, nil // a call that was under way when its process said goodbye
	}
	held, err := r.mine(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		if h.Owner == r.owner && !slices.Contains(c.Held, job.Lease(h.Lease)) {
			return r.again(ctx, h.Lease)
		}
	}
	room := c.Free
	if limit := r.row.MaxParallelTasks; limit > 0 {
		room = min(room, limit-len(held))
	}
	if room <= 0 || r.pool.closing() || r.far.resting() > 0 {
		return nil, nil
	}
	list, err := r.far.take(ctx, store.ClaimRequest{
		Owner: r.owner + unheard, RunnerID: &r.row.ID, Tags: r.tags(), Max: 1,
		TTL: r.pool.cfg.LeaseTTL, MaxParallel: r.pool.cfg.MaxParallel,
	})
	if err != nil || ctx.Err() == nil {
		return list, err
	}
	for _, a := range list { // who asked has gone
		r.back(context.WithoutCancel(ctx), store.Lease(a.Lease))
	}
	return nil, context.Cause(ctx)
}

// closing tells whether nothing is handed out any more.
func (p *TaskPool) closing() bool {
	select {
	case <-p.over:
		return true
	default:
		return false
	}
}

// tags are those that the runner serves.
func (r *Runner) tags() []string { return runnerTags(r.pool, r.row) }

func runnerTags(p *TaskPool, row store.Runner) []string {
	var tags []string
	if p.worker == nil {
		tags = append(tags, "")
	}
	if row.Tag != "" {
		tags = append(tags, row.Tag)
	}
	return tags
}

// again hands out a lease whose answer was lost.
func (r *Runner) again(ctx context.Context, l store.Lease) ([]job.Assignment, error) {
	c, err := r.claimed(ctx, l)
	if err != nil {
		return nil, err
	}
	return []job.Assignment{r.far.assign(c)}, nil
}

// claimed is what was handed out under a lease.
func (r *Runner) claimed(ctx context.Context, l store.Lease) (store.Claimed, error) {
	t, err := r.pool.st.Tasks().Get(ctx, l.ProjectID, l.TaskID)
	if err != nil {
		return store.Claimed{}, fmt.Errorf("task of lease: %w", err)
	}
	snapshot, secrets, err := r.pool.st.Tasks().Snapshot(ctx, l.ProjectID, l.TaskID)
	if err != nil {
		return store.Claimed{}, fmt.Errorf("snapshot: %w", err)
	}
	// A claim keeps the question of a task that was confirmed, and of no other.
	return store.Claimed{Lease: l, Task: t, Snapshot: snapshot, Secrets: secrets, Resume: t.Prompt != "", NextSeq: 1}, nil
}

// Spec resolves the task of a lease, secrets opened. [job.ErrNotBegun] tells
// that the task is to be given back, any other error of the task itself that it
// ends; [job.ErrLeaseLost] is about the lease.
func (r *Runner) Spec(ctx context.Context, lease job.Lease) (*job.Spec, error) {
	run, err := r.own(ctx, lease)
	if err != nil {
		return nil, err
	}
	if err := r.hear(ctx, lease); err != nil {
		return nil, err
	}
	c, err := r.claimed(ctx, store.Lease(lease))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", job.ErrNotBegun, err)
	}
	lostAfter := time.Duration(0)
	if c.Task.MaxRetries >= lease.Attempt {
		lostAfter = time.Duration(c.Task.LostAfter) * time.Millisecond
	}
	spec, err := r.far.prepare(ctx, c, run, prepareLimit(lostAfter))
	if errors.Is(err, job.ErrNotBegun) {
		r.far.failed()
	}
	return spec, err
}

// leftMost bounds the goodbyes that are remembered: they matter for moments.
const leftMost = 1000

// Leave gives back what this process was handed and does not know of, and hands
// it nothing any more, whatever calls of it are still under way.
func (r *Runner) Leave(ctx context.Context, known []job.Lease) error {
	r.far.claims.Lock()
	defer r.far.claims.Unlock()
	if len(r.far.left) >= leftMost {
		clear(r.far.left)
	}
	r.far.left[r.owner] = true
	held, err := r.mine(ctx)
	if err != nil {
		return err
	}
	for _, h := range held {
		if h.Owner == r.owner && !slices.Contains(known, job.Lease(h.Lease)) {
			r.back(ctx, h.Lease)
		}
	}
	return nil
}

// back gives back a task that never reached its runner.
func (r *Runner) back(ctx context.Context, l store.Lease) {
	t, err := r.pool.st.Tasks().Get(ctx, l.ProjectID, l.TaskID)
	if err == nil {
		err = r.pool.handBack(ctx, l, t.Prompt, "")
	}
	r.far.release(l)
	if err != nil && !errors.Is(err, store.ErrLease) && !errors.Is(err, store.ErrNotFound) {
		r.pool.cfg.Log.Warn("hand a task back that did not reach its runner", "task_id", l.TaskID, "error", err)
	}
}

// Signals waits for news about leases: a stop that is more urgent than the one
// that is known, or the loss of a lease. It returns nothing when the time is
// over, and [ErrClosing] once Run is to end.
func (r *Runner) Signals(ctx context.Context, known []job.Signal, wait time.Duration) ([]job.Signal, error) {
	return await(ctx, r.pool, r.pool.poke, wait, func() ([]job.Signal, error) {
		if err := r.refresh(ctx); err != nil {
			return nil, err
		}
		return r.news(ctx, known)
	})
}

// news compares what a runner knows with what is so.
func (r *Runner) news(ctx context.Context, known []job.Signal) ([]job.Signal, error) {
	held, err := r.mine(ctx)
	if err != nil {
		return nil, err
	}
	stops := map[job.Lease]job.StopLevel{}
	var list []job.Signal
	for _, k := range known {
		stops[k.Lease] = k.Stop
		if !slices.ContainsFunc(held, func(h store.HeldLease) bool { return h.Lease == store.Lease(k.Lease) }) {
			list = append(list, job.Signal{Lease: k.Lease, Gone: true})
		}
	}
	for _, h := range held {
		if h.Owner != r.owner {
			continue
		}
		t, err := r.pool.st.Tasks().Get(ctx, h.Lease.ProjectID, h.Lease.TaskID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("task of lease: %w", err)
		}
		if t.StopLevel.Rank() > store.StopLevel(stops[job.Lease(h.Lease)]).Rank() {
			list = append(list, job.Signal{Lease: job.Lease(h.Lease), Stop: job.StopLevel(t.StopLevel)})
		}
	}
	return list, nil
}
