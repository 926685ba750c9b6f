package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool/internal/cron"
	"github.com/alexandervashurin/semaphore/store"
)

// schedules fires what is due, and sleeps until the next tick.
func (p *TaskPool) schedules(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := p.fireDue(ctx); err != nil {
			return err
		}
		next, err := p.st.Schedules().Next(ctx)
		if err != nil {
			return fmt.Errorf("next schedule: %w", err)
		}
		wait := scheduleIdle
		if !next.IsZero() {
			wait = min(max(next.Sub(p.cfg.Now()), 10*time.Millisecond), scheduleIdle)
		}
		if p.watch.busy() { // what is next may hide behind one whose remote is being asked
			wait = watchPoll
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-p.tick.c:
		}
		timer.Stop()
	}
	return nil
}

// fireDue deals with what is due. One that fails holds up no other.
func (p *TaskPool) fireDue(ctx context.Context) error {
	for limit := scheduleBatch; ; {
		due, err := p.st.Schedules().Due(ctx, p.cfg.Now(), limit)
		if err != nil {
			return fmt.Errorf("due schedules: %w", err)
		}
		var failed []error
		moved := 0
		for _, s := range due {
			if s.RepositoryID != nil {
				p.watch.start(ctx, s)
				continue
			}
			moved++
			failed = append(failed, p.fireOne(ctx, s))
		}
		if err := errors.Join(failed...); err != nil || len(due) < limit {
			return err
		}
		if moved == 0 { // what is due behind them is to be seen too
			limit *= 2
		}
	}
}

// fireOne is fire, where another process may be faster.
func (p *TaskPool) fireOne(ctx context.Context, s store.Schedule) error {
	err := p.guard(ctx, func(ctx context.Context) error { return p.fire(ctx, s) })
	switch {
	case err == nil, errors.Is(err, store.ErrMoved): // done
		return nil
	case errors.Is(err, store.ErrNotFound):
		if _, gone := p.st.Schedules().Get(ctx, s.ProjectID, s.ID); errors.Is(gone, store.ErrNotFound) {
			return nil
		}
	}
	return fmt.Errorf("schedule %d: %w", s.ID, err)
}

// fire deals with one schedule that is due.
func (p *TaskPool) fire(ctx context.Context, s store.Schedule) error {
	t, err := p.timing(s)
	if err != nil { // it cannot fire any more
		return p.st.Schedules().Advance(ctx, s.ID, s.NextRun, store.Advance{Deactivate: true, Error: err.Error()})
	}
	now := p.cfg.Now()
	if s.NextRun == nil && t.once.IsZero() {
		return p.planNext(ctx, s, t.next(now))
	}
	ticks, next := p.ticks(s, t, now)
	if len(ticks) == 0 {
		a := store.Advance{NextRun: timePointer(next), LastRun: s.NextRun}
		if !t.once.IsZero() && next.IsZero() {
			a.LastRun, a.Deactivate, a.Error = &t.once, true, "was missed: the time had passed by more than an hour"
		}
		return p.st.Schedules().Advance(ctx, s.ID, s.NextRun, a)
	}
	if s.RepositoryID != nil {
		ticks = ticks[len(ticks)-1:] // there is one branch to look at
	}
	prev := s.NextRun
	for i, tick := range ticks {
		a := store.Advance{NextRun: timePointer(next), LastRun: &tick}
		if i+1 < len(ticks) {
			a.NextRun = &ticks[i+1]
		}
		if !t.once.IsZero() {
			a.Deactivate, a.Delete = true, s.DeleteAfterRun
		}
		if err := p.fireTick(ctx, s, prev, tick, a); err != nil {
			return err
		}
		prev = a.NextRun
	}
	return nil
}

func timePointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// planNext sets the first run of a schedule that has none; one without a run
// to come is switched off.
func (p *TaskPool) planNext(ctx context.Context, s store.Schedule, next time.Time) error {
	a := store.Advance{NextRun: timePointer(next)}
	if next.IsZero() {
		a.Deactivate, a.Error = true, "never fires: correct the cron expression"
	}
	return p.st.Schedules().Advance(ctx, s.ID, s.NextRun, a)
}

// ticks lists the times that a schedule has to fire for now, and the next one.
func (p *TaskPool) ticks(s store.Schedule, t timing, now time.Time) (fire []time.Time, next time.Time) {
	if !t.once.IsZero() {
		switch late := now.Sub(t.once); {
		case late < 0:
			return nil, t.once
		case late <= missedOnceLate || s.Missed == store.MissedOnce || s.Missed == store.MissedAll:
			return []time.Time{t.once}, time.Time{}
		default:
			return nil, time.Time{}
		}
	}
	policy := cron.MissedSkip
	switch s.Missed {
	case store.MissedOnce:
		policy = cron.MissedOnce
	case store.MissedAll:
		policy = cron.MissedAll
	}
	bound := missedBound
	if s.MissedSeconds > 0 {
		bound = seconds(s.MissedSeconds)
	}
	last := s.NextRun.Add(-time.Nanosecond) // that tick has not been dealt with
	return cron.Missed(t.cron, last, now, policy, cron.Bound{Age: bound})
}

// fireTick makes the task of one tick and moves the schedule on, in one
// transaction; or only moves it on where there is nothing to do.
func (p *TaskPool) fireTick(ctx context.Context, s store.Schedule, prev *time.Time, tick time.Time, a store.Advance) error {
	if s.Overlap == store.OverlapSkip {
		busy, err := p.unfinished(ctx, s)
		if err != nil {
			return err
		}
		if busy {
			a.Error = "left out: the task before had not ended"
			return p.st.Schedules().Advance(ctx, s.ID, prev, a)
		}
	}
	if s.RepositoryID != nil {
		hash, err := p.remoteHead(ctx, s)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			a.Error = cut(err.Error(), 1000)
			return p.st.Schedules().Advance(ctx, s.ID, prev, a)
		case s.LastCommitHash != nil && *s.LastCommitHash == hash:
			return p.st.Schedules().Advance(ctx, s.ID, prev, a)
		}
		a.Commit = &hash
	}
	r, err := p.scheduled(ctx, s)
	var refused *job.FieldError
	switch {
	case errors.As(err, &refused):
		r.By.broken = refused
	case err != nil:
		return err
	}
	r.By.fire, r.By.tick = &store.ScheduleFire{Prev: prev, Advance: a}, tick
	_, err = p.AddTask(ctx, r)
	if errors.Is(err, store.ErrConflict) { // this tick has its task
		return p.st.Schedules().Advance(ctx, s.ID, prev, a)
	}
	return err
}

func (p *TaskPool) unfinished(ctx context.Context, s store.Schedule) (bool, error) {
	counts, err := p.st.Tasks().Counts(ctx, store.TaskFilter{ProjectID: s.ProjectID, ScheduleID: s.ID})
	if err != nil {
		return false, fmt.Errorf("tasks of schedule: %w", err)
	}
	for status, n := range counts {
		if n > 0 && !status.Finished() {
			return true, nil
		}
	}
	return false, nil
}

// scheduled is the request that a schedule's saved parameters make.
func (p *TaskPool) scheduled(ctx context.Context, s store.Schedule) (AddRequest, error) {
	r := AddRequest{
		Task: store.Task{ProjectID: s.ProjectID, TemplateID: s.TemplateID},
		By:   Caller{Saved: true, ScheduleID: s.ID, keepErr: true},
	}
	err := p.applyParams(ctx, &r, map[string]any{"schedule_id": s.ID})
	return r, err
}
