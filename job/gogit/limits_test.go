package gogit_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/gogit"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestNeedsGit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, repo *jobtest.GitRepo, home string, r *job.Remote, c *job.Clone)
		says   string
	}{
		{"files stored with LFS", func(t *testing.T, repo *jobtest.GitRepo, _ string, _ *job.Remote, _ *job.Clone) {
			repo.Commit(t, "main", ".gitattributes", "*.bin filter=lfs\n", "use LFS")
			repo.Commit(t, "main", "data.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "a pointer")
		}, "data.bin"},
		{"submodules", func(t *testing.T, repo *jobtest.GitRepo, _ string, _ *job.Remote, c *job.Clone) {
			repo.Commit(t, "main", ".gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = ../x.git\n", "a submodule")
			c.Submodules = true
		}, "submodules"},
		{"an address that the administrator rewrites", func(t *testing.T, _ *jobtest.GitRepo, home string, r *job.Remote, _ *job.Clone) {
			require.NoError(t, os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[url \"https://mirror/\"]\n\tinsteadOf = https://one/\n\tinsteadOf = https://two/\n"), 0o600))
			r.URL = "https://one/app.git"
		}, "insteadOf"},
		{"ssh with the user's own keys", func(_ *testing.T, _ *jobtest.GitRepo, _ string, r *job.Remote, _ *job.Clone) {
			r.URL = "git@example.org:app.git"
		}, "ssh"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			repo, home := jobtest.NewGitRepo(t), t.TempDir()
			r := job.Remote{URL: repo.Path, ScratchDir: t.TempDir(), Timeout: time.Minute, Env: []string{"HOME=" + home, "GIT_CONFIG_NOSYSTEM=1"}}
			c := job.Clone{Dir: filepath.Join(t.TempDir(), "repository"), Ref: "main"}
			tc.change(t, repo, home, &r, &c)
			_, err := gogit.Git{}.Clone(t.Context(), r, c)
			require.ErrorIs(t, err, job.ErrNeedsGit)
			require.ErrorContains(t, err, tc.says)
			require.NoDirExists(t, c.Dir)
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	t.Run("a depth bounds the history", func(t *testing.T) {
		t.Parallel()
		repo := jobtest.NewGitRepo(t)
		server := jobtest.GitHTTP(t, filepath.Dir(repo.Path), nil)
		c := job.Clone{Dir: filepath.Join(t.TempDir(), "repository"), Ref: "main", Depth: 1}
		got, err := gogit.Git{}.Clone(t.Context(), job.Remote{URL: server.URL + "/app.git", ScratchDir: t.TempDir()}, c)
		require.NoError(t, err)
		require.Equal(t, "second commit", got.Message)
		require.Equal(t, "1", repo.Git(t, "-C", c.Dir, "rev-list", "--count", "HEAD"))
	})
	t.Run("a repository beyond the size limit is an error", func(t *testing.T) {
		t.Parallel()
		repo := jobtest.NewGitRepo(t)
		c := job.Clone{Dir: filepath.Join(t.TempDir(), "repository"), Ref: "main", MaxBytes: 500}
		_, err := gogit.Git{}.Clone(t.Context(), job.Remote{URL: repo.Path, ScratchDir: t.TempDir()}, c)
		require.ErrorIs(t, err, job.ErrInvalid)
		require.ErrorContains(t, err, "500")
		require.NoDirExists(t, c.Dir)
	})
}
