package crash_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// bench is a database with templates, a program that works on it, and this
// process beside the two.
type bench struct {
	t       *testing.T
	program crash.Program
	ring    *crypto.Ring

	parallel, exclusive, retry, other store.Template // other is of a second project

	beside sync.RWMutex // held for writing while the store is opened anew
	st     *sqlite.Store
	pool   *pool.TaskPool

	records []*crash.Record
	kills   []crash.Kill
	started time.Time // the program, for the last time
}

// Limits of every bench.
const (
	maxParallel = 4
	perProject  = 3
)

func newBench(t *testing.T, change ...func(*crash.Program)) *bench {
	t.Helper()
	dir := t.TempDir()
	key := crypto.GenerateKey()
	b := &bench{t: t, program: crash.Program{
		DB: filepath.Join(dir, "semaphore.db"), Dir: filepath.Join(dir, "data"), Repo: filepath.Join(dir, "repo"),
		Events: filepath.Join(dir, "events"), Key: key.Encode(), MaxParallel: maxParallel,
		LeaseTTL: 2 * time.Second, LostAfterRetry: 5 * time.Second, ShutdownGrace: 8 * time.Second,
	}}
	for _, f := range change {
		f(&b.program)
	}
	require.NoError(t, os.Mkdir(b.program.Repo, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(b.program.Repo, "task.sh"), crash.Script, 0o600))
	require.NoError(t, os.WriteFile(b.program.Events, nil, 0o600))
	var err error
	b.ring, err = crypto.NewRing(key)
	require.NoError(t, err)
	b.open()
	t.Cleanup(func() { require.NoError(t, b.st.Close()) })
	b.parallel = b.template("one", store.Template{Name: "parallel", AllowParallelTasks: true})
	b.exclusive = b.template("one", store.Template{Name: "exclusive"})
	b.retry = b.template("one", store.Template{Name: "retry", AllowParallelTasks: true, Options: store.TemplateOptions{MaxRetries: 3}})
	b.other = b.template("two", store.Template{Name: "other", AllowParallelTasks: true})
	project, err := b.st.Projects().Get(t.Context(), 0, b.parallel.ProjectID)
	require.NoError(t, err)
	project.MaxParallelTasks = perProject
	require.NoError(t, b.st.Projects().Update(t.Context(), project))
	t.Cleanup(b.killLeft)
	return b
}

// open opens the store as a command does: without running the pool.
func (b *bench) open() {
	var err error
	b.st, err = sqlite.Open(b.t.Context(), b.program.DB, sqlite.Config{})
	require.NoError(b.t, err)
	b.pool, err = pool.New(b.st, pool.Config{
		Ring: b.ring, MaxParallel: maxParallel, Poll: 20 * time.Millisecond,
		LostAfterRetry: b.program.LostAfterRetry, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(b.t, err)
}

func (b *bench) template(project string, t store.Template) store.Template {
	b.t.Helper()
	t.App, t.Playbook = "bash", "task.sh"
	tpl, err := b.pool.Ensure(b.t.Context(), pool.Blueprint{Project: project, Repository: store.Repository{Name: "scripts", GitURL: b.program.Repo}, Template: t})
	require.NoError(b.t, err)
	return tpl
}

// script is what a task does.
type script struct {
	lines, pause int // how many, and with how many milliseconds between them
	tidy         int // milliseconds until it has tidied up after a stop
	again        int // lines of later attempts
}

func (b *bench) add(tpl store.Template, s script) *crash.Record {
	b.t.Helper()
	task, err := b.pool.AddTask(b.t.Context(), pool.AddRequest{Task: store.Task{
		ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Message: fmt.Sprintf("%d %d %d %d", s.lines, s.pause, s.tidy, cmp.Or(s.again, s.lines)),
	}, By: pool.Caller{Manage: true}})
	require.NoError(b.t, err)
	r := &crash.Record{ID: task.ID, Task: task, Exclusive: !tpl.AllowParallelTasks, Lines: s.lines, Again: s.again}
	b.records = append(b.records, r)
	return r
}

// process is a program that runs.
type process struct {
	*exec.Cmd
	b     *bench
	errs  *bytes.Buffer
	ended chan struct{} // closed once it has
	err   error         // how; valid from then on
}

// start starts the program; the test ends it at the latest.
func (b *bench) start(change ...func(*crash.Program)) *process {
	b.t.Helper()
	program := b.program
	for _, f := range change {
		f(&program)
	}
	text, err := json.Marshal(program)
	require.NoError(b.t, err)
	self, err := os.Executable()
	require.NoError(b.t, err)
	p := &process{Cmd: exec.Command(self), b: b, errs: &bytes.Buffer{}, ended: make(chan struct{})}
	p.Env = append(os.Environ(), crash.ProgramEnv+"="+string(text), crash.EventsEnv+"="+program.Events, "GORACE=atexit_sleep_ms=0")
	p.Stderr = p.errs
	b.started = time.Now()
	require.NoError(b.t, p.Start())
	go func() {
		defer close(p.ended)
		p.err = p.Wait()
	}()
	b.t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.ended
	})
	return p
}

// wait returns how the program ended.
func (p *process) wait(limit time.Duration) error {
	p.b.t.Helper()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(limit):
		p.b.t.Fatalf("the program still runs after %v", limit)
		return nil
	}
}

func (p *process) signal(s syscall.Signal) { require.NoError(p.b.t, p.Process.Signal(s)) }

// kill kills the program, and it alone.
func (p *process) kill() {
	p.b.kills = append(p.b.kills, crash.Kill{At: time.Now()})
	err := p.Process.Kill()
	ended := p.wait(10 * time.Second)
	require.NoError(p.b.t, err, "the program ended by itself: %v\n%s", ended, tail(p.errs))
}

// tail is the end of what a program that has ended has said.
func tail(b *bytes.Buffer) string {
	text := b.String()
	return text[max(0, len(text)-4000):]
}

// events reads what the scripts have written so far.
func (b *bench) events() []crash.Event {
	b.t.Helper()
	text, err := os.ReadFile(b.program.Events)
	require.NoError(b.t, err)
	events, err := crash.ParseEvents(string(text))
	require.NoError(b.t, err)
	return events
}

// awaitEvent waits until a script has written something.
func (b *bench) awaitEvent(r *crash.Record, attempt int, kind crash.Kind) crash.Event {
	b.t.Helper()
	var found crash.Event
	require.Eventually(b.t, func() bool {
		for _, e := range b.events() {
			if e.Task == r.ID && e.Attempt == attempt && e.Kind == kind {
				found = e
				return true
			}
		}
		return false
	}, 30*time.Second, 2*time.Millisecond)
	return found
}

// left lists the processes of this bench's runs and programs.
func (b *bench) left() []int {
	markers := map[string]bool{}
	for _, e := range b.events() {
		markers["SEMAPHORE_RUN_MARKER="+e.Marker] = true
	}
	entries, err := os.ReadDir("/proc")
	require.NoError(b.t, err)
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if err != nil {
			continue // gone, or not ours
		}
		if slices.ContainsFunc(strings.Split(string(env), "\x00"), func(kv string) bool {
			return kv == crash.EventsEnv+"="+b.program.Events || markers[kv]
		}) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killLeft ends what a mutant has left.
func (b *bench) killLeft() {
	for _, pid := range b.left() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
