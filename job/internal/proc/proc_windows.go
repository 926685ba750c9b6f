package proc

import (
	"errors"
	"fmt"
	"os"
)

var errEmpty = errors.New("pipe is empty")

// readNow is not needed where pipes know no deadline.
func readNow(*os.File, []byte) (int, error) { return 0, errEmpty }

// Init does nothing here: there is no supervisor.
func Init() {}

// KillMarked finds nothing here.
func KillMarked(string) []string { return nil }

// Guarded is false here: there is no supervisor.
func Guarded(string) bool { return false }

// plain is a process whose every stop is its end; its children are not known.
type plain struct{ proc *os.Process }

func (p plain) ask(byte) { _ = p.proc.Kill() }

func start(cfg Config) (*Process, error) {
	if cfg.User != nil {
		return nil, errors.New("start as another user: not possible on Windows")
	}
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
	leader, err := os.StartProcess(cfg.Path, append([]string{cfg.Path}, cfg.Args...), &os.ProcAttr{
		Dir: cfg.Dir, Env: cfg.Env, Files: []*os.File{null, w, w},
	})
	if err != nil {
		r.Close()
		return nil, startError(cfg, err)
	}
	p := &Process{out: newOutput(r), asker: plain{leader}, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.exit = Exit{Code: -1, Lost: true}
		if state, err := leader.Wait(); err == nil {
			p.exit = Exit{Code: state.ExitCode()}
		}
		p.exit.OutputHeld = p.out.finish()
	}()
	return p, nil
}
