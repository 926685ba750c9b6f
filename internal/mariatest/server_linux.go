package mariatest

import (
	"context"
	"errors"
	"fmt"
	"net"
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
	dirPattern = "semaphore-maria-*"
	lockName   = "test.lock"
	patience   = 60 * time.Second
)

// server is a running daemon.
type server struct {
	dir     string
	process *os.Process
	ended   chan struct{}
	unlock  func() error
}

// run makes the files of a server and starts it.
func run(bin string) (*server, error) {
	sweep()
	dir, err := os.MkdirTemp("", dirPattern)
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, ended: make(chan struct{})}
	if err := s.prepare(); err != nil {
		s.destroy()
		return nil, fmt.Errorf("make a MariaDB server: %w", err)
	}
	if err := s.start(bin); err != nil {
		s.destroy()
		return nil, fmt.Errorf("start MariaDB: %w", err)
	}
	return s, nil
}

// sweep removes what killed test processes have left.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPattern))
	for _, dir := range dirs {
		lock := filepath.Join(dir, lockName)
		if _, err := os.Stat(lock); err != nil {
			continue // it is just being made
		}
		if l, err := flock.Try(lock); err == nil {
			_ = os.RemoveAll(dir)
			_ = l.Unlock()
		}
	}
}

// prepare makes the files. The server refuses to run as root.
func (s *server) prepare() error {
	lock, err := flock.Try(filepath.Join(s.dir, lockName))
	if err != nil {
		return err
	}
	s.unlock = lock.Unlock
	who, err := credential()
	if err != nil {
		return err
	}
	if who != nil {
		if err := os.Chown(s.dir, int(who.Uid), int(who.Gid)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "mariadb-install-db", "--no-defaults", "--datadir="+filepath.Join(s.dir, "data"),
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "TMPDIR="+s.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	return nil
}

// credential is whom the server runs as, nil for who we are.
func credential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("mysql")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

func (s *server) start(bin string) error {
	who, err := credential()
	if err != nil {
		return err
	}
	cmd := exec.Command(bin, "--no-defaults", "--datadir="+filepath.Join(s.dir, "data"), "--socket="+s.socket(), "--skip-networking",
		"--pid-file="+filepath.Join(s.dir, "pid"), "--tmpdir="+s.dir, "--log-error="+filepath.Join(s.dir, "log"),
		"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--skip-log-bin", "--performance-schema=0", "--max-connections=200")
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error, 1)
	go func() {
		// The signal comes when the thread ends that has started the server.
		runtime.LockOSThread()
		defer close(s.ended)
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		s.process = cmd.Process
		started <- nil
		_ = cmd.Wait()
	}()
	if err := <-started; err != nil {
		return err
	}
	return s.ready()
}

// ready waits until the server answers.
func (s *server) ready() error {
	deadline := time.After(patience)
	for {
		if c, err := net.Dial("unix", s.socket()); err == nil {
			return c.Close()
		}
		select {
		case <-s.ended:
			text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("it has ended: %s", text)
		case <-deadline:
			return errors.New("it does not answer")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *server) destroy() {
	if s.process != nil {
		_ = s.process.Kill()
		<-s.ended
		s.process = nil
	}
	_ = os.RemoveAll(s.dir)
	if s.unlock != nil {
		_ = s.unlock()
	}
}
