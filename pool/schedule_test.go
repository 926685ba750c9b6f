package pool_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// scheduling is a pool in a bubble with a template, and a clock of its own.
type scheduling struct {
	*pooltest.Pool
	t   *testing.T
	tpl store.Template
	clock
}

func setupSchedules(t *testing.T, o pooltest.Options) *scheduling {
	t.Helper()
	s := &scheduling{t: t}
	o.Config.Now, o.Config.Poll = s.now, 10*time.Second
	if o.Store == nil {
		o.Store = memory.New(memory.Config{Now: s.now})
	}
	s.Pool = pooltest.New(t, o)
	s.tpl = s.Template(store.Template{})
	return s
}

// schedule stores a schedule of the template and wakes the pool, as a handler
// does.
func (s *scheduling) schedule(row store.Schedule) store.Schedule {
	s.t.Helper()
	row.ProjectID, row.TemplateID, row.Active = s.tpl.ProjectID, s.tpl.ID, true
	if row.Name == "" {
		row.Name = "test"
	}
	require.NoError(s.t, s.CheckSchedule(row))
	row, err := s.Store().Schedules().Create(s.t.Context(), row)
	require.NoError(s.t, err)
	s.Wake()
	return row
}

func (s *scheduling) read(row store.Schedule) store.Schedule {
	s.t.Helper()
	row, err := s.Store().Schedules().Get(s.t.Context(), row.ProjectID, row.ID)
	require.NoError(s.t, err)
	return row
}

// fired lists the ticks that have a task, in order of their tasks.
func (s *scheduling) fired() []time.Time {
	s.t.Helper()
	var list []time.Time
	for _, task := range tasksOf(s.t, s.Pool, s.tpl) {
		require.NotNil(s.t, task.FireTime)
		list = append(list, *task.FireTime)
	}
	return list
}

// after lets time pass.
func (s *scheduling) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestEveryTickHasItsTask lives through the days on which Berlin changes its
// clocks, with a new pool every fifty minutes or so.
func TestEveryTickHasItsTask(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for name, day := range map[string]time.Time{
		"the day of 23 hours": time.Date(2026, 3, 29, 0, 0, 0, 0, berlin), "the day of 25 hours": time.Date(2026, 10, 25, 0, 0, 0, 0, berlin),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			synctest.Test(t, func(t *testing.T) {
				var c clock
				begin := day.Add(-time.Hour)
				c.move(time.Until(begin))
				st := memory.New(memory.Config{Now: c.now})
				next := func() *pooltest.Pool {
					return pooltest.New(t, pooltest.Options{Store: st, Idle: true, Config: pool.Config{Now: c.now, Location: berlin, Poll: time.Minute}})
				}
				p := next()
				s := &scheduling{Pool: p, t: t, tpl: p.Template(store.Template{})}
				texts := map[string]string{"*/5 * * * *": store.MissedAll, "30 2 * * *": store.MissedAll, "0 * * * *": store.MissedOnce, "@every 7m": "", "15 0-3 * * *": ""}
				rows := map[string]store.Schedule{}
				for text, missed := range texts {
					rows[text] = s.schedule(store.Schedule{Name: text, CronFormat: text, Missed: missed})
				}
				for c.now().Before(day.Add(26 * time.Hour)) {
					stop := p.Start()
					time.Sleep(time.Duration(random.IntN(100)) * time.Minute)
					stop()
					p = next()
				}
				stop := p.Start() // for what was added in the last moment
				time.Sleep(time.Second)
				stop()
				ticks := map[int64][]time.Time{}
				for _, task := range tasksOf(t, p, s.tpl) {
					require.Equal(t, store.Success, task.Status, task.Reason)
					ticks[*task.ScheduleID] = append(ticks[*task.ScheduleID], *task.FireTime)
				}
				for text, row := range rows {
					var want []time.Time
					all, err := p.NextRuns(row, begin, 1000)
					require.NoError(t, err)
					for _, tick := range all {
						if !tick.After(c.now()) {
							want = append(want, tick)
						}
					}
					require.Equal(t, want, ticks[row.ID], text)
				}
				require.Len(t, slices.DeleteFunc(ticks[rows["30 2 * * *"].ID], func(tick time.Time) bool { return tick.After(day.Add(20 * time.Hour)) }), 1)
			})
		})
	}
}

func TestRunOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		row   store.Schedule
		down  time.Duration // from before its time on
		fires bool
		gone  bool
		says  string
	}{
		{name: "fires at its time and is switched off", fires: true},
		{name: "is deleted where that was asked for", row: store.Schedule{DeleteAfterRun: true}, fires: true, gone: true},
		{name: "fires an hour late at most", down: 59 * time.Minute, fires: true},
		{name: "is missed after that", down: 62 * time.Minute, says: "was missed"},
		{name: "fires later where that was asked for", row: store.Schedule{Missed: store.MissedOnce}, down: 50 * time.Hour, fires: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := setupSchedules(t, pooltest.Options{Idle: c.down > 0})
				at := s.now().Add(time.Minute)
				c.row.Type, c.row.RunAt = store.ScheduleRunAt, &at
				row := s.schedule(c.row)
				if c.down > 0 {
					s.after(c.down + time.Minute)
					s.Start()
				} else {
					s.after(59 * time.Second)
					require.Empty(t, s.fired())
				}
				s.after(time.Hour)
				require.Equal(t, c.fires, len(s.fired()) == 1)
				if c.gone {
					_, err := s.Store().Schedules().Get(t.Context(), row.ProjectID, row.ID)
					require.ErrorIs(t, err, store.ErrNotFound)
					return
				}
				row = s.read(row)
				require.False(t, row.Active)
				require.True(t, row.LastRun.Equal(at.Truncate(time.Millisecond)))
				require.Contains(t, row.LastError, c.says)
			})
		})
	}
}

func TestMissedTicks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		missed  string
		seconds int
		want    int
	}{{"", 0, 0}, {store.MissedSkip, 0, 0}, {store.MissedOnce, 0, 1}, {store.MissedAll, 0, 12}, {store.MissedAll, 3 * 3600, 36}} {
		t.Run(fmt.Sprintf("%s %d", c.missed, c.seconds), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := setupSchedules(t, pooltest.Options{Idle: true})
				first := s.now().Truncate(5 * time.Minute).Add(5 * time.Minute)
				s.schedule(store.Schedule{CronFormat: "*/5 * * * *", Missed: c.missed, MissedSeconds: c.seconds, NextRun: &first})
				s.after(24*time.Hour + 3*time.Minute)
				stop := s.Start()
				s.after(time.Second)
				require.Len(t, s.fired(), c.want)
				s.after(5 * time.Minute)
				require.Len(t, s.fired(), c.want+1, "it goes on")
				stop()
			})
		})
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for overlap, want := range map[string]int{store.OverlapQueue: 6, "": 6, store.OverlapSkip: 2} {
		t.Run("policy "+overlap, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := setupSchedules(t, pooltest.Options{Script: func(*job.Spec) jobtest.Script {
					return jobtest.Script{Delay: 2*time.Minute + 30*time.Second}
				}})
				row := s.schedule(store.Schedule{CronFormat: "* * * * *", Overlap: overlap})
				s.after(3*time.Minute + time.Second)
				require.Equal(t, overlap == store.OverlapSkip, s.read(row).LastError == "left out: the task before had not ended")
				s.after(3 * time.Minute)
				require.Len(t, s.fired(), want)
				s.after(58 * time.Second) // the tick after the one that was left out
				s.after(time.Minute)
				require.Empty(t, s.read(row).LastError)
			})
		})
	}
}

func TestAClockThatGoesBackFiresNothingTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := setupSchedules(t, pooltest.Options{})
		row := s.schedule(store.Schedule{CronFormat: "*/10 * * * *"})
		s.after(2*time.Hour + time.Minute)
		require.Len(t, s.fired(), 12)
		s.move(-time.Hour)
		s.after(30 * time.Minute)
		require.Len(t, s.fired(), 12)
		row = s.read(row)
		row.NextRun = nil
		require.NoError(t, s.Store().Schedules().Update(t.Context(), row))
		s.Wake()
		s.after(2 * time.Hour)
		ticks := s.fired()
		for i := 1; i < len(ticks); i++ {
			require.Equal(t, 10*time.Minute, ticks[i].Sub(ticks[i-1]), "each once, none left out")
		}
		require.Greater(t, len(ticks), 18)
	})
}

func TestTwoPoolsFireATickOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := setupSchedules(t, pooltest.Options{Store: shared{newStore()}})
		for range 2 {
			other := pooltest.New(t, pooltest.Options{Store: s.Store(), Idle: true, Config: pool.Config{Now: s.now}})
			other.Start()
		}
		s.schedule(store.Schedule{CronFormat: "* * * * *", Missed: store.MissedAll})
		s.after(time.Hour + time.Second)
		ticks := s.fired()
		require.Len(t, ticks, 60)
		for i := 1; i < len(ticks); i++ {
			require.Equal(t, time.Minute, ticks[i].Sub(ticks[i-1]))
		}
	})
}
