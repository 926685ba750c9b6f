package alert_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/internal/alert"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nasty is a name that breaks whatever does not escape it.
const nasty = "\"quoted\" \\ <script>alert(1)</script> & 'x'\nsecond line 🚀 [a](http://evil) *b* {{.}} %s"

// delivered is one request that a receiver got.
type delivered struct {
	path, query string
	header      http.Header
	body        []byte
}

// receiver takes what channels post.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	requests []delivered
	answer   func(w http.ResponseWriter, r *http.Request) // nil: status 200
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.requests = append(r.requests, delivered{req.URL.Path, req.URL.RawQuery, req.Header, body})
		answer := r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(w, req)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []delivered {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]delivered(nil), r.requests...)
}

func (r *receiver) answers(f func(w http.ResponseWriter, r *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// bundle is a project with a template, and an alerter.
type bundle struct {
	*pooltest.Pool
	t        *testing.T
	st       store.Store
	alerter  *alert.Alerter
	log      *bytes.Buffer
	template store.Template
}

// setup makes an alerter; the receiver is told of by whatever change enables.
func setup(t *testing.T, template store.Template, change func(c *alert.Config)) *bundle {
	t.Helper()
	b := &bundle{t: t, st: memory.New(memory.Config{}), log: &bytes.Buffer{}}
	cfg := alert.Config{
		Store: b.st, WebHost: "https://semaphore.example.com/", HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Log: slog.New(slog.NewTextHandler(b.log, nil)),
	}
	change(&cfg)
	var err error
	b.alerter, err = alert.New(cfg)
	require.NoError(t, err)
	b.Pool = pooltest.New(t, pooltest.Options{Store: b.st, Idle: true})
	b.Project.Alert = true
	b.template = b.Template(template)
	return b
}

// task makes a task of the template.
func (b *bundle) task(change func(t *store.Task)) store.Task {
	b.t.Helper()
	task := store.Task{ProjectID: b.Project.ID, TemplateID: b.template.ID, Status: store.Waiting}
	if change != nil {
		change(&task)
	}
	n := store.NewTask{Task: task, Snapshot: []byte("{}")}
	made, err := b.st.Tasks().Create(b.t.Context(), n)
	require.NoError(b.t, err)
	return made
}

func (b *bundle) user(u store.User) store.User {
	b.t.Helper()
	made, err := b.st.Users().Create(b.t.Context(), u)
	require.NoError(b.t, err)
	return made
}

// tell alerts of a task.
func (b *bundle) tell(task store.Task, kind store.OutboxKind, status store.Status) error {
	b.t.Helper()
	return b.alerter.Alert(b.t.Context(), pool.Alert{Kind: kind, Status: status, Task: task, Project: b.Project})
}

func pointer[T any](v T) *T { return &v }

// golden compares JSON with a file.
func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, body, "", "  "), "valid JSON: %s", body)
	var value any
	require.NoError(t, json.Unmarshal(body, &value))
	pretty.Reset()
	enc := json.NewEncoder(&pretty)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	require.NoError(t, enc.Encode(value))
	path := filepath.Join("testdata", name+".json")
	if *update {
		require.NoError(t, os.WriteFile(path, pretty.Bytes(), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), pretty.String())
}

var someTime = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
