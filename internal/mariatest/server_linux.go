package mariatest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alexandervashurin/semaphore/internal/daemon"
)

const (
	dirPattern = "semaphore-maria-*"
	patience   = 60 * time.Second
)

// server is a running daemon.
type server struct {
	dir     string
	home    *daemon.Home
	process *daemon.Process
}

// run makes the files of a server and starts it.
func run(bin string) (*server, error) {
	home, err := daemon.NewHome(dirPattern, "mysql", "nobody")
	if err != nil {
		return nil, err
	}
	s := &server{dir: home.Dir, home: home}
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

// prepare makes the files.
func (s *server) prepare() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "mariadb-install-db", "--no-defaults", "--datadir="+filepath.Join(s.dir, "data"),
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	cmd.Env = append(os.Environ(), "TMPDIR="+s.dir)
	if out, err := s.home.Run(cmd); err != nil {
		return fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	return nil
}

func (s *server) start(bin string) error {
	cmd := exec.Command(bin, "--no-defaults", "--datadir="+filepath.Join(s.dir, "data"), "--socket="+s.socket(), "--skip-networking",
		"--pid-file="+filepath.Join(s.dir, "pid"), "--tmpdir="+s.dir, "--log-error="+filepath.Join(s.dir, "log"),
		"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--skip-log-bin", "--performance-schema=0", "--max-connections=200")
	var err error
	if s.process, err = s.home.Start(cmd, syscall.SIGKILL); err != nil {
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
		case <-s.process.Ended:
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
		_ = s.process.Kill(patience)
		s.process = nil
	}
	s.home.Remove()
}
