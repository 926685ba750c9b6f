package proc_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job/internal/proc"
)

// daemon starts a sleep in a session of its own whose parent has gone.
// It waits until it is that; $1 is where its output goes.
const daemon = `f=$(mktemp) && sh -c 'setsid sleep 60 >'"$1"' 2>&1 & echo $! >'"$f"
pid=$(cat $f); rm $f; until [ "$(cat /proc/$pid/comm)" = sleep ]; do :; done; echo pid $pid; exit 2`

func TestLeftovers(t *testing.T) {
	t.Parallel()
	t.Run("a daemon that holds the output", func(t *testing.T) {
		t.Parallel()
		both(t, func(t *testing.T, start func(proc.Config) (*proc.Process, error)) {
			p, err := start(sh(daemon, "&1"))
			require.NoError(t, err)
			r := follow(t, p)
			pid := r.pid()
			exit, took := r.wait()
			require.Equal(t, proc.Exit{Code: 2, OutputHeld: true, Leftovers: []string{sleeping(pid)}}, exit)
			require.Less(t, took, 5*time.Second, "two, and some for a busy machine")
			require.False(t, living(pid))
		})
	})
	t.Run("a daemon that does not", func(t *testing.T) {
		t.Parallel()
		both(t, func(t *testing.T, start func(proc.Config) (*proc.Process, error)) {
			p, err := start(sh(daemon, "/dev/null"))
			require.NoError(t, err)
			r := follow(t, p)
			pid := r.pid()
			exit, took := r.wait()
			require.Equal(t, proc.Exit{Code: 2, Leftovers: []string{sleeping(pid)}}, exit)
			require.Less(t, took, 1500*time.Millisecond)
			require.False(t, living(pid))
		})
	})
	t.Run("background may be kept", func(t *testing.T) {
		t.Parallel()
		both(t, func(t *testing.T, start func(proc.Config) (*proc.Process, error)) {
			cfg := sh(daemon, "/dev/null")
			cfg.KeepBackground = true
			p, err := start(cfg)
			require.NoError(t, err)
			r := follow(t, p)
			pid := r.pid()
			t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
			exit, _ := r.wait()
			require.Equal(t, proc.Exit{Code: 2}, exit)
			require.True(t, living(pid))
		})
	})
	t.Run("background that is kept loses the output", func(t *testing.T) {
		t.Parallel()
		cfg := sh(`echo pid $PPID; sleep 60 & echo pid $!; exit 0`)
		cfg.KeepBackground = true
		r := start(t, cfg)
		supervisor, pid := r.pid(), r.pid()
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
		exit, _ := r.wait()
		require.Equal(t, proc.Exit{OutputHeld: true}, exit)
		require.True(t, living(pid))
		require.NoDirExists(t, fmt.Sprintf("/proc/%d", supervisor), "not even a zombie")
	})
	t.Run("what goes by itself is not named", func(t *testing.T) {
		t.Parallel()
		for range 30 {
			exit, _ := start(t, sh(`(sleep 0.02; echo late) & exit 0`)).wait()
			require.Equal(t, proc.Exit{}, exit)
		}
		unnamed := 0
		for range 20 {
			exit, _ := start(t, sh(`sleep 0.05 > /dev/null 2>&1 & exit 0`)).wait()
			if exit.Leftovers == nil {
				unnamed++
			}
		}
		require.Greater(t, unnamed, 4, "on a busy machine some may take too long")
	})
	t.Run("a tree that keeps forking ends", func(t *testing.T) {
		t.Parallel()
		r := start(t, sh(`for i in 1 2 3 4; do (while :; do (sleep 0.01 &) ; done) & done; echo up; wait`))
		r.expect("up")
		r.Kill()
		exit, _ := r.wait()
		require.True(t, exit.Killed)
		require.Empty(t, exit.Survivors)
	})
}

func sleeping(pid int) string { return fmt.Sprintf("sleep (pid %d)", pid) }

// parent starts a program that runs cfg, and returns its lines. Before the
// program begins the shell does what prelude says.
func parent(t *testing.T, cfg proc.Config, prelude string) (cmd *exec.Cmd, lines chan string) {
	t.Helper()
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	cmd = exec.Command("/bin/sh", "-c", prelude+`exec "$0" as-parent`, self(t))
	cmd.Env = append(os.Environ(), "PROC_CONFIG="+string(text))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines = readLines(out)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		proc.KillMarked(cfg.Marker)
		for range lines { // ends once nobody holds the pipe
		}
	})
	return cmd, lines
}

func TestParentIsKilled(t *testing.T) {
	t.Parallel()
	t.Run("a tool of StopLeader ends cleanly and nothing survives", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		// More than a pipe holds is written after the parent's death.
		cfg := sh(`trap 'head -c 300000 /dev/zero && echo clean > '"$1"'/clean; exit 0' INT
			echo pid $PPID; echo pid $$; (exec "$2" as-child > "$1"/child) &
			echo pid $!; sh -c 'setsid sleep 60 & echo pid $!'
			while :; do sleep 0.05; done`, dir, self(t))
		cfg.Style, cfg.Marker = proc.StopLeader, filepath.Base(t.Name())+dir
		cmd, lines := parent(t, cfg, "")
		pids, seen := readPids(t, lines, 4)
		waitForFile(t, filepath.Join(dir, "child"), "pid")
		require.True(t, proc.Guarded(cfg.Marker))
		require.NoError(t, cmd.Process.Kill())
		requireGone(t, pids...)
		require.False(t, proc.Guarded(cfg.Marker))
		require.FileExists(t, filepath.Join(dir, "clean"), seen)
		child, err := os.ReadFile(filepath.Join(dir, "child"))
		require.NoError(t, err)
		require.NotContains(t, string(child), "got")
	})
	t.Run("a tool of StopTree has its grace and nothing survives", func(t *testing.T) {
		t.Parallel()
		cfg := sh("echo pid $PPID; " + stubborn)
		cfg.Grace, cfg.Marker = 500*time.Millisecond, t.TempDir()
		cmd, lines := parent(t, cfg, "")
		pids, _ := readPids(t, lines, 4)
		begin := time.Now()
		require.NoError(t, cmd.Process.Kill())
		requireGone(t, pids[1:]...)
		require.GreaterOrEqual(t, time.Since(begin), cfg.Grace)
		requireGone(t, pids[0])
	})
	t.Run("an INT that the parent ignores reaches the tool", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		cfg := sh(`trap 'echo clean > '"$1"'/clean; exit 0' INT; echo pid $$; while :; do sleep 0.05; done`, dir)
		cfg.Style, cfg.Marker = proc.StopLeader, dir
		cmd, lines := parent(t, cfg, "trap '' INT HUP; ")
		pids, _ := readPids(t, lines, 1)
		require.NoError(t, cmd.Process.Kill())
		requireGone(t, pids...)
		require.FileExists(t, filepath.Join(dir, "clean"))
	})
}

// readPids reads n lines "pid N".
func readPids(t *testing.T, lines <-chan string, n int) (pids []int, seen []string) {
	t.Helper()
	for range n {
		line := expectLine(t, lines, "pid ", &seen)
		pids = append(pids, toPid(t, line[4:]))
	}
	return pids, seen
}

// waitForFile waits until the file has something in it.
func waitForFile(t *testing.T, path, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(path)
		return err == nil && len(b) >= len(text)
	}, patience, 5*time.Millisecond)
}

func TestSupervisorIsKilled(t *testing.T) {
	t.Parallel()
	r := start(t, sh("echo pid $PPID; "+stubborn))
	pids := []int{r.pid(), r.pid(), r.pid(), r.pid()}
	require.NoError(t, syscall.Kill(pids[0], syscall.SIGKILL))
	exit, took := r.wait()
	require.True(t, exit.Lost)
	require.Equal(t, -1, exit.Code)
	require.GreaterOrEqual(t, len(exit.Leftovers), 3)
	require.Less(t, took, 10*time.Second)
	requireGone(t, pids...)
}

func TestKillMarked(t *testing.T) {
	t.Parallel()
	t.Run("trees of marked processes end, others do not", func(t *testing.T) {
		t.Parallel()
		marker := t.TempDir()
		begin := func(value string) []int {
			cmd := exec.Command("/bin/sh", "-c", `env -i sleep 60 & echo pid $!; setsid sleep 60 & echo pid $!; echo pid $$; wait`)
			cmd.Env = []string{"PATH=/usr/bin:/bin", proc.MarkerEnv + "=" + value}
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			lines := readLines(out)
			pids, _ := readPids(t, lines, 3)
			t.Cleanup(func() {
				for _, pid := range pids {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
				_ = cmd.Wait()
				for range lines { // to its end
				}
			})
			return pids
		}
		ours, theirs := begin(marker), begin(marker+"2")
		require.Len(t, proc.KillMarked(marker), 3)
		for i := range ours {
			require.False(t, living(ours[i]))
			require.True(t, living(theirs[i]))
		}
		require.Empty(t, proc.KillMarked(marker))
		require.Empty(t, proc.KillMarked(""))
	})
	t.Run("the caller and those above it are spared", func(t *testing.T) {
		t.Parallel()
		cmd := exec.Command("/bin/sh", "-c", `"$0" as-sweeper; echo and the shell lives`, self(t))
		cmd.Env = []string{"PATH=/usr/bin:/bin", proc.MarkerEnv + "=" + t.TempDir()}
		out, err := cmd.Output()
		require.NoError(t, err)
		require.Equal(t, "swept []\nand the shell lives\n", string(out))
	})
}

func TestSurvivor(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a set-uid program")
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	program, setuid := filepath.Join(dir, "program"), filepath.Join(dir, "setuid")
	require.NoError(t, exec.Command("install", "-m", "755", self(t), program).Run())
	require.NoError(t, exec.Command("install", "-m", "4755", self(t), setuid).Run())

	cfg := sh(`"$1" as-root > /dev/null 2>&1 & until grep -q "^Uid:.0.0" /proc/$!/status; do :; done; echo pid $!`, setuid)
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	cmd := exec.Command(program, "as-parent")
	cmd.Dir, cmd.Env = dir, []string{"PROC_CONFIG=" + string(text)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.Output()
	require.NoError(t, err)
	lines := strings.Split(string(out), "\n")
	pid := toPid(t, strings.TrimPrefix(lines[0], "pid "))
	require.True(t, living(pid))
	require.Equal(t, fmt.Sprintf("ended 0 [setuid (pid %d)]", pid), lines[1])
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	requireGone(t, pid)
}

// The checks above are worth something only if they see a survivor. Without a
// supervisor, a daemon without a marker is one.
func TestAPlainTreeIsEscaped(t *testing.T) {
	t.Parallel()
	p, err := proc.StartPlain(sh(`env -i setsid sleep 60 > /dev/null 2>&1 & pid=$!
		until [ "$(cat /proc/$pid/comm)" = sleep ]; do :; done; echo pid $pid; exit 0`))
	require.NoError(t, err)
	r := follow(t, p)
	pid := r.pid()
	exit, _ := r.wait()
	require.Empty(t, exit.Leftovers)
	require.True(t, living(pid))
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	requireGone(t, pid)
}

// BenchmarkSpawn measures from Start to the end of a tool that does nothing,
// and reports the median time of Start alone.
func BenchmarkSpawn(b *testing.B) {
	for name, start := range map[string]func(proc.Config) (*proc.Process, error){
		"supervised": proc.Start, "plain": proc.StartPlain,
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				begin := time.Now()
				p, err := start(proc.Config{Path: "/bin/true"})
				took = append(took, time.Since(begin))
				require.NoError(b, err)
				p.Wait()
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		})
	}
}
