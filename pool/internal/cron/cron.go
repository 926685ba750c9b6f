// Package cron is the arithmetic of schedules: which moments a cron text names,
// and which of them a server that was down still has to serve. It starts
// nothing and reads no clock.
//
// The dialect is that of robfig/cron: five fields (minute, hour, day of month,
// month, day of week), the descriptors @yearly, @annually, @monthly, @weekly,
// @daily, @midnight, @hourly and "@every 5m", and a zone in front of either as
// "CRON_TZ=Europe/Berlin " or "TZ=Europe/Berlin ".
//
// # Clock changes
//
// A schedule that names hours fires once for each time of day it names: a time
// that a clock change skips fires at the first instant after the gap, and one
// that comes twice fires at its first occurrence. "30 2 * * *" in Berlin fires
// once on each day of the year, at 03:00 on the day that has no 02:30. Several
// skipped times give one tick.
//
// A schedule for every hour ("*", "0-23", @hourly) counts real hours: the one
// that comes twice fires twice, the one that is skipped is left out. So
// "*/5 * * * *" fires every five minutes whatever the clock does.
//
// "@every" counts real time from an origin, never the clock.
package cron

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
	"unicode"

	robfig "github.com/robfig/cron/v3"
)

// MaxText is the longest text of a schedule, in bytes.
const MaxText = 255

// ParseError says what is wrong with the text of a schedule, for the person
// who wrote it.
type ParseError struct{ Message string }

// Error returns "Cron: " and the message, as the API spells it.
func (e *ParseError) Error() string { return "Cron: " + e.Message }

// Schedule is a parsed text. The zero value never fires. It is immutable and
// safe for concurrent use.
type Schedule struct {
	text   string
	spec   *robfig.SpecSchedule // fields, on a clock that never changes; nil for @every
	zone   *time.Location
	hourly bool  // the hour field names all hours
	every  int64 // seconds
	origin int64 // unix seconds
}

// Parse reads the text of a schedule. Where it names no zone, it is in
// defaultZone (UTC for nil). An @every counts from the unix epoch until
// [Schedule.WithOrigin] says otherwise. The error is a [*ParseError].
func Parse(text string, defaultZone *time.Location) (Schedule, error) {
	s, err := parse(text, defaultZone)
	if err != nil {
		return Schedule{}, &ParseError{Message: err.Error()}
	}
	return s, nil
}

const form = `write "minute hour day month weekday", such as "30 2 * * *", or @daily, @hourly, @every 5m`

func parse(text string, zone *time.Location) (Schedule, error) {
	if len(text) > MaxText {
		return Schedule{}, fmt.Errorf("the text has %d bytes, at most %d are allowed", len(text), MaxText)
	}
	fields := strings.TrimSpace(text)
	if strings.ContainsFunc(fields, func(r rune) bool { return r == unicode.ReplacementChar || unicode.IsControl(r) && r != '\t' }) {
		return Schedule{}, fmt.Errorf("the text has characters that cannot be printed; %s", form)
	}
	fields, zone, err := splitZone(fields, zone)
	if err != nil {
		return Schedule{}, err
	}
	if fields == "" {
		return Schedule{}, fmt.Errorf("the schedule is empty; %s", form)
	}
	parsed, err := robfig.ParseStandard(fields)
	if err != nil {
		return Schedule{}, fmt.Errorf("%w; %s", err, form)
	}
	s := Schedule{text: text, zone: zone}
	switch parsed := parsed.(type) {
	case robfig.ConstantDelaySchedule:
		return s.withEvery(fields, parsed.Delay)
	case *robfig.SpecSchedule:
		parsed.Location = time.UTC // the walk is over a clock without changes
		s.spec, s.hourly = parsed, parsed.Hour&allHours == allHours
		return s, checkFields(parsed)
	default:
		return Schedule{}, fmt.Errorf("%q is of an unknown kind; %s", fields, form)
	}
}

// splitZone takes the zone off the front. The parser's own code for it panics
// on a text that is a zone alone.
func splitZone(text string, zone *time.Location) (string, *time.Location, error) {
	if zone == nil {
		zone = time.UTC
	}
	name, found := strings.CutPrefix(text, "CRON_TZ=")
	if !found {
		if name, found = strings.CutPrefix(text, "TZ="); !found {
			return text, zone, nil
		}
	}
	fields := ""
	if i := strings.IndexFunc(name, unicode.IsSpace); i >= 0 {
		name, fields = name[:i], strings.TrimSpace(name[i:])
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return "", nil, fmt.Errorf("provided bad location %s: %w; name a zone such as Europe/Berlin or UTC", name, err)
	}
	if strings.HasPrefix(fields, "TZ=") || strings.HasPrefix(fields, "CRON_TZ=") {
		return "", nil, fmt.Errorf("two time zones are given; keep one")
	}
	return fields, zone, nil
}

func (s Schedule) withEvery(fields string, delay time.Duration) (Schedule, error) {
	// The parser turns what is zero or negative into a second, which floods.
	if d, err := time.ParseDuration(strings.TrimPrefix(fields, "@every ")); err != nil || d <= 0 {
		return Schedule{}, fmt.Errorf("%q needs a positive duration, such as @every 5m", fields)
	}
	s.every = int64(delay / time.Second)
	return s, nil
}

const allHours = 1<<24 - 1

// checkFields refuses a field such as "," that names nothing: it would never
// fire, and take long to find that out.
func checkFields(spec *robfig.SpecSchedule) error {
	for _, field := range []struct {
		name string
		bits uint64
	}{{"minute", spec.Minute}, {"hour", spec.Hour}, {"day of month", spec.Dom}, {"month", spec.Month}, {"day of week", spec.Dow}} {
		if bits.OnesCount64(field.bits) == 0 {
			return fmt.Errorf("the field %s names no value; %s", field.name, form)
		}
	}
	return nil
}

// WithOrigin returns the schedule with the moment from which @every counts:
// origin + n intervals, n >= 1. Give what never changes, such as the schedule's
// creation, and a restart shifts no tick. Fields have no use for it.
func (s Schedule) WithOrigin(origin time.Time) Schedule {
	s.origin = origin.Unix()
	return s
}

// Zone returns the zone that the schedule is read in: that of its text, or the
// default one.
func (s Schedule) Zone() *time.Location { return s.zone }

// String returns the text as it was given.
func (s Schedule) String() string { return s.text }
