package jobtest

import (
	"encoding/json"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// GitRepo is a bare repository on this machine with a work tree to fill it
// from. It needs the git binary.
type GitRepo struct {
	Path string // of the bare repository
	work string
}

// NewGitRepo makes a repository below a directory of the test. Its branch main
// has two commits, feature/x one more, and v1 is an annotated tag on the first.
// It gives out any commit that is asked for by its hash, as large hosts do.
func NewGitRepo(t testing.TB) *GitRepo {
	t.Helper()
	return NewGitRepoAt(t, filepath.Join(t.TempDir(), "app.git"))
}

// NewGitRepoAt is NewGitRepo at a path that does not exist yet.
func NewGitRepoAt(t testing.TB, path string) *GitRepo {
	t.Helper()
	r := &GitRepo{Path: path, work: t.TempDir()}
	r.Git(t, "init", "--quiet", "--bare", "--initial-branch=main", r.Path)
	r.Git(t, "--git-dir="+r.Path, "config", "http.receivepack", "true")
	r.Git(t, "--git-dir="+r.Path, "config", "uploadpack.allowAnySHA1InWant", "true")
	r.Git(t, "init", "--quiet", "--initial-branch=main", ".")
	r.Git(t, "remote", "add", "origin", r.Path)
	r.Commit(t, "main", "README.md", "one\n", "first commit")
	r.Git(t, "tag", "--annotate", "--message=release", "v1")
	r.Git(t, "push", "--quiet", "origin", "v1")
	r.Commit(t, "main", "README.md", "two\n", "second commit\n\nwith a body")
	r.Commit(t, "feature/x", "x.txt", "x\n", "feature commit")
	r.Git(t, "checkout", "--quiet", "main")
	return r
}

// Commit writes a file on a branch, which is made where it is missing, pushes
// it and returns the hash.
func (r *GitRepo) Commit(t testing.TB, branch, file, content, message string) string {
	t.Helper()
	if r.Git(t, "branch", "--list", branch) == "" {
		if current := r.Git(t, "symbolic-ref", "--short", "HEAD"); current != branch {
			r.Git(t, "checkout", "--quiet", "-b", branch)
		}
	} else {
		r.Git(t, "checkout", "--quiet", branch)
	}
	path := filepath.Join(r.work, filepath.FromSlash(file))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	r.Git(t, "add", "--", file)
	r.Git(t, "commit", "--quiet", "--message", message)
	r.Git(t, "push", "--quiet", "--force", "origin", branch)
	return r.Git(t, "rev-parse", "HEAD")
}

// Hash resolves a name in the repository.
func (r *GitRepo) Hash(t testing.TB, name string) string {
	t.Helper()
	return r.Git(t, "--git-dir="+r.Path, "rev-parse", name+"^{commit}")
}

// Work is the work tree that Commit fills.
func (r *GitRepo) Work() string { return r.work }

// Git runs git in the work tree without any configuration of the machine and
// returns what it wrote, trimmed.
func (r *GitRepo) Git(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = r.work
	cmd.Env = append(os.Environ(), plainGit(r.work)...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %s: %s", strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

// plainGit is an environment in which git has a name and no configuration of
// the machine.
func plainGit(home string) []string {
	return []string{
		"HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_ALLOW_PROTOCOL=file:http:ssh",
		"GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@example.org", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@example.org", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
	}
}

// GitHTTP serves the repositories below root over http on the loopback, by
// git's own http backend, to whom admit lets in; nil lets everybody in.
func GitHTTP(t testing.TB, root string, admit func(login, password string) bool) *httptest.Server {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "--exec-path").Output()
	require.NoError(t, err)
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Env:  append(plainGit(root), "GIT_PROJECT_ROOT="+root, "GIT_HTTP_EXPORT_ALL=1"),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		login, password, _ := req.BasicAuth()
		if admit != nil && !admit(login, password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "authorization required", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	return server
}

// GitLFS makes a server of GitHTTP also serve LFS objects, from a directory
// laid out as git-lfs keeps them. It asks for the same credentials.
func GitLFS(t testing.TB, server *httptest.Server, objects string) {
	t.Helper()
	git := server.Config.Handler
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if oid, ok := strings.CutPrefix(req.URL.Path, "/lfs-object/"); ok && len(oid) == 64 {
			http.ServeFile(w, req, filepath.Join(objects, oid[:2], oid[2:4], filepath.Base(oid)))
			return
		}
		if !strings.HasSuffix(req.URL.Path, "/info/lfs/objects/batch") {
			git.ServeHTTP(w, req)
			return
		}
		if req.Header.Get("Authorization") == "" {
			w.Header().Set("LFS-Authenticate", `Basic realm="lfs"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		type object struct {
			OID     string         `json:"oid"`
			Size    int64          `json:"size"`
			Actions map[string]any `json:"actions,omitempty"`
		}
		var batch struct {
			Transfer string   `json:"transfer"`
			Objects  []object `json:"objects"`
		}
		if err := json.NewDecoder(req.Body).Decode(&batch); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		batch.Transfer = "basic"
		for i, o := range batch.Objects {
			batch.Objects[i].Actions = map[string]any{"download": map[string]string{"href": server.URL + "/lfs-object/" + o.OID}}
		}
		w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
		_ = json.NewEncoder(w).Encode(batch)
	})
}
