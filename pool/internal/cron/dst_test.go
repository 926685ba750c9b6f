package cron_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patterns are schedules with what they mean, told without the parser. Their
// ticks, as all clock changes, lie on a raster of 15 minutes.
var patterns = []struct {
	text   string
	hourly bool
	named  func(wall time.Time) bool
}{
	{"*/15 * * * *", true, func(w time.Time) bool { return w.Minute()%15 == 0 }},
	{"0 * * * *", true, func(w time.Time) bool { return w.Minute() == 0 }},
	{"30 0-23 * * *", true, func(w time.Time) bool { return w.Minute() == 30 }},
	{"*/30 * * * 0", true, func(w time.Time) bool { return w.Minute()%30 == 0 && w.Weekday() == time.Sunday }},
	{"0 0 * * *", false, func(w time.Time) bool { return w.Minute() == 0 && w.Hour() == 0 }},
	{"30 2 * * *", false, func(w time.Time) bool { return w.Minute() == 30 && w.Hour() == 2 }},
	{"15 1 * * *", false, func(w time.Time) bool { return w.Minute() == 15 && w.Hour() == 1 }},
	{"45 1,2 * * *", false, func(w time.Time) bool { return w.Minute() == 45 && (w.Hour() == 1 || w.Hour() == 2) }},
	{"0 */2 * * *", false, func(w time.Time) bool { return w.Minute() == 0 && w.Hour()%2 == 0 }},
	{"*/15 2 * * *", false, func(w time.Time) bool { return w.Minute()%15 == 0 && w.Hour() == 2 }},
	{"*/15 0-3 * * *", false, func(w time.Time) bool { return w.Hour() <= 3 }},
	{"0 3 29 * sun", false, func(w time.Time) bool {
		return w.Minute() == 0 && w.Hour() == 3 && (w.Day() == 29 || w.Weekday() == time.Sunday)
	}},
}

// walk finds the ticks of all patterns step by step: a schedule of named
// hours fires when the clock first reaches or passes a time it names, the others
// whenever the clock shows one.
func walk(z *time.Location, from, to time.Time) [][]time.Time {
	show := func(t time.Time) time.Time {
		_, offset := t.In(z).Zone()
		return t.UTC().Add(time.Duration(offset) * time.Second)
	}
	ticks := make([][]time.Time, len(patterns))
	const step = 15 * time.Minute
	reached := show(from)
	for t := from.UTC().Add(step); !t.After(to); t = t.Add(step) {
		wall := show(t)
		var first []time.Time // what the clock reaches now
		for reached.Before(wall) {
			reached = reached.Add(step)
			first = append(first, reached)
		}
		for i, p := range patterns {
			if p.hourly && p.named(wall) || !p.hourly && slices.ContainsFunc(first, p.named) {
				ticks[i] = append(ticks[i], t)
			}
		}
	}
	return ticks
}

func TestNextAgreesWithAWalkOfTheYear(t *testing.T) {
	t.Parallel()
	for name, year := range map[string]int{
		"Europe/Berlin": 2026, "America/New_York": 2026, "Asia/Kolkata": 2026, "Australia/Lord_Howe": 2026, "UTC": 2026,
		"America/Sao_Paulo": 2018, // the gap is at midnight
		"Asia/Beirut":       2024, // likewise
		"Africa/Casablanca": 2025, // summer time pauses for Ramadan
		"Pacific/Apia":      2011, // 30 December was left out
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := zone(t, name)
			from := time.Date(year, 1, 1, 0, 0, 0, 0, z)
			to := time.Date(year+1, 1, 1, 0, 0, 0, 0, z)
			for i, want := range walk(z, from, to) {
				got := parse(t, patterns[i].text, z).Ticks(from, to, 1_000_000)
				require.Len(t, got, len(want), patterns[i].text)
				for n := range want {
					if !want[n].Equal(got[n]) {
						require.Equal(t, want[n], got[n], patterns[i].text)
					}
				}
			}
		})
	}
}

func TestDailyFiresOncePerLocalDay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "America/Sao_Paulo"} {
		z := zone(t, name)
		for clock := time.Duration(0); clock < 24*time.Hour; clock += 30 * time.Minute {
			text := time.Time{}.Add(clock).Format("4 15 * * *")
			s := parse(t, text, z)
			for _, year := range []int{2018, 2026} {
				days := map[int]int{}
				from, to := time.Date(year, 1, 1, 0, 0, 0, 0, z).Add(-1), time.Date(year+1, 1, 1, 0, 0, 0, 0, z).Add(-1)
				for _, tick := range s.Ticks(from, to, 1000) {
					days[tick.In(z).YearDay()]++
				}
				require.Len(t, days, 365, "%s in %s", text, name)
				for day, n := range days {
					if n != 1 {
						t.Errorf("%s in %s fires %d times on day %d", text, name, n, day)
					}
				}
			}
		}
	}
}

func TestClockChangeDays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		zone, text, from, to string
		count                int
		first                string
	}{
		"skipped time fires after the gap":      {"Europe/Berlin", "30 2 * * *", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 1, "2026-03-29T03:00:00+02:00"},
		"repeated time fires at its first":      {"Europe/Berlin", "30 2 * * *", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 1, "2026-10-25T02:30:00+02:00"},
		"skipped times give one tick":           {"Europe/Berlin", "*/10 2 * * *", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 1, "2026-03-29T03:00:00+02:00"},
		"one tick with the time after the gap":  {"Europe/Berlin", "0 2,3 * * *", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 1, "2026-03-29T03:00:00+02:00"},
		"real hours in spring":                  {"Europe/Berlin", "0 * * * *", "2026-03-28T23:59:59+01:00", "2026-03-29T23:59:59+02:00", 23, "2026-03-29T00:00:00+01:00"},
		"real hours in autumn":                  {"Europe/Berlin", "@hourly", "2026-10-24T23:59:59+02:00", "2026-10-25T23:59:59+01:00", 25, "2026-10-25T00:00:00+02:00"},
		"minutes of a named hour in autumn":     {"Europe/Berlin", "* 2 * * *", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 60, "2026-10-25T02:00:00+02:00"},
		"within the second occurrence":          {"Europe/Berlin", "30 2 * * *", "2026-10-25T02:10:00+01:00", "2026-10-26T02:30:00+01:00", 1, "2026-10-26T02:30:00+01:00"},
		"half an hour in spring":                {"Australia/Lord_Howe", "15 2 * * *", "2026-10-04T00:00:00+10:30", "2026-10-05T00:00:00+11:00", 1, "2026-10-04T02:30:00+11:00"},
		"half an hour in autumn":                {"Australia/Lord_Howe", "45 1 * * *", "2026-04-05T00:00:00+11:00", "2026-04-06T00:00:00+10:30", 1, "2026-04-05T01:45:00+11:00"},
		"skipped midnight":                      {"America/Sao_Paulo", "@daily", "2018-11-03T12:00:00-03:00", "2018-11-04T12:00:00-02:00", 1, "2018-11-04T01:00:00-02:00"},
		"skipped day":                           {"Pacific/Apia", "0 12 30 12 *", "2011-12-29T00:00:00-10:00", "2012-01-02T00:00:00+14:00", 1, "2011-12-31T00:00:00+14:00"},
		"@every does not see the clock change":  {"Europe/Berlin", "@every 1h", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23, "2026-03-29T00:00:00Z"},
		"the zone in the text beats the server": {"UTC", "CRON_TZ=America/New_York 30 2 * * *", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 1, "2026-03-08T07:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ticks := parse(t, test.text, zone(t, test.zone)).Ticks(moment(t, test.from), moment(t, test.to), 2000)
			require.Len(t, ticks, test.count)
			require.Equal(t, moment(t, test.first).UTC(), ticks[0])
		})
	}
}
