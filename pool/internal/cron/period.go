package cron

import "time"

// period is a stretch of time in which a zone's clock runs evenly. A clock time
// is held as a time in UTC that shows the same digits.
type period struct {
	start, end time.Time // zero: without bound; end is not part of it
	offset     time.Duration
}

func periodAt(t time.Time, zone *time.Location) period {
	t = t.In(zone)
	_, seconds := t.Zone()
	start, end := t.ZoneBounds()
	return period{start: start, end: end, offset: time.Duration(seconds) * time.Second}
}

// wall returns what the clock shows at an instant.
func (p period) wall(instant time.Time) time.Time { return instant.UTC().Add(p.offset) }

// instant returns when the clock shows a time, were it to run on as in p.
func (p period) instant(wall time.Time) time.Time { return wall.Add(-p.offset) }

func (p period) holds(instant time.Time) bool {
	return !instant.Before(p.start) && (p.end.IsZero() || instant.Before(p.end))
}

func (p period) before(zone *time.Location) (period, bool) {
	if p.start.IsZero() {
		return period{}, false
	}
	return periodAt(p.start.Add(-time.Second), zone), true
}

// firstReached returns the first instant at which the zone's clock shows wall
// or, where it skips that, has passed it.
func firstReached(wall time.Time, zone *time.Location) time.Time {
	// No zone is 24 hours or more away from UTC, so what the clock shows a day
	// and more before wall is earlier than wall.
	p := periodAt(wall.Add(-26*time.Hour), zone)
	for {
		instant := p.instant(wall)
		switch {
		case instant.Before(p.start):
			return p.start.UTC() // within the gap at the start
		case p.holds(instant):
			return instant.UTC()
		}
		p = periodAt(p.end, zone)
	}
}
