package cron

import (
	"slices"
	"time"
)

// MissedPolicy says what becomes of ticks that nobody served in time, as when
// the server was down.
type MissedPolicy string

// The policies. Anything else counts as MissedSkip, the neutral one.
const (
	MissedSkip MissedPolicy = "skip" // none fires late
	MissedOnce MissedPolicy = "once" // the newest one fires
	MissedAll  MissedPolicy = "all"  // all within the Bound fire
)

// Bound limits how late a tick may fire.
type Bound struct {
	Tolerance time.Duration // MissedSkip: a tick as late as this is not missed yet. Defaults to 1 minute.
	Age       time.Duration // MissedAll: older ticks are left out. Defaults to 24 hours.
	Count     int           // the most ticks to fire at once; the newest are kept. Defaults to 100.
}

func (b Bound) withDefaults() Bound {
	if b.Tolerance <= 0 {
		b.Tolerance = time.Minute
	}
	if b.Age <= 0 {
		b.Age = 24 * time.Hour
	}
	if b.Count <= 0 {
		b.Count = 100
	}
	return b
}

// Missed returns which ticks a schedule has to fire now, in order, and when it
// fires next; next is zero where that is never. Ticks up to last are done: pass
// the latest tick that fired or was left out, or the moment from which the
// schedule is active.
//
// What is returned is always later than last, so a clock that was put back
// fires nothing twice: the schedule rests until the clock has passed last
// again. A last that is far ahead of now stops it as long; only the caller can
// know that such a clock was wrong.
func Missed(s Schedule, last, now time.Time, policy MissedPolicy, bound Bound) (fire []time.Time, next time.Time) {
	if !last.Before(now) {
		return nil, s.Next(last)
	}
	bound = bound.withDefaults()
	from, count := last, bound.Count
	switch policy {
	case MissedOnce:
		count = 1
	case MissedAll:
		from = later(last, now.Add(-bound.Age-1))
	default:
		from = later(last, now.Add(-bound.Tolerance-1))
	}
	return s.newest(from, now, count), s.Next(now)
}

// newest returns the latest ticks with from < tick <= to in order, at most
// limit. It looks at few of the ticks in between: a year of them may lie there.
func (s Schedule) newest(from, to time.Time, limit int) []time.Time {
	var ticks []time.Time
	for len(ticks) < limit {
		tick, ok := s.latest(from, to)
		if !ok {
			break
		}
		ticks = append(ticks, tick)
		to = tick.Add(-1)
	}
	slices.Reverse(ticks)
	return ticks
}

// latest returns the last tick with from < tick <= to, by halving.
func (s Schedule) latest(from, to time.Time) (tick time.Time, ok bool) {
	tick, end := s.Next(from), to
	if tick.IsZero() || tick.After(end) {
		return time.Time{}, false
	}
	for {
		next := s.Next(tick)
		if next.IsZero() || next.After(end) {
			return tick, true
		}
		tick = next
		middle := tick.Add(end.Sub(tick) / 2)
		if next = s.Next(middle); next.IsZero() || next.After(end) {
			end = middle // nothing lies behind it
		} else {
			tick = next
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
