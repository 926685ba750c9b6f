package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// readyTime is how long a fresh supervisor may take to say that it is one.
const readyTime = 30 * time.Second

// supervised is the parent's side of a supervisor.
type supervised struct {
	proc   *os.Process
	life   *os.File
	report *os.File
	events *json.Decoder
	marker string
}

func start(cfg Config) (*Process, error) {
	if cfg.Helper == "" && !Supervised() {
		return startGroup(cfg)
	}
	s, pipe, err := spawn(cfg)
	if err != nil {
		return nil, err
	}
	if err := s.launch(cfg); err != nil {
		pipe.Close()
		s.abandon()
		return nil, err
	}
	p := &Process{out: newOutput(pipe), asker: s, done: make(chan struct{})}
	go s.follow(p)
	return p, nil
}

// spawn starts a supervisor and returns it with the read end of the output.
func spawn(cfg Config) (s *supervised, pipe *os.File, err error) {
	var files []*os.File
	open := func(r, w *os.File, e error) (*os.File, *os.File) {
		if files = append(files, r, w); e != nil && err == nil {
			err = fmt.Errorf("make pipe: %w", e)
		}
		return r, w
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open null device: %w", err)
	}
	lifeR, lifeW := open(os.Pipe())
	reportR, reportW := open(os.Pipe())
	outR, outW := open(os.Pipe())
	var drain *os.File
	if err == nil {
		drain, err = duplicate(outR)
	}
	if err == nil && cfg.User != nil {
		// The tool may open /dev/stdout by name.
		err = chown(outW, cfg.User)
	}
	var child *os.Process
	if err == nil {
		child, err = startSupervisor(cfg, null, lifeR, reportW, drain, outW)
	}
	for _, f := range []*os.File{null, lifeR, reportW, drain, outW} {
		f.Close() // nil is fine
	}
	if err != nil {
		for _, f := range files {
			f.Close()
		}
		return nil, nil, err
	}
	return &supervised{
		proc: child, life: lifeW, report: reportR, events: json.NewDecoder(reportR), marker: cfg.Marker,
	}, outR, nil
}

// startSupervisor starts the helper with its descriptors, in a session of its
// own: no terminal and no signal to a group reaches it.
func startSupervisor(cfg Config, null *os.File, pipes ...*os.File) (*os.Process, error) {
	helper := cfg.Helper
	if helper == "" {
		helper = "/proc/self/exe" // also when the file was replaced by an upgrade
	}
	// A supervisor mostly waits: one thread of Go code starts faster than many.
	env := []string{MarkerEnv + "=" + cfg.Marker, "GOMAXPROCS=1"}
	if path, ok := os.LookupEnv("LD_LIBRARY_PATH"); ok { // the program may not load without
		env = append(env, "LD_LIBRARY_PATH="+path)
	}
	child, err := os.StartProcess(helper, []string{supervisorName}, &os.ProcAttr{
		Dir: "/", Env: env, Files: append([]*os.File{null, null, null}, pipes...),
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, fmt.Errorf("start supervisor: %w", err)
	}
	return child, nil
}

// duplicate returns another descriptor of f. Unlike f itself it can be passed
// to a child without f becoming a blocking file.
func duplicate(f *os.File) (*os.File, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, dupErr := -1, error(nil)
	err = conn.Control(func(old uintptr) {
		fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err = errors.Join(err, dupErr); err != nil {
		return nil, fmt.Errorf("duplicate pipe: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// launch gives the supervisor its order and waits until the tool runs.
func (s *supervised) launch(cfg Config) error {
	// Pipes know deadlines. Should one not, a wrong helper is waited for.
	_ = s.report.SetReadDeadline(time.Now().Add(readyTime))
	var e event
	if err := s.events.Decode(&e); err != nil {
		return fmt.Errorf("start supervisor: no answer, main of the binary must begin with Init: %w", err)
	}
	_ = s.report.SetReadDeadline(time.Time{})
	if err := writeOrder(s.life, newOrder(cfg)); err != nil {
		return fmt.Errorf("instruct supervisor: %w", err)
	}
	e = event{}
	err := s.events.Decode(&e)
	switch {
	case err != nil:
		return fmt.Errorf("supervisor died while it started the tool: %w", err)
	case e.Kind == eventStarted:
		return nil
	case e.Errno != 0:
		return startError(cfg, syscall.Errno(e.Errno))
	default:
		return fmt.Errorf("start %s: %s", cfg.Path, e.Text)
	}
}

// abandon ends a supervisor whose tool could not be started.
func (s *supervised) abandon() {
	s.life.Close()
	s.report.Close()
	_ = s.proc.Kill() // may be gone already
	_, _ = s.proc.Wait()
	KillMarked(s.marker)
}

// ask writes one byte to the life line. Each step is asked for once at most,
// so the pipe takes it; a supervisor that is gone needs none.
func (s *supervised) ask(step byte) { _, _ = s.life.Write([]byte{step}) }

// follow turns the supervisor's events into p's exit.
func (s *supervised) follow(p *Process) {
	defer close(p.done)
	p.exit = Exit{Code: -1, Lost: true}
	for {
		var e event
		if err := s.events.Decode(&e); err != nil {
			break
		}
		switch e.Kind {
		case eventExited:
			p.exit.Code, p.exit.Signal = e.Code, e.Signal
			p.exit.OutputHeld = p.out.finish()
			s.ask(stepDrained)
		case eventDone:
			p.exit.Killed, p.exit.Leftovers, p.exit.Survivors = e.Killed, e.Leftovers, e.Survivors
			p.exit.Lost = false
		}
	}
	if p.exit.Lost {
		p.exit.Leftovers = KillMarked(s.marker)
		p.exit.Killed = len(p.exit.Leftovers) > 0
		p.exit.OutputHeld = p.out.finish()
	}
	s.life.Close()
	s.report.Close()
	_, _ = s.proc.Wait() // its events have told all
}
