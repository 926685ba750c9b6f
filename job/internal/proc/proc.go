// Package proc runs one tool as a process tree that can be stopped in the
// tool's own way, and of which nothing remains.
//
// On Linux a small process stands between the caller and the tool: the
// program's own binary, started again. This supervisor leads a session of its
// own, adopts every orphan of the tree (child subreaper), and watches a
// life-line pipe. When the caller dies, even by kill -9, it drains the output,
// stops the tool in its style, waits the grace, ends the whole tree and goes.
//
// A program makes this possible by calling [Init] first thing in main, or by
// naming another binary that does in [Config.Helper]. Without either, and on
// other systems, [Start] falls back to process groups: those are escaped by
// setsid and daemons, and nobody cleans up after a caller that was killed.
package proc

import (
	"crypto/rand"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// MarkerEnv is the environment variable by which the processes of a run are
// found again after their supervisor is gone; see [KillMarked].
const MarkerEnv = "SEMAPHORE_RUN_MARKER"

// StopStyle tells how a tool wants to be stopped.
type StopStyle int

const (
	// StopTree sends TERM to every process of the tree, waits for the grace
	// and kills what is left. Force kills at once. For Ansible and scripts.
	StopTree StopStyle = iota
	// StopLeader sends INT to the tool alone, never to its children nor to its
	// group. Force sends a second INT. Only after the grace, or by Kill, is the
	// tree killed. For Terraform and its kin, whose plugins must outlive the
	// core's own tidying up.
	StopLeader
)

// The graces that a zero Config.Grace stands for.
const (
	treeGrace   = 10 * time.Second
	leaderGrace = 5 * time.Minute
)

// Config says what to run, and how it is to end.
type Config struct {
	Path string   // program, with a directory: PATH is not searched
	Args []string // what follows the program's name
	Env  []string // whole environment; MarkerEnv is added
	Dir  string   // working directory. Defaults to the caller's

	Style StopStyle
	// Grace is the time from the first stop to the kill. Defaults to 10 s for
	// StopTree and 5 min for StopLeader.
	Grace time.Duration

	User            *User // who the tool runs as. Defaults to the caller
	NoNewPrivileges bool  // sudo and set-uid programs gain nothing; Linux with a supervisor only
	// KeepBackground lets descendants live on when the tool has ended by
	// itself. A stop ends them all the same.
	KeepBackground bool

	// Marker is the value of MarkerEnv, unique per run. Defaults to a random one.
	Marker string
	// Helper is a binary whose main begins with Init. Defaults to the program's
	// own binary where that has called Init.
	Helper string
}

// User is the account a tool runs as. Only root may name another than itself.
type User struct {
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups,omitempty"` // supplementary groups; the caller's are dropped
}

// Exit tells how a run ended.
type Exit struct {
	Code   int    // exit code; 128+n after signal n; -1 if Lost before it was known
	Signal string // "killed", "terminated", ...; empty if the tool exited
	// Killed is set when a stop had to use KILL on something that lived.
	Killed bool
	// Leftovers names the descendants that outlived the tool and were ended,
	// "sleep (pid 123)".
	Leftovers []string
	// Survivors names what could not be ended: processes of another user
	// (sudo), or stuck in the kernel.
	Survivors []string
	// OutputHeld is set when the output was closed while somebody could still
	// have written to it.
	OutputHeld bool
	// Lost is set when the supervisor died. Leftovers then names all that was
	// found by the marker and ended.
	Lost bool
}

// The bytes on the life line, each more urgent than the one before. The last
// is none of them: it tells that the output has been read.
const (
	stepStop    = 's'
	stepForce   = 'f'
	stepKill    = 'k'
	stepDrained = 'd'
)

// Process is a started tool and its tree. All methods may be called from any
// goroutine, at any time, again.
type Process struct {
	out   *output
	asker asker
	once  [3]sync.Once
	done  chan struct{}
	exit  Exit // valid once done is closed
}

// asker passes a step on to what guards the tree. It does not block.
type asker interface{ ask(step byte) }

// Start starts the tool and returns once it runs. The error is a *[StartError]
// when the tool itself could not be started. Somebody must read
// [Process.Output] to its end: a tool whose output is not read stands still.
func Start(cfg Config) (*Process, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	return start(cfg)
}

// complete checks cfg and fills in its defaults.
func (cfg Config) complete() (Config, error) {
	if !strings.ContainsRune(filepath.ToSlash(cfg.Path), '/') {
		return cfg, fmt.Errorf("start %q: give the program with its directory, PATH is not searched", cfg.Path)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return cfg, fmt.Errorf("find working directory: %w", err)
	}
	cfg.Dir = dir
	if cfg.Grace == 0 {
		cfg.Grace = treeGrace
		if cfg.Style == StopLeader {
			cfg.Grace = leaderGrace
		}
	}
	if cfg.Marker == "" {
		cfg.Marker = rand.Text()
	}
	cfg.Env = markedEnv(cfg.Env, cfg.Marker)
	return cfg, nil
}

// markedEnv returns a copy of env in which MarkerEnv stands once.
func markedEnv(env []string, marker string) []string {
	marked := make([]string, 0, len(env)+1)
	for _, kv := range env {
		if !strings.HasPrefix(kv, MarkerEnv+"=") {
			marked = append(marked, kv)
		}
	}
	return append(marked, MarkerEnv+"="+marker)
}

// Output is stdout and stderr of the tree through one pipe, in the order they
// were written. It ends when nobody holds the pipe any more, or a while after
// the tool has ended: 2 s without a byte, at most 10 s in all. What was in the
// pipe by then is still read, however slowly, also after Wait.
func (p *Process) Output() io.Reader { return p.out }

// Stop asks for the gentle end of the configured style. After the grace,
// counted from the first call, the tree is killed.
func (p *Process) Stop() { p.once[0].Do(func() { p.asker.ask(stepStop) }) }

// Force hurries: StopTree kills the tree, StopLeader sends the second INT.
// Without a Stop before, it stands for both.
func (p *Process) Force() { p.once[1].Do(func() { p.asker.ask(stepForce) }) }

// Kill ends the whole tree at once.
func (p *Process) Kill() { p.once[2].Do(func() { p.asker.ask(stepKill) }) }

// Wait returns when the tool has exited, its output has been taken from the
// pipe and its tree is gone. The consumer of Output need not have read all.
func (p *Process) Wait() Exit {
	<-p.done
	return p.exit
}

// initialised is set by Init: main has proven that the binary can be started
// as a supervisor. It is the one global, as there is one main.
var initialised atomic.Bool

// Supervised reports whether trees are guarded by a supervisor made from this
// program's own binary: Init was called, and the system is Linux.
func Supervised() bool { return initialised.Load() }
