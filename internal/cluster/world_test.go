//go:build linux

package cluster_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
)

// tag is that of the runner.
const tag = "edge"

// world is a database with two servers on it, a repository, a project, and a
// token that any server takes.
type world struct {
	t      *testing.T
	env    []string // of servers
	client *http.Client
	token  string
	a, b   *server
	repo   string
	gate   string // what gated scripts wait for

	project, repository, environment int64
}

// longLines is how many lines the longest script prints: for 20 s, or two minutes.
func longLines() int {
	if soak() {
		return 600
	}
	return 100
}

// scripts of the repository. A gated one goes on when the file is there.
func scripts(gate string) map[string]string {
	count := func(lines int, pause string) string {
		return fmt.Sprintf("i=0\nwhile [ $i -lt %d ]; do i=$((i+1)); echo line $i; sleep %s; done\n", lines, pause)
	}
	return map[string]string{
		"quick.sh":   "echo quick\n",
		"short.sh":   "sleep 0.2\necho short\n",
		"gated.sh":   fmt.Sprintf("echo at `pwd -P`\nwhile [ ! -e '%s' ]; do sleep 0.05; done\necho through\n", gate),
		"endless.sh": "echo at `pwd -P`\nwhile true; do sleep 0.1; done\n",
		"count.sh":   count(160, "0.05"),
		"long.sh":    count(longLines(), "0.2"),
		"main.tf":    "resource \"terraform_data\" \"x\" {\n  input = \"y\"\n}\n",
	}
}

// newWorld starts two servers at once on an empty database of the cluster.
func newWorld(t *testing.T, pg *pgtest.Cluster, env ...string) *world {
	t.Helper()
	address, err := url.Parse(pg.Database(t))
	require.NoError(t, err)
	password, _ := address.User.Password()
	dir := t.TempDir()
	w := &world{t: t, client: newClient(t), repo: filepath.Join(dir, "repo"), gate: filepath.Join(dir, "gate")}
	require.NoError(t, os.Mkdir(w.repo, 0o700))
	for name, text := range scripts(w.gate) {
		require.NoError(t, os.WriteFile(filepath.Join(w.repo, name), []byte(text), 0o600))
	}
	w.git("init", "-q", "-b", "main")
	w.git("add", ".")
	w.git("commit", "-q", "-m", "all of it")
	w.env = append([]string{
		"SEMAPHORE_INTERFACE=127.0.0.1", "SEMAPHORE_REPOS_PATH=" + w.repo, "SEMAPHORE_LOG_LEVEL=INFO",
		"SEMAPHORE_DB_DIALECT=postgres", "SEMAPHORE_DB_HOST=" + address.Host, "SEMAPHORE_DB_USER=" + address.User.Username(),
		"SEMAPHORE_DB_PASS=" + password, "SEMAPHORE_DB_NAME=" + strings.TrimPrefix(address.Path, "/"), `SEMAPHORE_DB_OPTIONS={"sslmode":"disable"}`,
		"SEMAPHORE_ACCESS_KEY_ENCRYPTION=" + crypto.GenerateKey().Encode(), "SEMAPHORE_ADMIN=admin", "SEMAPHORE_ADMIN_PASSWORD=correct horse battery",
	}, env...)
	w.a, w.b = w.begin(), w.begin()
	w.a.serves()
	w.b.serves()
	w.populate()
	return w
}

func newClient(t testing.TB) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func (w *world) git(args ...string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Dir = w.repo
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.repo, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org",
	}
	out, err := cmd.CombinedOutput()
	require.NoErrorf(w.t, err, "%s", out)
}

// begin starts a server with a directory of its own and waits for nothing.
func (w *world) begin() *server {
	w.t.Helper()
	dir := w.t.TempDir()
	return &server{w: w, dir: dir, process: spawn(w.t, "semaphore", []string{"server", "--no-config", "--port", "0", "--data-dir", dir}, w.env)}
}

// serves waits until a server does.
func (s *server) serves() *server {
	s.t.Helper()
	s.url = s.says(`serving (http\S+) \(stop`)[1]
	return s
}

// populate makes a project.
func (w *world) populate() {
	w.t.Helper()
	var pair struct {
		Token string `json:"access_token"`
	}
	w.a.must("POST", "/auth/token", map[string]string{"auth": "admin", "password": "correct horse battery"}, &pair)
	w.token = pair.Token
	var token struct{ ID string }
	w.b.must("POST", "/user/tokens", map[string]any{}, &token)
	w.token = token.ID
	var row struct{ ID int64 }
	w.a.must("POST", "/projects", map[string]any{"name": "P"}, &row)
	w.project = row.ID
	var keys, environments []struct{ ID int64 }
	w.b.must("GET", fmt.Sprintf("/project/%d/keys", w.project), nil, &keys)
	w.b.must("GET", fmt.Sprintf("/project/%d/environment", w.project), nil, &environments)
	w.environment = environments[0].ID
	w.b.must("POST", fmt.Sprintf("/project/%d/repositories", w.project), map[string]any{
		"project_id": w.project, "name": "R", "git_url": "file://" + w.repo, "git_branch": "main", "ssh_key_id": keys[0].ID,
	}, &row)
	w.repository = row.ID
}

// template makes a template of a file of the repository.
func (w *world) template(file string, more map[string]any) int64 {
	w.t.Helper()
	return w.templateBy(w.a, file, more)
}

func (w *world) templateBy(s *server, file string, more map[string]any) int64 {
	w.t.Helper()
	body := map[string]any{
		"project_id": w.project, "name": file, "app": "bash", "playbook": file, "repository_id": w.repository, "environment_id": w.environment,
	}
	for k, v := range more {
		body[k] = v
	}
	var row struct{ ID int64 }
	s.must("POST", fmt.Sprintf("/project/%d/templates", w.project), body, &row)
	return row.ID
}

// runner starts a runner of the tag that calls a balancer in front of the
// servers.
func (w *world) runner(front *balancer) *process {
	w.t.Helper()
	var place struct{ Token string }
	w.a.must("POST", "/runners/enrollment", map[string]any{"name": "far away", "tag": tag, "max_parallel_tasks": 4}, &place)
	p := spawn(w.t, "semaphore-runner", []string{"start", "--register", "--no-config"}, []string{
		"SEMAPHORE_DATA_DIR=" + w.t.TempDir(), "SEMAPHORE_WEB_ROOT=" + front.url, "SEMAPHORE_RUNNER_REGISTRATION_TOKEN=" + place.Token,
		"SEMAPHORE_RUNNER_MAX_PARALLEL_TASKS=4", "SEMAPHORE_REPOS_PATH=" + w.repo,
	})
	p.says("taking tasks from")
	return p
}

// onRunner makes a template's tasks run there.
func onRunner(more map[string]any) map[string]any {
	out := map[string]any{"runner_tag": tag}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// open lets gated scripts go on.
func (w *world) open() {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(w.gate, nil, 0o600))
}

// host finds the server that runs a task, which says where it is, and another
// one.
func (w *world) host(t store.Task) (runs, other *server) {
	w.t.Helper()
	eventually(w.t, func() bool {
		text := w.b.output(t)
		switch {
		case strings.Contains(text, "at "+w.a.dir):
			runs, other = w.a, w.b
		case strings.Contains(text, "at "+w.b.dir):
			runs, other = w.b, w.a
		}
		return runs != nil
	}, "task %d is to run on a server", t.ID)
	return runs, other
}
