//go:build unix

package proc

import (
	"fmt"
	"os"
	"syscall"
)

// group is a tool without a supervisor. It is stopped through its process
// group; a descendant that has left the group is found by its marker, on Linux.
type group struct {
	leader *os.Process
	marker string
	keep   bool
	stop   stopper
	asks   chan byte // room for each step: asking never blocks

	exited bool // the leader was reaped
	killed bool
	names  []string
}

// startGroup starts the tool as the leader of a process group.
func startGroup(cfg Config) (*Process, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("open null device: %w", err)
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make output pipe: %w", err)
	}
	defer w.Close()
	sys := &syscall.SysProcAttr{Setpgid: true}
	if u := cfg.User; u != nil {
		sys.Credential = &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}
		err = chown(w, u)
	}
	var leader *os.Process
	if err == nil {
		leader, err = os.StartProcess(cfg.Path, append([]string{cfg.Path}, cfg.Args...), &os.ProcAttr{
			Dir: cfg.Dir, Env: cfg.Env, Files: []*os.File{null, w, w}, Sys: sys,
		})
	}
	if err != nil {
		r.Close()
		return nil, startError(cfg, err)
	}
	g := &group{leader: leader, marker: cfg.Marker, keep: cfg.KeepBackground, asks: make(chan byte, 3)}
	g.stop = stopper{tree: g, style: cfg.Style, grace: cfg.Grace}
	p := &Process{out: newOutput(r), asker: g, done: make(chan struct{})}
	go g.guard(p)
	return p, nil
}

func (g *group) ask(step byte) { g.asks <- step }

// guard follows the tool to its end, then ends what is left of its group.
func (g *group) guard(p *Process) {
	defer close(p.done)
	p.exit = Exit{Code: -1, Lost: true}
	ended := make(chan *os.ProcessState)
	go func() {
		state, _ := g.leader.Wait() // nil when somebody else has reaped it
		ended <- state
	}()
	drained := make(chan bool, 1)
	for {
		select {
		case step := <-g.asks:
			if !g.exited {
				g.stop.ask(step)
			} else if step == stepKill || step == stepForce && !g.keep {
				g.end()
			}
		case <-g.stop.expired:
			g.stop.ask(stepKill)
		case <-g.stop.again:
			g.interrupt()
		case state := <-ended:
			g.exited = true
			g.stop.expired, g.stop.again = nil, nil
			if state != nil {
				status, _ := state.Sys().(syscall.WaitStatus)
				p.exit.Code, p.exit.Signal = exitOf(status)
				p.exit.Lost = false
			}
			go func() { drained <- p.out.finish() }()
		case p.exit.OutputHeld = <-drained:
			if !g.keep || g.stop.asked {
				g.end()
			}
			p.exit.Killed, p.exit.Leftovers = g.killed, g.names
			return
		}
	}
}

// interrupt sends INT to the tool alone.
func (g *group) interrupt() { _ = g.leader.Signal(syscall.SIGINT) }

// terminate sends TERM to the group.
func (g *group) terminate() { _ = syscall.Kill(-g.leader.Pid, syscall.SIGTERM) }

// kill is the end of a stop.
func (g *group) kill() { g.killed = g.end() || g.killed }

// end kills the group and all that carries the marker, and reports whether
// anything was there.
func (g *group) end() bool {
	var found []string
	if g.exited {
		found = KillMarked(g.marker) // names it, where that is possible
		g.names = append(g.names, found...)
	}
	hit := syscall.Kill(-g.leader.Pid, syscall.SIGKILL) == nil
	if !g.exited {
		found = KillMarked(g.marker)
	}
	return hit || len(found) > 0
}

// chown gives the pipe to the user, who may then open /dev/stdout by name.
func chown(pipe *os.File, u *User) error {
	conn, err := pipe.SyscallConn()
	if err != nil {
		return err
	}
	var chownErr error
	if err := conn.Control(func(fd uintptr) { chownErr = syscall.Fchown(int(fd), int(u.UID), int(u.GID)) }); err != nil {
		return err
	}
	return chownErr
}

// exitOf returns a shell's view of how a process ended.
func exitOf(status syscall.WaitStatus) (code int, name string) {
	if status.Signaled() {
		return 128 + int(status.Signal()), status.Signal().String()
	}
	return status.ExitStatus(), ""
}
