package job_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/flock"
	"github.com/alexandervashurin/semaphore/job"
)

// TestDescribeRunsNothing looks at a directory whose configuration names
// commands in every place that git status could run one from.
func TestDescribeRunsNothing(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "ran")
	run := "touch " + trace + "; cat"
	dir := repository(t, files{"a.txt": "one\n", ".gitattributes": "*.txt filter=x diff=x\n"})
	included := filepath.Join(t.TempDir(), "more")
	require.NoError(t, os.WriteFile(included, []byte("[filter \"y\"]\n\tclean = "+run+"\n"), 0o600))
	for name, value := range map[string]string{
		"filter.x.clean": run, "filter.x.smudge": run, "filter.x.required": "true", "core.fsmonitor": run,
		"core.sshCommand": run, "diff.external": run, "diff.x.textconv": run, "core.hooksPath": filepath.Join(dir, "hooks"),
		"alias.status": "!" + run, "core.pager": run, "include.path": included, "core.editor": run,
	} {
		git(t, dir, "config", name, value)
	}
	write(t, dir, files{"a.txt": "two\n", "b.txt": "new\n", ".gitattributes": "a.txt filter=x\nb.txt filter=y\n"})
	c, err := job.GitCLI{}.Describe(t.Context(), dir)
	require.NoError(t, err)
	require.Contains(t, c.Hash, "-dirty")
	require.Equal(t, "first commit", c.Message)
	require.NoFileExists(t, trace)
}

// TestDescribeRunsNoFilterOfAnyName uses a name that "-c" cannot carry.
func TestDescribeRunsNoFilterOfAnyName(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "ran")
	dir := repository(t, files{"a.txt": "one\n"})
	git(t, dir, "config", "filter.a=b.clean", "touch "+trace+"; cat")
	write(t, dir, files{"a.txt": "two\n", ".gitattributes": "*.txt filter=a=b\n"})
	c, err := job.GitCLI{}.Describe(t.Context(), dir)
	require.NoError(t, err)
	require.Zero(t, c)
	require.NoFileExists(t, trace)
}

// TestDescribeFetchesNothing looks at a repository that claims to be a partial
// clone: git would fetch what is missing, by a command that the repository names.
func TestDescribeFetchesNothing(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "ran")
	dir, other := repository(t, files{"a.txt": "one\n"}), repository(t, files{"a.txt": "one\n"})
	for name, value := range map[string]string{
		"core.repositoryFormatVersion": "1", "extensions.partialClone": "origin", "remote.origin.promisor": "true",
		"remote.origin.url": other, "remote.origin.uploadpack": "touch " + trace + "; git-upload-pack", "protocol.allow": "always",
	} {
		git(t, dir, "config", name, value)
	}
	tree := git(t, dir, "rev-parse", "HEAD^{tree}")
	require.NoError(t, os.Remove(filepath.Join(dir, ".git", "objects", tree[:2], tree[2:])))
	c, err := job.GitCLI{}.Describe(t.Context(), dir)
	require.NoError(t, err)
	require.Zero(t, c)
	require.NoFileExists(t, trace)
}

// TestAnotherUsersRepositoryIsNotAsked gives the repository to somebody else.
func TestAnotherUsersRepositoryIsNotAsked(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := repository(t, files{"run.sh": "echo ran\n"})
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		require.NoError(t, err)
		return os.Lchown(path, nobody, nobody)
	}))
	c, err := job.GitCLI{}.Describe(t.Context(), dir)
	require.NoError(t, err)
	require.Zero(t, c)
	b := setup(t)
	spec := b.spec("bash", "run.sh", dir)
	spec.Repository.URL, spec.Repository.Branch = dir, ""
	require.Equal(t, "ran\n", b.ok(spec).Output())
}

func TestADamagedRepositoryRunsInPlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"run.sh": "echo ran\n"})
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".git", "config"), []byte("[broken"), 0o600))
	spec := b.spec("bash", "run.sh", dir)
	spec.Repository.URL, spec.Repository.Branch = dir, ""
	require.Equal(t, "ran\n", b.ok(spec).Output())
}

// TestARunDoesNotWaitForAnothersFetch holds the mirror's lock, as a fetch does,
// while a run ends.
func TestARunDoesNotWaitForAnothersFetch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"run.sh": "echo ready; sleep 60\n"})
	var lock *flock.Lock
	var mirror string
	_, took, err := b.stopAt(b.spec("bash", "run.sh", dir), "ready", func(s *job.Stopper) {
		mirrors, err := filepath.Glob(filepath.Join(b.dir, "mirrors", "*", "*.git"))
		require.NoError(t, err)
		require.Len(t, mirrors, 1)
		mirror = mirrors[0]
		require.Contains(t, git(t, mirror, "for-each-ref"), "refs/semaphore/task/")
		lock, err = flock.Try(mirror + ".lock")
		require.NoError(t, err)
		s.Stop(nil)
	})
	require.ErrorIs(t, err, job.ErrStopped)
	require.Less(t, took, 10*time.Second)
	require.NotContains(t, git(t, mirror, "for-each-ref"), "refs/semaphore/task/")
	require.NoError(t, lock.Unlock())
	b.ok(b.spec("bash", "ok.sh", repository(t, files{"ok.sh": "true\n"})))
}
