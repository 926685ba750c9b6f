// Package mariatest gives tests a MariaDB of their own: a throw-away server of
// the installed programs on a socket in a temporary directory, one per test
// process, with a database per test.
//
// [Wrap] ends it with the tests. A process that is killed takes the server along;
// what it leaves on the disk goes with the next start.
package mariatest

import (
	"database/sql"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"
)

// shared is the server of the process.
var shared struct {
	mu     sync.Mutex
	server *server
	reason string // why there is none
	count  atomic.Int64
}

// Wrap runs the tests of m and ends the server behind them.
func Wrap(m goleak.TestingM) goleak.TestingM { return runner{m} }

type runner struct{ m goleak.TestingM }

// Run runs the tests.
func (r runner) Run() int {
	defer func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if shared.server != nil {
			shared.server.destroy()
			shared.server = nil
		}
	}()
	return r.m.Run()
}

// Database is an empty one.
type Database struct {
	DB  *sql.DB // closed with the test
	URL string  // as mysql://root@/name?socket=path
}

// New makes a database for one test. Where MariaDB is not installed the test is
// skipped.
func New(t testing.TB) Database {
	t.Helper()
	s := start(t)
	name := "test" + strconv.FormatInt(shared.count.Add(1), 10)
	admin := s.open(t, "")
	_, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
	if err != nil {
		t.Fatal(err)
	}
	u := url.URL{Scheme: "mysql", User: url.User("root"), Path: "/" + name, RawQuery: url.Values{"socket": {s.socket()}}.Encode()}
	return Database{DB: s.open(t, name), URL: u.String()}
}

func start(t testing.TB) *server {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil && shared.reason == "" {
		if bin := program(); bin == "" {
			shared.reason = "MariaDB is not installed here: apt-get install mariadb-server"
		} else if s, err := run(bin); err != nil {
			t.Fatal(err)
		} else {
			shared.server = s
		}
	}
	if shared.reason != "" {
		t.Skip(shared.reason)
	}
	return shared.server
}

// program finds the server's program, "" where there is none.
func program() string {
	if bin, err := exec.LookPath("mariadbd"); err == nil {
		return bin
	}
	if _, err := os.Stat("/usr/sbin/mariadbd"); err == nil {
		return "/usr/sbin/mariadbd"
	}
	return ""
}

func (s *server) socket() string { return filepath.Join(s.dir, "s") }

func (s *server) open(t testing.TB, name string) *sql.DB {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName, cfg.ParseTime = "root", "unix", s.socket(), name, true
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
