//go:build linux

package cluster_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// Limits of every fleet.
const (
	maxParallel = 8
	perProject  = 5
)

// fleet is a database with templates, machines whose programs work on it, and
// this process beside them. Its scripts write down what they do.
type fleet struct {
	t        testing.TB
	pg       *pgtest.Cluster
	database *url.URL
	st       *postgres.Store // not by way of any proxy
	pool     *pool.TaskPool
	key      crypto.Key
	token    string // of an administrator
	client   *http.Client
	repo     string
	events   string // file
	env      []string

	listen         string        // address of servers
	searchPath     string        // of the servers' connections
	ttl, lostAfter time.Duration // of altered programs
	maxParallel    int
	capacity       int // of runners
	perProject     map[int64]int
	tags           map[string]string // of altered servers, by name

	machines  []*machine
	templates []store.Template
	wg        sync.WaitGroup

	mu      sync.Mutex // guards addresses of machines, and what follows
	stopped map[int64]bool
	seen    map[int64][]store.LogLine

	kills []crash.Kill
	lives []*life      // of servers
	added []store.Task // that somebody was told of
}

func newFleet(t testing.TB, pg *pgtest.Cluster, env ...string) *fleet {
	t.Helper()
	dir := t.TempDir()
	f := &fleet{
		t: t, pg: pg, key: crypto.GenerateKey(), client: newClient(t), repo: filepath.Join(dir, "repo"), events: filepath.Join(dir, "events"), listen: "127.0.0.1",
		ttl: 2 * time.Second, lostAfter: 5 * time.Second, maxParallel: maxParallel, capacity: 3, tags: map[string]string{}, stopped: map[int64]bool{}, seen: map[int64][]store.LogLine{},
	}
	f.env = append([]string{
		"SEMAPHORE_LOST_AFTER_SEC=20", "SEMAPHORE_LOST_AFTER_RETRY_SEC=20", fmt.Sprintf("SEMAPHORE_MAX_PARALLEL_TASKS=%d", maxParallel),
	}, env...)
	require.NoError(t, os.Mkdir(f.repo, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(f.repo, "task.sh"), crash.Script, 0o600))
	require.NoError(t, os.WriteFile(f.events, nil, 0o600))
	address := pg.Database(t)
	var err error
	f.database, err = url.Parse(address)
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	f.st, err = postgres.Open(t.Context(), address, postgres.Config{MaxConns: 6, BusyTimeout: time.Minute, Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.st.Close()) })
	t.Cleanup(f.wg.Wait)
	ring, err := crypto.NewRing(f.key)
	require.NoError(t, err)
	f.pool, err = pool.New(f.st, pool.Config{Ring: ring, Log: log})
	require.NoError(t, err)
	f.administrator()
	t.Cleanup(f.killLeft)
	return f
}

// administrator makes one, with a token.
func (f *fleet) administrator() {
	f.t.Helper()
	ctx := f.t.Context()
	user, err := f.st.Users().Create(ctx, store.User{Username: "admin", Name: "Admin", Email: "admin@example.org", Admin: true, Created: time.Now()})
	require.NoError(f.t, err)
	f.token = strings.ToLower(crypto.Token(33))
	_, err = f.st.Users().Tokens().Create(ctx, store.APIToken{UserID: user.ID, Prefix: f.token[:8], Hash: crypto.HashToken(f.token), Created: time.Now()})
	require.NoError(f.t, err)
}

// template makes one of the script, for servers or for the runners of a tag.
func (f *fleet) template(project, tag string, t store.Template) store.Template {
	f.t.Helper()
	if t.Playbook == "" {
		t.Playbook = "task.sh"
	}
	t.App = "bash"
	if tag != "" {
		t.RunnerTag = &tag
	}
	tpl, err := f.pool.Ensure(f.t.Context(), pool.Blueprint{Project: project, Repository: store.Repository{Name: "scripts", GitURL: f.repo}, Template: t})
	require.NoError(f.t, err)
	f.templates = append(f.templates, tpl)
	return tpl
}

// mixed makes templates of all kinds, for servers and for runners.
func (f *fleet) mixed() {
	f.t.Helper()
	for _, tag := range []string{"", tag} {
		f.template("one", tag, store.Template{Name: "parallel " + tag, AllowParallelTasks: true})
		f.template("one", tag, store.Template{Name: "exclusive " + tag})
		f.template("one", tag, store.Template{Name: "retry " + tag, AllowParallelTasks: true, Options: store.TemplateOptions{MaxRetries: 3}})
		f.template("two", tag, store.Template{Name: "other " + tag, AllowParallelTasks: true})
	}
	project, err := f.st.Projects().Get(f.t.Context(), 0, f.templates[0].ProjectID)
	require.NoError(f.t, err)
	project.MaxParallelTasks = perProject
	require.NoError(f.t, f.st.Projects().Update(f.t.Context(), project))
	f.perProject = map[int64]int{project.ID: perProject}
}

// addresses lists the servers that serve, in an order that changes.
func (f *fleet) addresses() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, m := range f.machines {
		if m.address != "" {
			list = append(list, m.address)
		}
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// errRefused tells that a server does not do what it was asked for.
var errRefused = errors.New("refused")

// at sends a request to one server and returns the reply.
func (f *fleet) at(address, method, path string, body, out any) error {
	status, text, err := request(f.t, f.client, method, "http://"+address+"/api"+path, f.token, body)
	switch {
	case err != nil:
		return err
	case status >= 500:
		return fmt.Errorf("%s %s: %d %s", method, path, status, text)
	case status >= 300:
		return fmt.Errorf("%s %s: %d %s: %w", method, path, status, text, errRefused)
	case out == nil || text == "":
		return nil
	default:
		return json.Unmarshal([]byte(text), out)
	}
}

// ask sends a request to any server, again to any where it did not answer, and
// returns the reply.
func (f *fleet) ask(method, path string, body, out any) error {
	var last error
	for limit := time.Now().Add(patience); time.Now().Before(limit); {
		for _, address := range f.addresses() {
			last = f.at(address, method, path, body, out)
			if last == nil || errors.Is(last, errRefused) {
				return last
			}
		}
		select {
		case <-f.t.Context().Done():
			return f.t.Context().Err()
		case <-time.After(100 * time.Millisecond): // all may be down
		}
	}
	return fmt.Errorf("no server answers: %w", last)
}

// script is what a task does.
type script struct {
	lines, pause int // how many, and with at most how many milliseconds between them
	tidy         int // milliseconds until it has tidied up after a stop
	again        int // lines of later attempts; 0: as many
}

func (s script) message() string {
	if s.again == 0 {
		s.again = s.lines
	}
	return fmt.Sprintf("%d %d %d %d", s.lines, s.pause, s.tidy, s.again)
}

// add adds a task at any server.
func (f *fleet) add(tpl store.Template, s script) store.Task {
	f.t.Helper()
	var task store.Task
	require.NoError(f.t, f.ask("POST", fmt.Sprintf("/project/%d/tasks", tpl.ProjectID), map[string]any{"template_id": tpl.ID, "message": s.message()}, &task))
	task.ProjectID = tpl.ProjectID
	f.added = append(f.added, task)
	return task
}

// task reads a task from the database.
func (f *fleet) task(t store.Task) store.Task {
	f.t.Helper()
	now, err := f.st.Tasks().Get(f.t.Context(), t.ProjectID, t.ID)
	require.NoError(f.t, err)
	return now
}

// ends waits for the end of a task.
func (f *fleet) ends(t store.Task) (now store.Task) {
	f.t.Helper()
	eventually(f.t, func() bool { now = f.task(t); return now.Status.Finished() }, "task %d is to end", t.ID)
	return now
}

// history reads what the scripts have written so far.
func (f *fleet) history() []crash.Event {
	f.t.Helper()
	text, err := os.ReadFile(f.events)
	require.NoError(f.t, err)
	events, err := crash.ParseEvents(string(text))
	require.NoError(f.t, err)
	return events
}

// awaitEvent waits until a script has written something.
func (f *fleet) awaitEvent(t store.Task, attempt int, kind crash.Kind) (found crash.Event) {
	f.t.Helper()
	eventually(f.t, func() bool {
		for _, e := range f.history() {
			if e.Task == t.ID && e.Attempt == attempt && e.Kind == kind {
				found = e
				return true
			}
		}
		return false
	}, "task %d, attempt %d, is to %s", t.ID, attempt, kind)
	return found
}
