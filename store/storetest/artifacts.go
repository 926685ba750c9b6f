package storetest

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func artifactCases() []testCase {
	return []testCase{
		{"a state belongs to one task at a time", locksState},
		{"a state belongs to the latest attempt of its task", locksStateForAttempt},
		{"a state is saved over the version that was read only", savesState},
		{"a version belongs to the task that has locked its state", stateOfLock},
		{"the newest versions of a state stay", keepsVersions},
		{"one version of a state is read and deleted", versionOfState},
		{"states are told apart", statesApart},
		{"a bundle comes back part by part", keepsBundle},
		{"a bundle belongs to its project", foreignBundle},
	}
}

func (w *world) key(workspace string) store.StateKey {
	return store.StateKey{ProjectID: w.project.ID, TemplateID: w.template.ID, Workspace: workspace}
}

func locksState(t *testing.T, w *world) {
	a, key, other := w.Artifacts(), w.key("default"), w.key("stage")
	one := store.StateLock{TaskID: w.run(t).Task.ID, Attempt: 1}
	two := store.StateLock{TaskID: w.run(t).Task.ID, Attempt: 1}
	_, err := a.LockState(t.Context(), key, one)
	require.NoError(t, err)
	holder, err := a.LockState(t.Context(), key, two)
	require.ErrorIs(t, err, store.ErrConflict)
	require.Equal(t, one, holder)
	one.Attempt = 2
	_, err = a.LockState(t.Context(), key, one)
	require.NoError(t, err)
	_, err = a.LockState(t.Context(), other, two)
	require.NoError(t, err)
	locks, err := a.StateLocks(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[store.StateKey]store.StateLock{key: one, other: two}, locks)
	require.NoError(t, a.UnlockState(t.Context(), key, two))
	_, err = a.LockState(t.Context(), key, two)
	require.ErrorIs(t, err, store.ErrConflict)
	require.NoError(t, a.UnlockState(t.Context(), key, one))
	require.NoError(t, a.UnlockState(t.Context(), key, one))
	_, err = a.LockState(t.Context(), key, two)
	require.NoError(t, err)
}

func locksStateForAttempt(t *testing.T, w *world) {
	a, key := w.Artifacts(), w.key("default")
	old := store.StateLock{TaskID: w.run(t).Task.ID, Attempt: 1}
	now := store.StateLock{TaskID: old.TaskID, Attempt: 2}
	for _, by := range []store.StateLock{old, old, now, now} {
		holder, err := a.LockState(t.Context(), key, by)
		require.NoError(t, err)
		require.Equal(t, by, holder)
	}
	holder, err := a.LockState(t.Context(), key, old)
	require.ErrorIs(t, err, store.ErrConflict)
	require.Equal(t, now, holder)
	require.NoError(t, a.UnlockState(t.Context(), key, old))
	locks, err := a.StateLocks(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[store.StateKey]store.StateLock{key: now}, locks)
	require.NoError(t, a.UnlockState(t.Context(), key, now))
	locks, err = a.StateLocks(t.Context())
	require.NoError(t, err)
	require.Empty(t, locks)
}

func savesState(t *testing.T, w *world) {
	a, key := w.Artifacts(), w.key("default")
	task := w.run(t).Task.ID
	_, err := a.State(t.Context(), key)
	require.ErrorIs(t, err, store.ErrNotFound)
	data := []byte("sealed \x00 one")
	v := store.StateVersion{Lineage: "L", Serial: 1, TaskID: task, Data: data}
	require.NoError(t, a.SaveState(t.Context(), key, "", 0, v, 5))
	require.ErrorIs(t, a.SaveState(t.Context(), key, "", 0, v, 5), store.ErrMoved)
	clear(data)
	got, err := a.State(t.Context(), key)
	require.NoError(t, err)
	require.Positive(t, got.ID)
	want := store.StateVersion{ID: got.ID, Lineage: "L", Serial: 1, TaskID: task, Created: w.clock.Now(), Data: []byte("sealed \x00 one")}
	require.Equal(t, want, got)
	clear(got.Data)
	v.Serial, v.Data = 2, []byte("two")
	for _, wrong := range []store.StateVersion{{Lineage: "L", Serial: 2}, {Lineage: "M", Serial: 1}, {}} {
		require.ErrorIs(t, a.SaveState(t.Context(), key, wrong.Lineage, wrong.Serial, v, 5), store.ErrMoved)
	}
	got, err = a.State(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.NoError(t, a.SaveState(t.Context(), key, "L", 1, v, 5))
	got, err = a.State(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, []byte("two"), got.Data)
}

func stateOfLock(t *testing.T, w *world) {
	a, key := w.Artifacts(), w.key("default")
	holder, other := w.run(t).Task.ID, w.run(t).Task.ID
	save := func(serial uint64, task int64) {
		lineage := "L"
		if serial == 1 {
			lineage = ""
		}
		require.NoError(t, a.SaveState(t.Context(), key, lineage, serial-1, store.StateVersion{Lineage: "L", Serial: serial, TaskID: task}, 9))
	}
	save(1, 0)
	_, err := a.LockState(t.Context(), w.key("stage"), store.StateLock{TaskID: other, Attempt: 1})
	require.NoError(t, err)
	lock := store.StateLock{TaskID: holder, Attempt: 1}
	_, err = a.LockState(t.Context(), key, lock)
	require.NoError(t, err)
	save(2, 0)
	save(3, other)
	require.NoError(t, a.UnlockState(t.Context(), key, lock))
	save(4, 0)
	list, err := a.States(t.Context(), key)
	require.NoError(t, err)
	var tasks []int64
	for _, v := range list {
		tasks = append(tasks, v.TaskID)
	}
	require.Equal(t, []int64{0, other, holder, 0}, tasks)
	newest, err := a.State(t.Context(), key)
	require.NoError(t, err)
	require.Zero(t, newest.TaskID)
}

func versionOfState(t *testing.T, w *world) {
	a, key, other := w.Artifacts(), w.key("default"), w.key("stage")
	require.NoError(t, a.SaveState(t.Context(), key, "", 0, store.StateVersion{Lineage: "L", Serial: 1, Data: []byte("one")}, 9))
	require.NoError(t, a.SaveState(t.Context(), key, "L", 1, store.StateVersion{Lineage: "L", Serial: 2, Data: []byte("two")}, 9))
	list, err := a.States(t.Context(), key)
	require.NoError(t, err)
	newest, oldest := list[0].ID, list[1].ID
	for _, at := range []struct {
		key store.StateKey
		id  int64
	}{{other, oldest}, {key, newest + 100}} {
		_, err := a.StateVersion(t.Context(), at.key, at.id)
		require.ErrorIs(t, err, store.ErrNotFound)
		require.ErrorIs(t, a.DeleteState(t.Context(), at.key, at.id), store.ErrNotFound)
	}
	v, err := a.StateVersion(t.Context(), key, oldest)
	require.NoError(t, err)
	require.Equal(t, store.StateVersion{ID: oldest, Lineage: "L", Serial: 1, Created: w.clock.Now(), Data: []byte("one")}, v)
	require.NoError(t, a.DeleteState(t.Context(), key, newest))
	v, err = a.State(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, oldest, v.ID)
	require.Equal(t, []byte("one"), v.Data)
}

func keepsVersions(t *testing.T, w *world) {
	a, key := w.Artifacts(), w.key("default")
	lineage, serial := "", uint64(0)
	for i := range uint64(6) {
		require.NoError(t, a.SaveState(t.Context(), key, lineage, serial, store.StateVersion{Lineage: "L", Serial: i + 1, Data: []byte{byte(i)}}, 3))
		lineage, serial = "L", i+1
	}
	list, err := a.States(t.Context(), key)
	require.NoError(t, err)
	var serials []uint64
	for _, v := range list {
		require.Empty(t, v.Data)
		serials = append(serials, v.Serial)
	}
	require.Equal(t, []uint64{6, 5, 4}, serials)
}

func statesApart(t *testing.T, w *world) {
	other := w.neighbour(t)
	a := w.Artifacts()
	keys := []store.StateKey{w.key("a"), w.key("b"), other.key("a")}
	for i, key := range keys {
		require.NoError(t, a.SaveState(t.Context(), key, "", 0, store.StateVersion{Lineage: "L", Serial: 1, Data: []byte{byte(i)}}, 3))
	}
	for i, key := range keys {
		got, err := a.State(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, []byte{byte(i)}, got.Data)
	}
	foreign := store.StateKey{ProjectID: w.project.ID, TemplateID: other.template.ID, Workspace: "x"}
	require.Error(t, a.SaveState(t.Context(), foreign, "", 0, store.StateVersion{Lineage: "L", Serial: 1}, 3))
	_, err := a.State(t.Context(), store.StateKey{ProjectID: w.project.ID, TemplateID: other.template.ID, Workspace: "a"})
	require.ErrorIs(t, err, store.ErrNotFound)
}

func keepsBundle(t *testing.T, w *world) {
	a, task := w.Artifacts(), w.run(t).Task.ID
	part := func(n int) []byte {
		data, err := a.Bundle(t.Context(), w.project.ID, task, n)
		if err != nil {
			require.ErrorIs(t, err, store.ErrNotFound)
			return nil
		}
		return data
	}
	require.Nil(t, part(0))
	big := bytes.Repeat([]byte{0, 1, 2, 255}, 1<<18)
	for n, data := range [][]byte{[]byte("zero"), big, {}} {
		require.NoError(t, a.SaveBundle(t.Context(), w.project.ID, task, n, data))
	}
	require.Equal(t, []byte("zero"), part(0))
	require.Equal(t, big, part(1))
	require.Empty(t, part(2))
	require.Nil(t, part(3))
	clear(part(0))
	require.Equal(t, []byte("zero"), part(0))
	require.NoError(t, a.SaveBundle(t.Context(), w.project.ID, task, 0, []byte("again")))
	require.Equal(t, []byte("again"), part(0))
	require.Nil(t, part(1))
	require.NoError(t, a.DeleteBundle(t.Context(), w.project.ID, task))
	require.NoError(t, a.DeleteBundle(t.Context(), w.project.ID, task))
	require.Nil(t, part(0))
}

func foreignBundle(t *testing.T, w *world) {
	a, task, other := w.Artifacts(), w.run(t).Task.ID, w.neighbour(t)
	require.NoError(t, a.SaveBundle(t.Context(), w.project.ID, task, 0, []byte("mine")))
	require.Error(t, a.SaveBundle(t.Context(), other.project.ID, task, 0, []byte("theirs")))
	_, err := a.Bundle(t.Context(), other.project.ID, task, 0)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, a.DeleteBundle(t.Context(), other.project.ID, task))
	data, err := a.Bundle(t.Context(), w.project.ID, task, 0)
	require.NoError(t, err)
	require.Equal(t, []byte("mine"), data)
}
