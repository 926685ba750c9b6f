package sqlite_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// link makes a link to a file, which may not be there yet.
func link(t *testing.T, to string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege on Windows")
	}
	name := filepath.Join(t.TempDir(), "link.db")
	require.NoError(t, os.Symlink(to, name))
	return name
}

func requireLink(t *testing.T, name string) {
	t.Helper()
	info, err := os.Lstat(name)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink, "it is a link as before")
}

func TestAFileHasOneOwnerWhateverItIsCalled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	name := link(t, path)
	byLink := open(t, name) // which makes the file
	byPath := open(t, path)
	release, err := byPath.Own(t.Context())
	require.NoError(t, err)
	var owned *store.OwnedError
	_, err = byLink.Own(t.Context())
	require.ErrorAs(t, err, &owned)
	_, err = sqlite.Restore(t.Context(), name, path, sqlite.RestoreOptions{})
	require.ErrorIs(t, err, store.ErrInvalid, "it is the database itself")
	require.NoError(t, release())
	requireLink(t, name)
}

func TestARestoreReplacesTheFileAndNotALinkToIt(t *testing.T) {
	t.Parallel()
	path, from := backedUp(t)
	name := link(t, path)
	c, err := sqlite.Restore(t.Context(), name, from, sqlite.RestoreOptions{})
	require.NoError(t, err)
	requireLink(t, name)
	require.Equal(t, []string{"before"}, names(t, path))
	require.Equal(t, filepath.Dir(path), filepath.Dir(c.Kept), "what was there stays on its disk")
}

func TestAStageReplacesTheFileAndNotALinkToIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	name := link(t, path)
	stage, err := open(t, name).Stage(t.Context(), store.StageOptions{})
	require.NoError(t, err)
	require.NoError(t, stage.Commit(t.Context()))
	requireLink(t, name)
	require.Empty(t, names(t, path))
}
