//go:build unix

package server_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/server"
)

func TestLinksOfServersDoNotMeet(t *testing.T) {
	short, err := os.MkdirTemp("/tmp", "s")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(short)) })
	dir, err := server.LinkDir(short)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(short, "link"), dir, "where a socket fits below it")

	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 60))
	one, err := server.LinkDir(long)
	require.NoError(t, err)
	require.Equal(t, temp, filepath.Dir(one))
	again, err := server.LinkDir(long)
	require.NoError(t, err)
	require.Equal(t, one, again, "a plan finds its paths after a restart")
	other, err := server.LinkDir(long + "y")
	require.NoError(t, err)
	require.NotEqual(t, one, other)
	info, err := os.Stat(one)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
}

func TestADirectoryOfLinksThatSomebodyElseMadeIsRefused(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 60))
	dir, err := server.LinkDir(long)
	require.NoError(t, err)
	require.NoError(t, os.Remove(dir))
	for name, prepare := range map[string]func() error{
		"one that others may write to": func() error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o777)) },
		"a link":                       func() error { return os.Symlink(t.TempDir(), dir) },
		"a file":                       func() error { return os.WriteFile(dir, nil, 0o600) },
	} {
		require.NoError(t, prepare(), name)
		_, err = server.LinkDir(long)
		require.ErrorContains(t, err, "belongs to somebody else: remove it, or set tmp_path", name)
		require.NoError(t, os.Remove(dir))
	}
}
