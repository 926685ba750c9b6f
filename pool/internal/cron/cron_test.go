package cron_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the machine may have no zones

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/pool/internal/cron"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func parse(t testing.TB, text string, z *time.Location) cron.Schedule {
	t.Helper()
	s, err := cron.Parse(text, z)
	require.NoError(t, err)
	return s
}

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return m
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	after := moment(t, "2026-03-10T10:07:30Z") // a Tuesday
	for text, want := range map[string]string{
		"0 2 * * *":                            "2026-03-11T02:00:00Z",
		"  */15 * * * *\n":                     "2026-03-10T10:15:00Z",
		"5,10 8-11/3 * * *":                    "2026-03-10T11:05:00Z",
		"0 0 ? * MON":                          "2026-03-16T00:00:00Z",
		"0 0 13 * fri":                         "2026-03-13T00:00:00Z",
		"0 0 1,12 * sun":                       "2026-03-12T00:00:00Z",
		"0 0 29 2 *":                           "2028-02-29T00:00:00Z",
		"0 0 30 2 *":                           "",
		"@hourly":                              "2026-03-10T11:00:00Z",
		"@daily":                               "2026-03-11T00:00:00Z",
		"@midnight":                            "2026-03-11T00:00:00Z",
		"@weekly":                              "2026-03-15T00:00:00Z",
		"@monthly":                             "2026-04-01T00:00:00Z",
		"@yearly":                              "2027-01-01T00:00:00Z",
		"@annually":                            "2027-01-01T00:00:00Z",
		"@every 5m":                            "2026-03-10T10:10:00Z",
		"@every 10ms":                          "2026-03-10T10:07:31Z",
		"@every 87600h":                        "2029-12-17T00:00:00Z",
		"CRON_TZ=Asia/Kolkata 0 2 * * *":       "2026-03-10T20:30:00Z",
		"TZ=America/New_York\t0 2 * * *":       "2026-03-11T06:00:00Z",
		"CRON_TZ=Europe/Berlin   @daily":       "2026-03-10T23:00:00Z",
		"TZ=Asia/Kolkata @every 1h":            "2026-03-10T11:00:00Z",
		"0 0 1 1 *" + strings.Repeat(" ", 200): "2027-01-01T00:00:00Z",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			s := parse(t, text, nil)
			require.Equal(t, text, s.String())
			got := s.Next(after)
			if want == "" {
				require.True(t, got.IsZero())
				return
			}
			require.Equal(t, want, got.Format(time.RFC3339))
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       "Cron: the schedule is empty; write",
		"   ":                    "the schedule is empty",
		"0 2 * *":                `Cron: expected exactly 5 fields, found 4: [0 2 * *]; write "minute hour`,
		"0 0 2 * * *":            "found 6",
		"60 * * * *":             "above maximum (59)",
		"0 0 * * 7":              "above maximum (6)",
		"0 0 0 * *":              "below minimum (1)",
		"*/0 * * * *":            "step of range should be a positive number",
		"5-1 * * * *":            "beyond end of range",
		"x * * * *":              "failed to parse int from x",
		", * * * *":              "the field minute names no value",
		"0 0 * , *":              "the field month names no value",
		"@reboot":                "unrecognized descriptor: @reboot",
		"@every":                 "unrecognized descriptor",
		"@every x":               "failed to parse duration",
		"@every 0s":              "needs a positive duration, such as @every 5m",
		"@every -5m":             "needs a positive duration",
		"TZ=UTC":                 "the schedule is empty",
		"TZ=":                    "the schedule is empty",
		"CRON_TZ=Mars/Base * *":  "provided bad location Mars/Base",
		"TZ=../../etc/passwd * ": "provided bad location",
		"TZ=UTC TZ=UTC @daily":   "two time zones",
		"0 2 * * *\x00":          "cannot be printed",
		"0 2 *\n* *":             "cannot be printed",
		"\xff 2 * * *":           "cannot be printed",
		strings.Repeat("1", 256): "the text has 256 bytes, at most 255",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := cron.Parse(text, time.UTC)
			var parse *cron.ParseError
			require.ErrorAs(t, err, &parse)
			require.Contains(t, err.Error(), want)
			require.True(t, strings.HasPrefix(err.Error(), "Cron: "))
		})
	}
}

func TestEveryCountsFromItsOrigin(t *testing.T) {
	t.Parallel()
	origin := moment(t, "2026-01-02T03:04:05Z")
	s := parse(t, "@every 7m", nil).WithOrigin(origin.Add(300 * time.Millisecond))
	require.Equal(t, origin.Add(7*time.Minute), s.Next(origin.AddDate(-20, 0, 0)))
	require.Equal(t, origin.Add(7*time.Minute), s.Next(origin))
	require.Equal(t, origin.Add(14*time.Minute), s.Next(origin.Add(7*time.Minute)))
	for restart := range 100 {
		after := origin.Add(time.Duration(restart) * 97 * time.Second)
		next := s.Next(after)
		require.Zero(t, next.Sub(origin)%(7*time.Minute))
		require.True(t, next.After(after) && next.Sub(after) <= 7*time.Minute)
	}
}

func TestZeroScheduleNeverFires(t *testing.T) {
	t.Parallel()
	require.True(t, cron.Schedule{}.Next(time.Now()).IsZero())
	fire, next := cron.Missed(cron.Schedule{}, time.Unix(0, 0), time.Now(), cron.MissedAll, cron.Bound{})
	require.Empty(t, fire)
	require.True(t, next.IsZero())
}

func TestTicksAreBounded(t *testing.T) {
	t.Parallel()
	from := moment(t, "2026-03-10T10:00:00Z")
	s := parse(t, "*/20 * * * *", nil)
	require.Equal(t, []time.Time{from.Add(20 * time.Minute), from.Add(40 * time.Minute), from.Add(time.Hour)},
		s.Ticks(from, from.Add(time.Hour), 10), "from is not part of it, to is")
	require.Len(t, s.Ticks(from, from.AddDate(1, 0, 0), 5), 5)
	require.Empty(t, s.Ticks(from, from, 5))
	require.Empty(t, s.Ticks(from, from.Add(time.Hour), 0))
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"0 2 * * *", "*/5 1-5 * jan-mar mon", "@daily", "@every 5m", "@every -1h", "TZ=UTC", "CRON_TZ=Europe/Berlin 30 2 * * *",
		"TZ= * * * * *", "0 0 30 2 *", ", , , , ,", "1/99999999999 * * * *", "TZ=Local @hourly", "* * 29 2 *", "*-5 ? * * *",
	} {
		f.Add(seed, int64(1_774_742_400))
	}
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		s, err := cron.Parse(text, time.UTC)
		if err != nil {
			var parse *cron.ParseError
			require.ErrorAs(t, err, &parse)
			return
		}
		after := time.Unix(seconds%(1<<33), 0)
		last := after
		for _, tick := range s.Ticks(after, after.AddDate(6, 0, 0), 20) {
			require.True(t, tick.After(last))
			last = tick
		}
		fire, next := cron.Missed(s, after, after.AddDate(1, 0, 0), cron.MissedAll, cron.Bound{Age: 1 << 60, Count: 3})
		require.LessOrEqual(t, len(fire), 3)
		for _, tick := range fire {
			require.True(t, tick.After(after) && !tick.After(after.AddDate(1, 0, 0)))
		}
		require.True(t, next.IsZero() || next.After(after.AddDate(1, 0, 0)))
	})
}
