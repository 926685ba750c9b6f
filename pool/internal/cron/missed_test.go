package cron_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/pool/internal/cron"
)

func TestMissed(t *testing.T) {
	t.Parallel()
	ten := moment(t, "2026-03-10T10:00:00Z")
	at := func(d time.Duration) time.Time { return ten.Add(d) }
	for name, test := range map[string]struct {
		text      string
		last, now time.Time
		policy    cron.MissedPolicy
		bound     cron.Bound
		fire      []time.Time
		next      time.Time
	}{
		"nothing is due":               {"@hourly", ten, at(time.Minute), cron.MissedAll, cron.Bound{}, nil, at(time.Hour)},
		"on time":                      {"@hourly", ten, at(time.Hour), cron.MissedSkip, cron.Bound{}, []time.Time{at(time.Hour)}, at(2 * time.Hour)},
		"a little late is not missed":  {"@hourly", ten, at(61 * time.Minute), cron.MissedSkip, cron.Bound{}, []time.Time{at(time.Hour)}, at(2 * time.Hour)},
		"later is skipped":             {"@hourly", ten, at(61*time.Minute + 1), cron.MissedSkip, cron.Bound{}, nil, at(2 * time.Hour)},
		"skip with a wider tolerance":  {"@hourly", ten, at(90 * time.Minute), cron.MissedSkip, cron.Bound{Tolerance: time.Hour}, []time.Time{at(time.Hour)}, at(2 * time.Hour)},
		"an unknown policy skips":      {"@hourly", ten, at(90 * time.Minute), "", cron.Bound{}, nil, at(2 * time.Hour)},
		"once fires the newest":        {"@hourly", ten, at(5*time.Hour + 1), cron.MissedOnce, cron.Bound{}, []time.Time{at(5 * time.Hour)}, at(6 * time.Hour)},
		"once after years":             {"0 10 10 3 *", ten.AddDate(-4, 0, 0), ten.AddDate(0, 6, 0), cron.MissedOnce, cron.Bound{}, []time.Time{ten}, ten.AddDate(1, 0, 0)},
		"all":                          {"@hourly", ten, at(3 * time.Hour), cron.MissedAll, cron.Bound{}, []time.Time{at(time.Hour), at(2 * time.Hour), at(3 * time.Hour)}, at(4 * time.Hour)},
		"all within an age":            {"@hourly", ten, at(5*time.Hour + 1), cron.MissedAll, cron.Bound{Age: 2 * time.Hour}, []time.Time{at(4 * time.Hour), at(5 * time.Hour)}, at(6 * time.Hour)},
		"all keeps the newest":         {"* * * * *", ten, at(24 * time.Hour), cron.MissedAll, cron.Bound{Count: 2}, []time.Time{at(1439 * time.Minute), at(24 * time.Hour)}, at(1441 * time.Minute)},
		"the clock went back":          {"@hourly", at(5 * time.Hour), at(time.Hour), cron.MissedAll, cron.Bound{}, nil, at(6 * time.Hour)},
		"the clock stands":             {"@hourly", ten, ten, cron.MissedAll, cron.Bound{}, nil, at(time.Hour)},
		"@every from an unaligned now": {"@every 1h", at(10 * time.Minute), at(3*time.Hour + time.Second), cron.MissedOnce, cron.Bound{}, []time.Time{at(3 * time.Hour)}, at(4 * time.Hour)},
		"never":                        {"0 0 30 2 *", ten, at(time.Hour), cron.MissedAll, cron.Bound{}, nil, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fire, next := cron.Missed(parse(t, test.text, nil), test.last, test.now, test.policy, test.bound)
			require.Equal(t, test.fire, fire)
			require.Equal(t, test.next, next)
		})
	}
}

// TestTicksFireOnceWhateverTheClockDoes runs a server that is down at random
// and whose clock jumps both ways, over the days of both clock changes.
func TestTicksFireOnceWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	z := zone(t, "Europe/Berlin")
	wide := cron.Bound{Age: 1 << 60, Count: 100_000}
	for _, text := range []string{"30 2 * * *", "*/7 * * * *", "*/13 0-4 * * *", "@every 11m"} {
		for _, policy := range []cron.MissedPolicy{cron.MissedSkip, cron.MissedOnce, cron.MissedAll} {
			for _, day := range []string{"2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z"} {
				s := parse(t, text, z).WithOrigin(moment(t, "2026-01-01T00:00:01Z"))
				begin := moment(t, day)
				last, highest := begin, begin
				var fired []time.Time
				for now := begin; now.Before(begin.Add(72 * time.Hour)); now = now.Add(time.Duration(random.IntN(7200)-1800) * time.Second) {
					fire, next := cron.Missed(s, last, now, policy, wide)
					for _, tick := range fire {
						require.True(t, tick.After(last), "%s fires twice", tick)
						last = tick
						fired = append(fired, tick)
					}
					require.True(t, next.After(last))
					if now.After(highest) {
						highest = now
					}
				}
				if policy == cron.MissedAll {
					require.Equal(t, s.Ticks(begin, highest, 100_000), fired)
				}
			}
		}
	}
}
