package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func sealedCases() []testCase {
	return []testCase{
		{"every sealed value is listed once, with its place", listsSealed},
		{"a sealed value is replaced if nobody has changed it", replacesSealed},
		{"a walk finds all values that stay while others come and go", walksSealed},
		{"a cursor that is none is refused", sealedCursor},
	}
}

// sealedRows makes a row with each kind of sealed value.
func (w *world) sealedRows(t *testing.T) []store.SealedValue {
	t.Helper()
	secret := "sealed key"
	key, err := w.Keys().Create(t.Context(), store.AccessKey{ProjectID: w.project.ID, Name: "k", Type: store.KeyString, Secret: &secret})
	require.NoError(t, err)
	totp, err := w.Users().SecondFactors().Create(t.Context(), store.TOTP{UserID: w.user(t, w.unique("u"), w.unique("u")).ID, URL: "sealed url"})
	require.NoError(t, err)
	schedule, saved := w.schedule(t), "sealed params"
	params, err := w.Integrations().TaskParams().Create(t.Context(), store.TaskParams{ProjectID: w.project.ID, ScheduleID: &schedule.ID, Secret: &saved})
	require.NoError(t, err)
	task := w.task(t, func(n *store.NewTask) { n.Secrets = []byte("sealed survey") })
	state := w.key(w.unique("workspace"))
	require.NoError(t, w.Artifacts().SaveState(t.Context(), state, "", 0, store.StateVersion{Lineage: "L", Serial: 1, Data: []byte("sealed state")}, 1))
	version, err := w.Artifacts().State(t.Context(), state)
	require.NoError(t, err)
	return []store.SealedValue{
		{Table: "terraform_state", ProjectID: w.project.ID, ID: version.ID, Field: "data", Value: "sealed state"},
		{Table: "access_key", ProjectID: w.project.ID, ID: key.ID, Field: "secret", Value: secret},
		{Table: "totp", ID: totp.ID, Field: "url", Value: "sealed url"},
		{Table: "task_params", ProjectID: w.project.ID, ID: params.ID, Field: "secret", Value: saved},
		{Table: "task", ProjectID: w.project.ID, ID: task.ID, Field: "secrets", Value: "sealed survey"},
	}
}

// sealed walks over all values.
func (w *world) sealed(t *testing.T, limit int, between func()) []store.SealedValue {
	t.Helper()
	var all []store.SealedValue
	for after, turn := "", 0; ; turn++ {
		values, next, err := w.Sealed().List(t.Context(), after, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(values), limit)
		all = append(all, values...)
		if next == "" {
			return all
		}
		require.NotEqual(t, after, next)
		require.Less(t, turn, 1000)
		after = next
		between()
	}
}

func listsSealed(t *testing.T, w *world) {
	want := append(w.sealedRows(t), w.neighbour(t).sealedRows(t)...)
	for _, limit := range []int{1, 3, 100} {
		require.ElementsMatch(t, want, w.sealed(t, limit, func() {}))
	}
	for _, v := range want {
		if v.Table == "task" {
			_, err := w.Tasks().Stop(t.Context(), v.ProjectID, v.ID, store.StopGentle, store.Event{Description: "stop"})
			require.NoError(t, err)
		}
	}
	for _, v := range w.sealed(t, 100, func() {}) {
		require.NotEqual(t, "task", v.Table)
	}
}

func replacesSealed(t *testing.T, w *world) {
	for _, v := range w.sealedRows(t) {
		t.Run(v.Table, func(t *testing.T) {
			for _, change := range []func(*store.SealedValue){
				func(v *store.SealedValue) { v.Value = "other" }, func(v *store.SealedValue) { v.ID = 1 << 40 },
				func(v *store.SealedValue) { v.ProjectID = 1 << 40 },
			} {
				wrong := v
				change(&wrong)
				done, err := w.Sealed().Replace(t.Context(), wrong, "bad")
				require.NoError(t, err)
				require.False(t, done)
			}
			require.Contains(t, w.sealed(t, 100, func() {}), v)
			done, err := w.Sealed().Replace(t.Context(), v, "sealed again")
			require.NoError(t, err)
			require.True(t, done)
			done, err = w.Sealed().Replace(t.Context(), v, "sealed twice")
			require.NoError(t, err)
			require.False(t, done)
			v.Value = "sealed again"
			require.Contains(t, w.sealed(t, 100, func() {}), v)
		})
	}
	for _, v := range []store.SealedValue{{Table: "project", ID: w.project.ID, Field: "name", Value: w.project.Name}, {Table: "nothing", ID: 1, Field: "x"}} {
		done, err := w.Sealed().Replace(t.Context(), v, "bad")
		require.False(t, done)
		if err != nil {
			require.ErrorIs(t, err, store.ErrInvalid)
		}
	}
	p, err := w.Projects().Get(t.Context(), 0, w.project.ID)
	require.NoError(t, err)
	require.Equal(t, w.project, p)
}

func walksSealed(t *testing.T, w *world) {
	want := w.sealedRows(t)
	var mine []int64
	for range 10 {
		secret := "s"
		key, err := w.Keys().Create(t.Context(), store.AccessKey{ProjectID: w.project.ID, Name: "k", Type: store.KeyString, Secret: &secret})
		require.NoError(t, err)
		mine = append(mine, key.ID)
	}
	got := w.sealed(t, 2, func() {
		if len(mine) > 0 {
			require.NoError(t, w.Keys().Delete(t.Context(), w.project.ID, mine[0]))
			mine = mine[1:]
		}
		if len(mine) > 5 {
			w.neighbour(t).create(t, "access_key")
		}
	})
	require.Subset(t, got, want)
}

func sealedCursor(t *testing.T, w *world) {
	w.sealedRows(t)
	_, _, err := w.Sealed().List(t.Context(), "nonsense", 10)
	require.ErrorIs(t, err, store.ErrInvalid)
}
