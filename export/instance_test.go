package export_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/postgres"
	"github.com/alexandervashurin/semaphore/store/sqlite"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

var updateManifest = flag.Bool("update-manifest", false, "write the golden manifest anew")

// archiveTime is when the archives of tests are made.
var archiveTime = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func fileStore(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func emptyStore(t testing.TB) *sqlite.Store {
	t.Helper()
	return fileStore(t, filepath.Join(t.TempDir(), "semaphore.db"))
}

// instance is a store with rows in every table, one of them sealed.
type instance struct {
	*sqlite.Store
	path string
	ring *crypto.Ring
	key  store.AccessKey
}

func testRing(t testing.TB, older ...string) *crypto.Ring {
	t.Helper()
	keys := []crypto.Key{}
	for _, text := range append([]string{"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}, older...) {
		k, err := crypto.ParseKey(text)
		require.NoError(t, err)
		keys = append(keys, k)
	}
	ring, err := crypto.NewRing(keys[0], keys[1:]...)
	require.NoError(t, err)
	return ring
}

func newInstance(t *testing.T) instance {
	t.Helper()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	i := instance{Store: fileStore(t, path), path: path, ring: testRing(t)}
	storetest.Fill(t, i.Store)
	p, err := i.Projects().Create(t.Context(), store.Project{Name: "sealed"})
	require.NoError(t, err)
	i.key, err = i.Keys().Create(t.Context(), store.AccessKey{ProjectID: p.ID, Name: "k", Type: store.KeyString})
	require.NoError(t, err)
	sealed, err := i.ring.Seal([]byte("hunter2"), crypto.AD{Table: "access_key", ProjectID: p.ID, ID: i.key.ID, Field: "secret"})
	require.NoError(t, err)
	i.key.Secret = &sealed
	require.NoError(t, i.Keys().Update(t.Context(), i.key))
	return i
}

func (i instance) archive(t testing.TB, change ...func(*export.InstanceOptions)) []byte {
	t.Helper()
	o := export.InstanceOptions{Ring: i.ring, Program: "test", Now: func() time.Time { return archiveTime }}
	for _, f := range change {
		f(&o)
	}
	var b bytes.Buffer
	_, err := export.WriteInstance(t.Context(), i, &b, o)
	require.NoError(t, err)
	return b.Bytes()
}

func (i instance) read(t testing.TB, st store.Store, archive []byte) export.InstanceReport {
	t.Helper()
	report, err := export.ReadInstance(t.Context(), st, bytes.NewReader(archive), export.ReadInstanceOptions{Ring: i.ring})
	require.NoError(t, err)
	return report
}

// moved is what a dump is once it went through an archive.
func moved(all map[string][]map[string]any) map[string][]map[string]any {
	for _, table := range []string{"session", "email_otp", "terraform_state_lock", "task_bundle", "outbox"} {
		delete(all, table)
	}
	for _, row := range all["task_attempt"] {
		row["finished"] = true
	}
	for _, row := range all["task"] {
		switch store.Status(row["status"].(string)) {
		case store.Success, store.Failed, store.Stopped:
			continue
		case store.Running, store.Starting, store.Stopping:
			row["status"], row["reason"] = "error", "moved while running"
		default:
			row["status"], row["reason"] = "stopped", "moved before it ran"
		}
		row["end"], row["secrets"], row["lease_id"], row["lease_owner"] = archiveTime.UnixMilli(), nil, "", ""
		row["lease_until"], row["lease_renewed"] = int64(0), int64(0)
	}
	return all
}

func TestAnInstanceIsTheSameInEveryKindOfStore(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	want := moved(storetest.Dump(t, from, store.DumpOptions{}))
	archive := from.archive(t)

	file := filepath.Join(t.TempDir(), "b.db")
	report := from.read(t, fileStore(t, file), archive)
	got := fileStore(t, file)
	require.Equal(t, want, storetest.Dump(t, got, store.DumpOptions{}))
	rows := int64(0)
	for table, list := range want {
		if table != store.Sequences {
			require.Equal(t, int64(len(list)), report.Tables[table], table)
			rows += int64(len(list))
		}
	}
	require.Equal(t, rows, report.Rows)
	require.Equal(t, int64(2), report.Ended)
	key, err := got.Keys().Get(t.Context(), from.key.ProjectID, from.key.ID)
	require.NoError(t, err)
	plain, err := from.ring.Open(*key.Secret, crypto.AD{Table: "access_key", ProjectID: key.ProjectID, ID: key.ID, Field: "secret"})
	require.NoError(t, err)
	require.Equal(t, "hunter2", string(plain))

	url := pgtest.Shared(t).Database(t)
	openPG := func() store.Store {
		s, err := postgres.Open(t.Context(), url, postgres.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
	from.read(t, openPG(), archive)
	middle := openPG()
	require.Equal(t, want, storetest.Dump(t, middle, store.DumpOptions{}))
	var back bytes.Buffer
	_, err = export.WriteInstance(t.Context(), middle, &back, export.InstanceOptions{Ring: from.ring, Program: "test", Now: func() time.Time { return archiveTime }})
	require.NoError(t, err)
	last := filepath.Join(t.TempDir(), "c.db")
	from.read(t, fileStore(t, last), back.Bytes())
	require.Equal(t, want, storetest.Dump(t, fileStore(t, last), store.DumpOptions{}))
}

func TestTheArchiveOfAnInstanceIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	require.Equal(t, from.archive(t), from.archive(t))
}

func TestWhatIsLeftOutOfAnArchive(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	for name, c := range map[string]struct {
		change func(*export.InstanceOptions)
		gone   []string
		there  []string
	}{
		"nothing": {func(*export.InstanceOptions) {}, nil, []string{"event", "task", "log_chunk", "terraform_state"}},
		"events":  {func(o *export.InstanceOptions) { o.NoEvents = true }, []string{"event"}, []string{"task", "log_chunk"}},
		"logs":    {func(o *export.InstanceOptions) { o.NoLogs = true }, []string{"log_chunk"}, []string{"task", "event"}},
		"tasks":   {func(o *export.InstanceOptions) { o.NoTasks = true }, []string{"task", "log_chunk", "task_attempt"}, []string{"event", "terraform_state"}},
	} {
		report, err := export.CheckInstance(t.Context(), bytes.NewReader(from.archive(t, c.change)), nil)
		require.NoError(t, err)
		for _, table := range append(c.gone, "session", "email_otp", "task_bundle", "outbox") {
			require.NotContains(t, report.Tables, table, name)
		}
		for _, table := range c.there {
			require.Contains(t, report.Tables, table, name)
		}
		path := filepath.Join(t.TempDir(), "b.db")
		from.read(t, fileStore(t, path), from.archive(t, c.change))
		all := storetest.Dump(t, fileStore(t, path), store.DumpOptions{})
		for _, row := range all["task"] {
			require.True(t, name != "logs" || row["log_lines"] == int64(0), "output that is not there is not promised")
		}
	}
}

func TestNotesOfServersStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	for _, name := range []string{"node.x", "auth.unlock.joe", "auth.identity.1"} {
		require.NoError(t, from.Options().Set(t.Context(), name, "v"))
	}
	path := filepath.Join(t.TempDir(), "b.db")
	from.read(t, fileStore(t, path), from.archive(t))
	all, err := fileStore(t, path).Options().All(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a.b": "c", "auth.identity.1": "v"}, all)
}

func TestTheManifestIsWhatItWas(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	files := unpack(t, from.archive(t, func(o *export.InstanceOptions) { o.NoLogs = true }))
	var m export.Manifest
	require.NoError(t, json.Unmarshal(files[0].data, &m))
	require.Equal(t, from.Schema(), m.Schema)
	got := bytes.Replace(files[0].data, []byte(`"schema": `+itoa(m.Schema)), []byte(`"schema": 0`), 1) // rises with the tables
	golden := filepath.Join("testdata", "instance_manifest.json")
	if *updateManifest {
		require.NoError(t, os.MkdirAll("testdata", 0o700))
		require.NoError(t, os.WriteFile(golden, got, 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestNoKeyIsInAnArchive(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	for _, f := range unpack(t, from.archive(t)) {
		require.NotContains(t, string(f.data), "MDEyMzQ1Njc4OWFiY2RlZj", f.name)
		require.NotContains(t, string(f.data), "hunter2", f.name)
	}
}

func TestTheRingHasToHaveTheKeys(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	archive := from.archive(t)
	other, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	to := emptyStore(t)
	for name, ring := range map[string]*crypto.Ring{"none": nil, "another": other} {
		_, err := export.ReadInstance(t.Context(), to, bytes.NewReader(archive), export.ReadInstanceOptions{Ring: ring})
		var missing *crypto.MissingKeyError
		require.ErrorAs(t, err, &missing, name)
		require.Equal(t, from.ring.Primary(), missing.KeyID)
	}
	// A key of the same id is not enough.
	files := unpack(t, archive)
	var m export.Manifest
	require.NoError(t, json.Unmarshal(files[0].data, &m))
	files[0].data = bytes.Replace(files[0].data, []byte(m.Keys[0].Check), []byte(strings.Repeat("0", 32)), 1)
	_, err = export.ReadInstance(t.Context(), to, bytes.NewReader(pack(t, reseal(t, files))), export.ReadInstanceOptions{Ring: from.ring})
	require.ErrorContains(t, err, "another one")
	newer, err := crypto.ParseKey("ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=")
	require.NoError(t, err)
	require.NoError(t, other.Add(newer))
	// An older key of the ring will do.
	both := testRing(t)
	require.NoError(t, both.Add(newer))
	_, err = export.ReadInstance(t.Context(), to, bytes.NewReader(archive), export.ReadInstanceOptions{Ring: both})
	require.NoError(t, err)

	_, err = export.WriteInstance(t.Context(), from, io.Discard, export.InstanceOptions{})
	require.ErrorContains(t, err, from.ring.Primary())
}

func TestAnImportIsRefusedTheSecondTime(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	path := filepath.Join(t.TempDir(), "b.db")
	from.read(t, fileStore(t, path), from.archive(t))
	want := storetest.Dump(t, fileStore(t, path), store.DumpOptions{})
	_, err := export.ReadInstance(t.Context(), fileStore(t, path), bytes.NewReader(from.archive(t)), export.ReadInstanceOptions{Ring: from.ring})
	require.ErrorIs(t, err, store.ErrNotEmpty)
	require.ErrorContains(t, err, "name a new one")
	require.Equal(t, want, storetest.Dump(t, fileStore(t, path), store.DumpOptions{}))
}

func TestADryRunChecksAllAndLeavesNothing(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	path := filepath.Join(t.TempDir(), "b.db")
	to := fileStore(t, path)
	report, err := export.ReadInstance(t.Context(), to, bytes.NewReader(from.archive(t)), export.ReadInstanceOptions{Ring: from.ring, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, int64(4), report.Tables["project"])
	require.Empty(t, storetest.Dump(t, to, store.DumpOptions{})["project"])
	left, err := filepath.Glob(path + ".stage*")
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestStoresThatCannotBeMovedAsAWhole(t *testing.T) {
	t.Parallel()
	st := memory.New(memory.Config{})
	_, err := export.WriteInstance(t.Context(), st, io.Discard, export.InstanceOptions{})
	require.ErrorIs(t, err, export.ErrNotWhole)
	_, err = export.ReadInstance(t.Context(), st, bytes.NewReader(nil), export.ReadInstanceOptions{})
	require.ErrorIs(t, err, export.ErrNotWhole)
}

func TestProgressIsToldAndCancelEnds(t *testing.T) {
	t.Parallel()
	from := newInstance(t)
	var told []export.Progress
	archive := from.archive(t, func(o *export.InstanceOptions) { o.Progress = func(p export.Progress) { told = append(told, p) } })
	require.Greater(t, len(told), 20)
	require.Equal(t, store.Sequences, told[len(told)-1].Table)
	to := emptyStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := export.ReadInstance(ctx, to, bytes.NewReader(archive), export.ReadInstanceOptions{Ring: from.ring, Progress: func(export.Progress) { cancel() }})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, storetest.Dump(t, to, store.DumpOptions{})["project"])
}
