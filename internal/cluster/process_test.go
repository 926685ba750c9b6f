//go:build linux

package cluster_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds every wait of these tests.
const patience = 60 * time.Second

// said gathers what a process writes, and lets others wait for it.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{} // closed and replaced with each write
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	close(s.news)
	s.news = make(chan struct{})
	return len(p), nil
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// process is a program that runs; the test ends it at the latest.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	out   *said
	ended chan struct{}
}

// spawn starts a program of ours as it is shipped.
func spawn(t testing.TB, name string, args, env []string) *process {
	t.Helper()
	return launch(t, program(t, name), args, env)
}

// launch starts a program in an environment with nothing of this one's.
func launch(t testing.TB, path string, args, env []string) *process {
	t.Helper()
	p := &process{t: t, out: &said{news: make(chan struct{})}, ended: make(chan struct{})}
	p.cmd = exec.Command(path, args...) // stopped by its own signals, not by the end of a context
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.cmd.Dir, "LANG=C.UTF-8", "TF_CLI_CONFIG_FILE=/dev/null", "CHECKPOINT_DISABLE=1", "TMPDIR=" + t.TempDir(),
	}, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // the state is read by exit
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(path), tail(p.out.String()))
		}
	})
	return p
}

// tail is the end of what a process has said.
func tail(text string) string { return text[max(0, len(text)-8000):] }

// says waits until it has said something, and returns the groups of that.
func (p *process) says(pattern string) []string {
	p.t.Helper()
	found := p.hears(pattern)
	if found == nil {
		require.FailNow(p.t, "it does not say "+pattern, p.out.String())
	}
	return found
}

// hears is says that returns nil where it is not said.
func (p *process) hears(pattern string) []string {
	re := regexp.MustCompile(pattern)
	limit := time.After(patience)
	for over := false; ; {
		p.out.mu.Lock()
		found, news := re.FindStringSubmatch(p.out.text.String()), p.out.news
		p.out.mu.Unlock()
		if found != nil || over {
			return found
		}
		select {
		case <-news:
		case <-p.ended:
			over = true
		case <-limit:
			return nil
		}
	}
}

func (p *process) signal(sig os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(sig))
}

// exit waits for the end and returns the exit code, -1 for one by a signal.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.FailNow(p.t, "it does not end", p.out.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// eventually asks until it is true, and tells how long that took.
func eventually(t testing.TB, is func() bool, format string, args ...any) time.Duration {
	t.Helper()
	begun := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !is(); {
		select {
		case <-tick.C:
		case <-limit:
			require.FailNowf(t, "it is not so in time", format, args...)
		}
	}
	return time.Since(begun)
}
