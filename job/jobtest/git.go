package jobtest

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
)

// RunGitSuite holds an implementation of job.Git against what the interface
// promises. It needs the git binary for the servers it starts; newGit need not.
func RunGitSuite(t *testing.T, newGit func(t *testing.T) job.Git) {
	t.Run("what is checked out", func(t *testing.T) { t.Parallel(); gitCheckouts(t, newGit) })
	t.Run("what is not there", func(t *testing.T) { t.Parallel(); gitMissing(t, newGit) })
	t.Run("kept checkouts", func(t *testing.T) { t.Parallel(); gitUpdates(t, newGit) })
	t.Run("http", func(t *testing.T) { t.Parallel(); gitOverHTTP(t, newGit) })
	t.Run("a redirect to another host gets no credential", func(t *testing.T) { t.Parallel(); gitRedirect(t, newGit) })
	t.Run("ssh", func(t *testing.T) { t.Parallel(); gitOverSSH(t, newGit) })
	t.Run("host keys", func(t *testing.T) { t.Parallel(); gitHostKeys(t, newGit) })
	t.Run("local directories", func(t *testing.T) { t.Parallel(); gitDescribe(t, newGit) })
	t.Run("a cancelled clone ends promptly", func(t *testing.T) { t.Parallel(); gitCancel(t, newGit) })
}

// gitFixture is what a test of the suite works with.
type gitFixture struct {
	git     job.Git
	repo    *GitRepo
	dir     string // private directory of the test
	learned []job.HostKey
}

func newGitFixture(t *testing.T, newGit func(t *testing.T) job.Git) *gitFixture {
	t.Helper()
	return &gitFixture{git: newGit(t), repo: NewGitRepo(t), dir: t.TempDir()}
}

// remote is the repository at url. Nothing may be left in its scratch
// directory when the test ends.
func (f *gitFixture) remote(t *testing.T, url string, key *job.Key) job.Remote {
	t.Helper()
	scratch := t.TempDir()
	t.Cleanup(func() {
		left, err := os.ReadDir(scratch)
		require.NoError(t, err)
		require.Empty(t, left, "files left in the scratch directory")
	})
	return job.Remote{
		URL: url, Key: key, ScratchDir: scratch, Timeout: time.Minute,
		Env:     []string{"HOME=" + f.dir, "GIT_CONFIG_NOSYSTEM=1"},
		Learned: func(k job.HostKey) { f.learned = append(f.learned, k) },
	}
}

// clone is a clone into a new directory by way of the fixture's mirror.
func (f *gitFixture) clone(t *testing.T) job.Clone {
	t.Helper()
	return job.Clone{Dir: filepath.Join(t.TempDir(), "repository"), Mirror: filepath.Join(f.dir, "mirror.git"), Pin: "1-1-aa"}
}

func gitCheckouts(t *testing.T, newGit func(t *testing.T) job.Git) {
	for _, tc := range []struct {
		name         string
		ref, commit  func(f *gitFixture) string
		want         string // name in the repository
		message      string
		branch, file string
	}{
		{name: "without a name it is the remote's HEAD", want: "main", message: "second commit", branch: "main", file: "README.md"},
		{name: "a branch", ref: fixed("main"), want: "main", message: "second commit", branch: "main", file: "README.md"},
		{name: "a branch with a slash in its name", ref: fixed("feature/x"), want: "feature/x", message: "feature commit", branch: "feature/x", file: "x.txt"},
		{name: "a branch by its full name", ref: fixed("refs/heads/feature/x"), want: "feature/x", message: "feature commit", branch: "feature/x", file: "x.txt"},
		{name: "an annotated tag", ref: fixed("v1"), want: "v1", message: "first commit", branch: "v1", file: "README.md"},
		{name: "a pinned commit wins over the branch", ref: fixed("main"), commit: func(f *gitFixture) string { return f.repo.Hash(t, "feature/x") }, want: "feature/x", message: "feature commit", file: "x.txt"},
		{name: "a short hash", commit: func(f *gitFixture) string { return f.repo.Hash(t, "v1")[:10] }, want: "v1", message: "first commit", file: "README.md"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newGitFixture(t, newGit)
			c := f.clone(t)
			if tc.ref != nil {
				c.Ref = tc.ref(f)
			}
			if tc.commit != nil {
				c.Commit = tc.commit(f)
			}
			r := f.remote(t, f.repo.Path, nil)
			got, err := f.git.Clone(t.Context(), r, c)
			require.NoError(t, err)
			require.Equal(t, job.Commit{Hash: f.repo.Hash(t, tc.want), Message: tc.message, Branch: tc.branch}, got)
			require.FileExists(t, filepath.Join(c.Dir, tc.file))
			require.DirExists(t, filepath.Join(c.Dir, ".git"))
			described, err := f.git.Describe(t.Context(), c.Dir)
			require.NoError(t, err)
			require.Equal(t, got.Hash, described.Hash, "the checkout is clean and at the commit")
			require.NoError(t, os.RemoveAll(c.Dir))
			require.NoError(t, f.git.Release(t.Context(), c.Mirror, c.Pin))
			require.NoError(t, f.git.Release(t.Context(), c.Mirror, c.Pin), "twice")
		})
	}
	t.Run("a commit that is on no branch any more", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		lost := f.repo.Commit(t, "gone", "gone.txt", "gone\n", "lost commit")
		f.repo.Git(t, "push", "--quiet", "origin", ":gone")
		c := f.clone(t)
		c.Commit = lost
		url := "file://" + f.repo.Path
		got, err := f.git.Clone(t.Context(), f.remote(t, url, nil), c)
		require.NoError(t, err)
		require.Equal(t, lost, got.Hash)
		require.FileExists(t, filepath.Join(c.Dir, "gone.txt"))
	})
	t.Run("the branches of a remote, full names, sorted", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		heads, err := f.git.Heads(t.Context(), f.remote(t, f.repo.Path, nil))
		require.NoError(t, err)
		require.Equal(t, []job.Head{{Name: "feature/x", Hash: f.repo.Hash(t, "feature/x")}, {Name: "main", Hash: f.repo.Hash(t, "main")}}, heads)
	})
	t.Run("a branch that moved, backwards too", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		first, r := f.clone(t), f.remote(t, f.repo.Path, nil)
		first.Ref = "main"
		_, err := f.git.Clone(t.Context(), r, first)
		require.NoError(t, err)
		f.repo.Git(t, "push", "--quiet", "--force", "origin", "v1^{commit}:refs/heads/main", ":feature/x")
		second := f.clone(t)
		second.Ref, second.Pin = "main", "2-1-bb"
		got, err := f.git.Clone(t.Context(), r, second)
		require.NoError(t, err)
		require.Equal(t, f.repo.Hash(t, "v1"), got.Hash)
		second.Dir, second.Ref = filepath.Join(t.TempDir(), "x"), "feature/x"
		_, err = f.git.Clone(t.Context(), r, second)
		require.ErrorIs(t, err, job.ErrInvalid, "a deleted branch is gone")
	})
}

func fixed(s string) func(*gitFixture) string { return func(*gitFixture) string { return s } }

func gitMissing(t *testing.T, newGit func(t *testing.T) job.Git) {
	for _, tc := range []struct {
		name  string
		clone job.Clone
		field string
		says  string
	}{
		{"an unknown branch", job.Clone{Ref: "nowhere"}, "repository.branch", "nowhere"},
		{"an unknown commit", job.Clone{Commit: strings.Repeat("ab", 20)}, "repository.commit", "abab"},
		{"an unknown short hash", job.Clone{Commit: "abababab"}, "repository.commit", "abababab"},
		{"a branch that is an option", job.Clone{Ref: "--upload-pack=touch x"}, "repository.branch", "dash"},
		{"a commit that is none", job.Clone{Commit: "--all"}, "repository.commit", "hexadecimal"},
	} {
		t.Run(tc.name+" is an error that names the field", func(t *testing.T) {
			t.Parallel()
			f := newGitFixture(t, newGit)
			c := f.clone(t)
			c.Ref, c.Commit = tc.clone.Ref, tc.clone.Commit
			_, err := f.git.Clone(t.Context(), f.remote(t, f.repo.Path, nil), c)
			var field *job.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, tc.field, field.Field)
			require.Contains(t, field.Reason, tc.says)
			require.NoDirExists(t, c.Dir, "nothing half done is left")
		})
	}
	t.Run("a URL that runs a command is refused", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		for _, url := range []string{"ext::sh -c touch% x", "-u", "ssh://-oProxyCommand=x/y", "https://u:p@h/x"} {
			_, err := f.git.Clone(t.Context(), f.remote(t, url, nil), f.clone(t))
			require.ErrorIs(t, err, job.ErrInvalid, url)
			_, err = f.git.Heads(t.Context(), f.remote(t, url, nil))
			require.ErrorIs(t, err, job.ErrInvalid, url)
		}
	})
	t.Run("a remote that is not there", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		_, err := f.git.Clone(t.Context(), f.remote(t, "file:///nowhere/at/all", nil), f.clone(t))
		require.ErrorContains(t, err, "repository")
	})
}

func gitUpdates(t *testing.T, newGit func(t *testing.T) job.Git) {
	t.Run("it is cloned, then moved, and untracked files stay", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		r, c := f.remote(t, f.repo.Path, nil), f.clone(t)
		c.Ref = "main"
		_, err := f.git.Update(t.Context(), r, c)
		require.NoError(t, err)
		own := filepath.Join(c.Dir, "own", "terraform.tfstate")
		require.NoError(t, os.MkdirAll(filepath.Dir(own), 0o755))
		require.NoError(t, os.WriteFile(own, []byte("state"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(c.Dir, "README.md"), []byte("changed"), 0o644))

		hash := f.repo.Commit(t, "main", "new.txt", "new\n", "third commit")
		got, err := f.git.Update(t.Context(), r, c)
		require.NoError(t, err)
		require.Equal(t, job.Commit{Hash: hash, Message: "third commit", Branch: "main"}, got)
		require.FileExists(t, filepath.Join(c.Dir, "new.txt"))
		require.FileExists(t, own)
		text, err := os.ReadFile(filepath.Join(c.Dir, "README.md"))
		require.NoError(t, err)
		require.Equal(t, "two\n", string(text), "tracked files are as committed")

		c.Ref, c.Commit = "", f.repo.Hash(t, "v1")
		got, err = f.git.Update(t.Context(), r, c)
		require.NoError(t, err)
		require.Equal(t, c.Commit, got.Hash)
		require.NoFileExists(t, filepath.Join(c.Dir, "new.txt"))
		require.FileExists(t, own)
	})
	t.Run("an untracked file in the way of a new one is an error and stays", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		r, c := f.remote(t, f.repo.Path, nil), f.clone(t)
		_, err := f.git.Update(t.Context(), r, c)
		require.NoError(t, err)
		own := filepath.Join(c.Dir, "notes.txt")
		require.NoError(t, os.WriteFile(own, []byte("mine"), 0o644))
		f.repo.Commit(t, "main", "notes.txt", "theirs\n", "third commit")
		_, err = f.git.Update(t.Context(), r, c)
		require.ErrorContains(t, err, "notes.txt")
		text, err := os.ReadFile(own)
		require.NoError(t, err)
		require.Equal(t, "mine", string(text))
	})
	t.Run("files that are no checkout are never removed", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		c := f.clone(t)
		require.NoError(t, os.MkdirAll(c.Dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(c.Dir, "precious"), nil, 0o644))
		_, err := f.git.Update(t.Context(), f.remote(t, f.repo.Path, nil), c)
		require.ErrorContains(t, err, "move")
		require.NoError(t, os.Mkdir(filepath.Join(c.Dir, ".git"), 0o755))
		_, err = f.git.Update(t.Context(), f.remote(t, f.repo.Path, nil), c)
		require.Error(t, err)
		require.FileExists(t, filepath.Join(c.Dir, "precious"))
	})
}

func gitDescribe(t *testing.T, newGit func(t *testing.T) job.Git) {
	f := newGitFixture(t, newGit)
	c, err := f.git.Describe(t.Context(), f.repo.Work())
	require.NoError(t, err)
	require.Equal(t, job.Commit{Hash: f.repo.Hash(t, "main"), Message: "second commit", Branch: "main"}, c)

	require.NoError(t, os.WriteFile(filepath.Join(f.repo.Work(), "untracked"), nil, 0o644))
	c, err = f.git.Describe(t.Context(), f.repo.Work())
	require.NoError(t, err)
	require.Equal(t, f.repo.Hash(t, "main")+"-dirty", c.Hash)

	c, err = f.git.Describe(t.Context(), t.TempDir())
	require.NoError(t, err)
	require.Zero(t, c, "a directory without git")

	stop := errors.New("the test has seen enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	_, err = f.git.Describe(ctx, f.repo.Work())
	require.ErrorIs(t, err, stop)

	require.NoError(t, os.WriteFile(filepath.Join(f.repo.Work(), ".git", "config"), []byte("[broken"), 0o644))
	c, err = f.git.Describe(t.Context(), f.repo.Work())
	require.NoError(t, err)
	require.Zero(t, c, "a damaged repository")
}

func gitCancel(t *testing.T, newGit func(t *testing.T) job.Git) {
	f := newGitFixture(t, newGit)
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("the test has seen enough")
	go func() {
		conn, err := silent.Accept()
		if err != nil {
			return
		}
		cancel(stop) // connected, and nothing will ever be answered
		<-ctx.Done()
		t.Cleanup(func() { _ = conn.Close() })
	}()
	start := time.Now()
	_, err = f.git.Clone(ctx, f.remote(t, "http://"+silent.Addr().String()+"/app.git", nil), f.clone(t))
	require.ErrorIs(t, err, stop)
	require.Less(t, time.Since(start), 20*time.Second)
}

// requireNowhere fails if one of the words is in a file below the directories.
func requireNowhere(t *testing.T, words []string, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, word := range words {
				require.NotContains(t, string(text), word, "a secret is in %s", path)
			}
			return nil
		})
		if !errors.Is(err, fs.ErrNotExist) {
			require.NoError(t, err)
		}
	}
}
