package job_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/flock"
	"github.com/alexandervashurin/semaphore/job"
)

// wrapGit writes a git that runs shell commands in front of the real one, which
// is called with the same arguments.
func wrapGit(t *testing.T, commands string) job.GitCLI {
	t.Helper()
	binary, err := exec.LookPath("git")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "git")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+commands+"\nexec "+binary+" \"$@\"\n"), 0o755))
	return job.GitCLI{Binary: path}
}

func TestReleaseBesideAFetch(t *testing.T) {
	t.Parallel()
	pins := func(t *testing.T, b *gitBench) string {
		t.Helper()
		return taskGit(t, b.mirror, nil, "for-each-ref", "refs/semaphore")
	}
	t.Run("a held mirror does not keep a pin", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		r := b.remote(t, b.repo.Path, nil)
		for _, name := range []string{"loose", "packed"} {
			_, err := b.Clone(t.Context(), r, b.clone(name))
			require.NoError(t, err)
			if name == "packed" {
				taskGit(t, b.mirror, nil, "pack-refs", "--all")
			}
			lock, err := flock.Try(b.mirror + ".lock")
			require.NoError(t, err)
			begun := time.Now()
			require.NoError(t, b.Release(t.Context(), b.mirror, name))
			require.Less(t, time.Since(begun), time.Second)
			require.NoError(t, lock.Unlock())
			require.Empty(t, pins(t, b))
		}
	})
	t.Run("a fetch that begins leaves the locks of a release at work alone", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		r := b.remote(t, b.repo.Path, nil)
		_, err := b.Clone(t.Context(), r, b.clone("first"))
		require.NoError(t, err)
		begun, verdict := filepath.Join(b.dir, "begun"), filepath.Join(b.dir, "verdict")
		// It holds the lock of packed-refs as git does, for as long as a fetch
		// would take to remove it.
		slow := wrapGit(t, `case "$*" in *update-ref*) touch packed-refs.lock "`+begun+`"
for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; test -e packed-refs.lock || echo removed >"`+verdict+`"; done
rm -f packed-refs.lock ;; esac`)
		lock, err := flock.Try(b.mirror + ".lock")
		require.NoError(t, err)
		released := make(chan error, 1)
		go func() { released <- slow.Release(t.Context(), b.mirror, "first") }()
		require.Eventually(t, func() bool { _, err := os.Stat(begun); return err == nil }, 30*time.Second, 5*time.Millisecond)
		require.NoError(t, lock.Unlock())
		_, err = b.Clone(t.Context(), r, b.clone("second"))
		require.NoError(t, err)
		require.NoError(t, <-released)
		require.NoFileExists(t, verdict)
		require.Contains(t, pins(t, b), "task/second")
		require.NotContains(t, pins(t, b), "task/first")
	})
	t.Run("what a killed git has left delays nobody", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		_, err := b.Clone(t.Context(), b.remote(t, b.repo.Path, nil), b.clone("first"))
		require.NoError(t, err)
		left := []string{"packed-refs.lock", "refs/semaphore/task/first.lock"}
		for _, name := range left {
			require.NoError(t, os.WriteFile(filepath.Join(b.mirror, name), nil, 0o600))
		}
		config := mustRead(t, filepath.Join(b.mirror, "config"))
		taskGit(t, b.mirror, nil, "config", "gc.recentObjectsHook", "false")
		begun := time.Now()
		require.NoError(t, b.Release(t.Context(), b.mirror, "first"))
		require.Less(t, time.Since(begun), 5*time.Second)
		require.Empty(t, pins(t, b))
		require.Equal(t, string(config), string(mustRead(t, filepath.Join(b.mirror, "config"))))
	})
	t.Run("a mirror that goes away meanwhile has no pin", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		_, err := b.Clone(t.Context(), b.remote(t, b.repo.Path, nil), b.clone("first"))
		require.NoError(t, err)
		lock, err := flock.Try(b.mirror + ".lock")
		require.NoError(t, err)
		defer lock.Unlock()
		gone := wrapGit(t, `rm -rf "`+b.mirror+`"`)
		require.NoError(t, gone.Release(t.Context(), b.mirror, "first"))
	})
}

// TestGitNeedsNoTemporaryDirectory takes the one for temporary files away from
// what has no directory of its own.
func TestGitNeedsNoTemporaryDirectory(t *testing.T) {
	b := setupGit(t)
	_, err := b.Clone(t.Context(), b.remote(t, b.repo.Path, nil), b.clone("first"))
	require.NoError(t, err)
	t.Setenv("TMPDIR", filepath.Join(b.dir, "nowhere"))
	t.Setenv("TMP", filepath.Join(b.dir, "nowhere"))
	c, err := b.Describe(t.Context(), filepath.Join(b.dir, "first"))
	require.NoError(t, err)
	require.Equal(t, b.repo.Hash(t, "main"), c.Hash)
	require.NoError(t, b.Release(t.Context(), b.mirror, "first"))
	require.NoDirExists(t, filepath.Join(b.dir, "nowhere"))
}

// TestLeftoversInAnOddPath brings up to date what lies in a directory whose name
// reads like a pattern.
func TestLeftoversInAnOddPath(t *testing.T) {
	t.Parallel()
	b := setupGit(t)
	r := b.remote(t, b.repo.Path, nil)
	c := job.Clone{Dir: filepath.Join(b.dir, "a[b]c", "kept"), Ref: "v1"}
	_, err := b.Update(t.Context(), r, c)
	require.NoError(t, err)
	for _, name := range []string{"index.lock", "refs/remotes/origin/main.lock"} {
		require.NoError(t, os.WriteFile(filepath.Join(c.Dir, ".git", name), nil, 0o600))
	}
	elsewhere := filepath.Join(b.dir, "elsewhere")
	require.NoError(t, os.Mkdir(elsewhere, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(elsewhere, "precious.lock"), nil, 0o600))
	info := filepath.Join(c.Dir, ".git", "objects", "info")
	require.NoError(t, os.RemoveAll(info))
	require.NoError(t, os.Symlink(elsewhere, info))
	c.Ref = "main"
	got, err := b.Update(t.Context(), r, c)
	require.NoError(t, err)
	require.Equal(t, b.repo.Hash(t, "main"), got.Hash)
	require.FileExists(t, filepath.Join(elsewhere, "precious.lock"), "a link out of the checkout is not followed")
}
