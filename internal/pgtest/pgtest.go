// Package pgtest gives tests a PostgreSQL of their own: a throw-away cluster of
// the installed programs, one per test process, with a database per test.
//
// [Main] ends it with the tests. A process that is killed takes the server along;
// what it leaves on the disk goes with the next start.
package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"go.uber.org/goleak"
)

// Password is that of the account of the cluster, for tests that no error tells
// it.
const Password = "hush-hush-password" //nolint:gosec // of a server that lives for a test

const account = "tester"

// shared is the cluster of the process.
var shared struct {
	mu      sync.Mutex
	cluster *Cluster
	reason  string // why there is none
}

// Main runs the tests of a package, ends the cluster and looks for goroutines
// that are left.
func Main(m goleak.TestingM) { goleak.VerifyTestMain(runner{m}) }

type runner struct{ m goleak.TestingM }

func (r runner) Run() int {
	defer func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if shared.cluster != nil {
			shared.cluster.destroy()
		}
	}()
	return r.m.Run()
}

// Shared returns the cluster of the process, which is started when it is asked
// for first. Where PostgreSQL is not installed the test is skipped.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.cluster == nil && shared.reason == "" {
		bin := binaries()
		if bin == "" {
			shared.reason = "PostgreSQL is not installed here: apt-get install postgresql"
		} else if c, err := start(bin, netip.Prefix{}); err != nil {
			t.Fatal(err)
		} else {
			shared.cluster = c
		}
	}
	if shared.reason != "" {
		t.Skip(shared.reason)
	}
	return shared.cluster
}

// Own returns a cluster for one test, which may stop and start it.
func Own(t testing.TB) *Cluster {
	t.Helper()
	return OwnAt(t, netip.Prefix{})
}

// OwnAt is [Own] that listens at an address of this machine besides 127.0.0.1,
// for clients of that address's network. What is not valid is none.
func OwnAt(t testing.TB, also netip.Prefix) *Cluster {
	t.Helper()
	Shared(t) // skips
	c, err := start(binaries(), also)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.destroy)
	return c
}

// binaries finds the newest installed programs, "" for none.
func binaries() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path := os.Getenv("SEMAPHORE_POSTGRES_BIN"); path != "" {
		found = append(found, filepath.Join(path, "initdb"))
	}
	if len(found) == 0 {
		return ""
	}
	version := func(path string) int {
		n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		if err != nil {
			return 1 << 20 // somebody named it
		}
		return n
	}
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	return filepath.Dir(found[0])
}

// patience is how long a server may take to start or to end.
const patience = 60 * time.Second

// Cluster is a running server.
type Cluster struct {
	bin, dir string
	port     int
	also     netip.Prefix // where it listens besides
	number   atomic.Int64
	making   sync.Mutex
	server   *server
	home     *home

	mu     sync.Mutex
	spares []string // prepared databases that no test uses
}

// URL names a database of the cluster, "" for one that nobody uses.
func (c *Cluster) URL(database string) string {
	if database == "" {
		database = "postgres"
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(account, Password), Host: "127.0.0.1:" + strconv.Itoa(c.port), Path: "/" + database}
	return u.String() + "?sslmode=disable"
}

// Socket is the directory of the cluster's socket.
func (c *Cluster) Socket() string { return c.dir }

// Database makes an empty database for a test and returns its URL.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name, err := c.create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.server != nil {
			_ = c.exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		}
	})
	return c.URL(name)
}

// Prepared returns the URL of a database that prepare has made. It is given to
// another test once reset has brought it back to where prepare left it: to make
// one takes many times as long.
func (c *Cluster) Prepared(t testing.TB, prepare func(url string) error, reset func(ctx context.Context, db *sql.DB) error) string {
	t.Helper()
	if name := c.spare(); name != "" {
		c.giveBack(t, name, reset)
		return c.URL(name)
	}
	name, err := c.create(t.Context())
	if err == nil {
		err = prepare(c.URL(name))
	}
	if err != nil {
		t.Fatal(err)
	}
	c.giveBack(t, name, reset)
	return c.URL(name)
}

func (c *Cluster) spare() (name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.spares); n > 0 {
		name, c.spares = c.spares[n-1], c.spares[:n-1]
	}
	return name
}

// giveBack resets a database at the end of its test. One that cannot be is not
// given to anybody.
func (c *Cluster) giveBack(t testing.TB, name string, reset func(ctx context.Context, db *sql.DB) error) {
	t.Helper()
	t.Cleanup(func() {
		db, err := sql.Open("pgx", c.URL(name))
		if err != nil {
			return
		}
		defer func() { _ = db.Close() }()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := reset(ctx, db); err != nil {
			t.Logf("reset database: %v", err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.spares = append(c.spares, name)
	})
}

func (c *Cluster) create(ctx context.Context) (name string, err error) {
	name = fmt.Sprintf("test_%d", c.number.Add(1))
	c.making.Lock() // two copies of a template get into each other's way
	defer c.making.Unlock()
	return name, c.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0")
}

func (c *Cluster) exec(ctx context.Context, query string) error {
	db, err := sql.Open("pgx", c.URL(""))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, query); err != nil {
		return fmt.Errorf("%s: %w", strings.SplitN(query, "\n", 2)[0], err)
	}
	return nil
}

// Kill ends the server as a crash would: at once, with nothing said to anybody.
func (c *Cluster) Kill(t testing.TB) {
	t.Helper()
	if err := c.server.Kill(patience); err != nil {
		t.Fatal(err)
	}
	c.server = nil
}

// Start starts the server again, on the same port.
func (c *Cluster) Start(t testing.TB) {
	t.Helper()
	if err := c.run(); err != nil {
		t.Fatal(err)
	}
}

// As is the URL for another account, with the same password.
func As(address, account string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address // the driver tells
	}
	u.User = url.UserPassword(account, Password)
	return u.String()
}
