package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func scheduleCases() []testCase {
	return []testCase{
		{"due are active schedules whose time has come, the longest due first", due},
		{"next is the earliest time of an active schedule", next},
		{"a schedule moves on once per tick", advances},
		{"a tick may end a schedule", advanceEnds},
		{"an update says when the schedule runs next", updatesNextRun},
	}
}

func at(when time.Time) func(*store.Schedule) {
	return func(s *store.Schedule) { s.NextRun = &when }
}

func scheduleIDs(list []store.Schedule) []int64 {
	found := []int64{}
	for _, s := range list {
		found = append(found, s.ID)
	}
	return found
}

func due(t *testing.T, w *world) {
	now := w.clock.Now()
	off := func(s *store.Schedule) { s.Active = false }
	later, soon := w.schedule(t, at(now.Add(time.Second))), w.schedule(t, at(now))
	long := w.neighbour(t).schedule(t, at(now.Add(-time.Hour)))
	unknown := w.schedule(t)
	w.schedule(t, at(now.Add(-time.Minute)), off)
	w.schedule(t, off)
	list, err := w.Schedules().Due(t.Context(), now, 10)
	require.NoError(t, err)
	require.ElementsMatch(t, []store.Schedule{unknown, long, soon}, list)
	var known []int64
	for _, s := range list {
		if s.NextRun != nil {
			known = append(known, s.ID)
		}
	}
	require.Equal(t, []int64{long.ID, soon.ID}, known)
	list, err = w.Schedules().Due(t.Context(), now.Add(time.Second), 10)
	require.NoError(t, err)
	require.Contains(t, scheduleIDs(list), later.ID)
	list, err = w.Schedules().Due(t.Context(), now, 1)
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func next(t *testing.T, w *world) {
	first, err := w.Schedules().Next(t.Context())
	require.NoError(t, err)
	require.True(t, first.IsZero())
	now := w.clock.Now()
	w.schedule(t, at(now.Add(2*time.Hour)))
	w.neighbour(t).schedule(t, at(now.Add(time.Hour)))
	w.schedule(t, at(now), func(s *store.Schedule) { s.Active = false })
	first, err = w.Schedules().Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, now.Add(time.Hour), first)
}

func advances(t *testing.T, w *world) {
	now := w.clock.Now()
	s := w.schedule(t, func(s *store.Schedule) { s.LastError = "old" })
	one, two, commit := now.Add(time.Hour), now.Add(2*time.Hour), "abc"
	a := w.Schedules()
	require.NoError(t, a.Advance(t.Context(), s.ID, nil, store.Advance{NextRun: &one}))
	require.ErrorIs(t, a.Advance(t.Context(), s.ID, nil, store.Advance{NextRun: &two}), store.ErrMoved)
	require.ErrorIs(t, a.Advance(t.Context(), s.ID, &two, store.Advance{NextRun: &two}), store.ErrMoved)
	got, err := a.Get(t.Context(), w.project.ID, s.ID)
	require.NoError(t, err)
	s.NextRun, s.LastError = &one, ""
	require.Equal(t, s, got)
	require.NoError(t, a.Advance(t.Context(), s.ID, &one, store.Advance{NextRun: &two, LastRun: &one, Commit: &commit, Error: "no key"}))
	s.NextRun, s.LastRun, s.LastCommitHash, s.LastError = &two, &one, &commit, "no key"
	got, err = a.Get(t.Context(), w.project.ID, s.ID)
	require.NoError(t, err)
	require.Equal(t, s, got)
	require.NoError(t, a.Advance(t.Context(), s.ID, &two, store.Advance{}))
	s.NextRun, s.LastError = nil, ""
	got, err = a.Get(t.Context(), w.project.ID, s.ID)
	require.NoError(t, err)
	require.Equal(t, s, got)
}

func advanceEnds(t *testing.T, w *world) {
	now := w.clock.Now()
	once, gone := w.schedule(t, at(now)), w.schedule(t, at(now))
	require.NoError(t, w.Schedules().Advance(t.Context(), once.ID, &now, store.Advance{Deactivate: true, LastRun: &now}))
	got, err := w.Schedules().Get(t.Context(), w.project.ID, once.ID)
	require.NoError(t, err)
	require.False(t, got.Active)
	require.NoError(t, w.Schedules().Advance(t.Context(), gone.ID, &now, store.Advance{Delete: true}))
	_, err = w.Schedules().Get(t.Context(), w.project.ID, gone.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, w.Schedules().Advance(t.Context(), gone.ID, &now, store.Advance{}), store.ErrMoved)
	list, err := w.Schedules().Due(t.Context(), now, 10)
	require.NoError(t, err)
	require.Empty(t, list)
}

func updatesNextRun(t *testing.T, w *world) {
	now := w.clock.Now()
	commit := "abc"
	s := w.schedule(t, at(now))
	require.NoError(t, w.Schedules().Advance(t.Context(), s.ID, &now, store.Advance{NextRun: &now, Commit: &commit}))
	s.CronFormat = "@daily"
	s.NextRun, s.LastCommitHash = nil, nil
	require.NoError(t, w.Schedules().Update(t.Context(), s))
	got, err := w.Schedules().Get(t.Context(), w.project.ID, s.ID)
	require.NoError(t, err)
	require.Equal(t, s, got)
}
