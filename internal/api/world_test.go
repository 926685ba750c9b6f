package api_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// world is a server with people of every role in project {p}, and the owner of
// another one, {q}.
type world struct {
	t       *testing.T
	st      store.Store
	dump    func() string
	pool    *pool.TaskPool
	fake    *jobtest.Fake
	auth    *auth.Service
	ring    *crypto.Ring
	server  *api.Server
	handler http.Handler
	users   map[string]store.User
	tokens  map[string]string
	ids     map[string]int64 // what {name} in paths and bodies stands for
}

// options change what newWorld makes.
type options struct {
	auth   func(*auth.Config)
	pool   func(*pool.Config)
	api    func(*api.Config)
	script func(*job.Spec) jobtest.Script
	ring   *crypto.Ring // Defaults to a fresh one.
	idle   bool         // the pool does not run: tasks only wait
}

// people are the roles in {p}; stranger owns {q}.
var people = []string{"admin", "owner", "manager", "task_runner", "guest", "stranger"}

const password = "correct horse"

// backends runs a test on every store.
func backends(t *testing.T, o options, f func(t *testing.T, w *world)) {
	for _, name := range storesOf() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newWorldOn(t, o, func(t *testing.T) (store.Store, func() string) { return openStore(t, name) }))
		})
	}
}

// skipRaced leaves a walk of thousands of requests to the run without the race
// detector.
func skipRaced(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("runs without the race detector")
	}
}

func newWorld(t *testing.T, o options) *world { return newWorldOn(t, o, openMemory) }

func openMemory(t *testing.T) (store.Store, func() string) {
	st := memory.New(memory.Config{})
	return st, func() string { return dumpStore(t, st) }
}

// freshFile is a migrated file without rows: copying it is faster than migrating.
var freshFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "semaphore-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "fresh.db")
	st, err := sqlite.Open(context.Background(), path, sqlite.Config{})
	if err != nil {
		return nil, err
	}
	if err := st.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func openSQLite(t *testing.T) (store.Store, func() string) {
	data, err := freshFile()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "semaphore.db")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	st, err := sqlite.Open(t.Context(), path, sqlite.Config{Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return st, func() string { return dumpSQLite(t, path) }
}

// fileURI names a file as SQLite takes it: the # of a seed's directory would end
// the name.
func fileURI(path string) string {
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

// dumpSQLite is every row of every table as text.
func dumpSQLite(t *testing.T, path string) string {
	db, err := sql.Open("sqlite", fileURI(path)+"?mode=ro")
	require.NoError(t, err)
	defer db.Close()
	names, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`)
	require.NoError(t, err)
	defer names.Close()
	var tables []string
	for names.Next() {
		var name string
		require.NoError(t, names.Scan(&name))
		tables = append(tables, name)
	}
	require.NoError(t, names.Err())
	var b strings.Builder
	for _, table := range tables {
		rows, err := db.Query(`SELECT * FROM "` + table + `"`)
		require.NoError(t, err)
		defer rows.Close()
		columns, err := rows.Columns()
		require.NoError(t, err)
		var lines []string
		for rows.Next() {
			values := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			require.NoError(t, rows.Scan(into...))
			lines = append(lines, fmt.Sprintf("%s %v", table, values))
		}
		require.NoError(t, rows.Err())
		sort.Strings(lines)
		b.WriteString(strings.Join(lines, "\n") + "\n")
	}
	return b.String()
}

func newWorldOn(t *testing.T, o options, open func(*testing.T) (store.Store, func() string)) *world {
	w := assemble(t, o, open)
	w.populate()
	if !o.idle {
		w.run()
	}
	return w
}

// assemble makes a server on a store as it is.
func assemble(t *testing.T, o options, open func(*testing.T) (store.Store, func() string)) *world {
	w := &world{t: t, users: map[string]store.User{}, tokens: map[string]string{}, ids: map[string]int64{}}
	w.st, w.dump = open(t)
	log := slog.New(slog.DiscardHandler)
	var err error
	if w.ring = o.ring; w.ring == nil {
		w.ring, err = crypto.NewRing(crypto.GenerateKey())
		require.NoError(t, err)
	}
	w.fake = &jobtest.Fake{Script: o.script}
	poolConfig := pool.Config{Ring: w.ring, Executor: w.fake, Log: log}
	if o.pool != nil {
		o.pool(&poolConfig)
	}
	w.pool, err = pool.New(w.st, poolConfig)
	require.NoError(t, err)
	authConfig := auth.Config{Ring: w.ring, Log: log, BcryptCost: 4, TOTP: true, AllowRecovery: true}
	if o.auth != nil {
		o.auth(&authConfig)
	}
	w.auth, err = auth.New(w.st, authConfig)
	require.NoError(t, err)
	apiConfig := api.Config{
		Store: w.st, Pool: w.pool, Auth: w.auth, Ring: w.ring, Version: "1.2.3", WebHost: "https://semaphore.example.org/prefix",
		Apps: newFakeApps(), Log: log,
	}
	if o.api != nil {
		o.api(&apiConfig)
	}
	w.server, err = api.New(apiConfig)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.server.Close()) })
	w.handler = w.checked(w.server.Handler())
	return w
}

// run runs the pool until the test ends.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan error, 1)
	go func() { done <- w.pool.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		require.NoError(w.t, <-done)
	})
}

// populate makes people, projects and one of everything in both.
func (w *world) populate() {
	ctx := w.t.Context()
	hash, err := w.auth.HashPassword(password)
	require.NoError(w.t, err)
	for _, name := range people {
		u, err := w.st.Users().Create(ctx, store.User{Username: name, Name: strings.ToUpper(name), Email: name + "@example.org", Admin: name == "admin", Password: hash})
		require.NoError(w.t, err)
		w.users[name] = u
		w.ids[name] = u.ID
		w.tokens[name], _, err = w.auth.NewToken(ctx, u.ID, auth.TokenOptions{Name: "test"})
		require.NoError(w.t, err)
	}
	w.ids["p"], w.ids["q"] = w.project("first", "owner"), w.project("second", "stranger")
	for _, role := range []string{"manager", "task_runner", "guest"} {
		_, err := w.st.Projects().Members().Create(ctx, store.Member{ProjectID: w.ids["p"], UserID: w.ids[role], Role: role})
		require.NoError(w.t, err)
	}
}

// project makes a project with one of everything: {key}, {repository},
// {inventory}, {environment}, {view}, {template}; those of the second one are
// called {q_key} and so on.
func (w *world) project(name, owner string) int64 {
	ctx := w.t.Context()
	prefix := ""
	if name != "first" {
		prefix = "q_"
	}
	p, err := w.st.Projects().Create(ctx, store.Project{Name: name})
	require.NoError(w.t, err)
	_, err = w.st.Projects().Members().Create(ctx, store.Member{ProjectID: p.ID, UserID: w.ids[owner], Role: "owner"})
	require.NoError(w.t, err)
	key, err := w.pool.SaveKey(ctx, store.AccessKey{ProjectID: p.ID, Name: "key", Type: store.KeyLoginPassword, LoginPassword: store.LoginPassword{Login: "git", Password: "canary-password"}})
	require.NoError(w.t, err)
	repo, err := w.st.Repositories().Create(ctx, store.Repository{ProjectID: p.ID, Name: "code", GitURL: "https://git.example.org/code.git", GitBranch: "main", SSHKeyID: key.ID})
	require.NoError(w.t, err)
	inv, err := w.st.Inventories().Create(ctx, store.Inventory{ProjectID: p.ID, Name: "hosts", Type: store.InventoryStatic, Inventory: "localhost ansible_connection=local"})
	require.NoError(w.t, err)
	empty := "{}"
	env, err := w.st.Environments().Create(ctx, store.Environment{ProjectID: p.ID, Name: "vars", JSON: `{"region":"eu"}`, Env: &empty})
	require.NoError(w.t, err)
	view, err := w.st.Views().Create(ctx, store.View{ProjectID: p.ID, Title: "All", Type: "all"})
	require.NoError(w.t, err)
	tpl, err := w.st.Templates().Create(ctx, store.Template{ProjectID: p.ID, Name: "hello", App: "bash", Playbook: "hello.sh", RepositoryID: repo.ID, InventoryID: &inv.ID, EnvironmentID: &env.ID, ViewID: &view.ID})
	require.NoError(w.t, err)
	for name, id := range map[string]int64{"key": key.ID, "repository": repo.ID, "inventory": inv.ID, "environment": env.ID, "view": view.ID, "template": tpl.ID} {
		w.ids[prefix+name] = id
	}
	return p.ID
}

// fill replaces {name} by ids.
func (w *world) fill(text string) string {
	for name, id := range w.ids {
		text = strings.ReplaceAll(text, "{"+name+"}", fmt.Sprint(id))
	}
	return text
}

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// decode reads the body.
func (a answer) decode(t *testing.T, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.Body), v), a.Body)
}

// do sends a request as somebody; "" is nobody.
func (w *world) do(as, method, path, body string, header ...string) answer {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, "http://semaphore.example.org/api"+w.fill(path), strings.NewReader(w.fill(body)))
	if as != "" {
		r.Header.Set("Authorization", "Bearer "+w.tokens[as])
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	res := rec.Result()
	data, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	return answer{Status: res.StatusCode, Header: res.Header, Body: string(data)}
}

// created sends a POST, wants 201, and remembers the id as {name}.
func (w *world) created(name, as, path, body string) answer {
	w.t.Helper()
	a := w.do(as, "POST", path, body)
	require.Equal(w.t, http.StatusCreated, a.Status, a.Body)
	var row struct {
		ID int64 `json:"id"`
	}
	a.decode(w.t, &row)
	w.ids[name] = row.ID
	return a
}

// scenario is one request and what has to come of it. On a refusal nothing may
// have changed in the database.
type scenario struct {
	name     string
	as       string // Defaults to owner.
	method   string
	path     string
	body     string
	header   []string
	status   int
	contains []string
	lacks    []string
	after    func(t *testing.T, w *world, a answer)
}

// play runs scenarios one after another.
func (w *world) play(list []scenario) {
	w.t.Helper()
	for _, s := range list {
		w.t.Run(s.name, func(t *testing.T) {
			as := s.as
			switch as {
			case "":
				as = "owner"
			case "nobody":
				as = ""
			}
			before := ""
			if s.status >= 400 {
				before = w.dump()
			}
			a := w.do(as, s.method, s.path, s.body, s.header...)
			require.Equal(t, s.status, a.Status, "%s %s: %s", s.method, s.path, a.Body)
			if s.status >= 400 {
				require.Equal(t, before, w.dump(), "a refusal changed the database")
				var e struct{ Error string }
				a.decode(t, &e)
				require.NotEmpty(t, e.Error)
			}
			for _, text := range s.contains {
				require.Contains(t, a.Body, w.fill(text))
			}
			for _, text := range s.lacks {
				require.NotContains(t, a.Body, w.fill(text))
			}
			if s.after != nil {
				s.after(t, w, a)
			}
		})
	}
}
