package pgtest

import (
	"context"
	"database/sql"
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
	dirPattern = "semaphore-pg-*"
	lockName   = "test.lock"
	patience   = 60 * time.Second
)

// settings make a server fast that nobody will miss. What was committed still
// outlives the server's own death.
var settings = []string{
	"fsync=off", "full_page_writes=off", "synchronous_commit=on", "autovacuum_naptime=5s",
	"max_connections=500", "shared_buffers=128MB", "max_wal_size=1GB", "deadlock_timeout=200ms",
	"log_min_messages=fatal", "wal_level=minimal", "max_wal_senders=0",
}

// server is a running postmaster.
type server struct {
	process *os.Process
	ended   chan struct{}
}

func start(bin string) (*Cluster, error) {
	sweep()
	dir, err := os.MkdirTemp("", dirPattern)
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, dir: dir}
	if err := c.initdb(); err != nil {
		c.destroy()
		return nil, fmt.Errorf("make a PostgreSQL cluster: %w", err)
	}
	if err := c.run(); err != nil {
		c.destroy()
		return nil, err
	}
	return c, nil
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

// initdb makes the files. The server refuses to run as root.
func (c *Cluster) initdb() error {
	lock, err := flock.Try(filepath.Join(c.dir, lockName))
	if err != nil {
		return err
	}
	c.unlock = lock.Unlock
	password := filepath.Join(c.dir, "password")
	if err := os.WriteFile(password, []byte(Password+"\n"), 0o600); err != nil {
		return err
	}
	who, err := credential()
	if err != nil {
		return err
	}
	if who != nil {
		for _, path := range []string{c.dir, password} {
			if err := os.Chown(path, int(who.Uid), int(who.Gid)); err != nil {
				return err
			}
		}
	}
	cmd := exec.Command(filepath.Join(c.bin, "initdb"), "-D", c.data(), "-U", account, "--pwfile", password,
		"-A", "scram-sha-256", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8")
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	c.port, err = freePort()
	return err
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// credential is whom the server runs as, nil for who we are.
func credential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
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

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// run starts the server and waits until it answers.
func (c *Cluster) run() error {
	who, err := credential()
	if err != nil {
		return err
	}
	args := []string{"-D", c.data(), "-k", c.dir, "-h", "127.0.0.1", "-p", strconv.Itoa(c.port)}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGQUIT, Setpgid: true}
	started, s := make(chan error, 1), &server{ended: make(chan struct{})}
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
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	c.server = s
	return c.ready()
}

// ready waits until the server answers.
func (c *Cluster) ready() error {
	db, err := sql.Open("pgx", c.URL(""))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-c.server.ended:
			text, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("PostgreSQL has ended: %s", text)
		case <-ctx.Done():
			return fmt.Errorf("wait for PostgreSQL: %w", errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// kill is what pg_ctl stop -m immediate does.
func (s *server) kill() error {
	if err := s.process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(patience):
		return errors.New("PostgreSQL does not end")
	}
}

func (c *Cluster) destroy() {
	if c.server != nil {
		_ = c.server.kill()
		c.server = nil
	}
	_ = os.RemoveAll(c.dir)
	if c.unlock != nil {
		_ = c.unlock()
	}
}
