package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func TestACleanEndLeavesOneFile(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "semaphore.db")
		st, err := sqlite.Open(t.Context(), path, sqlite.Config{})
		require.NoError(t, err)
		_, err = st.Projects().Create(t.Context(), store.Project{Name: "one"})
		require.NoError(t, err)
		_, err = st.Projects().List(t.Context(), 0, store.Query{Limit: -1})
		require.NoError(t, err)
		if asked {
			_, ok := st.Version(t.Context())
			require.True(t, ok)
		}
		require.NoError(t, st.Close())
		_, err = os.Stat(path + "-wal")
		require.ErrorIs(t, err, os.ErrNotExist, "a copy of the file has everything; version asked: %t", asked)
	}
}
