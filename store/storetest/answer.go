package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func answerCases() []testCase {
	return []testCase{
		{"stop does in every state what the state allows", stops},
		{"the level of a stop only rises", stopRises},
		{"a stop level that is none is refused", stopLevels},
		{"only a task that waits for confirmation is confirmed", confirms},
		{"only a task that waits for confirmation is rejected", rejects},
	}
}

// answer is what Stop, Confirm or Reject makes of a state; "" means ErrState.
type answer map[store.Status]store.Status

func (w *world) answers(t *testing.T, want answer, ask func(id int64) (store.Task, error)) {
	t.Helper()
	for _, s := range states() {
		b := w.bring(t, s)
		require.NoError(t, w.saveBundle(t, b.task))
		events, entries := len(w.descriptions(t)), w.outbox(t, b.task.ID)
		w.clock.advance(time.Second)
		got, err := ask(b.task.ID)
		if want[s] == "" {
			require.ErrorIs(t, err, store.ErrState, s)
			require.Equal(t, b.task, w.get(t, b.task.ID))
			require.Len(t, w.descriptions(t), events)
			require.Equal(t, entries, w.outbox(t, b.task.ID))
			continue
		}
		require.NoError(t, err, s)
		require.Equal(t, want[s], got.Status, s)
		require.Equal(t, w.get(t, b.task.ID), got)
		descriptions := w.descriptions(t)
		require.Len(t, descriptions, events+1)
		require.Equal(t, "asked", descriptions[0])
		if !got.Status.Finished() {
			require.Nil(t, got.End)
			require.Equal(t, entries, w.outbox(t, b.task.ID))
			continue
		}
		require.Equal(t, w.clock.Now(), *got.End)
		require.Equal(t, append(entries, "finished "+string(got.Status)), w.outbox(t, b.task.ID))
		w.requireWiped(t, b.task.ID)
	}
}

// saveBundle gives a task a bundle unless it has ended.
func (w *world) saveBundle(t *testing.T, task store.Task) error {
	t.Helper()
	if task.Status.Finished() {
		return nil
	}
	return w.Artifacts().SaveBundle(t.Context(), w.project.ID, task.ID, 0, []byte("bundle"))
}

func stops(t *testing.T, w *world) {
	w.answers(t, answer{
		store.Waiting: store.Stopped, store.Confirmed: store.Stopped, store.WaitingConfirmation: store.Stopped,
		store.Starting: store.Stopping, store.Running: store.Stopping, store.Stopping: store.Stopping,
	}, func(id int64) (store.Task, error) {
		return w.Tasks().Stop(t.Context(), w.project.ID, id, store.StopGentle, w.event("asked"))
	})
	_, err := w.Tasks().Stop(t.Context(), w.project.ID, 1<<40, store.StopGentle, w.event("asked"))
	require.ErrorIs(t, err, store.ErrNotFound)
}

func stopRises(t *testing.T, w *world) {
	c := w.run(t)
	for _, step := range []struct{ ask, want store.StopLevel }{
		{store.StopGentle, store.StopGentle}, {store.StopForce, store.StopForce}, {store.StopGentle, store.StopForce},
		{store.StopKill, store.StopKill}, {store.StopForce, store.StopKill}, {store.StopKill, store.StopKill},
	} {
		task, err := w.Tasks().Stop(t.Context(), w.project.ID, c.Task.ID, step.ask, w.event("stop"))
		require.NoError(t, err)
		require.Equal(t, step.want, task.StopLevel)
		require.Equal(t, step.want, w.get(t, c.Task.ID).StopLevel)
	}
}

func stopLevels(t *testing.T, w *world) {
	c := w.run(t)
	_, err := w.Tasks().Stop(t.Context(), w.project.ID, c.Task.ID, "nonsense", w.event("stop"))
	require.ErrorIs(t, err, store.ErrInvalid)
	require.Equal(t, c.Task, w.get(t, c.Task.ID))
}

func confirms(t *testing.T, w *world) {
	w.answers(t, answer{store.WaitingConfirmation: store.Confirmed}, func(id int64) (store.Task, error) {
		return w.Tasks().Confirm(t.Context(), w.project.ID, id, w.event("asked"))
	})
	_, err := w.Tasks().Confirm(t.Context(), w.project.ID, 1<<40, w.event("asked"))
	require.ErrorIs(t, err, store.ErrNotFound)
}

func rejects(t *testing.T, w *world) {
	var last store.Task
	w.answers(t, answer{store.WaitingConfirmation: store.Failed}, func(id int64) (store.Task, error) {
		task, err := w.Tasks().Reject(t.Context(), w.project.ID, id, w.event("asked"))
		if err == nil {
			last = task
		}
		return task, err
	})
	require.Equal(t, "plan rejected", last.Reason)
	_, err := w.Tasks().Reject(t.Context(), w.project.ID, 1<<40, w.event("asked"))
	require.ErrorIs(t, err, store.ErrNotFound)
}
