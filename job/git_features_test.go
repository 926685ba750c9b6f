package job_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestGitClones(t *testing.T) {
	t.Parallel()
	t.Run("a clone shares the mirror's objects and knows only the real remote", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		c := b.clone("one")
		_, err := b.Clone(t.Context(), b.remote(t, "file://"+b.repo.Path, nil), c)
		require.NoError(t, err)
		require.Contains(t, string(mustRead(t, filepath.Join(c.Dir, ".git", "objects", "info", "alternates"))), b.mirror)
		require.Equal(t, "file://"+b.repo.Path, taskGit(t, c.Dir, nil, "remote", "get-url", "origin"))
		require.Equal(t, "+refs/heads/*:refs/remotes/origin/*", taskGit(t, c.Dir, nil, "config", "remote.origin.fetch"))
		require.NotContains(t, string(mustRead(t, filepath.Join(c.Dir, ".git", "config"))), b.mirror)
		require.Contains(t, taskGit(t, c.Dir, nil, "branch", "--remotes"), "origin/feature/x")
	})
	t.Run("a private clone has all objects itself, also of a commit on no branch", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		lost := b.repo.Commit(t, "gone", "gone.txt", "gone\n", "lost commit")
		b.repo.Git(t, "push", "--quiet", "origin", ":gone")
		c := b.clone("one")
		c.Private, c.Commit = true, lost
		got, err := b.Clone(t.Context(), b.remote(t, b.repo.Path, nil), c)
		require.NoError(t, err)
		require.Equal(t, lost, got.Hash)
		require.NoFileExists(t, filepath.Join(c.Dir, ".git", "objects", "info", "alternates"))
		require.NoError(t, os.RemoveAll(b.mirror))
		taskGit(t, c.Dir, nil, "fsck", "--connectivity-only", "HEAD")
	})
	t.Run("a depth bounds the history, for branch, tag and commit", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		r := b.remote(t, "file://"+b.repo.Path, nil)
		for name, c := range map[string]job.Clone{"branch": {Ref: "main"}, "tag": {Ref: "v1"}, "commit": {Commit: b.repo.Hash(t, "main")}, "head": {}} {
			c.Dir, c.Depth, c.Mirror = filepath.Join(b.dir, name), 1, b.mirror
			got, err := b.Clone(t.Context(), r, c)
			require.NoError(t, err, name)
			require.NotEmpty(t, got.Message)
			require.Equal(t, "1", taskGit(t, c.Dir, nil, "rev-list", "--count", "HEAD"), name)
		}
		require.NoDirExists(t, b.mirror)
		_, err := b.Clone(t.Context(), r, job.Clone{Dir: filepath.Join(b.dir, "short"), Depth: 1, Commit: b.repo.Hash(t, "main")[:8]})
		requireField(t, err, "repository.commit", "short hash")
		_, err = b.Clone(t.Context(), r, job.Clone{Dir: filepath.Join(b.dir, "none"), Depth: 1, Ref: "nowhere"})
		requireField(t, err, "repository.branch", "nowhere")
	})
	t.Run("the administrator's insteadOf is followed, to files too", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		config := "[url \"" + filepath.Dir(b.repo.Path) + "/\"]\n\tinsteadOf = https://git.example.org/\n"
		require.NoError(t, os.WriteFile(filepath.Join(b.dir, ".gitconfig"), []byte(config), 0o600))
		c := b.clone("one")
		_, err := b.Clone(t.Context(), b.remote(t, "https://git.example.org/app.git", nil), c)
		require.NoError(t, err)
		require.Equal(t, "https://git.example.org/app.git", taskGit(t, c.Dir, nil, "config", "remote.origin.url"))
	})
	t.Run("a SHA-256 repository", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		path := filepath.Join(b.dir, "sha256.git")
		work := t.TempDir()
		taskGit(t, work, nil, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", ".")
		taskGit(t, work, nil, "commit", "--quiet", "--allow-empty", "--message", "only commit")
		taskGit(t, work, nil, "clone", "--quiet", "--bare", work, path)
		for range 2 {
			c := b.clone("one")
			got, err := b.Clone(t.Context(), b.remote(t, path, nil), c)
			require.NoError(t, err)
			require.Len(t, got.Hash, 64)
			require.NoError(t, os.RemoveAll(c.Dir))
		}
		_, err := b.Update(t.Context(), b.remote(t, path, nil), b.clone("kept"))
		require.NoError(t, err)
		_, err = b.Update(t.Context(), b.remote(t, path, nil), b.clone("kept"))
		require.NoError(t, err)
	})
}

func TestGitMirror(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, mirror string)
	}{
		{"objects", func(t *testing.T, mirror string) {
			require.NoError(t, filepath.WalkDir(filepath.Join(mirror, "objects"), func(path string, entry os.DirEntry, err error) error {
				if err == nil && entry.Type().IsRegular() {
					require.NoError(t, os.Chmod(path, 0o600))
					return os.Truncate(path, 3)
				}
				return err
			}))
		}},
		{"a missing object store", func(t *testing.T, mirror string) {
			require.NoError(t, os.RemoveAll(filepath.Join(mirror, "objects")))
		}},
		{"the HEAD file", func(t *testing.T, mirror string) {
			require.NoError(t, os.WriteFile(filepath.Join(mirror, "HEAD"), []byte("rubbish"), 0o600))
		}},
		{"packed refs", func(t *testing.T, mirror string) {
			require.NoError(t, os.WriteFile(filepath.Join(mirror, "packed-refs"), []byte("rubbish\x00\x01\n"), 0o600))
		}},
		{"locks that a killed git has left", func(t *testing.T, mirror string) {
			for _, name := range []string{"packed-refs.lock", "config.lock", "refs/heads/main.lock", "shallow.lock", "HEAD.lock", "packed-refs.new"} {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(mirror, name)), 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(mirror, name), nil, 0o600))
			}
		}},
	} {
		t.Run("it survives damage: "+tc.name, func(t *testing.T) {
			t.Parallel()
			b := setupGit(t)
			r := b.remote(t, b.repo.Path, nil)
			_, err := b.Clone(t.Context(), r, b.clone("one"))
			require.NoError(t, err)
			tc.damage(t, b.mirror)
			b.repo.Commit(t, "main", "new.txt", "new\n", "third commit")
			got, err := b.Clone(t.Context(), r, b.clone("two"))
			require.NoError(t, err)
			require.Equal(t, "third commit", got.Message)
			taskGit(t, filepath.Join(b.dir, "two"), nil, "fsck")
		})
	}
	t.Run("a failing server does not cost the mirror", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		r := b.remote(t, b.repo.Path, nil)
		_, err := b.Clone(t.Context(), r, b.clone("one"))
		require.NoError(t, err)
		before := snapshot(t, b.mirror)
		r.URL = "/nowhere/at/all"
		_, err = b.Clone(t.Context(), r, b.clone("two"))
		require.Error(t, err)
		after := snapshot(t, b.mirror)
		delete(after, filepath.Join(b.mirror, "FETCH_HEAD"))
		delete(before, filepath.Join(b.mirror, "FETCH_HEAD"))
		require.Equal(t, before, after)
		require.NoDirExists(t, b.mirror+".damaged")
	})
	t.Run("a pin must be a plain name", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		c := b.clone("one")
		c.Pin = "../../heads/main"
		_, err := b.Clone(t.Context(), b.remote(t, b.repo.Path, nil), c)
		require.ErrorContains(t, err, "pin")
		require.Error(t, b.Release(t.Context(), b.mirror, c.Pin))
	})
}

func TestGitLimits(t *testing.T) {
	t.Parallel()
	t.Run("a repository beyond the size limit is an error that names the limit", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		c := b.clone("one")
		c.MaxBytes = 500
		_, err := b.Clone(t.Context(), b.remote(t, b.repo.Path, nil), c)
		field := requireField(t, err, "limits.repo_bytes", "size")
		require.Contains(t, field.Reason, "500")
		require.NoDirExists(t, c.Dir)
	})
	t.Run("a command that takes too long is ended, helpers included", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer silent.Close()
		r := b.remote(t, "http://"+silent.Addr().String()+"/app.git", nil)
		r.Timeout = 300 * time.Millisecond
		_, err = b.Heads(t.Context(), r)
		require.ErrorContains(t, err, "no end within 300ms")
	})
	t.Run("a machine without git says what to install", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		git := job.GitCLI{Binary: filepath.Join(b.dir, "no-git")}
		_, err := git.Clone(t.Context(), b.remote(t, b.repo.Path, nil), b.clone("one"))
		require.ErrorIs(t, err, job.ErrNeedsGit)
		c, err := git.Describe(t.Context(), b.repo.Work())
		require.NoError(t, err)
		require.Zero(t, c)
	})
	t.Run("waiting for the mirror's lock ends with the context", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer silent.Close()
		ctx, cancel := context.WithCancel(t.Context())
		busy := make(chan error, 1)
		go func() {
			_, err := b.Clone(ctx, b.remote(t, "http://"+silent.Addr().String()+"/app.git", nil), b.clone("busy"))
			busy <- err
		}()
		conn, err := silent.Accept() // the first one holds the lock now
		require.NoError(t, err)
		defer conn.Close()
		waiting, stop := context.WithCancelCause(t.Context())
		r := b.remote(t, b.repo.Path, nil)
		r.Progress = func(line string) {
			if strings.Contains(line, "waiting") {
				stop(context.DeadlineExceeded)
			}
		}
		_, err = b.Clone(waiting, r, b.clone("second"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		cancel()
		require.ErrorIs(t, <-busy, context.Canceled)
	})
}

func TestGitLFS(t *testing.T) {
	t.Parallel()
	if err := exec.CommandContext(t.Context(), "git", "lfs", "version").Run(); err != nil {
		t.Skip("git-lfs is not installed")
	}
	setup := func(t *testing.T) *gitBench {
		t.Helper()
		b := setupGit(t)
		b.repo.Git(t, "lfs", "install", "--local")
		b.repo.Commit(t, "main", ".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n", "use LFS")
		b.repo.Commit(t, "main", "deep/data.bin", "large content\n", "a large file")
		require.Contains(t, b.repo.Git(t, "cat-file", "-p", "HEAD:deep/data.bin"), "git-lfs", "the repository holds a pointer")
		return b
	}
	t.Run("files stored with LFS come from the real remote", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c := b.clone("one")
		_, err := b.Clone(t.Context(), b.remote(t, "file://"+b.repo.Path, nil), c)
		require.NoError(t, err)
		require.Equal(t, "large content\n", string(mustRead(t, filepath.Join(c.Dir, "deep", "data.bin"))))
		require.Empty(t, taskGit(t, c.Dir, nil, "status", "--porcelain"), "and the checkout is clean")

		kept := b.clone("kept")
		for range 2 {
			_, err = b.Update(t.Context(), b.remote(t, "file://"+b.repo.Path, nil), kept)
			require.NoError(t, err)
			require.Equal(t, "large content\n", string(mustRead(t, filepath.Join(kept.Dir, "deep", "data.bin"))))
		}
	})
	t.Run("over http with the repository's key", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		objects := filepath.Join(b.repo.Path, "lfs", "objects")
		server := jobtest.GitHTTP(t, filepath.Dir(b.repo.Path), func(login, password string) bool { return login == "deploy" && password == canary })
		jobtest.GitLFS(t, server, objects)
		c := b.clone("one")
		key := &job.Key{Type: job.KeyLoginPassword, Login: "deploy", Password: job.NewSecret(canary)}
		_, err := b.Clone(t.Context(), b.remote(t, server.URL+"/app.git", key), c)
		require.NoError(t, err)
		require.Equal(t, "large content\n", string(mustRead(t, filepath.Join(c.Dir, "deep", "data.bin"))))
		for path, text := range snapshot(t, b.dir) {
			require.NotContains(t, text, canary, path)
		}
	})
	t.Run("without git-lfs a pointer is an error that says what to install", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		installed, err := exec.LookPath("git")
		require.NoError(t, err)
		binary := filepath.Join(t.TempDir(), "git")
		script := "#!/bin/sh\nfor a; do test \"$a\" = lfs && exit 1; done\nexec " + installed + " \"$@\"\n"
		require.NoError(t, os.WriteFile(binary, []byte(script), 0o700))
		git := job.GitCLI{Binary: binary}
		_, err = git.Clone(t.Context(), b.remote(t, b.repo.Path, nil), b.clone("one"))
		require.ErrorContains(t, err, "install git-lfs")
		require.ErrorContains(t, err, "deep/data.bin")
		c := b.clone("two")
		c.Ref = "v1"
		_, err = git.Clone(t.Context(), b.remote(t, b.repo.Path, nil), c)
		require.NoError(t, err, "a commit without LFS files needs none")
	})
}

func TestGitSubmodules(t *testing.T) {
	t.Parallel()
	// addSubmodule commits a submodule with an address that is not fetched now.
	addSubmodule := func(t *testing.T, r *jobtest.GitRepo, path, url, hash string) {
		t.Helper()
		r.Git(t, "checkout", "--quiet", "main")
		r.Git(t, "config", "--file", ".gitmodules", "submodule."+path+".path", path)
		r.Git(t, "config", "--file", ".gitmodules", "submodule."+path+".url", url)
		r.Git(t, "add", ".gitmodules")
		r.Git(t, "update-index", "--add", "--cacheinfo", "160000,"+hash+","+path)
		r.Git(t, "commit", "--quiet", "--message", "add "+path)
		r.Git(t, "push", "--quiet", "origin", "main")
	}
	t.Run("relative ones, nested, against the real remote", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		root := filepath.Dir(b.repo.Path)
		inner := jobtest.NewGitRepoAt(t, filepath.Join(root, "inner.git"))
		lib := jobtest.NewGitRepoAt(t, filepath.Join(root, "lib.git"))
		addSubmodule(t, lib, "vendor/inner", "../inner.git", inner.Hash(t, "v1"))
		addSubmodule(t, b.repo, "lib", "../lib.git", lib.Hash(t, "main"))
		server := jobtest.GitHTTP(t, root, func(_, password string) bool { return password == canary })
		key := &job.Key{Type: job.KeyLoginPassword, Login: "deploy", Password: job.NewSecret(canary)}
		for name, url := range map[string]string{"file": b.repo.Path, "http": server.URL + "/app.git"} {
			r, c := b.remote(t, url, key), b.clone(name)
			c.Mirror = filepath.Join(b.dir, name+".git")
			_, err := b.Clone(t.Context(), r, c)
			require.NoError(t, err)
			require.NoFileExists(t, filepath.Join(c.Dir, "lib", "README.md"), "only where they are wanted")
			c.Dir, c.Submodules = filepath.Join(b.dir, name+"-full"), true
			_, err = b.Clone(t.Context(), r, c)
			require.NoError(t, err)
			require.Equal(t, "one\n", string(mustRead(t, filepath.Join(c.Dir, "lib", "vendor", "inner", "README.md"))))
			require.Empty(t, taskGit(t, c.Dir, nil, "status", "--porcelain"))
			kept := job.Clone{Dir: filepath.Join(b.dir, name+"-kept"), Ref: "main", Submodules: true}
			for range 2 {
				_, err = b.Update(t.Context(), r, kept)
				require.NoError(t, err)
				require.FileExists(t, filepath.Join(kept.Dir, "lib", "vendor", "inner", "README.md"))
			}
		}
		for path, text := range snapshot(t, b.dir) {
			require.NotContains(t, text, canary, path)
		}
	})
	t.Run("a poisoned one in a kept checkout runs nothing", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		lib := jobtest.NewGitRepoAt(t, filepath.Join(filepath.Dir(b.repo.Path), "lib.git"))
		addSubmodule(t, b.repo, "lib", "../lib.git", lib.Hash(t, "v1"))
		r, kept := b.remote(t, b.repo.Path, nil), job.Clone{Dir: filepath.Join(b.dir, "kept"), Ref: "main", Submodules: true}
		_, err := b.Update(t.Context(), r, kept)
		require.NoError(t, err)
		mark, evil := filepath.Join(b.dir, "executed"), filepath.Join(b.dir, "evil")
		module := filepath.Join(kept.Dir, ".git", "modules", "lib")
		for _, name := range []string{"filter.evil.smudge", "core.fsmonitor", "remote.origin.uploadpack"} {
			taskGit(t, filepath.Join(kept.Dir, "lib"), nil, "config", name, "touch "+mark)
		}
		require.NoError(t, os.MkdirAll(filepath.Join(module, "info"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(module, "info", "attributes"), []byte("* filter=evil\n"), 0o644))
		require.NoError(t, os.CopyFS(evil, os.DirFS(module)))
		require.NoError(t, os.WriteFile(filepath.Join(kept.Dir, "lib", ".git"), []byte("gitdir: "+evil+"\n"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(kept.Dir, "lib", "own"), nil, 0o644))

		addSubmodule(t, b.repo, "lib", "../lib.git", lib.Commit(t, "main", "new.txt", "new\n", "to be fetched"))
		_, err = b.Update(t.Context(), r, kept)
		require.NoError(t, err)
		require.FileExists(t, filepath.Join(kept.Dir, "lib", "new.txt"))
		require.Equal(t, "two\n", string(mustRead(t, filepath.Join(kept.Dir, "lib", "README.md"))))
		require.FileExists(t, filepath.Join(kept.Dir, "lib", "own"), "untracked files stay")
		require.NoFileExists(t, mark)
	})
	t.Run("one on another host gets no credential", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		lib := jobtest.NewGitRepoAt(t, filepath.Join(t.TempDir(), "lib.git"))
		var offered []string
		other := jobtest.GitHTTP(t, filepath.Dir(lib.Path), func(_, password string) bool {
			offered = append(offered, password)
			return true
		})
		demanding := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			_, password, ok := req.BasicAuth()
			if ok {
				offered = append(offered, password)
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
		}))
		t.Cleanup(demanding.Close)
		server := jobtest.GitHTTP(t, filepath.Dir(b.repo.Path), func(_, password string) bool { return password == canary })
		key := &job.Key{Type: job.KeyLoginPassword, Login: "deploy", Password: job.NewSecret(canary)}
		addSubmodule(t, b.repo, "lib", other.URL+"/lib.git", lib.Hash(t, "main"))
		c := b.clone("one")
		c.Submodules = true
		_, err := b.Clone(t.Context(), b.remote(t, server.URL+"/app.git", key), c)
		require.NoError(t, err)
		require.FileExists(t, filepath.Join(c.Dir, "lib", "README.md"))
		addSubmodule(t, b.repo, "trap", demanding.URL+"/x.git", lib.Hash(t, "main"))
		c.Dir = filepath.Join(b.dir, "two")
		_, err = b.Clone(t.Context(), b.remote(t, server.URL+"/app.git", key), c)
		require.ErrorContains(t, err, "trap")
		require.NotContains(t, offered, canary)
	})
	for name, url := range map[string]string{
		"a command": "ext::sh -c touch% executed", "an option": "--upload-pack=touch executed", "credentials": "https://u:" + canary + "@example.org/x",
		"a file of the server": "file://", "a path of the server": "",
	} {
		t.Run("the address may not be "+name, func(t *testing.T) {
			t.Parallel()
			b := setupGit(t)
			if strings.Contains(name, "server") { // a repository that could be cloned, but is none of this one's
				url += jobtest.NewGitRepo(t).Path
			}
			addSubmodule(t, b.repo, "lib", url, b.repo.Hash(t, "v1"))
			server := jobtest.GitHTTP(t, filepath.Dir(b.repo.Path), nil)
			for dir, remote := range map[string]string{"http": server.URL + "/app.git", "file": b.repo.Path} {
				c := job.Clone{Dir: filepath.Join(b.dir, dir), Ref: "main", Submodules: true}
				_, err := b.Clone(t.Context(), b.remote(t, remote, nil), c)
				require.ErrorContains(t, err, "lib")
				require.NotContains(t, err.Error(), canary)
				require.NoDirExists(t, c.Dir)
			}
		})
	}
}
