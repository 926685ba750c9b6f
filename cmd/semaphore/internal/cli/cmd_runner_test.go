//go:build linux

package cli_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// runnerProgram is the program of runners as it is shipped, built once.
var runnerProgram = sync.OnceValues(func() (string, error) {
	file := filepath.Join(built, "semaphore-runner")
	cmd := exec.Command("go", "build", "-o", file, "github.com/alexandervashurin/semaphore/cmd/semaphore-runner")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return file, nil
})

// box is a machine with a runner: its data directory and its environment.
type box struct {
	t     *testing.T
	dir   string
	links string
	env   []string
}

func newBox(t *testing.T, s *server, env ...string) *box {
	t.Helper()
	links, err := os.MkdirTemp("", "sr")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(links)) })
	b := &box{t: t, dir: t.TempDir(), links: links}
	b.env = bareEnv(t.TempDir(), append([]string{"SEMAPHORE_WEB_ROOT=" + s.url, "SEMAPHORE_DATA_DIR=" + b.dir, "TMPDIR=" + links, "SEMAPHORE_REPOS_PATH=" + os.TempDir()}, env...)...)
	return b
}

// command makes a command of the program.
func (b *box) command(args ...string) *exec.Cmd {
	b.t.Helper()
	file, err := runnerProgram()
	require.NoError(b.t, err)
	cmd := exec.Command(file, append([]string{"--no-config"}, args...)...)
	cmd.Env, cmd.Dir = b.env, b.dir
	return cmd
}

// run runs a command to its end.
func (b *box) run(in string, args ...string) (string, error) {
	cmd := b.command(args...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// start starts the runner and waits until it takes tasks.
func (b *box) start(args ...string) *server {
	b.t.Helper()
	p := &server{t: b.t, dir: b.dir, out: newSaid(), ended: make(chan struct{}), cmd: b.command(append([]string{"start"}, args...)...)}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	require.NoError(b.t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // the state is read by exit
		close(p.ended)
	}()
	b.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if b.t.Failed() {
			b.t.Logf("the runner said:\n%s", p.out)
		}
	})
	p.out.wait(b.t, `taking tasks from`, p.ended)
	return p
}

const farToken = "e2e-registration-token"

// farServer is a server that leaves its tasks to runners.
func farServer(t *testing.T, env ...string) *server {
	t.Helper()
	return launch{env: append([]string{"SEMAPHORE_USE_REMOTE_RUNNER=true", "SEMAPHORE_RUNNER_REGISTRATION_TOKEN=" + farToken, "SEMAPHORE_REPOS_PATH=" + os.TempDir()}, env...)}.serve(t).admin()
}

// enrolled registers a box by a token of its own.
func (b *box) enrolled(s *server) *box {
	b.t.Helper()
	var place struct{ Token string }
	s.must("POST", "/runners/enrollment", map[string]any{"name": "box"}, &place)
	out, err := b.run(place.Token+"\n", "register", "--stdin-registration-token")
	require.NoError(b.t, err, out)
	return b
}

// TestARunnerFromRegistrationToItsEnd goes through the whole life of a runner
// with the programs as they are shipped.
func TestARunnerFromRegistrationToItsEnd(t *testing.T) {
	t.Parallel()
	s := farServer(t)
	dir := repository(t, map[string]string{
		"hello.sh": "echo hello from $SEMAPHORE_TASK_DETAILS_ID\ni=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done\n",
		"site.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {msg: \"on {{ inventory_hostname }}\"}\n",
	})
	p := s.newProject(dir)
	b := newBox(t, s)
	out, err := b.run("", "start")
	require.Error(t, err)
	require.Contains(t, out, "register' first")
	out, err = b.run("wrong\n", "register", "--stdin-registration-token")
	require.Error(t, err)
	require.Contains(t, out, "wrong, used or expired")
	out, err = b.run(farToken+"\n", "register", "--stdin-registration-token")
	require.NoError(t, err, out)
	for _, name := range []string{"runner_token.txt", "runner_key.txt"} {
		info, err := os.Stat(filepath.Join(b.dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	out, err = b.run(farToken+"\n", "register", "--stdin-registration-token")
	require.Error(t, err)
	require.Contains(t, out, "registered already")

	var runners []store.Runner
	s.must("GET", "/runners", nil, &runners)
	require.Len(t, runners, 1)
	require.False(t, runners[0].Active)
	runner := b.start()
	task := s.run(p.project, s.template(p, "hello.sh", nil), nil)
	runner.out.wait(t, "switched off", runner.ended)
	require.Equal(t, store.Waiting, s.task(task).Status)
	s.must("POST", fmt.Sprintf("/runners/%d/active", runners[0].ID), map[string]any{"active": true}, nil)
	s.becomes(task, store.Success)
	text := s.output(task)
	require.Contains(t, text, fmt.Sprintf("hello from %d", task.ID))
	for i := range 3000 {
		require.Contains(t, text, fmt.Sprintf("line %d\n", i))
	}
	s.must("GET", "/runners", nil, &runners)
	require.Contains(t, runners[0].Host, "linux/")

	t.Run("a playbook", func(t *testing.T) {
		if _, err := exec.LookPath("ansible-playbook"); err != nil {
			t.Skip("ansible-playbook is not installed")
		}
		var row struct{ ID int64 }
		s.must("POST", fmt.Sprintf("/project/%d/inventory", p.project), map[string]any{"project_id": p.project, "name": "I", "type": "static", "inventory": "web1 ansible_connection=local"}, &row)
		task := s.run(p.project, s.template(p, "site.yml", map[string]any{"app": "ansible", "inventory_id": row.ID}), nil)
		s.becomes(task, store.Success)
		require.Contains(t, s.output(task), "on web1")
	})
	second := b.command("start")
	refused, err := second.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(refused), "another runner works in")
	runner.stop()
	out, err = b.run("", "unregister")
	require.NoError(t, err, out)
	s.must("GET", "/runners", nil, &runners)
	require.Empty(t, runners)
	require.NoFileExists(t, filepath.Join(b.dir, "runner_token.txt"))
	require.Empty(t, list(t, filepath.Join(b.dir, "work", "run")), "nothing of a run is left")
}

func TestATokenThatCannotBeKeptIsNotUsedUp(t *testing.T) {
	t.Parallel()
	s := farServer(t)
	b := newBox(t, s)
	var place struct{ Token string }
	s.must("POST", "/runners/enrollment", map[string]any{"name": "box"}, &place)
	nowhere := b.command("register", "--stdin-registration-token")
	nowhere.Env = append(nowhere.Env, "SEMAPHORE_RUNNER_TOKEN_FILE="+filepath.Join(b.dir, "runner_key.txt", "token"))
	nowhere.Stdin = strings.NewReader(place.Token + "\n")
	out, err := nowhere.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "set data_dir or runner.token_file")
	text, err := b.run("wrong\n", "register", "--stdin-registration-token")
	require.Error(t, err)
	require.Contains(t, text, "ask an administrator for another")
	require.NoFileExists(t, filepath.Join(b.dir, "runner_token.txt"))
	text, err = b.run(place.Token+"\n", "register", "--stdin-registration-token")
	require.NoError(t, err, text)
}

// TestARunnerIsKilled kills it in the middle of a task: the tool ends with it,
// and the task ends when the runner is back and has cleaned up.
func TestARunnerIsKilled(t *testing.T) {
	t.Parallel()
	s := farServer(t)
	gate := filepath.Join(t.TempDir(), "gate")
	p := s.newProject(repository(t, map[string]string{"gated.sh": gated(gate), "hello.sh": "echo hello\n"}))
	b := newBox(t, s).enrolled(s)
	runner := b.start()
	task := s.run(p.project, s.template(p, "gated.sh", nil), nil)
	s.prints(task, "ready")
	tools := descendants(t, runner.cmd.Process.Pid)
	require.NotEmpty(t, tools)
	runner.kill()
	require.Equal(t, store.Running, s.task(task).Status)
	begun := time.Now()
	b.start()
	eventually(t, func() bool { return s.task(task).Status == store.Failed }, "the task ends")
	require.Less(t, time.Since(begun), 30*time.Second)
	require.Equal(t, store.LostReason, s.task(task).Reason)
	for _, pid := range tools {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // a process that only waits for its parent has none
		require.Empty(t, string(line), "%d of the tool is left", pid)
	}
	s.becomes(s.run(p.project, s.template(p, "hello.sh", nil), nil), store.Success)
}

// TestARunnerOutlivesTheServer kills the server in the middle of a task.
func TestARunnerOutlivesTheServer(t *testing.T) {
	t.Parallel()
	s := farServer(t)
	gate := filepath.Join(t.TempDir(), "gate")
	p := s.newProject(repository(t, map[string]string{"gated.sh": "echo before\n" + gated(gate) + "echo after\n"}))
	b := newBox(t, s).enrolled(s)
	b.start()
	task := s.run(p.project, s.template(p, "gated.sh", nil), nil)
	s.prints(task, "ready")
	s.kill()
	openGate(t, gate)
	u, err := url.Parse(s.url)
	require.NoError(t, err)
	again := launch{dir: s.dir, args: []string{"--port", u.Port()}, env: []string{"SEMAPHORE_USE_REMOTE_RUNNER=true"}}.serve(t)
	again.client = s.client
	task = again.becomes(task, store.Success)
	require.Equal(t, 1, task.Attempt)
	require.Contains(t, again.output(task), "before\nready\nthrough\nafter\n")
}

// TestARunnerIsStopped tells it to end while a task runs: once it waits, twice
// it hurries.
func TestARunnerIsStopped(t *testing.T) {
	t.Parallel()
	s := farServer(t)
	gate := filepath.Join(t.TempDir(), "gate")
	p := s.newProject(repository(t, map[string]string{"gated.sh": gated(gate)}))
	template := s.template(p, "gated.sh", nil)
	b := newBox(t, s, "SEMAPHORE_SHUTDOWN_GRACE_SEC=600").enrolled(s)
	runner := b.start()
	first := s.run(p.project, template, nil)
	s.prints(first, "ready")
	runner.signal(syscall.SIGTERM)
	runner.out.wait(t, "worker shuts down", runner.ended)
	second := s.run(p.project, template, nil)
	openGate(t, gate)
	require.Zero(t, runner.exit())
	require.Equal(t, store.Success, s.task(first).Status, "what ran was awaited")
	require.Equal(t, store.Waiting, s.task(second).Status, "and nothing more begun")

	require.NoError(t, os.Remove(gate))
	runner = b.start()
	s.prints(second, "ready")
	runner.signal(syscall.SIGTERM)
	runner.out.wait(t, "worker shuts down", runner.ended)
	runner.signal(syscall.SIGTERM)
	require.Zero(t, runner.exit())
	require.Equal(t, store.Stopped, s.task(second).Status)
}

// TestAOneOffRunnerEndsAfterOneTask registers by itself too.
func TestAOneOffRunnerEndsAfterOneTask(t *testing.T) {
	t.Parallel()
	s := farServer(t)
	p := s.newProject(repository(t, map[string]string{"hello.sh": "echo hello\n"}))
	template := s.template(p, "hello.sh", nil)
	var place struct{ Token string }
	s.must("POST", "/runners/enrollment", map[string]any{"name": "once"}, &place)
	b := newBox(t, s, "SEMAPHORE_RUNNER_ONE_OFF=true", "SEMAPHORE_RUNNER_REGISTRATION_TOKEN="+place.Token)
	runner := b.start("--register")
	first, second := s.run(p.project, template, nil), s.run(p.project, template, nil)
	require.Zero(t, runner.exit())
	require.Equal(t, store.Success, s.task(first).Status)
	require.Equal(t, store.Waiting, s.task(second).Status)
}

// TestTheRunnerProgramIsSmall keeps databases and the API out of it.
func TestTheRunnerProgramIsSmall(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "github.com/alexandervashurin/semaphore/cmd/semaphore-runner").Output()
	require.NoError(t, err)
	for _, dep := range strings.Fields(string(out)) {
		for _, heavy := range []string{"modernc.org/", "github.com/jackc/", "goose", "prometheus", "database/sql", "go-git", "semaphore/internal/api", "semaphore/pool", "semaphore/store"} {
			require.NotContains(t, dep, heavy)
		}
	}
	file := filepath.Join(t.TempDir(), "runner")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, "github.com/alexandervashurin/semaphore/cmd/semaphore-runner")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	info, err := os.Stat(file)
	require.NoError(t, err)
	t.Logf("the stripped program has %.1f MB", float64(info.Size())/1e6)
	require.Less(t, info.Size(), int64(14<<20))
}

func TestRunnerSetupWritesAConfiguration(t *testing.T) {
	t.Parallel()
	s := farServer(t)
	b := newBox(t, s)
	dir, out := filepath.Join(b.dir, "far"), filepath.Join(b.dir, "etc")
	text, err := b.run(strings.Join([]string{s.url, dir, "many", "3", farToken, out}, "\n")+"\n", "setup")
	require.NoError(t, err, text)
	require.Contains(t, text, "start --config "+filepath.Join(out, "config.runner.json"))
	info, err := os.Stat(filepath.Join(out, "config.runner.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	var runners []store.Runner
	s.must("GET", "/runners", nil, &runners)
	require.Len(t, runners, 1)
	require.Equal(t, 3, runners[0].MaxParallelTasks)
	config, err := os.ReadFile(filepath.Join(out, "config.runner.json"))
	require.NoError(t, err)
	require.NotContains(t, string(config), farToken)
	text, err = b.run(strings.Join([]string{s.url, dir, "3", "", out}, "\n")+"\n", "setup")
	require.Error(t, err)
	require.Contains(t, text, "stays as it is")
}
