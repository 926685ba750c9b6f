package proc_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/job/internal/proc"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// The test binary is its own supervisor, and plays some other parts.
func TestMain(m *testing.M) {
	proc.Init()
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "as-parent":
			os.Exit(asParent())
		case "as-child":
			os.Exit(asChild())
		case "as-root": // like sudo: a set-uid program that becomes root altogether
			fmt.Println("pid", os.Getpid(), syscall.Setuid(0))
			time.Sleep(time.Minute)
			os.Exit(0)
		case "as-sweeper":
			fmt.Println("swept", proc.KillMarked(os.Getenv(proc.MarkerEnv)))
			os.Exit(0)
		}
	}
	goleak.VerifyTestMain(m)
}

// asParent is a program that runs the tool of PROC_CONFIG.
func asParent() int {
	var cfg proc.Config
	if err := json.Unmarshal([]byte(os.Getenv("PROC_CONFIG")), &cfg); err != nil {
		fmt.Println(err)
		return 1
	}
	p, err := proc.Start(cfg)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if _, err := io.Copy(os.Stdout, p.Output()); err != nil {
		return 1
	}
	exit := p.Wait()
	fmt.Println("ended", exit.Code, exit.Survivors)
	return 0
}

// asChild is a plugin: it tells of every INT and TERM, and ends by none.
func asChild() int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	fmt.Println("pid", os.Getpid())
	for s := range signals {
		fmt.Println("child got", s)
	}
	return 0
}

// self is the path of the test binary.
func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	return path
}

// sh is the configuration of a shell script.
func sh(script string, args ...string) proc.Config {
	return proc.Config{
		Path: "/bin/sh", Args: append([]string{"-c", script, "sh"}, args...),
		Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin"}, Dir: "/",
	}
}

// running is a process and the lines it writes.
type running struct {
	*proc.Process
	t     *testing.T
	lines chan string
	seen  []string
}

// start starts cfg and reads its output.
func start(t *testing.T, cfg proc.Config) *running {
	t.Helper()
	p, err := proc.Start(cfg)
	require.NoError(t, err)
	return follow(t, p)
}

// follow reads the lines of p; p is killed at the test's end.
func follow(t *testing.T, p *proc.Process) *running {
	t.Helper()
	r := &running{Process: p, t: t, lines: readLines(p.Output())}
	t.Cleanup(func() {
		p.Kill()
		p.Wait()
		r.rest()
	})
	return r
}

// readLines passes on the lines of r and closes the channel at its end.
func readLines(r io.Reader) chan string {
	lines := make(chan string, 4096)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(r)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			lines <- s.Text()
		}
	}()
	return lines
}

// expect waits for a line that begins with prefix and returns what follows it.
func (r *running) expect(prefix string) string {
	r.t.Helper()
	line := expectLine(r.t, r.lines, prefix, &r.seen)
	return strings.TrimSpace(strings.TrimPrefix(line, prefix))
}

func expectLine(t *testing.T, lines <-chan string, prefix string, seen *[]string) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-lines:
			require.True(t, ok, "output ended before a line %q: %q", prefix, *seen)
			*seen = append(*seen, line)
			if strings.HasPrefix(line, prefix) {
				return line
			}
		case <-deadline:
			require.FailNow(t, "no line in time", "%q not in %q", prefix, *seen)
		}
	}
}

// pid waits for a line "pid N".
func (r *running) pid() int {
	r.t.Helper()
	return toPid(r.t, r.expect("pid "))
}

func toPid(t *testing.T, text string) (pid int) {
	t.Helper()
	_, err := fmt.Sscan(text, &pid)
	require.NoError(t, err)
	return pid
}

// rest reads all that is still written and returns all lines.
func (r *running) rest() []string {
	for line := range r.lines {
		r.seen = append(r.seen, line)
	}
	return r.seen
}

// wait returns the exit, and how long it took to come.
func (r *running) wait() (proc.Exit, time.Duration) {
	r.t.Helper()
	begin := time.Now()
	exit := make(chan proc.Exit, 1)
	go func() { exit <- r.Wait() }()
	select {
	case e := <-exit:
		return e, time.Since(begin)
	case <-time.After(patience):
		r.Kill()
		require.FailNow(r.t, "did not end in time", "%q", r.seen)
		return proc.Exit{}, 0
	}
}

// living reports whether the process is there and no zombie.
func living(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z") && !strings.HasPrefix(after, "X")
}

// requireGone waits until none of the processes lives.
func requireGone(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		require.Eventually(t, func() bool { return !living(pid) }, patience, 5*time.Millisecond, "pid %d lives", pid)
	}
}
