//go:build linux

package cluster_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/store"
)

// machine is a place for a server or a runner of a fleet. Programs come and go
// there.
type machine struct {
	f    *fleet
	name string
	way  *proxy // to the database, or to the servers
	wire *wire  // to what it calls, instead of that; nil for none
	peer string // host:port at the other end of the wire

	runner bool
	tag    string
	token  string // of a runner
	mutant mutant

	dir     string
	process *process
	life    *life
	address string // of a server that serves, "" for none; guarded by fleet.mu
}

func (f *fleet) server(name string) *machine {
	m := &machine{f: f, name: name, dir: f.t.TempDir()}
	m.way = newProxy(f.t, func() []string { return []string{f.database.Host} })
	f.machines = append(f.machines, m)
	return m
}

// runnerOf makes a runner of a tag. Its calls go to all servers in turn.
func (f *fleet) runnerOf(name, tag string) *machine {
	m := &machine{f: f, name: name, runner: true, tag: tag, dir: f.t.TempDir(), token: crypto.Token(33)}
	m.way = newProxy(f.t, f.addresses)
	_, err := f.st.Runners().Create(f.t.Context(), store.Runner{
		Name: name, Tag: tag, Active: true, TokenHash: crypto.HashToken(m.token), MaxParallelTasks: f.capacity,
	})
	require.NoError(f.t, err)
	f.machines = append(f.machines, m)
	return m
}

// start starts a program there and waits for nothing.
func (m *machine) start() *machine {
	f := m.f
	f.t.Helper()
	m.life = &life{spawned: time.Now()}
	if !m.runner {
		f.lives = append(f.lives, m.life)
	}
	path, args, env := m.command()
	if m.wire != nil {
		path, args = m.wire.inside(path, args...)
	}
	p := launch(f.t, path, args, env)
	f.mu.Lock()
	m.process = p
	f.mu.Unlock()
	if !m.runner {
		f.wg.Go(func() {
			found := p.hears(`serving (http\S+) \(stop`)
			f.mu.Lock()
			defer f.mu.Unlock()
			if found != nil && m.process == p {
				m.address = strings.TrimPrefix(found[1], "http://")
			}
		})
	}
	return m
}

// command is what is run there.
func (m *machine) command() (path string, args, env []string) {
	f := m.f
	switch {
	case m.mutant != "":
		self, err := os.Executable()
		require.NoError(f.t, err)
		return self, nil, []string{programEnv + "=" + m.altered(), "GORACE=atexit_sleep_ms=0"}
	case m.runner:
		return program(f.t, "semaphore-runner"), []string{"start", "--no-config"}, m.env()
	default:
		return program(f.t, "semaphore"), []string{"server", "--no-config", "--port", "0", "--data-dir", m.dir}, m.env()
	}
}

// calls is the address of the database, or of servers, as it is known there.
func (m *machine) calls() string {
	if m.wire != nil {
		return m.peer
	}
	return m.way.addr
}

// listens is the address at which a server is called.
func (m *machine) listens() string {
	if m.wire != nil {
		return m.wire.far
	}
	return m.f.listen
}

// serves waits until it is there.
func (m *machine) serves() *machine {
	m.f.t.Helper()
	if m.runner {
		m.process.says("taking tasks from")
		return m
	}
	m.process.says(`serving (http\S+) \(stop`)
	eventually(m.f.t, func() bool { return m.url() != "" }, "%s is to serve", m.name)
	return m
}

func (m *machine) url() string {
	m.f.mu.Lock()
	defer m.f.mu.Unlock()
	return m.address
}

// kill kills the program, and it alone.
func (m *machine) kill() {
	m.f.t.Helper()
	m.f.mu.Lock()
	m.address = ""
	m.f.mu.Unlock()
	m.f.kills = append(m.f.kills, crash.Kill{At: time.Now(), Where: m.name})
	m.life.killed = time.Now()
	m.process.signal(syscall.SIGKILL)
	require.Equal(m.f.t, -1, m.process.exit(), "%s has ended by itself: %s", m.name, m.process.out)
}

// stop ends the program in order.
func (m *machine) stop() {
	m.f.t.Helper()
	m.process.signal(syscall.SIGTERM)
	require.Zero(m.f.t, m.process.exit(), "%s: %s", m.name, m.process.out)
	m.f.mu.Lock()
	m.address = ""
	m.f.mu.Unlock()
}

// vars are what its scripts are told.
func (m *machine) vars() map[string]string {
	return map[string]string{crash.EventsEnv: m.f.events, crash.WhereEnv: m.name}
}

// env is the configuration of a program as it is shipped.
func (m *machine) env() []string {
	f := m.f
	vars, err := json.Marshal(m.vars())
	require.NoError(f.t, err)
	env := append([]string{"SEMAPHORE_REPOS_PATH=" + f.repo, "SEMAPHORE_LOG_LEVEL=INFO", "SEMAPHORE_ENV_VARS=" + string(vars)}, f.env...)
	if m.runner {
		return append(env, "SEMAPHORE_DATA_DIR="+m.dir, "SEMAPHORE_WEB_ROOT=http://"+m.calls(), "SEMAPHORE_RUNNER_TOKEN="+m.token,
			fmt.Sprintf("SEMAPHORE_RUNNER_MAX_PARALLEL_TASKS=%d", f.capacity))
	}
	password, _ := f.database.User.Password()
	options := map[string]string{"sslmode": "disable"}
	if f.searchPath != "" {
		options["search_path"] = f.searchPath
	}
	text, err := json.Marshal(options)
	require.NoError(f.t, err)
	return append(env, "SEMAPHORE_INTERFACE="+m.listens(), "SEMAPHORE_DB_DIALECT=postgres", "SEMAPHORE_DB_HOST="+m.calls(),
		"SEMAPHORE_DB_USER="+f.database.User.Username(), "SEMAPHORE_DB_PASS="+password, "SEMAPHORE_DB_NAME="+strings.TrimPrefix(f.database.Path, "/"),
		"SEMAPHORE_DB_OPTIONS="+string(text), "SEMAPHORE_ACCESS_KEY_ENCRYPTION="+f.key.Encode())
}

// altered tells the program of this test what it is.
func (m *machine) altered() string {
	f := m.f
	via := *f.database
	via.Host = m.calls()
	if f.searchPath != "" {
		q := via.Query()
		q.Set("search_path", f.searchPath)
		via.RawQuery = q.Encode()
	}
	text, err := json.Marshal(altered{
		Runner: m.runner, Mutant: m.mutant, Dir: m.dir, Repo: f.repo, Vars: m.vars(), Key: f.key.Encode(), Token: m.token, Listen: m.listens(),
		DB: via.String(), Server: (&url.URL{Scheme: "http", Host: m.calls()}).String(), LeaseTTL: f.ttl, LostAfter: f.lostAfter, Tag: f.tags[m.name],
		Links: filepath.Join(m.dir, "l"), MaxParallel: f.maxParallel, Capacity: f.capacity,
	})
	require.NoError(f.t, err)
	return string(text)
}
