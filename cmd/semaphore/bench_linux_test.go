package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// program is the stripped binary.
func program(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "semaphore")
	cmd := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoErrorf(b, err, "%s", out)
	return path
}

// running is a server in a process of its own.
type running struct {
	cmd   *exec.Cmd
	url   string
	token string
	took  time.Duration // from its start until it answered
}

// start starts a server on a data directory and waits until it answers.
func start(b *testing.B, path, dir, password string) *running {
	b.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), path, "server", "--no-config", "--data-dir", dir, "--port", "0")
	cmd.Env = append(os.Environ(), "SEMAPHORE_INTERFACE=127.0.0.1", "SEMAPHORE_ADMIN=admin", "SEMAPHORE_ADMIN_PASSWORD="+password,
		"SEMAPHORE_REPOS_PATH="+dir, "SEMAPHORE_LOG_LEVEL=ERROR", "TF_CLI_CONFIG_FILE=/dev/null")
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	begun := time.Now()
	require.NoError(b, cmd.Start())
	r := &running{cmd: cmd}
	lines := bufio.NewScanner(out)
	for r.url == "" && lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "serving "); ok {
			r.url, _, _ = strings.Cut(rest, " ")
		}
	}
	require.NotEmpty(b, r.url, "the server said nothing")
	res, err := http.Get(r.url + "/api/ping")
	require.NoError(b, err)
	require.NoError(b, res.Body.Close())
	r.took = time.Since(begun)
	return r
}

func (r *running) stop(b *testing.B) {
	b.Helper()
	require.NoError(b, r.cmd.Process.Signal(os.Interrupt))
	require.NoError(b, r.cmd.Wait())
}

// call sends a request with a JSON body and decodes the reply.
func (r *running) call(b *testing.B, method, path, body string, into any) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, r.url+"/api"+path, bytes.NewReader([]byte(body)))
	require.NoError(b, err)
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(b, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(b, err)
	require.Less(b, res.StatusCode, 300, "%s %s: %s", method, path, data)
	if into != nil {
		require.NoError(b, json.Unmarshal(data, into), "%s", data)
	}
}

type row struct {
	ID     int64  `json:"id"`
	Status string `json:"status"`
}

// signIn gets a token, and a project with a local repository.
func (r *running) signIn(b *testing.B, dir, password string) (project, repository, environment int64) {
	b.Helper()
	var pair struct {
		Token string `json:"access_token"`
	}
	r.call(b, "POST", "/auth/token", `{"auth":"admin","password":"`+password+`"}`, &pair)
	r.token = pair.Token
	var p, repo row
	r.call(b, "POST", "/projects", `{"name":"bench"}`, &p)
	var keys, environments []row
	r.call(b, "GET", fmt.Sprintf("/project/%d/keys", p.ID), "", &keys)
	r.call(b, "GET", fmt.Sprintf("/project/%d/environment", p.ID), "", &environments)
	r.call(b, "POST", fmt.Sprintf("/project/%d/repositories", p.ID), fmt.Sprintf(`{"name":"code","git_url":%q,"ssh_key_id":%d}`, dir, keys[0].ID), &repo)
	return p.ID, repo.ID, environments[0].ID
}

// run starts a task and waits for its end.
func (r *running) run(b *testing.B, project, template int64, params string) {
	b.Helper()
	var task row
	r.call(b, "POST", fmt.Sprintf("/project/%d/tasks", project), fmt.Sprintf(`{"template_id":%d,"environment":"{}"%s}`, template, params), &task)
	r.await(b, project, task.ID)
}

func (r *running) await(b *testing.B, project, task int64) {
	b.Helper()
	for {
		var t row
		r.call(b, "GET", fmt.Sprintf("/project/%d/tasks/%d", project, task), "", &t)
		switch t.Status {
		case "success":
			return
		case "error", "stopped":
			require.FailNow(b, "task ended as "+t.Status)
		}
		time.Sleep(20 * time.Millisecond) // asking more often would take time from the task
	}
}

// BenchmarkServer prints figures of the server as a process: the size of the
// stripped binary, the start on a migrated database, what it takes while it
// idles, how long a POST takes until the script's first instruction, and
// Terraform without changes against the bare commands.
func BenchmarkServer(b *testing.B) {
	const password = "benchmark-password"
	path, dir := program(b), b.TempDir()
	info, err := os.Stat(path)
	require.NoError(b, err)
	start(b, path, dir, password).stop(b) // makes and migrates
	for b.Loop() {
		b.ReportMetric(float64(info.Size())/1e6, "binary-MB")
		var starts []time.Duration
		for range 10 {
			r := start(b, path, dir, password)
			starts = append(starts, r.took)
			r.stop(b)
		}
		slices.Sort(starts)
		b.ReportMetric(float64(starts[len(starts)/2].Microseconds())/1000, "cold-start-ms")

		r := start(b, path, dir, password)
		idle(b, r.cmd.Process.Pid)
		project, repository, environment := r.signIn(b, dir, password)
		launches(b, r, dir, project, repository, environment)
		terraform(b, r, dir, project, repository, environment)
		r.stop(b)
	}
}

// idle reports memory and processor time of a server that nobody asks.
func idle(b *testing.B, pid int) {
	b.Helper()
	ticks := func() float64 {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		require.NoError(b, err)
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		var user, system float64
		_, err = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
		require.NoError(b, err)
		return user + system
	}
	time.Sleep(2 * time.Second)
	before, begun := ticks(), time.Now()
	time.Sleep(10 * time.Second)
	b.ReportMetric((ticks()-before)/time.Since(begun).Seconds(), "idle-%cpu") // a tick is 10 ms
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(b, err)
	for name, unit := range map[string]string{"VmRSS:": "rss-MB", "RssAnon:": "anon-MB"} {
		_, rest, _ := strings.Cut(string(status), name)
		var kilobytes float64
		_, err := fmt.Sscan(rest, &kilobytes)
		require.NoError(b, err)
		b.ReportMetric(kilobytes/1000, unit)
	}
}

// launches reports how long a POST takes until the script's first instruction.
func launches(b *testing.B, r *running, dir string, project, repository, environment int64) {
	b.Helper()
	stamp := filepath.Join(dir, "stamp")
	require.NoError(b, os.WriteFile(filepath.Join(dir, "stamp.sh"), []byte("date +%s%N >"+stamp+"\n"), 0o600))
	var tpl row
	r.call(b, "POST", fmt.Sprintf("/project/%d/templates", project), fmt.Sprintf(
		`{"name":"stamp","app":"bash","playbook":"stamp.sh","repository_id":%d,"environment_id":%d}`, repository, environment), &tpl)
	r.run(b, project, tpl.ID, "")
	var times []time.Duration
	for range 100 {
		begun := time.Now()
		r.run(b, project, tpl.ID, "")
		text, err := os.ReadFile(stamp)
		require.NoError(b, err)
		var at int64
		_, err = fmt.Sscan(string(text), &at)
		require.NoError(b, err)
		times = append(times, time.Unix(0, at).Sub(begun))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[50].Microseconds())/1000, "post-to-start-ms")
}

// terraform reports an apply without changes as a multiple of the bare init,
// plan and apply.
func terraform(b *testing.B, r *running, dir string, project, repository, environment int64) {
	b.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		b.Log("terraform is not installed: its ratio is left out")
		return
	}
	const config = "resource \"terraform_data\" \"x\" {\n  input = \"y\"\n}\n"
	for _, name := range []string{"infra", "bare"} {
		require.NoError(b, os.Mkdir(filepath.Join(dir, name), 0o700))
		require.NoError(b, os.WriteFile(filepath.Join(dir, name, "main.tf"), []byte(config), 0o600))
	}
	var tpl row
	r.call(b, "POST", fmt.Sprintf("/project/%d/templates", project), fmt.Sprintf(
		`{"name":"infra","app":"terraform","playbook":"infra","repository_id":%d,"environment_id":%d,"task_params":{"auto_approve":true}}`, repository, environment), &tpl)
	bare := func() time.Duration {
		begun := time.Now()
		for _, args := range [][]string{{"init", "-input=false"}, {"plan", "-input=false", "-out=plan.out"}, {"apply", "-input=false", "plan.out"}} {
			cmd := exec.CommandContext(b.Context(), "terraform", args...)
			cmd.Dir = filepath.Join(dir, "bare")
			cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE=/dev/null")
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			out, err := cmd.CombinedOutput()
			require.NoErrorf(b, err, "%s", out)
		}
		return time.Since(begun)
	}
	r.run(b, project, tpl.ID, "")
	bare()
	var ours, theirs []time.Duration
	for range 5 {
		begun := time.Now()
		r.run(b, project, tpl.ID, "")
		ours = append(ours, time.Since(begun))
		theirs = append(theirs, bare())
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	b.ReportMetric(float64(ours[2])/float64(theirs[2]), "x-terraform")
}
