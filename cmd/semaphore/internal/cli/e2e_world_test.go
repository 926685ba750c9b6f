//go:build linux

package cli_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// repository makes a git repository of the files and returns its directory.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	git(t, dir, "init", "-q", "-b", "main")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "all of it")
	return dir
}

// project is what templates of one project need.
type projectRows struct{ project, repository, environment int64 }

// newProject makes a project on a repository, which the server has to allow.
func (s *server) newProject(dir string) projectRows {
	s.t.Helper()
	var row struct{ ID int64 }
	s.must("POST", "/projects", map[string]any{"name": "P"}, &row)
	p := projectRows{project: row.ID}
	var keys, environments []struct{ ID int64 }
	s.must("GET", fmt.Sprintf("/project/%d/keys", p.project), nil, &keys)
	s.must("GET", fmt.Sprintf("/project/%d/environment", p.project), nil, &environments)
	p.environment = environments[0].ID
	s.must("POST", fmt.Sprintf("/project/%d/repositories", p.project), map[string]any{
		"project_id": p.project, "name": "R", "git_url": "file://" + dir, "git_branch": "main", "ssh_key_id": keys[0].ID,
	}, &row)
	p.repository = row.ID
	return p
}

// template makes a template of a script.
func (s *server) template(p projectRows, script string, more map[string]any) int64 {
	s.t.Helper()
	body := map[string]any{
		"project_id": p.project, "name": script, "app": "bash", "playbook": script,
		"repository_id": p.repository, "environment_id": p.environment,
	}
	for k, v := range more {
		body[k] = v
	}
	var row struct{ ID int64 }
	s.must("POST", fmt.Sprintf("/project/%d/templates", p.project), body, &row)
	return row.ID
}

// run starts a task.
func (s *server) run(project, template int64, more map[string]any) store.Task {
	s.t.Helper()
	body := map[string]any{"template_id": template}
	for k, v := range more {
		body[k] = v
	}
	var task store.Task
	s.must("POST", fmt.Sprintf("/project/%d/tasks", project), body, &task)
	return task
}

// task reads a task.
func (s *server) task(t store.Task) store.Task {
	s.t.Helper()
	var now store.Task
	s.must("GET", fmt.Sprintf("/project/%d/tasks/%d", t.ProjectID, t.ID), nil, &now)
	return now
}

// becomes asks until a task has the state.
func (s *server) becomes(t store.Task, status store.Status) store.Task {
	s.t.Helper()
	var now store.Task
	eventually(s.t, func() bool {
		now = s.task(t)
		if now.Status != status && now.Status.Finished() {
			require.FailNowf(s.t, "task has ended", "task %d is to become %s, and is %s: %s\n%s", t.ID, status, now.Status, now.Reason, s.output(t))
		}
		return now.Status == status
	}, "task %d is to become %s", t.ID, status)
	return now
}

// output is the plain output of a task.
func (s *server) output(t store.Task) string {
	s.t.Helper()
	status, text := s.do("GET", fmt.Sprintf("/project/%d/tasks/%d/raw_output", t.ProjectID, t.ID), nil)
	require.Equal(s.t, http.StatusOK, status)
	return text
}

// prints waits until a task that runs has printed a line.
func (s *server) prints(t store.Task, text string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, fmt.Sprintf("%s/api/project/%d/tasks/%d/stream", s.url, t.ProjectID, t.ID), nil)
	require.NoError(s.t, err)
	res, err := s.client.Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if strings.Contains(lines.Text(), text) {
			return
		}
		if lines.Text() == "event: end" {
			now := s.task(t)
			require.FailNow(s.t, "the task ended without printing "+text, "%s: %s\n%s", now.Status, now.Reason, s.output(t))
		}
	}
	require.FailNow(s.t, "the stream ended", text)
}

// processes lists those that have anything to do with a server: they work in
// its directories, or name one.
func (s *server) processes() []string {
	s.t.Helper()
	entries, err := os.ReadDir("/proc")
	require.NoError(s.t, err)
	var found []string
	for _, e := range entries {
		proc := filepath.Join("/proc", e.Name())
		cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
		if err != nil {
			continue // no process, or gone, or not ours
		}
		args, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		line := strings.ReplaceAll(string(args), "\x00", " ")
		if strings.HasPrefix(cwd, s.dir) || strings.HasPrefix(cwd, s.cmd.Dir) || strings.Contains(line, s.dir) {
			found = append(found, e.Name()+" "+line)
		}
	}
	return found
}

// noProcess waits until nothing of a server runs any more.
func (s *server) noProcess() {
	s.t.Helper()
	eventually(s.t, func() bool { return len(s.processes()) == 0 }, "%v is left", s.processes())
}

// descendants are the children of a process, theirs, and so on.
func descendants(t *testing.T, pid int) []int {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	require.NoError(t, err)
	var all []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread is gone
		}
		for word := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(word)
			require.NoError(t, err)
			all = append(append(all, child), descendants(t, child)...)
		}
	}
	return all
}

// eventually asks until it is true.
func eventually(t *testing.T, is func() bool, format string, args ...any) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !is(); {
		select {
		case <-tick.C:
		case <-limit:
			require.FailNowf(t, "it is not so in time", format, args...)
		}
	}
}
