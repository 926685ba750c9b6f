package proc_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job/internal/proc"
)

// both runs a test with a supervisor and without one.
func both(t *testing.T, test func(t *testing.T, start func(proc.Config) (*proc.Process, error))) {
	t.Helper()
	for name, start := range map[string]func(proc.Config) (*proc.Process, error){
		"supervised": proc.Start, "plain": proc.StartPlain,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start)
		})
	}
}

// This test looks at the descriptors of the whole process: it runs alone.
func TestNoDescriptorIsLeaked(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(entries)
	}
	once := func() {
		r := start(t, sh("exit 0"))
		r.wait()
		_, err := proc.Start(proc.Config{Path: "/missing"})
		require.Error(t, err)
	}
	once()
	before := count()
	for range 10 {
		once()
	}
	require.LessOrEqual(t, count(), before)
}

func TestExit(t *testing.T) {
	t.Parallel()
	require.True(t, proc.Supervised())
	both(t, func(t *testing.T, start func(proc.Config) (*proc.Process, error)) {
		for _, c := range []struct {
			script string
			exit   proc.Exit
		}{
			{"exit 0", proc.Exit{}},
			{"exit 3", proc.Exit{Code: 3}},
			{"kill -SEGV $$", proc.Exit{Code: 139, Signal: "segmentation fault"}},
			{"kill -TERM $$", proc.Exit{Code: 143, Signal: "terminated"}},
			{"kill -KILL $$", proc.Exit{Code: 137, Signal: "killed"}},
		} {
			p, err := start(sh(c.script))
			require.NoError(t, err)
			exit, _ := follow(t, p).wait()
			require.Equal(t, c.exit, exit, c.script)
		}
	})
}

func TestToolGetsWhatWasConfigured(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(proc.Config) (*proc.Process, error)) {
		dir := t.TempDir()
		cfg := sh(`pwd; env | cut -c-50; printf %s "$1" | od -An -tx1; wc -c; echo tty; : < /dev/tty`, "a\xff\xfeb")
		// A marker is a run's own: the plain tree's sweep would end the other tree.
		cfg.Dir, cfg.Marker = dir, "gets-"+filepath.Base(t.Name())
		cfg.Env = append(cfg.Env, "ODD=\xff", proc.MarkerEnv+"=replaced", "BIG="+strings.Repeat("x", 100_000))
		p, err := start(cfg)
		require.NoError(t, err)
		lines := follow(t, p).rest()
		require.Equal(t, dir, lines[0])
		require.Contains(t, lines, "ODD=\xff")
		require.Contains(t, lines, proc.MarkerEnv+"="+cfg.Marker)
		require.NotContains(t, lines, proc.MarkerEnv+"=replaced")
		text := strings.Join(lines, "\n")
		require.Contains(t, text, " 61 ff fe 62\n0\ntty\n", "the argument, and an empty stdin")
		require.Contains(t, lines[len(lines)-1], "/dev/tty", "there is no terminal")
	})
}

func TestToolInheritsNoDescriptor(t *testing.T) {
	t.Parallel()
	// The parent has a descriptor that it would pass to any child.
	cfg := sh("ls /proc/$$/fd; echo end")
	cfg.Marker = t.TempDir()
	_, lines := parent(t, cfg, "exec 7</dev/null; ")
	var seen []string
	expectLine(t, lines, "end", &seen)
	require.Equal(t, []string{"0", "1", "2", "end"}, seen)
}

func TestSupervisorTellsNoSecrets(t *testing.T) {
	t.Parallel()
	cfg := sh("echo ppid $PPID; sleep 60", "secret-argument")
	cfg.Env = append(cfg.Env, "TOKEN=secret-value")
	r := start(t, cfg)
	supervisor := r.expect("ppid ")
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile("/proc/" + supervisor + "/" + file)
		require.NoError(t, err)
		require.NotContains(t, string(text), "secret", file)
		require.NotEmpty(t, text)
	}
	comm, err := os.ReadFile("/proc/" + supervisor + "/comm")
	require.NoError(t, err)
	require.Equal(t, "semaphore-super\n", string(comm))
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	noexec, junk := file("noexec", "#!/bin/sh\n", 0o600), file("junk", "junk\n", 0o700)
	orphan := file("orphan", "#!/no/such/interpreter\n", 0o700)
	both(t, func(t *testing.T, start func(proc.Config) (*proc.Process, error)) {
		for _, c := range []struct {
			cfg  proc.Config
			is   []error
			not  error
			text string
		}{
			{proc.Config{Path: dir + "/missing"}, []error{os.ErrNotExist, exec.ErrNotFound, syscall.ENOENT}, nil, "start " + dir + "/missing: no such file"},
			{proc.Config{Path: noexec}, []error{os.ErrPermission}, exec.ErrNotFound, "permission denied"},
			{proc.Config{Path: junk}, []error{syscall.ENOEXEC}, exec.ErrNotFound, "no #! line"},
			{proc.Config{Path: orphan}, []error{os.ErrNotExist}, exec.ErrNotFound, "interpreter"},
			{proc.Config{Path: "/bin/sh", Dir: dir + "/missing"}, []error{os.ErrNotExist}, exec.ErrNotFound, "use working directory " + dir + "/missing"},
			{proc.Config{Path: "/bin/sh", Dir: junk}, []error{syscall.ENOTDIR}, nil, "not a directory"},
			{proc.Config{Path: "sh"}, nil, nil, "PATH is not searched"},
			{proc.Config{Path: "/bin/sh", Args: []string{strings.Repeat("x", 4<<20)}}, []error{syscall.E2BIG}, nil, "argument list too long"},
		} {
			_, err := start(c.cfg)
			require.ErrorContains(t, err, c.text)
			for _, is := range c.is {
				require.ErrorIs(t, err, is)
			}
			if c.not != nil {
				require.NotErrorIs(t, err, c.not)
			}
		}
	})
}

func TestHelper(t *testing.T) {
	t.Parallel()
	t.Run("a binary that begins with Init serves", func(t *testing.T) {
		t.Parallel()
		cfg := sh("exit 4")
		cfg.Helper = self(t)
		exit, _ := start(t, cfg).wait()
		require.Equal(t, proc.Exit{Code: 4}, exit)
	})
	t.Run("another binary is refused", func(t *testing.T) {
		t.Parallel()
		cfg := sh("exit 0")
		cfg.Helper = "/bin/true"
		_, err := proc.Start(cfg)
		require.ErrorContains(t, err, "must begin with Init")
		cfg.Helper = "/no/such/helper"
		_, err = proc.Start(cfg)
		require.ErrorIs(t, err, os.ErrNotExist)
	})
	t.Run("a name alone makes no supervisor", func(t *testing.T) {
		t.Parallel()
		cmd := exec.Command(self(t))
		cmd.Args = []string{"semaphore-supervise", "as-sweeper"}
		out, err := cmd.Output()
		require.NoError(t, err)
		require.Equal(t, "swept []\n", string(out))
	})
}

func TestPrivileges(t *testing.T) {
	t.Parallel()
	t.Run("no new privileges are had", func(t *testing.T) {
		t.Parallel()
		for _, want := range []bool{true, false} {
			cfg := sh("grep NoNewPrivs /proc/self/status")
			cfg.NoNewPrivileges = want
			require.Contains(t, start(t, cfg).expect("NoNewPrivs:"), map[bool]string{true: "1", false: "0"}[want])
		}
	})
	both(t, func(t *testing.T, start func(proc.Config) (*proc.Process, error)) {
		cfg := sh("id -u; id -G; echo by-name > /dev/stderr")
		cfg.User = &proc.User{UID: 65534, GID: 65534, Groups: []uint32{12345}}
		p, err := start(cfg)
		if os.Getuid() != 0 {
			require.ErrorContains(t, err, "only root may")
			t.Skip("the rest needs root")
		}
		require.NoError(t, err)
		require.Equal(t, []string{"65534", "65534 12345", "by-name"}, follow(t, p).rest())
	})
}

func TestOutput(t *testing.T) {
	t.Parallel()
	const thousand = `i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done`
	t.Run("stdout and stderr keep their order", func(t *testing.T) {
		t.Parallel()
		r := start(t, sh(`i=0; while [ $i -lt 500 ]; do echo $i; i=$((i+1)); echo $i >&2; i=$((i+1)); done`))
		for i, line := range r.rest() {
			require.Equal(t, fmt.Sprint(i), line)
		}
		require.Len(t, r.seen, 500)
	})
	t.Run("a thousand lines are a thousand lines", func(t *testing.T) {
		t.Parallel()
		for range 200 {
			r := start(t, sh(thousand))
			exit, _ := r.wait()
			require.Equal(t, proc.Exit{}, exit)
			require.Len(t, r.rest(), 1000)
		}
	})
	t.Run("a consumer that comes late gets all", func(t *testing.T) {
		t.Parallel()
		p, err := proc.Start(sh(`head -c 60000 /dev/zero; sleep 60 & exit 0`))
		require.NoError(t, err)
		exit := p.Wait() // the sleep holds the pipe: this takes the quiet time
		require.True(t, exit.OutputHeld)
		require.Len(t, exit.Leftovers, 1)
		all, err := io.ReadAll(p.Output())
		require.NoError(t, err)
		require.Len(t, all, 60000)
	})
	t.Run("a slow consumer gets all", func(t *testing.T) {
		t.Parallel()
		p, err := proc.Start(sh(`head -c 400000 /dev/zero; sleep 60 & exit 0`))
		require.NoError(t, err)
		total, buf := 0, make([]byte, 4096)
		for {
			n, err := p.Output().Read(buf)
			total += n
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			time.Sleep(25 * time.Millisecond) // slow: more than the quiet time in all
		}
		require.Equal(t, 400000, total)
		require.True(t, p.Wait().OutputHeld)
	})
	t.Run("a machine that stood still loses nothing", func(t *testing.T) {
		t.Parallel()
		for _, limit := range []time.Duration{time.Hour, -time.Second} {
			r, w, err := os.Pipe()
			require.NoError(t, err)
			_, err = w.Write(make([]byte, 60000))
			require.NoError(t, err)
			late, err := proc.ReadLate(r, time.Now().Add(limit))
			require.NoError(t, err)
			all, err := io.ReadAll(late)
			require.NoError(t, err)
			require.Len(t, all, 60000)
			require.NoError(t, w.Close())
		}
	})
	t.Run("a chatty daemon holds it for ten seconds", func(t *testing.T) {
		t.Parallel()
		r := start(t, sh(`(while :; do echo tick; sleep 0.5; done) & echo last; exit 0`))
		exit, took := r.wait()
		require.True(t, exit.OutputHeld)
		require.InDelta(t, 12, took.Seconds(), 3, "ten, and some for a busy machine")
		require.Greater(t, len(r.rest()), 10)
	})
	t.Run("a flooding daemon can be hurried", func(t *testing.T) {
		t.Parallel()
		r := start(t, sh(`yes flood & echo last; exit 0`))
		r.expect("last")
		go func() {
			for range r.lines { // the consumer keeps up
			}
		}()
		r.Kill()
		exit, took := r.wait()
		require.Equal(t, 0, exit.Code)
		require.Less(t, took, 5*time.Second)
	})
}
