package proc

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// settleTime is how long descendants may take to go by themselves once the
// tool has exited and its output has ended, before they count as left over.
const settleTime = 100 * time.Millisecond

// A supervisor begins while the program's packages are still being initialised:
// this package needs few of them, and the rest of a program with a database
// driver takes longer than all a supervisor has to do before its tool starts.
var _ = begin()

// begin does the work of a supervisor, and exits, in a process that was started
// as one. Name and open pipes make a supervisor, so that nothing in the
// environment of a task can turn a program it starts into one.
func begin() bool {
	if len(os.Args) == 1 && os.Args[0] == supervisorName && havePipes() {
		supervise()
		syscall.Exit(0) // at once: os.Exit waits for a second in programs built with -race
	}
	return false
}

// Init notes that Start may use supervisors: the program agrees to be started
// as one. It is called first thing in main.
func Init() { initialised.Store(true) }

// havePipes reports whether the descriptors of a supervisor are there.
func havePipes() bool {
	for fd := fdLife; fd <= fdOutput; fd++ {
		var stat unix.Stat_t
		if unix.Fstat(fd, &stat) != nil || stat.Mode&unix.S_IFMT != unix.S_IFIFO {
			return false
		}
	}
	return true
}

// reaped is a process that has ended.
type reaped struct {
	pid    int
	status syscall.WaitStatus
}

// supervisor is the state of the process that guards one tree. One goroutine
// owns it.
type supervisor struct {
	order  order
	stop   stopper
	report *json.Encoder

	leader int
	status *syscall.WaitStatus // of the leader, once it has exited

	steps <-chan byte   // from the parent; closed when it died
	reap  <-chan reaped // closed when no descendant is left
	empty bool

	told      bool // the leader's exit was reported
	drained   bool // the output has been read
	killed    bool
	leftovers []string
	survivors []string
}

// supervise is the life of a supervisor.
func supervise() {
	// The thread that sets no_new_privs must be the one that forks.
	runtime.LockOSThread()
	// Signals are caught rather than ignored: the tool would inherit that.
	terms := make(chan os.Signal, 1)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	signal.Notify(terms, syscall.SIGTERM)
	closeOnExec()
	// For ps and top, which would show "exe".
	_ = os.WriteFile("/proc/self/comm", []byte(supervisorName), 0)

	life := os.NewFile(fdLife, "life line")
	s := &supervisor{report: json.NewEncoder(os.NewFile(fdReport, "report"))}
	s.tell(event{Kind: eventReady})
	o, err := readOrder(life)
	if err == nil {
		s.order = o
		s.stop = stopper{tree: s, style: o.Style, grace: o.Grace}
		err = s.launch()
	}
	if err != nil {
		failed := event{Kind: eventFailed, Text: err.Error()}
		if errno := syscall.Errno(0); errors.As(err, &errno) {
			failed.Errno = int(errno)
		}
		s.tell(failed)
		return
	}
	s.order.Args, s.order.Env = nil, nil
	s.tell(event{Kind: eventStarted})
	s.steps, s.reap = readSteps(life), reapAll()
	s.run(terms)
	s.tell(event{Kind: eventDone, Killed: s.killed, Leftovers: s.leftovers, Survivors: s.survivors})
}

// closeOnExec keeps the supervisor's own descriptors, and whatever the parent
// had inherited, from the tool.
func closeOnExec() {
	if unix.CloseRange(3, uint(^uint32(0)), unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	for fd := fdLife; fd <= fdOutput; fd++ { // kernels before 5.11
		unix.CloseOnExec(fd)
	}
}

// tell reports to the parent. A dead one is noticed at the life line.
func (s *supervisor) tell(e event) { _ = s.report.Encode(e) }

// launch starts the tool in a process group of its own.
func (s *supervisor) launch() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("become subreaper", err)
	}
	sys := &syscall.SysProcAttr{Setpgid: true}
	if u := s.order.User; u != nil {
		sys.Credential = &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}
	}
	if s.order.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return os.NewSyscallError("set no_new_privs", err)
		}
	}
	path := string(s.order.Path)
	pid, err := syscall.ForkExec(path, append([]string{path}, toStrings(s.order.Args)...), &syscall.ProcAttr{
		Dir: string(s.order.Dir), Env: toStrings(s.order.Env), Files: []uintptr{0, fdOutput, fdOutput}, Sys: sys,
	})
	s.leader = pid
	_ = unix.Close(fdOutput) // the tool has it now
	return err
}

// readSteps passes on what the parent asks for.
func readSteps(life io.Reader) <-chan byte {
	steps := make(chan byte)
	go func() {
		defer close(steps)
		var b [1]byte
		for {
			if _, err := io.ReadFull(life, b[:]); err != nil {
				return
			}
			steps <- b[0]
		}
	}()
	return steps
}

// reapAll waits for every child. Orphans become children, so when there is no
// child there is no descendant, and nobody who could make one.
func reapAll() <-chan reaped {
	reap := make(chan reaped, 64)
	go func() {
		defer close(reap)
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, 0, nil)
			if err == syscall.EINTR {
				continue
			}
			if err != nil {
				return
			}
			reap <- reaped{pid, status}
		}
	}()
	return reap
}
