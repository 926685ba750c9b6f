package pool

import (
	"iter"
	"time"

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
	watchesAtOnce  = 8
	watchPoll      = time.Second     // how often schedules are looked at while remotes are asked
	watchPause     = 5 * time.Second // after a tick that the store did not take
)

// CheckSchedule says what is wrong with a schedule, nil for nothing.
func (p *TaskPool) CheckSchedule(s store.Schedule) error {
	t, err := p.timing(s)
	if err != nil {
		return err
	}
	if t.once.IsZero() && t.next(p.cfg.Now()).IsZero() {
		return refuse("cron_format", "%q never fires: correct it", s.CronFormat)
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
	ticks, err := p.Ticks(s, after)
	if err != nil || n <= 0 {
		return nil, err
	}
	var list []time.Time
	for tick := range ticks {
		if list = append(list, tick); len(list) == n {
			break
		}
	}
	return list, nil
}

// Ticks yields the times at which a schedule fires after a moment, in order and
// in UTC, as long as the caller asks for more and there are more.
func (p *TaskPool) Ticks(s store.Schedule, after time.Time) (iter.Seq[time.Time], error) {
	t, err := p.timing(s)
	if err != nil {
		return nil, err
	}
	return func(yield func(time.Time) bool) {
		for tick := t.next(after); !tick.IsZero() && yield(tick.UTC()); {
			tick = t.next(tick)
		}
	}, nil
}

// ScheduleZone is the time zone that the expression of a schedule is read in: the
// one that the expression names, else Timezone, else the configured one.
func (p *TaskPool) ScheduleZone(s store.Schedule) (*time.Location, error) {
	t, err := p.timing(s)
	if err != nil {
		return nil, err
	}
	if zone := t.cron.Zone(); zone != nil {
		return zone, nil
	}
	return p.cfg.Location, nil
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
