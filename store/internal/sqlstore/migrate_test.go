package sqlstore_test

import (
	"io/fs"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

func TestAllDatabasesAreMigratedInTheSameSteps(t *testing.T) {
	t.Parallel()
	names := func(m sqlstore.Migrations) (list []string) {
		files, err := fs.Glob(m.Files, path.Join(m.Dir, "*"))
		require.NoError(t, err)
		for _, name := range files {
			list = append(list, path.Base(name))
		}
		return list
	}
	require.NotEmpty(t, names(sqlstore.SQLite()))
	require.Equal(t, names(sqlstore.SQLite()), names(sqlstore.Postgres("any")))
}
