package foreign_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func TestASecondImportChangesNothing(t *testing.T) {
	t.Parallel()
	key := crypto.GenerateKey()
	source := foreign.Source{Place: oldFile(t, oldWorld(t, key)), Keys: []crypto.Key{key}}
	g := newTarget(t)
	_, st := g.importFrom(t, source, foreign.Options{})
	require.NoError(t, st.Close())
	before := readFile(t, g.file)
	rep, st := g.importFrom(t, source, foreign.Options{})
	require.True(t, rep.Already)
	require.NoError(t, st.Close())
	require.Equal(t, before, readFile(t, g.file))

	i, err := foreign.Open(t.Context(), foreign.Source{Place: oldFile(t, oldWorld(t, key))})
	require.NoError(t, err)
	t.Cleanup(func() { _ = i.Close() })
	_, err = i.Import(t.Context(), g.open(t), g.ring, foreign.Options{})
	require.ErrorIs(t, err, foreign.ErrOther)
}

func TestATargetThatHoldsSomethingIsRefused(t *testing.T) {
	t.Parallel()
	i, err := foreign.Open(t.Context(), foreign.Source{Place: oldFile(t, oldWorld(t, crypto.GenerateKey()))})
	require.NoError(t, err)
	t.Cleanup(func() { _ = i.Close() })
	g := newTarget(t)
	st := g.open(t)
	_, err = st.Projects().Create(t.Context(), store.Project{Name: "mine"})
	require.NoError(t, err)
	_, err = i.Import(t.Context(), st, g.ring, foreign.Options{})
	require.ErrorIs(t, err, store.ErrNotEmpty)
	_, err = i.Import(t.Context(), memoryOnly{memory.New(memory.Config{})}, g.ring, foreign.Options{})
	require.ErrorIs(t, err, foreign.ErrUnfit)
}

// memoryOnly is a store that cannot be filled as a whole.
type memoryOnly struct{ store.Store }

func TestADryRunWritesNothing(t *testing.T) {
	t.Parallel()
	key := crypto.GenerateKey()
	rep, st := newTarget(t).importFrom(t, foreign.Source{Place: oldFile(t, oldWorld(t, key)), Keys: []crypto.Key{key}}, foreign.Options{DryRun: true})
	require.True(t, rep.DryRun)
	require.Equal(t, int64(2), rep.Kind("project").Kept)
	n, err := st.Users().Count(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestTasksOutputAndEventsCanBeLeftOut(t *testing.T) {
	t.Parallel()
	file := oldFile(t, oldWorld(t, crypto.GenerateKey()))
	rep, st := newTarget(t).importFrom(t, foreign.Source{Place: file}, foreign.Options{NoLogs: true, NoEvents: true})
	require.Equal(t, int64(3), rep.Kind("task").Kept)
	require.Zero(t, rep.Kind("output").Kept)
	page, err := st.Logs().Read(t.Context(), 1, 1, 0, 10)
	require.NoError(t, err)
	require.Empty(t, page.Lines)
	rep, _ = newTarget(t).importFrom(t, foreign.Source{Place: file}, foreign.Options{NoTasks: true})
	require.Zero(t, rep.Kind("task").Kept)
	require.Equal(t, int64(2), rep.Kind("event").Kept)
}

func TestAnOlderSchemaLacksColumns(t *testing.T) {
	t.Parallel()
	key := crypto.GenerateKey()
	without := []string{
		"user.pro", "access_key.owner", "access_key.plain", "access_key.storage_id", "access_key.source_storage_id", "access_key.source_storage_key", "access_key.source_storage_type",
		"project.default_secret_storage_id", "project__schedule.run_at", "project__schedule.type", "project__schedule.delete_after_run", "project__schedule.task_params_id",
		"project__inventory.runner_tag", "project__template.allow_parallel_tasks", "project__template.allow_override_branch_in_task", "project__view.type",
		"task.params", "task.schedule_id", "runner.touched", "project__environment.secret_storage_id",
	}
	rep, st := newTarget(t).importFrom(t, foreign.Source{Place: oldFile(t, oldWorld(t, key), without...), Keys: []crypto.Key{key}}, foreign.Options{})
	require.Equal(t, int64(3), rep.Kind("task").Kept)
	secret, err := st.Keys().Get(t.Context(), 1, 4)
	require.NoError(t, err)
	require.Equal(t, store.OwnerVariable, secret.Owner)
}

func TestTextThatIsNoneIsMendedAndOutputIsKept(t *testing.T) {
	t.Parallel()
	rows := oldWorld(t, crypto.GenerateKey())
	for _, e := range rows {
		if e.table == "project" && e.values["id"] == 1 {
			e.values["name"] = "de\xffmo\x00"
		}
		if e.table == "task__output" && e.values["id"] == 1 {
			e.values["output"] = []byte("raw \xff\x00")
		}
	}
	rep, st := newTarget(t).importFrom(t, foreign.Source{Place: oldFile(t, rows)}, foreign.Options{})
	p, err := st.Projects().Get(t.Context(), 0, 1)
	require.NoError(t, err)
	require.Equal(t, "de\uFFFDmo\uFFFD", p.Name)
	require.Equal(t, int64(2), rep.Kind("project").Changed)
	page, err := st.Logs().Read(t.Context(), 1, 1, 0, 1)
	require.NoError(t, err)
	require.Equal(t, "raw \xff\x00", page.Lines[0].Text)
}

func TestAFileWithAWriteAheadLogIsReadFromACopy(t *testing.T) {
	t.Parallel()
	key := crypto.GenerateKey()
	file := filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)")
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	fill(t, db, dialects()["sqlite"], oldWorld(t, key))
	before, log := readFile(t, file), readFile(t, file+"-wal")
	require.NotEmpty(t, log)
	rep, _ := newTarget(t).importFrom(t, foreign.Source{Place: file, Keys: []crypto.Key{key}}, foreign.Options{})
	require.Equal(t, int64(3), rep.Kind("task").Kept)
	require.Equal(t, before, readFile(t, file))
	require.Equal(t, log, readFile(t, file+"-wal"))
}

func TestWhatIsNoInstallationIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	ours := newTarget(t)
	require.NoError(t, ours.open(t).Close())
	old := oldFile(t, []entry{{"migrations", v{"version": "2.8.1"}}})
	for _, tt := range []struct {
		place string
		want  error
	}{
		{filepath.Join(dir, "missing"), os.ErrNotExist},
		{write("empty", ""), foreign.ErrNotInstallation},
		{write("text", strings.Repeat("no database ", 9000)), foreign.ErrNotInstallation},
		{ours.file, foreign.ErrNotInstallation},
		{old, foreign.ErrTooOld},
	} {
		_, err := foreign.Open(t.Context(), foreign.Source{Place: tt.place})
		require.ErrorIs(t, err, tt.want, tt.place)
		var read *foreign.ReadError
		require.ErrorAs(t, err, &read)
		require.Equal(t, tt.place, read.Place)
	}
	for _, place := range []string{"postgres://a:hush-hush@127.0.0.1:1/x", "mysql://a:hush-hush@127.0.0.1:1/x", "mysql://a:hush-hush@127.0.0.1:1/x?tls=%ZZ", "postgres://a:hush hush@[::1/x"} {
		_, err := foreign.Open(t.Context(), foreign.Source{Place: place})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hush")
	}
}

func TestStatesOfOldCheckoutsAreTakenOverUnlessTheyAreLocked(t *testing.T) {
	t.Parallel()
	checkouts := t.TempDir()
	dir := filepath.Join(checkouts, "project_1", "repository_1_template_3", "infra")
	put := func(name, text string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	put("terraform.tfstate", localState) // of a workspace that the old database has a state of
	put("terraform.tfstate.d/blue/terraform.tfstate", localState)
	put("terraform.tfstate.d/red/terraform.tfstate", localState)
	put("terraform.tfstate.d/red/.terraform.tfstate.lock.info", "{}")
	put("terraform.tfstate.d/torn/terraform.tfstate", localState[:20])
	g := newTarget(t)
	rep, st := g.importFrom(t, foreign.Source{Place: oldFile(t, oldWorld(t, crypto.GenerateKey()))}, foreign.Options{Checkouts: checkouts})
	k := rep.Kind("checkout_state")
	require.Equal(t, int64(1), k.Kept)
	require.Equal(t, int64(3), k.Refused)
	key := store.StateKey{ProjectID: 1, TemplateID: 3, Workspace: "blue"}
	state, err := st.Artifacts().State(t.Context(), key)
	require.NoError(t, err)
	text, err := pool.StateData(g.ring, key, state)
	require.NoError(t, err)
	require.Equal(t, localState, string(text))
	_, err = st.Artifacts().State(t.Context(), store.StateKey{ProjectID: 1, TemplateID: 3, Workspace: "red"})
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestAReportNamesEverythingAndNoSecret(t *testing.T) {
	t.Parallel()
	key := crypto.GenerateKey()
	rep, _ := newTarget(t).importFrom(t, foreign.Source{Place: oldFile(t, oldWorld(t, key)), Keys: []crypto.Key{key}}, foreign.Options{})
	var text bytes.Buffer
	require.NoError(t, rep.Write(&text))
	data, err := json.Marshal(rep)
	require.NoError(t, err)
	for _, part := range []string{`refused: key 6 "orphan" of project 99`, `changed: key 5 "lost" of project 1, secret`, "sessions are not taken over"} {
		require.Contains(t, text.String(), part)
	}
	for _, hush := range []string{"hush", "leak-me", oldToken, "JBSWY3DPEHPK3PXP", oldPassword, "runner-token-1", "BEGIN OPENSSH", key.Encode()} {
		require.NotContains(t, text.String(), hush)
		require.NotContains(t, string(data), hush)
	}
	wrong, _ := newTarget(t).importFrom(t, foreign.Source{Place: oldFile(t, []entry{
		{"migrations", v{"version": "2.17.15"}}, {"project", v{"id": 1, "name": "p", "created": at(1)}},
		{"access_key", v{"id": 1, "project_id": 1, "type": "string", "name": "k", "secret": sealOld(t, key, "x")}},
	})}, foreign.Options{})
	require.Contains(t, strings.Join(wrong.Warnings, "\n"), "none of the secrets could be opened")
}

// importingChild is set in a process that imports until it is killed.
const importingChild = "SEMAPHORE_TEST_IMPORT"

func TestAnImportThatIsKilledLeavesAllOrNothing(t *testing.T) {
	t.Parallel()
	if place := os.Getenv(importingChild); place != "" {
		source, file, _ := strings.Cut(place, "|")
		i, err := foreign.Open(t.Context(), foreign.Source{Place: source})
		require.NoError(t, err)
		st, err := sqlite.Open(t.Context(), file, sqlite.Config{})
		require.NoError(t, err)
		ring, err := crypto.NewRing(crypto.GenerateKey())
		require.NoError(t, err)
		_, err = i.Import(t.Context(), st, ring, foreign.Options{})
		require.NoError(t, err)
		return
	}
	rows := oldWorld(t, crypto.GenerateKey())
	for i := range 5000 {
		rows = append(rows, entry{"task__output", v{"id": 1000 + i, "task_id": 1, "time": at(11), "output": strings.Repeat("x", 100)}})
	}
	source := oldFile(t, rows)
	none, all := 0, 0
	for delay := time.Millisecond; delay < 3*time.Second; delay = delay*3/2 + 5*time.Millisecond {
		g := newTarget(t)
		require.NoError(t, g.open(t).Close())
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAnImportThatIsKilledLeavesAllOrNothing$")
		cmd.Env = append(os.Environ(), importingChild+"="+source+"|"+g.file)
		require.NoError(t, cmd.Start())
		timer := time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		st := g.open(t)
		users, err2 := st.Users().Count(t.Context(), 0, store.Query{})
		require.NoError(t, err2)
		options, err2 := st.Options().All(t.Context())
		require.NoError(t, err2)
		switch users {
		case 0:
			none++
			require.Empty(t, options)
			require.Error(t, err)
		default:
			all++
			require.Equal(t, 3, users)
			require.NotEmpty(t, options)
			page, err := st.Logs().Read(t.Context(), 1, 1, 5000, 100)
			require.NoError(t, err)
			require.Equal(t, int64(5030), page.Total)
		}
		if all > 1 {
			break
		}
	}
	require.Positive(t, none)
	require.Positive(t, all)
}
