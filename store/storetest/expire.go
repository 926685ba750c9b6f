package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func expireCases() []testCase {
	return []testCase{
		{"a lease ends in two steps, or at once with its owner", expires},
		{"a lost task tells everybody and forgets its secrets", expireEnds},
		{"an unreachable task is told once and runs on", expireUnreachable},
		{"the owner of a file says nothing of remote runners", expireSparesRunners},
		{"time counts from the last renewal", expireRenewed},
		{"only tasks that wait for confirmation too long are given up", expireUnconfirmed},
		{"one call deals with so many tasks at most", expireLimit},
	}
}

func (w *world) expire(t *testing.T, e store.Expiry) []store.Expired {
	t.Helper()
	list, err := w.Queue().Expire(t.Context(), e)
	require.NoError(t, err)
	for _, x := range list {
		require.Equal(t, x.Task, func() store.Task {
			got, err := w.Tasks().Get(t.Context(), x.Task.ProjectID, x.Task.ID)
			require.NoError(t, err)
			return got
		}())
	}
	return list
}

// expireCase is a row of the matrix of what may become of a lease.
type expireCase struct {
	name    string
	state   store.Status // Defaults to running.
	lost    time.Duration
	retries int
	after   time.Duration
	by      store.Expiry
	outcome store.ExpiryOutcome // "" for nothing
	status  store.Status        // Defaults to the state.
}

func expireMatrix() []expireCase {
	other, dead := store.Expiry{Self: "other"}, store.Expiry{Self: "other", Dead: []string{"x", me}}
	all := store.Expiry{Self: "other", AllDead: true}
	return []expireCase{
		{name: "renewed in time", after: ttl - time.Millisecond, by: other},
		{name: "not renewed", after: ttl, by: other, outcome: store.BecameUnreachable},
		{name: "not renewed while stopping", state: store.Stopping, after: ttl, by: other, outcome: store.BecameUnreachable},
		{name: "never lost by time", after: 1000 * time.Hour, by: other, outcome: store.BecameUnreachable},
		{name: "short of lost", lost: time.Minute, after: time.Minute - time.Millisecond, by: other, outcome: store.BecameUnreachable},
		{name: "lost", lost: time.Minute, after: time.Minute, by: other, outcome: store.BecameLost, status: store.Failed},
		{name: "late while calm", lost: time.Minute, after: time.Hour, by: store.Expiry{Self: "other", Calm: true}, outcome: store.BecameUnreachable},
		{name: "owner dead while calm", by: store.Expiry{Self: "other", Calm: true, Dead: []string{me}}, outcome: store.BecameLost, status: store.Failed},
		{name: "lost with a retry left", lost: time.Minute, retries: 1, after: time.Minute, by: other, outcome: store.BecameWaiting, status: store.Waiting},
		{name: "lost while stopping", state: store.Stopping, lost: time.Minute, retries: 1, after: time.Minute, by: other, outcome: store.BecameLost, status: store.Failed},
		{name: "lost before it ran", state: store.Starting, lost: time.Minute, after: time.Minute, by: other, outcome: store.BecameLost, status: store.Failed},
		{name: "owner dead", by: dead, outcome: store.BecameLost, status: store.Failed},
		{name: "owner dead with a retry left", retries: 1, by: dead, outcome: store.BecameWaiting, status: store.Waiting},
		{name: "owner dead while stopping", state: store.Stopping, retries: 1, by: dead, outcome: store.BecameLost, status: store.Stopped},
		{name: "all dead", by: all, outcome: store.BecameLost, status: store.Failed},
		{name: "all dead while stopping", state: store.Stopping, by: all, outcome: store.BecameLost, status: store.Stopped},
		{name: "another owner dead", by: store.Expiry{Self: "other", Dead: []string{"x"}}},
		{name: "own and late", lost: time.Minute, after: time.Hour, by: store.Expiry{Self: me}},
		{name: "own and all others dead", by: store.Expiry{Self: me, AllDead: true}},
		{name: "own and said to be dead", by: store.Expiry{Self: me, Dead: []string{me}}},
		{name: "waiting", state: store.Waiting, after: time.Hour, by: all},
		{name: "confirmed", state: store.Confirmed, after: 24 * time.Hour, by: all},
		{name: "waiting for confirmation", state: store.WaitingConfirmation, after: time.Hour - time.Millisecond, by: all},
		{name: "waiting for confirmation too long", state: store.WaitingConfirmation, after: time.Hour, by: other, outcome: store.BecameUnconfirmed, status: store.Failed},
		{name: "success", state: store.Success, after: time.Hour, by: all},
		{name: "error", state: store.Failed, after: time.Hour, by: all},
		{name: "stopped", state: store.Stopped, after: time.Hour, by: all},
	}
}

func expires(t *testing.T, w *world) {
	for _, tc := range expireMatrix() {
		t.Run(tc.name, func(t *testing.T) {
			in := w.neighbour(t)
			if tc.state == "" {
				tc.state = store.Running
			}
			if tc.status == "" {
				tc.status = tc.state
			}
			b := in.bring(t, tc.state, func(n *store.NewTask) {
				n.Task.LostAfter, n.Task.MaxRetries = tc.lost.Milliseconds(), tc.retries
			})
			defer in.settle(t, b)
			w.clock.advance(tc.after)
			spared := tc.by
			spared.Spare = []int64{b.task.ID}
			require.Empty(t, w.expire(t, spared))
			require.Equal(t, b.task, in.get(t, b.task.ID))

			list := w.expire(t, tc.by)
			got := in.get(t, b.task.ID)
			require.Equal(t, tc.status, got.Status)
			if tc.outcome == "" {
				require.Empty(t, list)
				require.Equal(t, b.task, got)
				return
			}
			require.Equal(t, []store.Expired{{Task: got, Outcome: tc.outcome}}, list)
			require.Equal(t, tc.outcome == store.BecameUnreachable, got.Unreachable)
			require.Empty(t, w.expire(t, tc.by), "a second call finds nothing to do")
		})
	}
}

// settle ends a task, so that it is in the way of no other.
func (w *world) settle(t *testing.T, b brought) {
	t.Helper()
	switch s := w.get(t, b.task.ID).Status; {
	case s.Leased():
		w.finish(t, b.lease, store.Stopped)
	case !s.Finished():
		_, err := w.Tasks().Stop(t.Context(), w.project.ID, b.task.ID, store.StopGentle, w.event("stop"))
		require.NoError(t, err)
	}
}

func expireEnds(t *testing.T, w *world) {
	b := w.bring(t, store.Running)
	require.NoError(t, w.saveBundle(t, b.task))
	events := len(w.descriptions(t))
	w.clock.advance(time.Hour)
	list := w.expire(t, store.Expiry{Self: "other", AllDead: true})
	require.Len(t, list, 1)
	got := list[0].Task
	require.Equal(t, store.LostReason, got.Reason)
	require.Equal(t, w.clock.Now(), *got.End)
	require.Empty(t, got.Owner)
	require.False(t, got.Unreachable)
	require.Equal(t, []string{"finished error"}, w.outbox(t, got.ID))
	require.Len(t, w.descriptions(t), events+1)
	w.requireWiped(t, got.ID)
	require.True(t, w.extend(t, b.lease)[0].Gone)
}

func expireSparesRunners(t *testing.T, w *world) {
	runner, err := w.Runners().Create(t.Context(), store.Runner{Name: "far", TokenHash: w.unique("hash")})
	require.NoError(t, err)
	task := w.task(t, alone)
	claimed := w.claim(t, func(r *store.ClaimRequest) { r.RunnerID = &runner.ID })
	require.Len(t, claimed, 1)
	require.Empty(t, w.expire(t, store.Expiry{Self: "other", AllDead: true}), "a runner lives elsewhere")
	require.Equal(t, store.Starting, w.get(t, task.ID).Status)
	require.Len(t, w.expire(t, store.Expiry{Self: "other", Dead: []string{me}}), 1)
}

func expireUnreachable(t *testing.T, w *world) {
	b := w.bring(t, store.Running, alone)
	w.task(t, alone)
	w.clock.advance(ttl)
	require.Len(t, w.expire(t, store.Expiry{Self: "other"}), 1)
	w.clock.advance(ttl)
	require.Empty(t, w.expire(t, store.Expiry{Self: "other"}))
	require.Equal(t, []string{"unreachable running"}, w.outbox(t, b.task.ID))
	require.Empty(t, w.claim(t), "it still excludes others")
	w.append(t, b.lease, store.Append{Seq: 2, Lines: lines("alive")})
	require.Equal(t, store.Success, w.finish(t, b.lease, store.Success).Status)
	require.False(t, w.get(t, b.task.ID).Unreachable)
}

func expireRenewed(t *testing.T, w *world) {
	b := w.bring(t, store.Running, func(n *store.NewTask) { n.Task.LostAfter = time.Minute.Milliseconds() })
	other := store.Expiry{Self: "other"}
	for range 10 {
		w.clock.advance(ttl - time.Second)
		w.extend(t, b.lease)
		require.Empty(t, w.expire(t, other))
	}
	for _, step := range []struct {
		after time.Duration
		want  store.ExpiryOutcome
		renew bool
	}{
		{59 * time.Second, store.BecameUnreachable, true},
		{59 * time.Second, store.BecameUnreachable, false},
		{time.Second, store.BecameLost, false},
	} {
		w.clock.advance(step.after)
		list := w.expire(t, other)
		require.Len(t, list, 1)
		require.Equal(t, step.want, list[0].Outcome)
		if step.renew {
			w.extend(t, b.lease)
		}
	}
}

func expireUnconfirmed(t *testing.T, w *world) {
	c := w.run(t)
	_, err := w.Queue().Finish(t.Context(), c.Lease, store.Finish{Status: store.WaitingConfirmation})
	require.NoError(t, err)
	b := w.bring(t, store.WaitingConfirmation)
	require.NoError(t, w.saveBundle(t, b.task))
	w.clock.advance(1000 * time.Hour)
	list := w.expire(t, store.Expiry{Self: me})
	require.Len(t, list, 1)
	require.Equal(t, b.task.ID, list[0].Task.ID)
	require.Equal(t, "nobody confirmed in time", list[0].Task.Reason)
	w.requireWiped(t, b.task.ID)
	require.Equal(t, []string{"waiting_confirmation waiting_confirmation", "finished error"}, w.outbox(t, b.task.ID))
	require.Equal(t, store.WaitingConfirmation, w.get(t, c.Task.ID).Status)
}

func expireLimit(t *testing.T, w *world) {
	for range 5 {
		w.run(t)
	}
	all := store.Expiry{Self: "other", AllDead: true, Limit: 2}
	require.Len(t, w.expire(t, all), 2)
	require.Len(t, w.expire(t, all), 2)
	require.Len(t, w.expire(t, all), 1)
	require.Empty(t, w.expire(t, all))
}
