package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func TestTheVersionTellsOfEveryChange(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	st, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	require.NoError(t, err)
	defer st.Close()
	version := func() uint64 {
		v, ok := st.Version(t.Context())
		require.True(t, ok)
		return v
	}
	before := version()
	require.Equal(t, before, version(), "nothing has changed")
	_, err = st.Users().List(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Equal(t, before, version(), "a read changes nothing")

	_, err = st.Projects().Create(t.Context(), store.Project{Name: "one"})
	require.NoError(t, err)
	after := version()
	require.NotEqual(t, before, after, "a change of this process")

	other, err := sqlite.Open(t.Context(), path, sqlite.Config{}) // as another process
	require.NoError(t, err)
	require.NoError(t, other.Options().Set(t.Context(), "a", "b"))
	require.NoError(t, other.Close())
	require.NotEqual(t, after, version(), "a change of another process")
}
