package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/alexandervashurin/semaphore/internal/daemon"
)

const dirPattern = "semaphore-pg-*"

// settings make a server fast that nobody will miss. What was committed still
// outlives the server's own death.
var settings = []string{
	"fsync=off", "full_page_writes=off", "synchronous_commit=on", "autovacuum_naptime=5s",
	"max_connections=500", "shared_buffers=128MB", "max_wal_size=1GB", "deadlock_timeout=200ms",
	"log_min_messages=fatal", "wal_level=minimal", "max_wal_senders=0",
}

type (
	home   = daemon.Home
	server = daemon.Process // a running postmaster
)

func start(bin string, also netip.Prefix) (*Cluster, error) {
	home, err := daemon.NewHome(dirPattern, "postgres", "nobody")
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, dir: home.Dir, home: home, also: also}
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

// initdb makes the files.
func (c *Cluster) initdb() error {
	password := filepath.Join(c.dir, "password")
	if err := os.WriteFile(password, []byte(Password+"\n"), 0o600); err != nil {
		return err
	}
	if err := c.home.Give(password); err != nil {
		return err
	}
	out, err := c.home.Run(exec.Command(filepath.Join(c.bin, "initdb"), "-D", c.data(), "-U", account, "--pwfile", password,
		"-A", "scram-sha-256", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8"))
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	if err := c.admit(); err != nil {
		return err
	}
	c.port, err = freePort()
	return err
}

// admit lets clients in that come from the other network.
func (c *Cluster) admit() (err error) {
	if !c.also.IsValid() {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(c.data(), "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = fmt.Fprintf(file, "host all all %s scram-sha-256\n", c.also.Masked())
	return err
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

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
	listen := "127.0.0.1"
	if c.also.IsValid() {
		listen += "," + c.also.Addr().String()
	}
	args := []string{"-D", c.data(), "-k", c.dir, "-h", listen, "-p", strconv.Itoa(c.port)}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), args...)
	cmd.Stdout, cmd.Stderr = log, log
	if c.server, err = c.home.Start(cmd, syscall.SIGQUIT); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
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
		case <-c.server.Ended:
			text, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("PostgreSQL has ended: %s", text)
		case <-ctx.Done():
			return fmt.Errorf("wait for PostgreSQL: %w", errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *Cluster) destroy() {
	if c.server != nil {
		_ = c.server.Kill(patience)
		c.server = nil
	}
	c.home.Remove()
}
