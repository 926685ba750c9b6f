package sqlite_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
	"github.com/alexandervashurin/semaphore/store/sqlite"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

func TestABackupIsTheDatabaseOfOneMoment(t *testing.T) {
	t.Parallel()
	path := freshFile(t)
	s := open(t, path)
	storetest.Fill(t, s)
	tpl := template(t, s, true)
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	slowest, wrote := time.Duration(0), make(chan bool, 1)
	writer.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			task, err := s.Tasks().Create(t.Context(), store.NewTask{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Parallel: true}})
			if err != nil || task.ID == 0 {
				t.Error(err)
				return
			}
			slowest = max(slowest, time.Since(began))
			select {
			case wrote <- true:
			default:
			}
		}
	})
	<-wrote
	to := filepath.Join(t.TempDir(), "backup.db")
	c, err := sqlite.Backup(t.Context(), path, to, sqlite.Config{})
	stop()
	writer.Wait()
	require.NoError(t, err)
	t.Log("slowest write meanwhile:", slowest)
	require.Equal(t, s.Schema(), c.Schema)
	info, err := os.Stat(to)
	require.NoError(t, err)
	require.Equal(t, info.Size(), c.Bytes)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := filepath.Glob(to + "?*")
	require.NoError(t, err)
	require.Empty(t, left)

	copied := open(t, to)
	tasks, err := copied.Tasks().List(t.Context(), store.TaskFilter{TemplateID: tpl.ID, Limit: 1000})
	require.NoError(t, err)
	require.NotEmpty(t, tasks.Items)
	got, err := copied.Templates().Get(t.Context(), tpl.ProjectID, tpl.ID)
	require.NoError(t, err)
	require.Equal(t, len(tasks.Items), got.Tasks, "rows of one moment")

	_, err = sqlite.Backup(t.Context(), path, to, sqlite.Config{})
	require.ErrorIs(t, err, fs.ErrExist)
}

func TestABackupThatCannotBeMadeLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	to := filepath.Join(dir, "backup.db")
	text := filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("no database\n", 1000)), 0o600))
	foreign := filepath.Join(dir, "foreign.db")
	_, err := rawDB(t, foreign).ExecContext(t.Context(), "CREATE TABLE migrations (version TEXT, upgraded_date TEXT)")
	require.NoError(t, err)
	for _, from := range []string{filepath.Join(dir, "none.db"), text, dir, foreign} {
		_, err := sqlite.Backup(t.Context(), from, to, sqlite.Config{})
		require.Error(t, err, from)
		require.NoFileExists(t, to)
		require.NoFileExists(t, to+".partial")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sqlite.Backup(ctx, freshFile(t), to, sqlite.Config{})
	require.Error(t, err)
	require.NoFileExists(t, to+".partial")
}

// backedUp is a database with a backup of it, after which something came.
func backedUp(t *testing.T) (path, to string) {
	t.Helper()
	path, to = freshFile(t), filepath.Join(t.TempDir(), "backup.db")
	s := open(t, path)
	_, err := s.Projects().Create(t.Context(), store.Project{Name: "before"})
	require.NoError(t, err)
	_, err = sqlite.Backup(t.Context(), path, to, sqlite.Config{})
	require.NoError(t, err)
	_, err = s.Projects().Create(t.Context(), store.Project{Name: "after"})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	return path, to
}

func names(t *testing.T, path string) (list []string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	page, err := s.Projects().List(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	for _, p := range page.Items {
		list = append(list, p.Name)
	}
	return list
}

func TestARestoreBringsTheBackupAndKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	path, from := backedUp(t)
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	c, err := sqlite.Restore(t.Context(), path, from, sqlite.RestoreOptions{Config: sqlite.Config{Now: now}})
	require.NoError(t, err)
	require.Equal(t, path+".before-20260102T030405Z", c.Kept)
	require.Equal(t, []string{"before"}, names(t, path))
	require.Equal(t, []string{"before", "after"}, names(t, c.Kept))
	require.Equal(t, []string{"before"}, names(t, from))
	info, err := os.Stat(c.Kept)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoFileExists(t, path+".restore")

	_, err = sqlite.Restore(t.Context(), path, c.Kept, sqlite.RestoreOptions{Config: sqlite.Config{Now: now}})
	require.ErrorIs(t, err, fs.ErrExist, "nothing that was kept is lost")
	fresh := filepath.Join(t.TempDir(), "a", "new.db")
	c, err = sqlite.Restore(t.Context(), fresh, from, sqlite.RestoreOptions{})
	require.NoError(t, err)
	require.Empty(t, c.Kept)
	require.Equal(t, []string{"before"}, names(t, fresh))
}

func TestARestoreIsRefusedWhileSomebodyHasTheDatabaseOpen(t *testing.T) {
	t.Parallel()
	path, from := backedUp(t)
	s := open(t, path)
	release, err := s.Own(t.Context())
	require.NoError(t, err)
	var owned *store.OwnedError
	_, err = sqlite.Restore(t.Context(), path, from, sqlite.RestoreOptions{})
	require.ErrorAs(t, err, &owned)
	require.Equal(t, os.Getpid(), owned.PID)
	require.NoError(t, release())
	_, err = s.Projects().Create(t.Context(), store.Project{Name: "open"})
	require.NoError(t, err)
	_, err = sqlite.Restore(t.Context(), path, from, sqlite.RestoreOptions{Config: sqlite.Config{BusyTimeout: time.Millisecond}})
	require.ErrorAs(t, err, &owned)
	require.NoError(t, s.Close())
	require.Equal(t, []string{"before", "after", "open"}, names(t, path))
	kept, err := filepath.Glob(path + ".before-*")
	require.NoError(t, err)
	require.Empty(t, kept)
}

func TestABackupThatIsDamagedOrNewerIsNotRestored(t *testing.T) {
	t.Parallel()
	path, good := backedUp(t)
	data, err := os.ReadFile(good)
	require.NoError(t, err)
	bad := filepath.Join(t.TempDir(), "bad.db")
	write := func(change func([]byte) []byte) {
		require.NoError(t, os.WriteFile(bad, change(append([]byte{}, data...)), 0o600))
	}
	refuse := func(what string) {
		_, err := sqlite.Restore(t.Context(), path, bad, sqlite.RestoreOptions{})
		require.ErrorContains(t, err, bad, "%s: it is the copy that is named", what)
		require.NoFileExists(t, path+".restore")
	}
	for _, percent := range []int{0, 1, 10, 50, 90, 99} {
		write(func(b []byte) []byte { return b[:len(b)*percent/100] })
		refuse("cut")
	}
	for page := range 20 { // a page that holds nothing it should
		write(func(b []byte) []byte {
			at := len(b) / 4096 * page / 20 * 4096
			copy(b[at:], make([]byte, 4096))
			return b
		})
		refuse("page")
	}
	for query, want := range map[string]error{
		"INSERT INTO " + sqlstore.VersionTable + " (version_id, is_applied) VALUES (9999, TRUE)": store.ErrNewer,
		"DROP TABLE " + sqlstore.VersionTable:                                                    store.ErrInvalid,
		"INSERT INTO member (project_id, user_id, role) VALUES (1, 77, 'x')":                     store.ErrInvalid,
	} {
		write(func(b []byte) []byte { return b })
		db := rawDB(t, bad)
		_, err := db.ExecContext(t.Context(), query)
		require.NoError(t, err)
		require.NoError(t, db.Close())
		_, err = sqlite.Restore(t.Context(), path, bad, sqlite.RestoreOptions{})
		require.ErrorIs(t, err, want, query)
	}
	require.Equal(t, []string{"before", "after"}, names(t, path))
}

func TestADatabaseThatIsBrokenCanBeRestored(t *testing.T) {
	t.Parallel()
	path, from := backedUp(t)
	broken := []byte(strings.Repeat("broken by something ", 1000))
	require.NoError(t, os.WriteFile(path, broken, 0o600))
	require.NoError(t, os.WriteFile(path+"-wal", []byte("its journal"), 0o600))
	c, err := sqlite.Restore(t.Context(), path, from, sqlite.RestoreOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"before"}, names(t, path))
	kept, err := os.ReadFile(c.Kept)
	require.NoError(t, err)
	require.Equal(t, broken, kept)
	_, err = sqlite.Restore(t.Context(), path, path, sqlite.RestoreOptions{})
	require.ErrorIs(t, err, store.ErrInvalid)
}

// TestAProgramThatStillHasTheOldFileOpenIsTold: it opened the file before it was
// replaced, and finds out with its first statement.
func TestAProgramThatStillHasTheOldFileOpenIsTold(t *testing.T) {
	t.Parallel()
	path, from := backedUp(t)
	old, err := os.Open(path)
	require.NoError(t, err)
	defer old.Close()
	_, err = sqlite.Restore(t.Context(), path, from, sqlite.RestoreOptions{})
	require.NoError(t, err)
	head := make([]byte, 16)
	_, err = old.ReadAt(head, 0)
	require.NoError(t, err)
	require.NotContains(t, string(head), "SQLite")
}

// TestNothingOfACopyRunsAgain after it was restored: it may have run since.
func TestNothingOfACopyRunsAgain(t *testing.T) {
	t.Parallel()
	path := freshFile(t)
	s := open(t, path)
	tpl := template(t, s, true)
	ctx, q := t.Context(), s.Queue()
	var tasks []store.Task
	for range 4 {
		task, err := s.Tasks().Create(ctx, store.NewTask{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Parallel: true, MaxRetries: 3}})
		require.NoError(t, err)
		tasks = append(tasks, task)
	}
	list, err := q.Claim(ctx, store.ClaimRequest{Owner: "me", Tags: []string{""}, Max: 3, TTL: time.Hour})
	require.NoError(t, err)
	_, err = q.Finish(ctx, list[1].Lease, store.Finish{Status: store.WaitingConfirmation})
	require.NoError(t, err)
	_, err = q.Finish(ctx, list[2].Lease, store.Finish{Status: store.Success})
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "backup.db")
	_, err = sqlite.Backup(ctx, path, copied, sqlite.Config{})
	require.NoError(t, err)

	for _, goOn := range []bool{false, true} {
		fresh := filepath.Join(t.TempDir(), "restored.db")
		c, err := sqlite.Restore(ctx, fresh, copied, sqlite.RestoreOptions{GoOn: goOn})
		require.NoError(t, err)
		r := open(t, fresh)
		want, ended := []store.Status{store.Failed, store.WaitingConfirmation, store.Success, store.Stopped}, int64(2)
		if goOn {
			want, ended = []store.Status{store.Starting, store.WaitingConfirmation, store.Success, store.Waiting}, 0
		}
		require.Equal(t, ended, c.Ended)
		for i, task := range tasks {
			row, err := r.Tasks().Get(ctx, tpl.ProjectID, task.ID)
			require.NoError(t, err)
			require.Equal(t, want[i], row.Status, "task %d", i)
			require.Equal(t, want[i].Finished(), row.End != nil)
		}
		due, err := r.Queue().Outbox(ctx, time.Now().Add(time.Hour), 10)
		require.NoError(t, err)
		require.Len(t, due, map[bool]int{false: 0, true: 2}[goOn])
		_, err = r.Queue().Expire(ctx, store.Expiry{Self: "other", AllDead: true})
		require.NoError(t, err)
		list, err := r.Queue().Claim(ctx, store.ClaimRequest{Owner: "other", Tags: []string{""}, Max: 9, TTL: time.Hour})
		require.NoError(t, err)
		require.Len(t, list, int(2-ended))
	}
}
