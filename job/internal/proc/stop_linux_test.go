package proc_test

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job/internal/proc"
)

// stubborn is a script of processes that ignore TERM: the tool, a child and
// one in a session of its own whose parent has gone.
const stubborn = `trap '' TERM
loop='trap "" TERM HUP; echo pid $$; while :; do sleep 0.1; done'
sh -c "$loop" &
sh -c 'setsid sh -c "$1" &' sh "$loop"
echo pid $$
while :; do sleep 0.1; done`

// core is a script that tells of each INT and ends at the second.
const core = `n=0; trap 'n=$((n+1)); echo int $n; [ $n = 2 ] && exit 7' INT
echo up; while :; do sleep 0.05; done`

func TestStopTree(t *testing.T) {
	t.Parallel()
	t.Run("TERM reaches every process", func(t *testing.T) {
		t.Parallel()
		r := start(t, sh(`trap 'echo leader; exit 5' TERM
			loop='trap "echo $0; exit 0" TERM; echo pid $$; while :; do sleep 0.05; done'
			sh -c "$loop" child &
			sh -c 'setsid sh -c "$1" daemon &' sh "$loop"
			while :; do sleep 0.05; done`))
		pids := []int{r.pid(), r.pid()}
		r.Stop()
		exit, took := r.wait()
		require.Equal(t, proc.Exit{Code: 5}, exit)
		require.Less(t, took, 5*time.Second)
		require.Subset(t, r.rest(), []string{"leader", "child", "daemon"})
		requireGone(t, pids...)
	})
	t.Run("what ignores TERM is killed after the grace", func(t *testing.T) {
		t.Parallel()
		cfg := sh(stubborn)
		cfg.Grace = 700 * time.Millisecond
		r := start(t, cfg)
		pids := []int{r.pid(), r.pid(), r.pid()}
		r.Stop()
		exit, took := r.wait()
		require.Equal(t, proc.Exit{Code: 137, Signal: "killed", Killed: true}, exit)
		require.GreaterOrEqual(t, took, cfg.Grace)
		requireGone(t, pids...)
	})
	t.Run("a child has the grace after the tool has gone", func(t *testing.T) {
		t.Parallel()
		r := start(t, sh(`sh -c 'trap "sleep 3; echo tidied; exit" TERM; echo pid $$; while :; do sleep 0.05; done' &
			wait`))
		r.pid()
		r.Stop()
		exit, _ := r.wait()
		require.Equal(t, proc.Exit{Code: 143, Signal: "terminated"}, exit)
		require.Contains(t, r.rest(), "tidied", "longer than the quiet time")
	})
	t.Run("a child that outlives the grace is named", func(t *testing.T) {
		t.Parallel()
		cfg := sh(`sh -c 'trap "" TERM; echo pid $$; exec sleep 60' & wait`)
		cfg.Grace = 500 * time.Millisecond
		r := start(t, cfg)
		r.pid()
		r.Stop()
		exit, _ := r.wait()
		require.True(t, exit.Killed)
		require.Len(t, exit.Leftovers, 1)
		require.Contains(t, exit.Leftovers[0], "sleep (pid ")
	})
	t.Run("what is started to tidy up is left alone", func(t *testing.T) {
		t.Parallel()
		for range 20 {
			r := start(t, sh(`trap 'sh -c "sleep 0.05; echo tidied"; exit 0' TERM
				echo up; while :; do sleep 0.02; done`))
			r.expect("up")
			r.Stop()
			exit, _ := r.wait()
			require.Equal(t, proc.Exit{}, exit)
			require.Contains(t, r.rest(), "tidied")
		}
	})
	for name, hurry := range map[string]func(*running){
		"force": func(r *running) { r.Force() }, "kill": func(r *running) { r.Kill() },
		"force after stop": func(r *running) { r.Stop(); r.Force() },
	} {
		t.Run(name+" does not wait", func(t *testing.T) {
			t.Parallel()
			r := start(t, sh(stubborn))
			pids := []int{r.pid(), r.pid(), r.pid()}
			hurry(r)
			exit, took := r.wait()
			require.Equal(t, proc.Exit{Code: 137, Signal: "killed", Killed: true}, exit)
			require.Less(t, took, 5*time.Second)
			requireGone(t, pids...)
		})
	}
}

func TestStopLeader(t *testing.T) {
	t.Parallel()
	config := func(script string, args ...string) proc.Config {
		cfg := sh(script, args...)
		cfg.Style = proc.StopLeader
		return cfg
	}
	t.Run("the tool alone is interrupted", func(t *testing.T) {
		t.Parallel()
		r := start(t, config(`trap 'echo clean; kill -KILL $!; wait; exit 6' INT
			"$1" as-child & while :; do sleep 0.05; done`, self(t)))
		pid := r.pid()
		r.Stop()
		exit, _ := r.wait()
		require.Equal(t, proc.Exit{Code: 6}, exit)
		require.Contains(t, r.rest(), "clean")
		require.NotContains(t, r.seen, "child got interrupt")
		require.NotContains(t, r.seen, "child got terminated")
		requireGone(t, pid)
	})
	t.Run("force is a second interrupt", func(t *testing.T) {
		t.Parallel()
		r := start(t, config(core))
		r.expect("up")
		r.Stop()
		r.expect("int 1")
		r.Force()
		r.expect("int 2")
		exit, _ := r.wait()
		require.Equal(t, proc.Exit{Code: 7}, exit)
	})
	t.Run("force alone is both", func(t *testing.T) {
		t.Parallel()
		both(t, func(t *testing.T, start func(proc.Config) (*proc.Process, error)) {
			p, err := start(config(core))
			require.NoError(t, err)
			r := follow(t, p)
			r.expect("up")
			r.Force()
			exit, _ := r.wait()
			require.Equal(t, 7, exit.Code)
		})
	})
	t.Run("the grace counts from the first stop", func(t *testing.T) {
		t.Parallel()
		cfg := config(`trap 'echo int' INT; echo up; while :; do sleep 0.05; echo tick; done`)
		cfg.Grace = 3 * time.Second
		r := start(t, cfg)
		r.expect("up")
		begin := time.Now()
		r.Stop()
		r.expect("int")
		for range 40 { // two seconds
			r.expect("tick")
		}
		r.Force()
		r.expect("int")
		exit, took := r.wait()
		require.Equal(t, proc.Exit{Code: 137, Signal: "killed", Killed: true}, exit)
		require.GreaterOrEqual(t, time.Since(begin), cfg.Grace)
		require.Less(t, took, cfg.Grace)
	})
	t.Run("kill does not wait", func(t *testing.T) {
		t.Parallel()
		r := start(t, config(`trap '' INT; echo up; while :; do sleep 0.05; done`))
		r.expect("up")
		r.Stop()
		r.Kill()
		exit, took := r.wait()
		require.True(t, exit.Killed)
		require.Less(t, took, 5*time.Second)
	})
}

func TestStopFromAnywhere(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(proc.Config) (*proc.Process, error)) {
		p, err := start(sh("echo up; sleep 60"))
		require.NoError(t, err)
		r := follow(t, p)
		r.expect("up")
		var all sync.WaitGroup
		for range 20 {
			for _, f := range []func(){r.Stop, r.Force, r.Kill, func() { r.Wait() }} {
				all.Go(f)
			}
		}
		all.Wait()
		exit, _ := r.wait()
		require.NotZero(t, exit.Code)
		for _, f := range []func(){r.Stop, r.Force, r.Kill} {
			f()
		}
	})
}

func TestSignalsToTheSupervisor(t *testing.T) {
	t.Parallel()
	r := start(t, sh(`trap 'echo asked; exit 9' TERM; echo pid $PPID; while :; do sleep 0.05; done`))
	supervisor := r.pid()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTERM} {
		require.NoError(t, syscall.Kill(supervisor, sig))
	}
	exit, _ := r.wait()
	require.Equal(t, proc.Exit{Code: 9}, exit)
	require.Contains(t, r.rest(), "asked")
}

func TestPlainStop(t *testing.T) {
	t.Parallel()
	cfg := sh(stubborn)
	cfg.Grace = 300 * time.Millisecond
	p, err := proc.StartPlain(cfg)
	require.NoError(t, err)
	r := follow(t, p)
	pids := []int{r.pid(), r.pid(), r.pid()}
	r.Stop()
	exit, took := r.wait()
	require.True(t, exit.Killed)
	require.Equal(t, 137, exit.Code)
	require.GreaterOrEqual(t, took, cfg.Grace)
	requireGone(t, pids...)
}
