package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

func dumpCases() []testCase {
	return []testCase{
		{"a dump has every row of every table", dumpHasAll},
		{"a dump shows one moment", dumpIsOneMoment},
		{"a dump leaves out what it is asked to", dumpLeavesOut},
		{"a dump ends with the error of who takes it", dumpEnds},
	}
}

// dumper returns the ability, or skips the test.
func dumper(t *testing.T, w *world) store.Dumper {
	t.Helper()
	d, ok := store.As[store.Dumper](w.Store)
	if !ok {
		t.Skip("the store is no store.Dumper")
	}
	return d
}

// Dump returns all records of a store by table, as maps, for tests that compare
// stores.
func Dump(t testing.TB, s store.Store, o store.DumpOptions) map[string][]map[string]any {
	t.Helper()
	d, ok := store.As[store.Dumper](s)
	require.True(t, ok, "the store is no store.Dumper")
	all := map[string][]map[string]any{}
	require.NoError(t, d.Dump(t.Context(), o, func(r store.Record) error {
		row := map[string]any{}
		for i, name := range r.Columns {
			row[name] = r.Values[i]
		}
		all[r.Table] = append(all[r.Table], row)
		return nil
	}))
	return all
}

// Fill puts rows into every table of a store that is empty: projects, users, keys,
// tasks in several states, output, a Terraform state and a bundle.
func Fill(t *testing.T, s store.Store) {
	t.Helper()
	newWorld(t, s, newClock()).fill(t)
}

func (w *world) fill(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	w.neighbour(t)
	for _, tab := range tables() {
		w.add(t, tab, w.full(t, tab.entity()))
	}
	require.NoError(t, w.Options().Set(ctx, "a.b", "c"))
	require.NoError(t, w.Events().Add(ctx, store.Event{ProjectID: &w.project.ID, ObjectType: store.EventProject, Description: "made"}))
	w.task(t)
	done := w.claim(t)[0]
	require.NoError(t, w.Queue().Append(ctx, done.Lease, store.Append{Seq: 1, Lines: []store.LogLine{
		{Time: w.clock.Now(), Text: "one"}, {Time: w.clock.Now().Add(time.Second), Text: "two \x00 \u00fc"},
	}}))
	_, err := w.Queue().Finish(ctx, done.Lease, store.Finish{Status: store.Success})
	require.NoError(t, err)
	w.task(t)
	running := w.claim(t)[0].Task
	w.task(t)
	key := store.StateKey{ProjectID: w.project.ID, TemplateID: w.template.ID, Workspace: "w"}
	a := w.Artifacts()
	require.NoError(t, a.SaveState(ctx, key, "", 0, store.StateVersion{Lineage: "L", Serial: 1, Data: []byte("sealed \x00")}, 9))
	require.NoError(t, a.SaveState(ctx, key, "L", 1, store.StateVersion{Lineage: "L", Serial: 2, Data: []byte{}}, 9))
	_, err = a.LockState(ctx, key, store.StateLock{TaskID: running.ID, Attempt: 1})
	require.NoError(t, err)
	require.NoError(t, a.SaveBundle(ctx, w.project.ID, running.ID, 0, []byte("bundle")))
}

func dumpHasAll(t *testing.T, w *world) {
	dumper(t, w)
	w.fill(t)
	all := Dump(t, w.Store, store.DumpOptions{})
	require.Len(t, all["project"], 3)
	require.NotEmpty(t, all["log_chunk"])
	require.IsType(t, []byte{}, all["log_chunk"][0]["data"])
	require.Equal(t, "c", all["option"][0]["value"])
	require.IsType(t, true, all["app_user"][0]["admin"])
	for _, e := range schema.Entities() {
		for _, row := range all[e.Name] {
			for _, c := range e.Columns {
				require.Contains(t, row, c.Name, e.Name)
			}
			require.NotZero(t, row["id"])
		}
	}
	last := map[any]any{}
	for _, s := range all[store.Sequences] {
		last[s["name"]] = s["last"]
	}
	require.GreaterOrEqual(t, last["project"], all["project"][2]["id"])
}

func dumpIsOneMoment(t *testing.T, w *world) {
	d := dumper(t, w)
	w.fill(t)
	before := Dump(t, w.Store, store.DumpOptions{})
	got, wrote := map[string]int{}, false
	require.NoError(t, d.Dump(t.Context(), store.DumpOptions{}, func(r store.Record) error {
		got[r.Table]++
		if !wrote { // a writer is not kept waiting
			wrote = true
			w.neighbour(t)
			w.task(t)
		}
		return nil
	}))
	for table, rows := range before {
		if table != store.Sequences {
			require.Len(t, rows, got[table], table)
		}
	}
	require.Len(t, Dump(t, w.Store, store.DumpOptions{})["project"], 4)
}

func dumpLeavesOut(t *testing.T, w *world) {
	dumper(t, w)
	w.fill(t)
	all := Dump(t, w.Store, store.DumpOptions{})
	for name, c := range map[string]struct {
		o    store.DumpOptions
		gone []string
	}{
		"events":   {store.DumpOptions{NoEvents: true}, []string{"event"}},
		"sessions": {store.DumpOptions{NoSessions: true}, []string{"session", "email_otp"}},
		"logs":     {store.DumpOptions{NoLogs: true}, []string{"log_chunk"}},
		"tasks":    {store.DumpOptions{NoTasks: true}, []string{"task", "task_attempt", "log_chunk", "task_stage", "outbox", "task_bundle"}},
	} {
		got := Dump(t, w.Store, c.o)
		for _, table := range c.gone {
			require.Empty(t, got[table], name)
		}
		for table := range all {
			if !strings.HasPrefix(table, "task") && table != "terraform_state_lock" && !slices.Contains(c.gone, table) {
				require.Equal(t, all[table], got[table], "%s: %s", name, table)
			}
		}
	}
}

func dumpEnds(t *testing.T, w *world) {
	d := dumper(t, w)
	enough := errors.New("enough")
	n := 0
	require.ErrorIs(t, d.Dump(t.Context(), store.DumpOptions{}, func(store.Record) error {
		n++
		return enough
	}), enough)
	require.Equal(t, 1, n)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, d.Dump(ctx, store.DumpOptions{}, func(store.Record) error { return nil }))
}
