package job_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

const canary = "canary-4711-secret"

// watchCommands collects the command lines and environments of all processes
// until the returned function is called.
func watchCommands(ctx context.Context) (seen func() string) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.Map
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			for _, kind := range []string{"cmdline", "environ"} {
				files, _ := filepath.Glob("/proc/[0-9]*/" + kind)
				for _, f := range files {
					if b, err := os.ReadFile(f); err == nil {
						all.Store(string(b), true)
					}
				}
			}
			runtime.Gosched()
		}
	}()
	return func() string {
		cancel()
		<-done
		var b strings.Builder
		all.Range(func(k, _ any) bool {
			b.WriteString(k.(string))
			b.WriteByte('\n')
			return true
		})
		return b.String()
	}
}

func TestGitSecretsStayHidden(t *testing.T) {
	t.Parallel()
	t.Run("a password is on no command line, in no environment and in no file of the clone", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		server := jobtest.GitHTTP(t, filepath.Dir(b.repo.Path), func(_, password string) bool { return password == canary })
		key := &job.Key{Type: job.KeyLoginPassword, Login: "deploy", Password: job.NewSecret(canary)}
		r := b.remote(t, server.URL+"/app.git", key)
		var lines []string
		r.Progress = func(line string) { lines = append(lines, line) }
		seen := watchCommands(t.Context())
		_, err := b.Clone(t.Context(), r, b.clone("one"))
		commands := seen()
		require.NoError(t, err)
		if runtime.GOOS == "linux" {
			require.Contains(t, commands, "credential-helper", "the watcher has seen git at work")
		}
		require.NotContains(t, commands, canary)
		for path, text := range snapshot(t, b.dir) {
			require.NotContains(t, text, canary, path)
		}
		left, err := os.ReadDir(r.ScratchDir)
		require.NoError(t, err)
		require.Empty(t, left)
		require.NotContains(t, strings.Join(lines, "\n"), canary)
	})
	t.Run("a server that repeats the password is masked in errors and progress", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusUnauthorized)
			_, password, _ := req.BasicAuth()
			_, _ = w.Write([]byte("your password was " + password + "\n"))
		}))
		t.Cleanup(server.Close)
		r := b.remote(t, server.URL+"/app.git", &job.Key{Name: "k", Type: job.KeyLoginPassword, Login: "deploy", Password: job.NewSecret(canary)})
		var lines []string
		r.Progress = func(line string) { lines = append(lines, line) }
		_, err := b.Clone(t.Context(), r, b.clone("one"))
		require.Error(t, err)
		require.Contains(t, err.Error()+strings.Join(lines, ""), "your password was ***")
		require.NotContains(t, err.Error()+strings.Join(lines, ""), canary)
	})
}

func TestGitTaskEnv(t *testing.T) {
	t.Parallel()
	push := func(t *testing.T, b *gitBench, r job.Remote) {
		t.Helper()
		c := b.clone("task")
		_, err := b.Clone(t.Context(), r, c)
		require.NoError(t, err)
		var task job.TaskGit = b.GitCLI
		env, closing, err := task.TaskEnv(t.Context(), r)
		require.NoError(t, err)
		require.NotContains(t, strings.Join(env, "\n"), canary)
		require.NoError(t, os.WriteFile(filepath.Join(c.Dir, "result.txt"), []byte("done\n"), 0o644))
		taskGit(t, c.Dir, nil, "add", "result.txt")
		taskGit(t, c.Dir, nil, "commit", "--quiet", "--message", "result of the task")
		taskGit(t, c.Dir, env, "push", "--quiet", "origin", "HEAD:refs/heads/result")
		require.Equal(t, taskGit(t, c.Dir, nil, "rev-parse", "HEAD"), b.repo.Hash(t, "result"))
		require.NoError(t, closing())
		require.NoError(t, closing(), "twice")
		left, err := os.ReadDir(r.ScratchDir)
		require.NoError(t, err)
		require.Empty(t, left)
	}
	t.Run("a stop ends the preparations", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		begun := filepath.Join(b.dir, "begun")
		slow := wrapGit(t, `touch "`+begun+`"; sleep 60`)
		r := b.remote(t, "https://git.example.org/app.git", nil)
		stop := errors.New("the test has seen enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		ended := make(chan error, 1)
		go func() {
			_, _, err := slow.TaskEnv(ctx, r)
			ended <- err
		}()
		require.Eventually(t, func() bool { _, err := os.Stat(begun); return err == nil }, 30*time.Second, 5*time.Millisecond)
		cancel(stop)
		require.ErrorIs(t, <-ended, stop)
		left, err := os.ReadDir(r.ScratchDir)
		require.NoError(t, err)
		require.Empty(t, left)
	})
	t.Run("a task commits and pushes over http", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		server := jobtest.GitHTTP(t, filepath.Dir(b.repo.Path), func(login, password string) bool { return login == "deploy" && password == canary })
		push(t, b, b.remote(t, server.URL+"/app.git", &job.Key{Type: job.KeyLoginPassword, Login: "deploy", Password: job.NewSecret(canary)}))
	})
	t.Run("a task commits and pushes over ssh, and its host key is learned", func(t *testing.T) {
		t.Parallel()
		b := setupGit(t)
		private, public := jobtest.SSHKey(t, canary)
		server := jobtest.NewGitSSH(t, filepath.Dir(b.repo.Path), public)
		r := b.remote(t, server.URL("app.git"), &job.Key{Type: job.KeySSH, PrivateKey: job.NewSecret(private), Passphrase: job.NewSecret(canary)})
		r.HostKeys.Policy = job.HostKeysPin
		var learned []job.HostKey
		r.Learned = func(k job.HostKey) { learned = append(learned, k) }
		push(t, b, r)
		require.Len(t, learned, 2, "once by the clone and once by the task, which knew of nothing")
	})
}
