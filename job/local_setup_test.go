package job_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// bench is a LocalJob with a directory of its own and repositories to run.
type bench struct {
	t     testing.TB
	dir   string // of the job
	links string // short
	cfg   job.LocalConfig
	local *job.LocalJob
}

// files are the contents of a directory by relative path. A name ending in "*"
// is executable.
type files map[string]string

func setup(t testing.TB, change ...func(*job.LocalConfig)) *bench {
	t.Helper()
	links, err := os.MkdirTemp("", "sm")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(links)) })
	b := &bench{t: t, dir: filepath.Join(links, "job"), links: links}
	b.cfg = job.LocalConfig{ReposPaths: []string{os.TempDir()}, LinkDir: links, HomeMode: job.HomeIsolated, Env: map[string]string{"TF_CLI_CONFIG_FILE": "/dev/null"}}
	for _, c := range change {
		c(&b.cfg)
	}
	b.local, err = job.NewLocal(b.dir, b.cfg)
	require.NoError(t, err)
	return b
}

// need skips where a machine lacks a program that CI has.
func need(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
}

// directory writes files into a new directory.
func directory(t testing.TB, content files) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, content)
	return dir
}

func write(t testing.TB, dir string, content files) {
	t.Helper()
	for name, text := range content {
		mode := os.FileMode(0o644)
		if short, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = short, 0o755
		}
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), mode))
	}
}

// repository makes a git repository with one commit and returns its directory.
func repository(t testing.TB, content files) string {
	t.Helper()
	dir := directory(t, content)
	git(t, dir, "init", "-q", "-b", "main")
	commit(t, dir, "first commit")
	return dir
}

func commit(t testing.TB, dir, message string) string {
	t.Helper()
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", message)
	return git(t, dir, "rev-parse", "HEAD")
}

func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@localhost"}, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

var taskIDs atomic.Int64

// spec is a task of an app in a repository's directory: cloned when it is a git
// repository, in place otherwise.
func (b *bench) spec(app, playbook, dir string) *job.Spec {
	s := &job.Spec{
		Version: job.SpecVersion, App: app, Playbook: playbook,
		Task:       job.Task{ID: taskIDs.Add(1), ProjectID: 1, Attempt: 1, Username: "alice"},
		Template:   job.Template{ID: 1, Name: "test"},
		Repository: job.Repository{ID: 1, Name: "repo", URL: dir},
	}
	if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
		s.Repository.URL, s.Repository.Branch = "file://"+dir, "main"
	}
	return s
}

// run runs to the end and requires that nothing is left behind.
func (b *bench) run(spec *job.Spec, rec *jobtest.Recorder) error {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	defer cancel()
	err := b.local.Run(ctx, spec, rec)
	b.nothingLeft()
	return err
}

// ok runs a task that has to succeed.
func (b *bench) ok(spec *job.Spec) *jobtest.Recorder {
	b.t.Helper()
	rec := &jobtest.Recorder{Answer: job.Approve}
	require.NoErrorf(b.t, b.run(spec, rec), "log:\n%s", logOf{rec})
	return rec
}

// logOf shows the log when a check fails.
type logOf struct{ rec *jobtest.Recorder }

func (l logOf) String() string { return l.rec.Log() }

// nothingLeft requires that no run directory, link or pin is left.
func (b *bench) nothingLeft() {
	b.t.Helper()
	left, err := filepath.Glob(filepath.Join(b.dir, "run", "*"))
	require.NoError(b.t, err)
	require.Empty(b.t, left, "run directories")
	links, err := filepath.Glob(filepath.Join(b.links, "semaphore-*"))
	require.NoError(b.t, err)
	require.Empty(b.t, links, "links")
}

// filesWith lists the files below dir that contain text.
func filesWith(t testing.TB, dir, text string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(content), text) {
			found = append(found, path)
		}
		return nil
	})
	require.NoError(t, err)
	return found
}

// alive tells whether a process whose command line contains the marker runs.
func alive(marker string) []string {
	var found []string
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range procs {
		text, err := os.ReadFile(file)
		if err == nil && strings.Contains(strings.ReplaceAll(string(text), "\x00", " "), marker) {
			found = append(found, filepath.Base(filepath.Dir(file))+": "+strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}

// eventually polls until ok, or fails with what says.
func eventually(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, limit, 10*time.Millisecond, what)
}
