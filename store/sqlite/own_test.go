package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func TestOneProcessOwnsAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	first, second := open(t, path), open(t, path)
	release, err := first.Own(t.Context())
	require.NoError(t, err)
	_, err = second.Own(t.Context())
	require.Equal(t, &store.OwnedError{File: path, PID: os.Getpid()}, err)
	require.NoError(t, release())
	require.NoError(t, release())
	// A child that another test starts holds the lock until its exec.
	require.Eventually(t, func() bool {
		release, err = second.Own(t.Context())
		return err == nil
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, release())
}

func TestAHostsFileIsOwnedByItsName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "host.db")
	db := rawDB(t, path, hostParams...)
	s, err := sqlite.Use(t.Context(), db, sqlite.Config{})
	require.NoError(t, err)
	release, err := s.Own(t.Context())
	require.NoError(t, err)
	var owned *store.OwnedError
	_, err = open(t, path).Own(t.Context())
	require.ErrorAs(t, err, &owned)
	require.NoError(t, release())
}
