package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

func TestAStageKeepsEveryRow(t *testing.T) {
	t.Parallel()
	from := setup(t)
	storetest.Fill(t, from)
	path := filepath.Join(t.TempDir(), "target.db")
	to := open(t, path)
	g, err := to.Stage(t.Context(), store.StageOptions{Schema: from.Schema()})
	require.NoError(t, err)
	require.NoError(t, from.Dump(t.Context(), store.DumpOptions{}, func(r store.Record) error { return g.Load(t.Context(), r) }))
	require.NoError(t, g.Commit(t.Context()))
	require.NoError(t, g.Abort())

	after := open(t, path)
	require.Equal(t, storetest.Dump(t, from, store.DumpOptions{}), storetest.Dump(t, after, store.DumpOptions{}))
	left, err := filepath.Glob(path + ".stage*")
	require.NoError(t, err)
	require.Empty(t, left)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	_, err = after.Stage(t.Context(), store.StageOptions{})
	require.ErrorIs(t, err, store.ErrNotEmpty)
}

func TestAStageIsRefusedWhileAServerOwnsTheFile(t *testing.T) {
	t.Parallel()
	s := setup(t)
	release, err := s.Own(t.Context())
	require.NoError(t, err)
	_, err = s.Stage(t.Context(), store.StageOptions{})
	var owned *store.OwnedError
	require.ErrorAs(t, err, &owned)
	require.Equal(t, os.Getpid(), owned.PID)
	require.NoError(t, release())
	g, err := s.Stage(t.Context(), store.StageOptions{})
	require.NoError(t, err)
	require.NoError(t, g.Abort())
	require.NoError(t, g.Abort())
}

func TestAStageIsNotPutInPlaceWhileAnotherProgramHasTheFileOpen(t *testing.T) {
	t.Parallel()
	path := freshFile(t)
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{BusyTimeout: 1})
	require.NoError(t, err)
	other := open(t, path)
	g, err := s.Stage(t.Context(), store.StageOptions{})
	require.NoError(t, err)
	r, err := g.Record(store.Project{ID: 7, Name: "p"})
	require.NoError(t, err)
	require.NoError(t, g.Load(t.Context(), r))
	var owned *store.OwnedError
	require.ErrorAs(t, g.Commit(t.Context()), &owned)
	require.NoError(t, g.Abort())
	require.Empty(t, storetest.Dump(t, other, store.DumpOptions{})["project"])
}

func TestStages(t *testing.T) {
	t.Parallel()
	storetest.RunStage(t, func(t *testing.T) func() store.Store {
		path := freshFile(t)
		var last *sqlite.Store
		return func() store.Store {
			if last != nil {
				require.NoError(t, last.Close())
			}
			last = open(t, path)
			return last
		}
	})
}
