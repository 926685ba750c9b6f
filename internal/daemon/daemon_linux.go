package daemon

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/alexandervashurin/semaphore/internal/flock"
)

const (
	lockName = "test.lock"
	settling = time.Minute // from making a lock's file to locking it, at most
)

// Home is the directory of a server.
type Home struct {
	Dir string

	who  *syscall.Credential // nil for who we are
	lock *flock.Lock
}

// NewHome makes a directory by a pattern of os.MkdirTemp and removes those that
// killed processes have left. Where we are root it belongs to the first of the
// accounts that there is: servers refuse to run as root.
func NewHome(pattern string, accounts ...string) (*Home, error) {
	sweep(pattern)
	dir, err := os.MkdirTemp("", pattern)
	if err != nil {
		return nil, err
	}
	h := &Home{Dir: dir}
	if h.lock, err = flock.Try(filepath.Join(dir, lockName)); err == nil {
		if h.who, err = credential(accounts); err == nil {
			err = h.Give(dir)
		}
	}
	if err != nil {
		h.Remove()
		return nil, err
	}
	return h, nil
}

func sweep(pattern string) {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), pattern))
	for _, dir := range dirs {
		lock := filepath.Join(dir, lockName)
		if info, err := os.Stat(lock); err != nil || time.Since(info.ModTime()) < settling {
			continue // it is just being made, and may not be locked yet
		}
		if l, err := flock.Try(lock); err == nil {
			_ = os.RemoveAll(dir)
			_ = l.Unlock()
		}
	}
}

func credential(accounts []string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	err := errors.New("no account to run a server as")
	for _, account := range accounts {
		var u *user.User
		if u, err = user.Lookup(account); err != nil {
			continue
		}
		uid, fault := strconv.ParseUint(u.Uid, 10, 32)
		if fault != nil {
			return nil, fault
		}
		gid, fault := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, fault
	}
	return nil, err
}

// Give makes a file belong to the server.
func (h *Home) Give(path string) error {
	if h.who == nil {
		return nil
	}
	return os.Chown(path, int(h.who.Uid), int(h.who.Gid))
}

// Remove removes all files.
func (h *Home) Remove() {
	_ = os.RemoveAll(h.Dir)
	if h.lock != nil {
		_ = h.lock.Unlock()
	}
}

// Run runs a command as the server's account, and returns what it has printed.
func (h *Home) Run(cmd *exec.Cmd) ([]byte, error) {
	cmd.Dir = h.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: h.who}
	return cmd.CombinedOutput()
}

// Process is a running server.
type Process struct {
	Ended <-chan struct{} // closed when it has ended

	process *os.Process
	death   syscall.Signal
}

// Start starts a server, which gets the signal when we die.
func (h *Home) Start(cmd *exec.Cmd, death syscall.Signal) (*Process, error) {
	cmd.Dir = h.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: h.who, Pdeathsig: death, Setpgid: true}
	ended, started := make(chan struct{}), make(chan error, 1)
	p := &Process{Ended: ended, death: death}
	go func() {
		// The signal comes when the thread ends that has started the server.
		runtime.LockOSThread()
		defer close(ended)
		err := cmd.Start()
		p.process = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// Kill sends the signal of our death and waits.
func (p *Process) Kill(patience time.Duration) error {
	if err := p.process.Signal(p.death); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.Ended:
		return nil
	case <-time.After(patience):
		return errors.New("the server does not end")
	}
}
