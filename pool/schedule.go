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

// Figures of schedules.
const (
	scheduleBatch  = 100
	scheduleIdle   = 15 * time.Second // another process may have changed a schedule
	missedOnceLate = time.Hour        // how late a run-once schedule still fires
	missedBound    = time.Hour        // of the policy all, where a schedule names none
	watchTimeout   = 30 * time.Second // for asking a remote for its branches
)

// CheckSchedule says what is wrong with a schedule, nil for nothing.
func (p *TaskPool) CheckSchedule(s store.Schedule) error {
	if _, err := p.timing(s); err != nil {
		return err
	}
	switch s.Overlap {
	case "", store.OverlapQueue, store.OverlapSkip:
	default:
		return refuse("overlap", "is %q: use queue or skip", s.Overlap)
	}
	switch s.Missed {
	case "", store.MissedSkip, store.MissedOnce, store.MissedAll:
	default:
		return refuse("missed", "is %q: use skip, once or all", s.Missed)
	}
	if s.Type == store.ScheduleRunAt && s.Active && s.NextRun == nil && s.LastRun == nil && !s.RunAt.After(p.cfg.Now()) {
		return refuse("run_at", "is in the past: choose a time to come")
	}
	return nil
}

// NextRuns lists the next times at which a schedule fires, n at most.
func (p *TaskPool) NextRuns(s store.Schedule, after time.Time, n int) ([]time.Time, error) {
	t, err := p.timing(s)
	if err != nil {
		return nil, err
	}
	var list []time.Time
	for range n {
		after = t.next(after)
		if after.IsZero() {
			break
		}
		list = append(list, after)
	}
	return list, nil
}

// timing says when a schedule fires.
type timing struct {
	once time.Time // the only time, for run-once schedules
	cron cron.Schedule
}

func (p *TaskPool) timing(s store.Schedule) (timing, error) {
	switch s.Type {
	case store.ScheduleRunAt:
		if s.RunAt == nil || s.RunAt.IsZero() {
			return timing{}, refuse("run_at", "is missing: say when to run")
		}
		return timing{once: *s.RunAt}, nil
	case store.ScheduleCron:
	default:
		return timing{}, refuse("type", "is %q: use run_at, or nothing for cron", s.Type)
	}
	zone := p.cfg.Location
	if s.Timezone != "" {
		var err error
		if zone, err = time.LoadLocation(s.Timezone); err != nil {
			return timing{}, refuse("timezone", "%q is no time zone: use a name such as Europe/Berlin", s.Timezone)
		}
	}
	parsed, err := cron.Parse(s.CronFormat, zone)
	if err != nil {
		return timing{}, refuse("cron_format", "%v", err)
	}
	return timing{cron: parsed.WithOrigin(s.Created)}, nil
}

// next is the first time after t, zero for none.
func (t timing) next(after time.Time) time.Time {
	if t.once.IsZero() {
		return t.cron.Next(after)
	}
	if t.once.After(after) {
		return t.once
	}
	return time.Time{}
}

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

func (p *TaskPool) fireDue(ctx context.Context) error {
	for {
		due, err := p.st.Schedules().Due(ctx, p.cfg.Now(), scheduleBatch)
		if err != nil {
			return fmt.Errorf("due schedules: %w", err)
		}
		for _, s := range due {
			err := p.fire(ctx, s)
			if errors.Is(err, store.ErrMoved) || errors.Is(err, store.ErrNotFound) {
				continue // another process was faster, or it was deleted
			}
			if err != nil {
				return fmt.Errorf("schedule %d: %w", s.ID, err)
			}
		}
		if len(due) < scheduleBatch {
			return nil
		}
	}
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
		if !t.once.IsZero() {
			a.Deactivate, a.Error = true, "was missed: the time had passed by more than an hour"
		}
		return p.st.Schedules().Advance(ctx, s.ID, s.NextRun, a)
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
			a.Error = err.Error()
			return p.st.Schedules().Advance(ctx, s.ID, prev, a)
		case s.LastCommitHash != nil && *s.LastCommitHash == hash:
			return p.st.Schedules().Advance(ctx, s.ID, prev, a)
		}
		a.Commit = &hash
	}
	r, err := p.scheduled(ctx, s)
	if err != nil {
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

// remoteHead asks the watched repository where its branch is.
func (p *TaskPool) remoteHead(ctx context.Context, s store.Schedule) (string, error) {
	repo, err := p.st.Repositories().Get(ctx, s.ProjectID, *s.RepositoryID)
	if err != nil {
		return "", fmt.Errorf("watched repository: %w", err)
	}
	heads, err := p.branches(ctx, repo)
	if err != nil {
		return "", err
	}
	for _, h := range heads {
		if h.Name == repo.GitBranch {
			return h.Hash, nil
		}
	}
	return "", fmt.Errorf("the watched repository has no branch %q", repo.GitBranch)
}

// Branches lists the branches of a repository's remote.
func (p *TaskPool) Branches(ctx context.Context, project, repository int64) ([]job.Head, error) {
	repo, err := p.st.Repositories().Get(ctx, project, repository)
	if err != nil {
		return nil, fmt.Errorf("repository %d: %w", repository, err)
	}
	return p.branches(ctx, repo)
}
