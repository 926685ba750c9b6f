package job_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/flock"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// gitBench is what a test of GitCLI works with.
type gitBench struct {
	job.GitCLI
	repo   *jobtest.GitRepo
	dir    string
	mirror string
}

func setupGit(t *testing.T) *gitBench {
	t.Helper()
	dir := t.TempDir()
	return &gitBench{repo: jobtest.NewGitRepo(t), dir: dir, mirror: filepath.Join(dir, "mirror.git")}
}

func (b *gitBench) remote(t *testing.T, url string, key *job.Key) job.Remote {
	t.Helper()
	return job.Remote{
		URL: url, Key: key, ScratchDir: t.TempDir(), Timeout: time.Minute,
		Env: []string{"HOME=" + b.dir, "GIT_CONFIG_NOSYSTEM=1"},
	}
}

func (b *gitBench) clone(name string) job.Clone {
	return job.Clone{Dir: filepath.Join(b.dir, name), Mirror: b.mirror, Pin: name, Ref: "main"}
}

// git runs git as a task would, in the task's own environment.
func taskGit(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Task", "GIT_AUTHOR_EMAIL=task@example.org", "GIT_COMMITTER_NAME=Task", "GIT_COMMITTER_EMAIL=task@example.org",
	}, env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %s: %s", strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

func TestGitPoison(t *testing.T) {
	t.Parallel()
	// poison writes into a clone all that git could be made to run or to believe.
	poison := func(t *testing.T, dir, mark string) {
		t.Helper()
		touch := "touch " + mark
		for _, kv := range [][2]string{
			{"core.fsmonitor", touch}, {"core.sshCommand", touch}, {"core.hooksPath", dir + "/.git/hooks"}, {"core.pager", touch},
			{"core.askPass", touch}, {"credential.helper", "!" + touch}, {"filter.evil.smudge", touch}, {"filter.evil.clean", touch},
			{"core.alternateRefsCommand", touch}, {"remote.origin.uploadpack", touch}, {"remote.origin.url", "/nowhere"},
			{"url./nowhere.insteadOf", "/"}, {"gc.recentObjectsHook", touch}, {"uploadpack.packObjectsHook", touch}, {"remote.origin.vcs", "evil"},
		} {
			taskGit(t, dir, nil, "config", kv[0], kv[1])
		}
		require.NoError(t, os.MkdirAll(filepath.Join(dir, ".git", "hooks"), 0o755))
		require.NoError(t, os.MkdirAll(filepath.Join(dir, ".git", "info"), 0o755))
		for _, hook := range []string{"post-checkout", "reference-transaction", "pre-auto-gc", "post-index-change", "post-update", "fsmonitor-watchman"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, ".git", "hooks", hook), []byte("#!/bin/sh\n"+touch+"\n"), 0o755))
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".git", "info", "attributes"), []byte("* filter=evil\n"), 0o644))
		for _, ref := range []string{"refs/heads/main", "refs/heads/feature/x", "refs/tags/v1", "refs/remotes/origin/main"} {
			head := strings.TrimSpace(string(mustRead(t, filepath.Join(dir, ".git", "HEAD"))))
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, ".git", ref)), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, ".git", ref), []byte(head+"\n"), 0o644))
		}
	}
	t.Run("what a task leaves in its clone changes nothing for the next", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		mark := filepath.Join(b.dir, "executed")
		r, first := b.remote(t, b.repo.Path, nil), b.clone("first")
		first.Ref = "v1"
		_, err := b.Clone(t.Context(), r, first)
		require.NoError(t, err)
		before := snapshot(t, b.mirror)
		poison(t, first.Dir, mark)
		require.Equal(t, before, snapshot(t, b.mirror), "the mirror is as it was")

		second := b.clone("second")
		got, err := b.Clone(t.Context(), r, second)
		require.NoError(t, err)
		require.Equal(t, b.repo.Hash(t, "main"), got.Hash)
		require.NoError(t, b.Release(t.Context(), b.mirror, "first"))
		require.NoFileExists(t, mark)
		require.Equal(t, b.repo.Path, taskGit(t, second.Dir, nil, "config", "remote.origin.url"))
		require.Empty(t, hooks(t, second.Dir))
		require.Equal(t, "two\n", string(mustRead(t, filepath.Join(second.Dir, "README.md"))))
	})
	t.Run("a poisoned kept checkout is updated without running anything", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		mark := filepath.Join(b.dir, "executed")
		r, c := b.remote(t, b.repo.Path, nil), b.clone("kept")
		c.Ref = "v1"
		_, err := b.Update(t.Context(), r, c)
		require.NoError(t, err)
		poison(t, c.Dir, mark)
		other := filepath.Join(b.dir, "other")
		require.NoError(t, os.CopyFS(other, os.DirFS(filepath.Join(c.Dir, ".git"))))
		require.NoError(t, os.WriteFile(filepath.Join(c.Dir, ".git", "commondir"), []byte(other+"\n"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(c.Dir, "README.md"), []byte("changed"), 0o644))
		c.Ref = "main"
		got, err := b.Update(t.Context(), r, c)
		require.NoError(t, err)
		require.Equal(t, b.repo.Hash(t, "main"), got.Hash)
		require.NoFileExists(t, mark)
		require.Equal(t, "two\n", string(mustRead(t, filepath.Join(c.Dir, "README.md"))))
	})
	t.Run("settings left in the mirror itself take no effect", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		mark := filepath.Join(b.dir, "executed")
		r := b.remote(t, b.repo.Path, nil)
		_, err := b.Clone(t.Context(), r, b.clone("first"))
		require.NoError(t, err)
		taskGit(t, b.mirror, nil, "config", "uploadpack.packObjectsHook", "touch "+mark)
		taskGit(t, b.mirror, nil, "config", "core.fsmonitor", "touch "+mark)
		taskGit(t, b.mirror, nil, "config", "url."+jobtest.NewGitRepo(t).Path+".insteadOf", b.repo.Path)
		hash := b.repo.Commit(t, "main", "new.txt", "new\n", "third commit")
		require.NoError(t, os.MkdirAll(filepath.Join(b.mirror, "hooks"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(b.mirror, "hooks", "reference-transaction"), []byte("#!/bin/sh\ntouch "+mark+"\n"), 0o755))
		got, err := b.Clone(t.Context(), r, b.clone("second"))
		require.NoError(t, err)
		require.Equal(t, hash, got.Hash)
		require.NoFileExists(t, mark)
	})
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func hooks(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".git", "hooks", "*"))
	require.NoError(t, err)
	return names
}

// snapshot is every file below dir with its content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files[path] = string(mustRead(t, path))
		}
		return err
	}))
	return files
}

// TestGitParallel clones one mirror many times at once, against fetches, pruned
// branches and garbage collection. SEMAPHORE_SOAK=1 makes it long.
func TestGitParallel(t *testing.T) {
	t.Parallel()
	rounds, parallel := 2, 6
	if os.Getenv("SEMAPHORE_SOAK") != "" {
		rounds, parallel = 100, 20
	}
	b := setupGit(t)
	r := b.remote(t, b.repo.Path, nil)
	for round := range rounds {
		name := fmt.Sprintf("topic/%d", round)
		wanted := b.repo.Commit(t, name, "topic.txt", name, name)
		first := b.clone(fmt.Sprintf("pin-%d", round))
		first.Ref = name
		_, err := b.Clone(t.Context(), r, first)
		require.NoError(t, err)
		b.repo.Git(t, "push", "--quiet", "origin", ":"+name) // only the pin holds it now

		done := make(chan struct{}, parallel+1)
		done <- struct{}{} // the first collection meets the first clones
		var garbage error
		var collect, work sync.WaitGroup
		collect.Go(func() { garbage = collectGarbage(t.Context(), b.mirror, done) })
		errs := make([]error, parallel)
		for i := range parallel {
			work.Go(func() {
				errs[i] = cloneOnce(t.Context(), b, r, fmt.Sprintf("%d-%d", round, i), wanted, i%2 == 0)
				done <- struct{}{}
			})
		}
		work.Wait()
		close(done)
		collect.Wait()
		require.NoError(t, garbage)
		for _, err := range errs {
			require.NoError(t, err, "round %d", round)
		}
		taskGit(t, first.Dir, nil, "fsck", "--connectivity-only", "HEAD")
		require.NoError(t, os.RemoveAll(first.Dir))
		require.NoError(t, b.Release(t.Context(), b.mirror, first.Pin))
	}
	pins := taskGit(t, b.mirror, nil, "for-each-ref", "refs/semaphore")
	require.Empty(t, pins, "all pins are released")
}

// cloneOnce is one task: a clone of a branch or of the pinned commit, a look at
// it, and its end.
func cloneOnce(ctx context.Context, b *gitBench, r job.Remote, name, hash string, pinned bool) error {
	c := b.clone(name)
	if pinned {
		c.Commit = hash
	}
	if _, err := b.Clone(ctx, r, c); err != nil {
		return fmt.Errorf("clone %s: %w", name, err)
	}
	cmd := exec.CommandContext(ctx, "git", "fsck", "--connectivity-only", "HEAD")
	cmd.Dir = c.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fsck %s: %w: %s", name, err, out)
	}
	if err := os.RemoveAll(c.Dir); err != nil {
		return err
	}
	return b.Release(ctx, c.Mirror, c.Pin)
}

// collectGarbage prunes for all it is worth each time a clone is done, in turn
// with the fetches of the others: what the pins hold stays.
func collectGarbage(ctx context.Context, mirror string, done <-chan struct{}) error {
	for range done {
		lock, err := flock.Wait(ctx, mirror+".lock", nil)
		if err != nil {
			return fmt.Errorf("gc: %w", err)
		}
		out, err := exec.CommandContext(ctx, "git", "--git-dir="+mirror, "gc", "--quiet", "--prune=now").CombinedOutput()
		if err := errors.Join(err, lock.Unlock()); err != nil {
			return fmt.Errorf("gc: %w: %s", err, out)
		}
	}
	return nil
}
