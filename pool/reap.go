package pool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// sweepAgain is the pause after a sweep that failed. Until one has succeeded no
// task of a dead process is given to another attempt: its tool may still run.
const sweepAgain = 2 * time.Second

// reaper deals with leases that were not renewed.
type reaper struct {
	pool   *TaskPool
	owned  bool // every other owner is proven dead
	expiry store.Expiry

	sweep time.Time            // when the next sweep is due; zero for none
	look  time.Time            // when to look for leases that nobody knows
	calm  time.Time            // until when nothing is lost by time
	wall  time.Time            // of the last step
	stray map[store.Lease]bool // those found the last time
}

func (p *TaskPool) reap(ctx context.Context, owned bool) error {
	now := time.Now()
	r := &reaper{pool: p, owned: owned, expiry: store.Expiry{Self: p.self}, sweep: now, look: now}
	return each(ctx, p.cfg.Poll, nil, r.step)
}

func (r *reaper) step(ctx context.Context) error {
	now := time.Now()
	if !r.sweep.IsZero() && !now.Before(r.sweep) {
		r.sweepRuns(ctx, now)
	}
	r.expiry.Calm = r.away(now)
	lost, err := r.pool.expire(ctx, r.expiry)
	if err != nil {
		return err
	}
	if lost > 0 && (r.owned || len(r.expiry.Dead) > 0) { // what these tasks held can be given back now
		r.sweep = now
	}
	if now.Before(r.look) {
		return nil
	}
	r.look = now.Add(r.pool.cfg.LeaseTTL)
	return r.handBack(ctx)
}

// away tells whether this process has just started, slept, or had its clock put
// on: workers elsewhere then get the time to renew before they count as lost.
func (r *reaper) away(now time.Time) bool {
	wall := r.pool.cfg.Now()
	if gap := wall.Sub(r.wall); gap > r.pool.cfg.LeaseTTL || r.wall.IsZero() {
		r.calm = now.Add(r.pool.cfg.LeaseTTL)
	}
	r.wall = wall
	return now.Before(r.calm)
}

// sweepRuns cleans up what dead processes of this machine have left. Tasks whose
// tools are still ending are spared until they have.
func (r *reaper) sweepRuns(ctx context.Context, now time.Time) {
	s := sweeperOf(r.pool.cfg.Executor)
	if s == nil {
		r.sweep = time.Time{}
		r.bury()
		return
	}
	swept, err := s.Sweep(ctx)
	r.expiry.Spare = nil
	for _, run := range swept {
		if run.Ending {
			r.expiry.Spare = append(r.expiry.Spare, run.Task.TaskID)
			continue
		}
		r.pool.cfg.Log.Info("cleaned up after a dead run", "task_id", run.Task.TaskID, "attempt", run.Task.Attempt,
			"processes", len(run.Processes), "state_saved", run.StateSaved)
	}
	switch {
	case err != nil:
		if ctx.Err() == nil {
			r.pool.cfg.Log.Error("clean up after dead runs", "error", err)
		}
		r.sweep = now.Add(sweepAgain)
		return
	case len(r.expiry.Spare) == 0:
		r.sweep = time.Time{}
	}
	r.bury()
}

// bury lets go of what dead processes held: nothing of theirs runs here any more.
func (r *reaper) bury() { r.expiry.AllDead, r.expiry.Dead = r.owned, r.pool.cfg.Dead }

// sweeperOf finds the Sweeper in an executor or in what it wraps, nil for none.
func sweeperOf(e job.Executor) Sweeper {
	for e != nil {
		if s, ok := e.(Sweeper); ok {
			return s
		}
		w, ok := e.(interface{ Unwrap() job.Executor })
		if !ok {
			return nil
		}
		e = w.Unwrap()
	}
	return nil
}

// handBack gives leases of this process back that it does not know: the answer
// to a claim, or to the end of one, was lost. What is found twice is no claim
// that is just being answered.
func (r *reaper) handBack(ctx context.Context) error {
	held, err := r.pool.st.Queue().Leases(ctx)
	if err != nil {
		return fmt.Errorf("leases: %w", err)
	}
	r.pool.far.forget(held)
	stray := map[store.Lease]bool{}
	for _, h := range held {
		if h.Owner != r.pool.self || h.RunnerID != nil || r.pool.src.run(h.Lease) != nil {
			continue
		}
		stray[h.Lease] = true
		if !r.stray[h.Lease] {
			continue
		}
		t, err := r.pool.st.Tasks().Get(ctx, h.Lease.ProjectID, h.Lease.TaskID)
		if err == nil {
			err = r.pool.handBack(ctx, h.Lease, t.Prompt, "")
		}
		if err != nil && !errors.Is(err, store.ErrLease) && !errors.Is(err, store.ErrNotFound) { // those have ended meanwhile
			return fmt.Errorf("hand task %d back: %w", h.Lease.TaskID, err)
		}
	}
	r.stray = stray
	return nil
}

// expire tells how many tasks were dealt with.
func (p *TaskPool) expire(ctx context.Context, e store.Expiry) (int, error) {
	for n := 0; ; {
		expired, err := p.st.Queue().Expire(ctx, e)
		if err != nil {
			return n, fmt.Errorf("expire leases: %w", err)
		}
		for _, x := range expired {
			if x.Outcome == store.BecameUnreachable && strings.HasSuffix(x.Task.Owner, unheard) {
				p.takeBack(ctx, x.Task)
				continue
			}
			p.cfg.Log.Warn("task has lost its worker", "task_id", x.Task.ID, "attempt", x.Task.Attempt, "outcome", string(x.Outcome))
			if m := p.cfg.Metrics.Lost; m != nil {
				m(x.Outcome)
			}
			p.finished(x.Task, p.appOfTask(ctx, x.Task))
		}
		if len(expired) == 0 {
			return n, nil
		}
		n += len(expired)
	}
}

// appOfTask is the app of a task for the figures, where anybody counts.
func (p *TaskPool) appOfTask(ctx context.Context, t store.Task) string {
	if p.cfg.Metrics.Finished == nil {
		return ""
	}
	snapshot, _, err := p.st.Tasks().Snapshot(ctx, t.ProjectID, t.ID)
	if err != nil {
		return "" // it is gone
	}
	return appOf(snapshot)
}

var _ Sweeper = (*job.LocalJob)(nil)
