package server_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/server"
	"github.com/alexandervashurin/semaphore/store"
)

// serveOnce runs a server until it is ready.
func serveOnce(t *testing.T, o server.Options) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Ready = func(string) { cancel() }
	return server.Run(ctx, o)
}

func TestTheFirstStartImportsAProject(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "p.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"meta":{"name":"old"},"keys":[{"name":"k","type":"ssh","owner":""}]}`), 0o600))
	o := options(t, "SEMAPHORE_IMPORT_PROJECT_FILE="+file, "SEMAPHORE_IMPORT_PROJECT_NAME=shop")
	var notes bytes.Buffer
	o.Notes = &notes
	require.NoError(t, serveOnce(t, o))
	require.Contains(t, notes.String(), `made the project "shop"`)
	require.Contains(t, notes.String(), `key "k"`)
	page, err := o.Store.Projects().List(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	require.Equal(t, "shop", page.Items[0].Name)

	require.NoError(t, serveOnce(t, o), "later starts leave it alone")
	require.NoError(t, o.Store.Projects().Delete(t.Context(), 0, page.Items[0].ID))
	require.NoError(t, serveOnce(t, o), "even where it was deleted")
	count, err := o.Store.Projects().Count(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Zero(t, count)
}

func TestAFirstStartWithoutItsBackupNamesIt(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "p.json")
	require.NoError(t, os.WriteFile(broken, []byte(`{"meta":`), 0o600))
	for _, file := range []string{"/nowhere/p.json", broken} {
		err := serveOnce(t, options(t, "SEMAPHORE_IMPORT_PROJECT_FILE="+file))
		require.ErrorContains(t, err, "SEMAPHORE_IMPORT_PROJECT_FILE")
		require.ErrorContains(t, err, file)
	}
}
