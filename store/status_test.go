package store_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// allowed is the table of transitions, written down a second time.
var allowed = map[store.Status][]store.Status{
	store.Waiting:             {store.Starting, store.Stopped, store.Failed},
	store.Starting:            {store.Running, store.Stopping, store.Stopped, store.Success, store.Failed, store.Waiting, store.WaitingConfirmation, store.Confirmed},
	store.Running:             {store.Stopping, store.Stopped, store.Success, store.Failed, store.Waiting, store.WaitingConfirmation, store.Confirmed},
	store.WaitingConfirmation: {store.Confirmed, store.Rejected, store.Stopped, store.Failed},
	store.Confirmed:           {store.Starting, store.Stopped, store.Failed},
	store.Rejected:            {store.Failed},
	store.Stopping:            {store.Stopped, store.Success, store.Failed, store.Waiting},
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	states := append(store.Statuses(), "", "nonsense")
	for _, from := range states {
		for _, to := range states {
			require.Equalf(t, slices.Contains(allowed[from], to), from.CanBecome(to), "%q to %q", from, to)
		}
	}
}

func TestWhatAStateMeans(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status                                store.Status
		finished, claimable, leased, excludes bool
	}{
		{status: store.Waiting, claimable: true},
		{status: store.Starting, leased: true, excludes: true},
		{status: store.Running, leased: true, excludes: true},
		{status: store.WaitingConfirmation, excludes: true},
		{status: store.Confirmed, claimable: true, excludes: true},
		{status: store.Rejected},
		{status: store.Stopping, leased: true, excludes: true},
		{status: store.Stopped, finished: true},
		{status: store.Success, finished: true},
		{status: store.Failed, finished: true},
	} {
		s := tc.status
		require.Equal(t, tc.finished, s.Finished(), s)
		require.Equal(t, tc.claimable, s.Claimable(), s)
		require.Equal(t, tc.leased, s.Leased(), s)
		require.Equal(t, tc.excludes, s.Excludes(), s)
		require.Contains(t, store.Statuses(), s)
		require.Equal(t, s.Finished(), !slices.ContainsFunc(store.Statuses(), s.CanBecome), "%s is final or goes on", s)
	}
	require.Len(t, store.Statuses(), 10)
}

// TestEveryWayEnds walks at random: nothing leaves a final state, only a
// claimable one gets a worker, and from everywhere there is a way to an end.
func TestEveryWayEnds(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ends := map[store.Status]int{}
	for range 2000 {
		s, steps := store.Waiting, 0
		for ; !s.Finished() && steps < 200; steps++ {
			next := store.Statuses()[random.IntN(10)]
			if !s.CanBecome(next) {
				continue
			}
			require.Falsef(t, next == store.Starting && !s.Claimable(), "%s got a worker", s)
			require.Falsef(t, next == store.Confirmed && s != store.WaitingConfirmation && s != store.Starting && s != store.Running, "%s was confirmed", s)
			s = next
		}
		if s.Finished() {
			ends[s]++
		}
	}
	require.Len(t, ends, 3)
}

func TestStopLevelsRise(t *testing.T) {
	t.Parallel()
	levels := []store.StopLevel{store.StopNone, store.StopGentle, store.StopForce, store.StopKill}
	for i, l := range levels {
		require.Equal(t, i, l.Rank())
	}
	require.Zero(t, store.StopLevel("nonsense").Rank())
}
