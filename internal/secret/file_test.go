package secret_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/secret"
	"github.com/alexandervashurin/semaphore/job"
)

func TestFilesStayInTheirDirectory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	base := t.TempDir()
	dir, outside := filepath.Join(base, "secrets"), filepath.Join(base, "server.key")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "..2026"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o700))
	require.NoError(t, os.WriteFile(outside, []byte("server"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "..2026", "db"), []byte("inner"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "big"), make([]byte, 1<<20+1), 0o600))
	require.NoError(t, os.Symlink("..2026", filepath.Join(dir, "data")))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink("../server.key", filepath.Join(dir, "relative")))
	require.NoError(t, os.Symlink("..", filepath.Join(dir, "up")))
	files := secret.NewFiles(dir + "/")

	got, err := files.Get(t.Context(), dir+"/data/db")
	require.NoError(t, err, "links inside, as mounted secrets have them")
	require.Equal(t, "inner", got)

	for _, path := range []string{"link", "relative", "up/server.key", "sub", "big", "absent", "data/db/x"} {
		require.NoError(t, files.Check(filepath.Join(dir, path)))
		got, err := files.Get(t.Context(), filepath.Join(dir, path))
		require.Error(t, err, path)
		require.Empty(t, got)
		require.NotContains(t, err.Error(), base, "the error shows where the server keeps things")
	}
	for _, path := range []string{"", "db", "./db", dir, dir + "/", dir + "/../server.key", dir + "/sub/../../server.key", dir + "/sub/../data/db", outside, "/etc/passwd", dir + "x/db", dir + "/a\x00b"} {
		require.ErrorIs(t, files.Check(path), job.ErrInvalid, "%q", path)
		_, err := files.Get(t.Context(), path)
		require.ErrorIs(t, err, job.ErrInvalid, "%q", path)
	}
}

func TestFilesAreNotOfferedWithoutADirectory(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", "relative"} {
		_, err := secret.NewFiles(dir).Get(t.Context(), "/etc/passwd")
		require.ErrorContains(t, err, "not offered")
	}
	_, err := secret.NewFiles(filepath.Join(t.TempDir(), "gone")).Get(t.Context(), "/x")
	require.ErrorIs(t, err, job.ErrInvalid)
}

func TestEnvStaysBehindItsPrefix(t *testing.T) {
	t.Parallel()
	lookup := func(name string) (string, bool) { return "value of " + name, true }
	tests := []struct {
		prefix, name string
		ok           bool
	}{
		{"PROJ_", "PROJ_A", true},
		{"PROJ_", "PROJ_", false},
		{"PROJ_", "proj_a", false},
		{"PROJ_", "XPROJ_A", false},
		{"PROJ_", "SEMAPHORE_DB_PASS", false},
		{"PROJ_", "PATH", false},
		{"PROJ_", "PROJ_A=B", false},
		{"PROJ_", "", false},
		{"", "PROJ_A", false},
		{"", "SEMAPHORE_DB_PASS", false},
		{"S", "SEMAPHORE_DB_PASS", false},
		{"S", "SECRET", true},
		{"SEMAPHORE_", "SEMAPHORE_DB_PASS", false},
		{"SEMAPHORE_KEY_", "SEMAPHORE_KEY_GIT", true},
		{"SEMAPHORE_KEY_", "SEMAPHORE_DB_PASS", false},
	}
	for _, tt := range tests {
		got, err := secret.NewEnv(tt.prefix, lookup).Get(t.Context(), tt.name)
		if tt.ok {
			require.NoError(t, err)
			require.Equal(t, "value of "+tt.name, got)
			continue
		}
		require.ErrorIs(t, err, job.ErrInvalid, "%q with prefix %q", tt.name, tt.prefix)
		require.Empty(t, got)
	}
}
