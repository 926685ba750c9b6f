package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func finishCases() []testCase {
	return []testCase{
		{"a result ends a task and wipes what only a run needs", finishes},
		{"a task ends in every way from every leased state", finishesFrom},
		{"a plan waits for confirmation without a lease", finishWaits},
		{"a task is handed back to wait for another worker", handsBack},
		{"a confirmed task is handed back to be resumed by another worker", handsBackConfirmed},
		{"a lease is ended on behalf of an owner that has it", handsBackOfOwner},
		{"a task that was to stop ends as stopped where it was to wait", finishStopping},
		{"the same result again is accepted and ignored", finishesAgain},
		{"a result after the end is kept as a late one", finishesLate},
		{"a run cannot end in a state that is no end", finishRefuses},
		{"an outbox entry is told until it is settled", outbox},
	}
}

func finishes(t *testing.T, w *world) {
	c := w.run(t)
	require.NoError(t, w.Artifacts().SaveBundle(t.Context(), w.project.ID, c.Task.ID, 0, []byte("bundle")))
	w.clock.advance(time.Minute)
	task, err := w.Queue().Finish(t.Context(), c.Lease, store.Finish{
		Status: store.Failed, Reason: "exit code 3", ExitCode: 3, Events: []store.Event{w.event("ended")},
		Append: &store.Append{Commands: [][]string{{"last"}}, Hosts: []store.AnsibleHost{{Host: "h"}}},
	})
	require.NoError(t, err)
	now := w.clock.Now()
	want := c.Task
	want.Status, want.Reason, want.ExitCode, want.End, want.Owner = store.Failed, "exit code 3", 3, &now, ""
	require.JSONEq(t, `[["last"]]`, string(task.Command))
	want.Command = task.Command
	require.Equal(t, want, task)
	require.Equal(t, want, w.get(t, task.ID))
	w.requireResults(t, task.ID, nil, []store.AnsibleHost{{Host: "h"}}, nil)
	require.Equal(t, []string{"ended"}, w.descriptions(t))
	require.Equal(t, []string{"finished error"}, w.outbox(t, task.ID))
	w.requireWiped(t, task.ID)
	held, err := w.Queue().Leases(t.Context())
	require.NoError(t, err)
	require.Empty(t, held)
}

// requireWiped demands that secrets and bundle of a task are gone, and that its
// snapshot is not.
func (w *world) requireWiped(t *testing.T, id int64) {
	t.Helper()
	snapshot, secrets, err := w.Tasks().Snapshot(t.Context(), w.project.ID, id)
	require.NoError(t, err)
	require.Empty(t, secrets)
	require.Equal(t, []byte("snapshot"), snapshot)
	_, err = w.Artifacts().Bundle(t.Context(), w.project.ID, id, 0)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func finishesFrom(t *testing.T, w *world) {
	for _, from := range []store.Status{store.Starting, store.Running, store.Stopping} {
		for _, to := range []store.Status{store.Success, store.Failed, store.Stopped} {
			b := w.bring(t, from)
			require.Equal(t, to, w.finish(t, b.lease, to).Status, "%s to %s", from, to)
			require.Equal(t, []string{"finished " + string(to)}, w.outbox(t, b.task.ID))
		}
	}
}

func finishWaits(t *testing.T, w *world) {
	c := w.run(t, alone)
	before := w.clock.Now().Add(time.Hour)
	require.NoError(t, w.Artifacts().SaveBundle(t.Context(), w.project.ID, c.Task.ID, 0, []byte("bundle")))
	task, err := w.Queue().Finish(t.Context(), c.Lease, store.Finish{Status: store.WaitingConfirmation, Prompt: "migrate_state", ConfirmBefore: &before})
	require.NoError(t, err)
	want := c.Task
	want.Status, want.Prompt, want.ConfirmBefore, want.Owner = store.WaitingConfirmation, "migrate_state", &before, ""
	require.Equal(t, want, task)
	require.Equal(t, want, w.get(t, task.ID))
	require.Equal(t, []string{"waiting_confirmation waiting_confirmation"}, w.outbox(t, task.ID))
	_, secrets, err := w.Tasks().Snapshot(t.Context(), w.project.ID, task.ID)
	require.NoError(t, err)
	require.Equal(t, []byte("sealed"), secrets)
	data, err := w.Artifacts().Bundle(t.Context(), w.project.ID, task.ID, 0)
	require.NoError(t, err)
	require.Equal(t, []byte("bundle"), data)
	require.ErrorIs(t, w.Queue().Append(t.Context(), c.Lease, store.Append{Seq: 5, Lines: lines("x")}), store.ErrLease)
}

func handsBack(t *testing.T, w *world) {
	b := w.bring(t, store.Running)
	task := w.finish(t, b.lease, store.Waiting)
	require.Equal(t, store.Waiting, task.Status)
	require.Nil(t, task.End)
	require.Empty(t, task.Owner)
	require.Empty(t, w.outbox(t, task.ID))
	require.True(t, w.extend(t, b.lease)[0].Gone)
	list := w.claim(t, func(r *store.ClaimRequest) { r.Tags = []string{b.tag} })
	require.Equal(t, []int64{task.ID}, ids(list))
	require.Equal(t, []byte("sealed"), list[0].Secrets)
}

// resume brings a task of a plan to a worker that applies it.
func (w *world) resume(t *testing.T) (store.Claimed, string) {
	t.Helper()
	b := w.bring(t, store.Running, alone)
	w.append(t, b.lease, store.Append{Seq: 2, Plan: []byte(`{"add":1}`), Lines: lines("planned")})
	require.NoError(t, w.saveBundle(t, b.task))
	_, err := w.Queue().Finish(t.Context(), b.lease, store.Finish{Status: store.WaitingConfirmation, Prompt: "apply"})
	require.NoError(t, err)
	_, err = w.Tasks().Confirm(t.Context(), w.project.ID, b.task.ID, w.event("confirm"))
	require.NoError(t, err)
	return w.resumeAgain(t, b.tag), b.tag
}

func (w *world) resumeAgain(t *testing.T, tag string) store.Claimed {
	t.Helper()
	list := w.claim(t, func(r *store.ClaimRequest) { r.Tags = []string{tag} })
	require.Len(t, list, 1)
	require.True(t, list[0].Resume)
	return list[0]
}

func handsBackConfirmed(t *testing.T, w *world) {
	c, tag := w.resume(t)
	entries := w.outbox(t, c.Task.ID)
	for _, running := range []bool{false, true} {
		if running {
			w.append(t, c.Lease, store.Append{Seq: 1, Status: store.Running})
		}
		want := w.get(t, c.Task.ID)
		task, err := w.Queue().Finish(t.Context(), c.Lease, store.Finish{Status: store.Confirmed, Prompt: "other", Events: []store.Event{w.event("back")}})
		require.NoError(t, err)
		want.Status, want.Owner = store.Confirmed, ""
		require.Equal(t, want, task)
		require.Equal(t, want, w.get(t, task.ID))
		require.Equal(t, "apply", task.Prompt)
		require.JSONEq(t, `{"add":1}`, string(task.Plan))
		require.Equal(t, entries, w.outbox(t, task.ID))
		require.Equal(t, "back", w.descriptions(t)[0])
		require.True(t, w.extend(t, c.Lease)[0].Gone)
		again, err := w.Queue().Finish(t.Context(), c.Lease, store.Finish{Status: store.Confirmed})
		require.NoError(t, err)
		require.Equal(t, task, again)
		data, err := w.Artifacts().Bundle(t.Context(), w.project.ID, task.ID, 0)
		require.NoError(t, err)
		require.Equal(t, []byte("bundle"), data)
		require.Equal(t, []string{"planned"}, texts(w.read(t, task.ID, 0, 10).Lines))
		c = w.resumeAgain(t, tag)
		require.Equal(t, []byte("sealed"), c.Secrets)
	}
	// A task that begins anew has nothing that was confirmed.
	require.Empty(t, w.finish(t, c.Lease, store.Waiting).Prompt)
	list := w.claim(t, func(r *store.ClaimRequest) { r.Tags = []string{tag} })
	require.Len(t, list, 1)
	require.False(t, list[0].Resume)
	_, err := w.Queue().Finish(t.Context(), list[0].Lease, store.Finish{Status: store.Confirmed})
	require.ErrorIs(t, err, store.ErrInvalid)
}

func handsBackOfOwner(t *testing.T, w *world) {
	c := w.run(t)
	_, err := w.Queue().Extend(t.Context(), "another", []store.Lease{c.Lease}, ttl)
	require.NoError(t, err)
	want := w.get(t, c.Task.ID)
	events := w.descriptions(t)
	back := func(owner string) error {
		_, err := w.Queue().Finish(t.Context(), c.Lease, store.Finish{Status: store.Waiting, Owner: owner})
		return err
	}
	require.ErrorIs(t, back(me), store.ErrLease, "it was extended for another owner")
	require.Equal(t, want, w.get(t, c.Task.ID))
	require.NoError(t, back("another"))
	require.Equal(t, store.Waiting, w.get(t, c.Task.ID).Status)
	require.ErrorIs(t, back("another"), store.ErrLease, "nobody has it any more")
	require.Equal(t, store.Waiting, w.get(t, c.Task.ID).Status)
	require.Equal(t, events, w.descriptions(t), "nothing is kept as late")
}

func finishStopping(t *testing.T, w *world) {
	for _, to := range []store.Status{store.Waiting, store.WaitingConfirmation} {
		b := w.bring(t, store.Stopping)
		task := w.finish(t, b.lease, to)
		require.Equal(t, store.Stopped, task.Status, to)
		require.NotNil(t, task.End)
		w.requireWiped(t, task.ID)
	}
	c, _ := w.resume(t)
	_, err := w.Tasks().Stop(t.Context(), w.project.ID, c.Task.ID, store.StopGentle, w.event("stop"))
	require.NoError(t, err)
	require.Equal(t, store.Stopped, w.finish(t, c.Lease, store.Confirmed).Status)
	w.requireWiped(t, c.Task.ID)
}

func finishesAgain(t *testing.T, w *world) {
	for _, to := range []store.Status{store.Success, store.WaitingConfirmation, store.Waiting} {
		b := w.bring(t, store.Running)
		f := store.Finish{Status: to, Events: []store.Event{w.event("once")}, Append: &store.Append{Commands: [][]string{{"x"}}}}
		first, err := w.Queue().Finish(t.Context(), b.lease, f)
		require.NoError(t, err)
		events, entries := w.descriptions(t), w.outbox(t, b.task.ID)
		again, err := w.Queue().Finish(t.Context(), b.lease, f)
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Equal(t, first, w.get(t, b.task.ID))
		require.Equal(t, events, w.descriptions(t))
		require.Equal(t, entries, w.outbox(t, b.task.ID))
	}
}

func finishesLate(t *testing.T, w *world) {
	b := w.bring(t, store.Running)
	w.expire(t, store.Expiry{Self: "other", AllDead: true})
	lost := w.get(t, b.task.ID)
	require.Equal(t, store.Failed, lost.Status)
	events := len(w.descriptions(t))
	_, err := w.Queue().Finish(t.Context(), b.lease, store.Finish{Status: store.Success, ExitCode: 0})
	require.ErrorIs(t, err, store.ErrLease)
	lost.Late = true
	require.Equal(t, lost, w.get(t, b.task.ID))
	descriptions := w.descriptions(t)
	require.Len(t, descriptions, events+1)
	require.Contains(t, descriptions[0], "late")
	require.Contains(t, descriptions[0], string(store.Success))
	require.Equal(t, []string{"finished error", "late error"}, w.outbox(t, b.task.ID))
}

func finishRefuses(t *testing.T, w *world) {
	c := w.run(t)
	for _, s := range []store.Status{"", "nonsense", store.Starting, store.Running, store.Confirmed, store.Stopping, store.Rejected} {
		_, err := w.Queue().Finish(t.Context(), c.Lease, store.Finish{Status: s})
		require.ErrorIs(t, err, store.ErrInvalid, s)
	}
	require.Equal(t, c.Task, w.get(t, c.Task.ID))
}

func outbox(t *testing.T, w *world) {
	a, b := w.bring(t, store.Success), w.bring(t, store.Stopped)
	q, now := w.Queue(), w.clock.Now()
	list, err := q.Outbox(t.Context(), now, 10)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, []store.OutboxEntry{
		{ID: list[0].ID, ProjectID: w.project.ID, TaskID: a.task.ID, Kind: store.OutboxFinished, Status: store.Success, Created: now},
		{ID: list[1].ID, ProjectID: w.project.ID, TaskID: b.task.ID, Kind: store.OutboxFinished, Status: store.Stopped, Created: now},
	}, list)
	few, err := q.Outbox(t.Context(), now, 1)
	require.NoError(t, err)
	require.Equal(t, list[:1], few)
	none, err := q.Outbox(t.Context(), now.Add(-time.Second), 10)
	require.NoError(t, err)
	require.Empty(t, none)

	later := now.Add(time.Minute)
	require.NoError(t, q.Settle(t.Context(), list[0].ID, &later))
	rest, err := q.Outbox(t.Context(), now, 10)
	require.NoError(t, err)
	require.Equal(t, list[1:], rest)
	due, err := q.Outbox(t.Context(), later, 10)
	require.NoError(t, err)
	require.Len(t, due, 2)
	for _, e := range due {
		require.Equal(t, map[int64]int{list[0].ID: 1, list[1].ID: 0}[e.ID], e.Tries)
		require.NoError(t, q.Settle(t.Context(), e.ID, nil))
	}
	due, err = q.Outbox(t.Context(), later, 10)
	require.NoError(t, err)
	require.Empty(t, due)
}
