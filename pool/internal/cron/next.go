package cron

import "time"

// Next returns the first tick after a moment, in UTC; the zero time where none
// comes within five years, as for 30 February. An @every of a longer interval
// is found all the same.
func (s Schedule) Next(after time.Time) time.Time {
	switch {
	case s.every > 0:
		return s.nextEvery(after)
	case s.spec == nil:
		return time.Time{}
	case s.hourly:
		return s.nextReal(after)
	default:
		return s.nextNamed(after)
	}
}

func (s Schedule) nextEvery(after time.Time) time.Time {
	n := int64(1)
	if passed := after.Unix() - s.origin; passed > 0 {
		n += passed / s.every
	}
	return time.Unix(s.origin+n*s.every, 0).UTC()
}

// nextReal finds the next instant whose clock time is named.
func (s Schedule) nextReal(after time.Time) time.Time {
	p := periodAt(after, s.zone)
	from := p.wall(after)
	for {
		wall := s.spec.Next(from)
		if wall.IsZero() {
			return time.Time{}
		}
		tick := p.instant(wall)
		if p.end.IsZero() || tick.Before(p.end) {
			return tick
		}
		p = periodAt(p.end, s.zone)
		from = p.wall(p.start).Add(-1) // the first instant of a period may be a tick
	}
}

// nextNamed finds the next instant at which the clock first reaches a time that
// is named. That order is the order of the times themselves, as "first
// reached" never goes back when the clock does.
func (s Schedule) nextNamed(after time.Time) time.Time {
	p := periodAt(after, s.zone)
	reached := p.wall(after)
	if before, ok := p.before(s.zone); ok {
		// After the clock went back, what it showed before it did is reached.
		if high := before.wall(before.end).Add(-time.Second); high.After(reached) {
			reached = high
		}
	}
	for {
		wall := s.spec.Next(reached)
		if wall.IsZero() {
			return time.Time{}
		}
		if tick := firstReached(wall, s.zone); tick.After(after) {
			return tick
		}
		reached = wall
	}
}

// Ticks returns the ticks with from < tick <= to in order, at most limit.
func (s Schedule) Ticks(from, to time.Time, limit int) []time.Time {
	var ticks []time.Time
	for len(ticks) < limit {
		tick := s.Next(from)
		if tick.IsZero() || tick.After(to) {
			break
		}
		ticks = append(ticks, tick)
		from = tick
	}
	return ticks
}
