//go:build linux

package cli_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// gated is a script that says ready and goes on when a file is there.
func gated(gate string) string {
	return fmt.Sprintf("echo ready\nwhile [ ! -e '%s' ]; do sleep 0.05; done\necho through\n", gate)
}

func openGate(t *testing.T, gate string) {
	t.Helper()
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestTheTasksOfTheDemoReallyRun(t *testing.T) {
	t.Parallel()
	s := launch{args: []string{"--demo"}}.serve(t).admin()
	var projects []store.Project
	s.must("GET", "/projects", nil, &projects)
	require.Len(t, projects, 1)
	var templates []store.Template
	s.must("GET", fmt.Sprintf("/project/%d/templates", projects[0].ID), nil, &templates)
	byApp := map[string]int64{}
	for _, tpl := range templates {
		byApp[tpl.App] = tpl.ID
	}
	start := func(app string, more map[string]any) store.Task { return s.run(projects[0].ID, byApp[app], more) }

	hello := start("bash", map[string]any{"environment": `{"name":"ann"}`})
	hello = s.becomes(hello, store.Success)
	out := s.output(hello)
	require.Contains(t, out, "hello from Demo, commit "+(*hello.CommitHash)[:8])
	require.Contains(t, out, "argument: name=ann")
	require.Contains(t, out, "the token is ***")
	require.NotContains(t, out, "correct-horse-battery-staple")

	if _, err := exec.LookPath("ansible-playbook"); err != nil {
		t.Log("ansible-playbook is not installed: the playbook is left out")
	} else {
		site := s.becomes(start("ansible", nil), store.Success)
		require.Contains(t, s.output(site), fmt.Sprintf("task %d says bonjour", site.ID))
		require.Contains(t, s.output(site), "failed=0")
	}
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Log("terraform is not installed: the plan is left out")
	} else {
		infra := s.becomes(start("terraform", nil), store.WaitingConfirmation)
		require.Contains(t, s.output(infra), "Plan: ")
		s.must("POST", fmt.Sprintf("/project/%d/tasks/%d/confirm", infra.ProjectID, infra.ID), "{}", nil)
		require.Contains(t, s.output(s.becomes(infra, store.Success)), "Apply complete!")
	}
	onlyOurs(t, s.dir)
	require.DirExists(t, filepath.Join(s.dir, "work"), "everything is in its directory")
	require.Empty(t, list(t, s.cmd.Dir), "and nothing in the home or the current one")
	s.stop()
	s.noProcess()

	again := launch{dir: s.dir, args: []string{"--demo"}}.serve(t)
	require.Equal(t, 204, again.signIn("admin", s.password))
	require.Equal(t, out, again.output(hello), "everything is there")
	again.must("GET", "/projects", nil, &projects)
	require.Len(t, projects, 1, "there is one demo")
	again.stop()
}

func TestKilledServerFindsItsTasksAgain(t *testing.T) {
	t.Parallel()
	gate := filepath.Join(t.TempDir(), "gate")
	repo := repository(t, map[string]string{"gated.sh": gated(gate), "again.sh": "test $SEMAPHORE_TASK_DETAILS_ID\n" + gated(gate)})
	env := []string{"SEMAPHORE_REPOS_PATH=" + repo}
	s := launch{env: env}.serve(t).admin()
	p := s.newProject(repo)
	once := s.template(p, "gated.sh", nil)
	retried := s.template(p, "again.sh", map[string]any{"options": map[string]any{"max_retries": 1}})
	lost, waits, again := s.run(p.project, once, nil), s.run(p.project, once, nil), s.run(p.project, retried, nil)
	s.prints(lost, "ready")
	s.prints(again, "ready")
	require.Equal(t, store.Waiting, s.task(waits).Status)
	require.GreaterOrEqual(t, len(s.processes()), 3, "the server and two tools")
	tree := descendants(t, s.cmd.Process.Pid)
	require.GreaterOrEqual(t, len(tree), 4, "two tools and who watches them")
	s.kill()
	s.noProcess() // the tools end with the server, without anybody's help
	for _, pid := range tree {
		eventually(t, func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }, "process %d is left", pid)
	}
	openGate(t, gate)

	next := launch{dir: s.dir, env: env}.serve(t)
	require.Equal(t, 204, next.signIn("admin", s.password))
	ended := next.becomes(lost, store.Failed)
	require.Contains(t, ended.Reason, "lost")
	require.Equal(t, 1, ended.Attempt)
	require.Contains(t, next.output(lost), "ready", "what it printed stays")
	require.Contains(t, next.output(next.becomes(waits, store.Success)), "through")
	second := next.becomes(again, store.Success)
	require.Equal(t, 2, second.Attempt)
	next.stop()
}

func TestTermLetsRunningTasksEnd(t *testing.T) {
	t.Parallel()
	gate := filepath.Join(t.TempDir(), "gate")
	repo := repository(t, map[string]string{"gated.sh": gated(gate)})
	env := []string{"SEMAPHORE_REPOS_PATH=" + repo, "SEMAPHORE_SHUTDOWN_GRACE_SEC=600"}
	s := launch{env: env}.serve(t).admin()
	p := s.newProject(repo)
	template := s.template(p, "gated.sh", nil)
	runs, waits := s.run(p.project, template, nil), s.run(p.project, template, nil)
	s.prints(runs, "ready")
	s.signal(syscall.SIGTERM)
	s.out.wait(t, "worker shuts down.* running=1 grace=10m0s", s.ended)
	require.Equal(t, store.Running, s.task(runs).Status, "reads go on")
	openGate(t, gate)
	require.Zero(t, s.exit(), s.out)
	s.noProcess()

	next := launch{dir: s.dir, env: env}.serve(t)
	require.Equal(t, 204, next.signIn("admin", s.password))
	require.Equal(t, store.Success, next.task(runs).Status)
	require.Contains(t, next.output(runs), "through")
	next.becomes(waits, store.Success)
	next.stop()
}

func TestASecondTermHurries(t *testing.T) {
	t.Parallel()
	repo := repository(t, map[string]string{"gated.sh": gated("/nonexistent/gate")})
	env := []string{"SEMAPHORE_REPOS_PATH=" + repo, "SEMAPHORE_SHUTDOWN_GRACE_SEC=600"}
	s := launch{env: env}.serve(t).admin()
	p := s.newProject(repo)
	task := s.run(p.project, s.template(p, "gated.sh", nil), nil)
	s.prints(task, "ready")
	s.signal(syscall.SIGTERM)
	s.out.wait(t, "worker shuts down", s.ended)
	s.signal(syscall.SIGTERM)
	require.Zero(t, s.exit(), s.out)
	s.noProcess()

	next := launch{dir: s.dir, env: env}.serve(t)
	require.Equal(t, 204, next.signIn("admin", s.password))
	stopped := next.task(task)
	require.Equal(t, store.Stopped, stopped.Status)
	require.Contains(t, stopped.Reason, "shut down")
	require.True(t, strings.HasPrefix(next.output(task), "ready") || strings.Contains(next.output(task), "\nready\n"))
	next.stop()
}
