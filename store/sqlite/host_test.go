package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

var hostParams = []string{"_pragma=foreign_keys(1)", "_pragma=journal_mode(WAL)"}

func host(t *testing.T) (*sql.DB, *sqlite.Store) {
	t.Helper()
	db := rawDB(t, filepath.Join(t.TempDir(), "host.db"), hostParams...)
	_, err := db.ExecContext(t.Context(), "CREATE TABLE orders (id INTEGER PRIMARY KEY, task_id INTEGER)")
	require.NoError(t, err)
	s, err := sqlite.Use(t.Context(), db, sqlite.Config{})
	require.NoError(t, err)
	return db, s
}

// TestSuiteOnAHostsHandle proves that a borrowed handle does all that an own one
// does.
func TestSuiteOnAHostsHandle(t *testing.T) {
	t.Parallel()
	if testing.Short() || raceDetector { // under which SQLite is many times slower
		return // TestSuite does the same on a file of its own
	}
	storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
		db := rawDB(t, freshFile(t), hostParams...)
		s, err := sqlite.Use(t.Context(), db, sqlite.Config{Now: now})
		require.NoError(t, err)
		return s
	})
}

func TestAHostsTransactionTakesTasks(t *testing.T) {
	t.Parallel()
	db, s := host(t)
	tpl := template(t, s, false)
	count := func() int {
		n, err := s.Tasks().Counts(t.Context(), store.TaskFilter{})
		require.NoError(t, err)
		return n[store.Waiting]
	}
	for _, commit := range []bool{false, true} {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		in := s.WithTx(tx)
		task := add(t, in, tpl)
		_, err = tx.ExecContext(t.Context(), "INSERT INTO orders (task_id) VALUES ($1)", task.ID)
		require.NoError(t, err)
		_, err = in.Tasks().Get(t.Context(), tpl.ProjectID, task.ID)
		require.NoError(t, err)
		require.Zero(t, count(), "nothing is seen before the commit")
		// A failure inside is undone by itself.
		_, err = in.Tasks().Create(t.Context(), store.NewTask{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: 99}})
		require.ErrorIs(t, err, store.ErrInvalid)
		require.NoError(t, in.Close())
		if commit {
			require.NoError(t, tx.Commit())
			require.Equal(t, 1, count())
		} else {
			require.NoError(t, tx.Rollback())
			require.Zero(t, count())
		}
	}
}

func TestAHostsSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		params []string
		says   string
	}{
		"no foreign keys": {[]string{"_pragma=journal_mode(WAL)"}, "_pragma=foreign_keys(1)"},
		"no WAL":          {[]string{"_pragma=foreign_keys(1)"}, "_pragma=journal_mode(WAL)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := rawDB(t, filepath.Join(t.TempDir(), "host.db"), test.params...)
			_, err := sqlite.Use(t.Context(), db, sqlite.Config{})
			require.ErrorIs(t, err, store.ErrInvalid)
			require.ErrorContains(t, err, test.says)
			require.Empty(t, texts(t, db, "SELECT name FROM sqlite_master"))
		})
	}
}

func TestADatabaseInMemoryWorks(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", "file::memory:?_pragma=foreign_keys(1)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxOpenConns(1)
	s, err := sqlite.Use(t.Context(), db, sqlite.Config{})
	require.NoError(t, err)
	add(t, s, template(t, s, false))
	require.Len(t, claim(t, s, 1), 1)
	release, err := s.Own(t.Context())
	require.NoError(t, err)
	require.NoError(t, release())
}

func TestAHostsHandleStaysUsable(t *testing.T) {
	t.Parallel()
	db, s := host(t)
	db.SetMaxOpenConns(1)
	failed := errors.New("no")
	require.ErrorIs(t, s.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		_, err := tx.Projects().Create(ctx, store.Project{Name: "p"})
		require.NoError(t, err)
		return failed
	}), failed)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.Equal(t, []string{"0 "}, texts(t, db, "SELECT count(*) FROM project"))
}
