package sqlite_test

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func TestAnOldDatabaseIsMigrated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "old.db")
	unpack(t, "testdata/v1.db.gz", path)
	s := open(t, path)
	p, err := s.Projects().Get(t.Context(), 0, 1)
	require.NoError(t, err)
	require.Equal(t, "from the first version", p.Name)
	u, err := s.Users().ByLogin(t.Context(), "ALICE")
	require.NoError(t, err)
	require.True(t, u.Admin)
	options, err := s.Options().All(t.Context())
	require.NoError(t, err)
	require.Empty(t, options)
	add(t, s, templateIn(t, s, p.ID, false))
	require.Equal(t, []string{"ok "}, texts(t, rawDB(t, path), "PRAGMA integrity_check"))
}

func unpack(t *testing.T, from, to string) {
	t.Helper()
	f, err := os.Open(from)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, data, 0o600))
}

func TestManyMayOpenAFreshDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	var g errgroup.Group
	for range 8 {
		g.Go(func() error {
			s, err := sqlite.Open(t.Context(), path, sqlite.Config{})
			if err != nil {
				return err
			}
			_, err = s.Projects().Create(t.Context(), store.Project{Name: "p"})
			if err != nil {
				return err
			}
			return s.Close()
		})
	}
	require.NoError(t, g.Wait())
	n, err := open(t, path).Projects().Count(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Equal(t, 8, n)
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	require.NoError(t, open(t, path).Close())
	db := rawDB(t, path)
	_, err := db.ExecContext(t.Context(), "INSERT INTO "+sqlstore.VersionTable+" (version_id, is_applied) VALUES (999, 1)")
	require.NoError(t, err)
	_, err = sqlite.Open(t.Context(), path, sqlite.Config{})
	require.ErrorIs(t, err, store.ErrNewer)
}

func TestADatabaseOfSemaphoreUIIsNeverWritten(t *testing.T) {
	t.Parallel()
	for _, journal := range []string{"DELETE", "WAL"} {
		t.Run(journal, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "database.sqlite")
			db := rawDB(t, path, "_pragma=journal_mode("+journal+")")
			_, err := db.ExecContext(t.Context(), `CREATE TABLE migrations (version TEXT PRIMARY KEY, upgraded_date TEXT, notes TEXT);
				INSERT INTO migrations (version) VALUES ('2.15.1.sqlite'); CREATE TABLE user (id INTEGER)`)
			require.NoError(t, err)
			before := sum(t, path)
			_, err = sqlite.Open(t.Context(), path, sqlite.Config{})
			require.ErrorIs(t, err, store.ErrForeign)
			_, err = sqlite.Use(t.Context(), db, sqlite.Config{})
			require.ErrorIs(t, err, store.ErrForeign)
			require.Equal(t, before, sum(t, path))
			require.NoError(t, db.Close()) // which empties the journal

			before = sum(t, path)
			_, err = sqlite.Open(t.Context(), path, sqlite.Config{})
			require.ErrorIs(t, err, store.ErrForeign)
			require.Equal(t, before, sum(t, path))
			files, err := os.ReadDir(filepath.Dir(path))
			require.NoError(t, err)
			require.Len(t, files, 1, "nothing was put beside it")
		})
	}
}

// TestADatabaseOfSemaphoreUIIsKnownWithoutItsMigrations: their table is of
// another form in some versions, and may be lost.
func TestADatabaseOfSemaphoreUIIsKnownWithoutItsMigrations(t *testing.T) {
	t.Parallel()
	for _, tables := range []string{
		"CREATE TABLE migrations (version TEXT PRIMARY KEY); CREATE TABLE project__template (id INTEGER)",
		"CREATE TABLE migrations (version TEXT PRIMARY KEY); CREATE TABLE project__repository (id INTEGER)",
		"CREATE TABLE task (id INTEGER); CREATE TABLE task__output (id INTEGER)",
	} {
		path := filepath.Join(t.TempDir(), "database.sqlite")
		db := rawDB(t, path)
		_, err := db.ExecContext(t.Context(), tables)
		require.NoError(t, err)
		require.NoError(t, db.Close())
		before := sum(t, path)
		_, err = sqlite.Open(t.Context(), path, sqlite.Config{})
		require.ErrorIs(t, err, store.ErrForeign)
		_, err = sqlite.Backup(t.Context(), path, path+".copy", sqlite.Config{})
		require.ErrorIs(t, err, store.ErrForeign)
		_, from := backedUp(t)
		_, err = sqlite.Restore(t.Context(), path, from, sqlite.RestoreOptions{})
		require.ErrorIs(t, err, store.ErrForeign)
		require.Equal(t, before, sum(t, path))
		files, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		require.Len(t, files, 1, "nothing was put beside it")
	}
}

// TestAHostMayHaveMigrationsOfItsOwn: a table of that name alone says nothing.
func TestAHostMayHaveMigrationsOfItsOwn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "host.db")
	db := rawDB(t, path)
	_, err := db.ExecContext(t.Context(), "CREATE TABLE migrations (version TEXT PRIMARY KEY)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.NoError(t, open(t, path).Close())
}

func sum(t *testing.T, path string) [32]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return sha256.Sum256(data)
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "semaphore.db")
	s := open(t, path)
	_, err := s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	release, err := s.Own(t.Context())
	require.NoError(t, err)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 5)
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f.Name())
	}
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	require.NoError(t, release())
}

func TestWhatIsNoDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(text, make([]byte, 5000), 0o600))
	before := sum(t, text)
	for _, path := range []string{"", ":memory:", dir, text, filepath.Join(text, "below.db")} {
		_, err := sqlite.Open(context.Background(), path, sqlite.Config{})
		require.Error(t, err, path)
	}
	require.Equal(t, before, sum(t, text))
}
