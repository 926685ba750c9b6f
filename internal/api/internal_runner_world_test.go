package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// wire is what went over the network, and cuts it on demand.
type wire struct {
	handler http.Handler

	mu   sync.Mutex
	text bytes.Buffer
	cut  bool                                           // every request fails
	lose func(path string) bool                         // the request is served, the answer lost
	edit func(path string, h http.Header, body *[]byte) // changes a request
}

// ServeHTTP passes a request on.
func (x *wire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	x.mu.Lock()
	if x.edit != nil {
		x.edit(r.URL.Path, r.Header, &body)
	}
	x.text.Write(body)
	cut, handler := x.cut, x.handler
	x.mu.Unlock()
	if cut || err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, r)
	x.mu.Lock()
	x.text.Write(rec.Body.Bytes())
	cut = x.cut || x.lose != nil && x.lose(r.URL.Path)
	x.mu.Unlock()
	if cut {
		panic(http.ErrAbortHandler)
	}
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// set changes what the wire does.
func (x *wire) set(change func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	change()
}

// seen is everything that went over it.
func (x *wire) seen() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.text.String()
}

const registration = "the-registration-token"

// farWorld is a world whose tasks run on runners alone, behind a wire.
func farWorld(t *testing.T, o options, open func(*testing.T) (store.Store, func() string)) (*world, *wire, string) {
	change, settings := o.pool, o.api
	o.pool = func(c *pool.Config) {
		c.Executor = nil
		c.LeaseTTL = 3 * time.Second
		if change != nil {
			change(c)
		}
	}
	o.api = func(c *api.Config) {
		c.Settings.RunnerRegistrationToken = registration
		if settings != nil {
			settings(c)
		}
	}
	w := newWorldOn(t, o, open)
	x := &wire{handler: w.handler}
	server := httptest.NewServer(x)
	t.Cleanup(server.Close)
	return w, x, server.URL + "/prefix"
}

// farRunner is a runner: its token and key, and what runs on it.
type farRunner struct {
	t      testing.TB
	url    string
	token  string
	key    crypto.BoxPrivate
	id     int64
	dir    string
	client *http.Client
}

// newRunner enrols a runner through a place that an administrator has made.
func newRunner(t testing.TB, w *world, url, place string) *farRunner {
	t.Helper()
	key, _, err := crypto.GenerateBoxKey()
	require.NoError(t, err)
	r := &farRunner{t: t, url: url, key: key, dir: t.TempDir(), client: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(r.client.CloseIdleConnections)
	var made struct {
		ID    int64
		Token string
	}
	a := w.do("admin", "POST", "/runners/enrollment", place)
	require.Equal(t, http.StatusCreated, a.Status, a.Body)
	require.NoError(t, decodeAnswer(a, &made))
	r.id = made.ID
	r.token, err = job.EnrollRunner(t.Context(), job.EnrollConfig{URL: url, Token: made.Token, PublicKey: key.Public().String(), HTTP: r.client})
	require.NoError(t, err)
	return r
}

// source is the runner's view of the server, in a process of its own.
func (r *farRunner) source(change ...func(*job.RemoteConfig)) *job.RemoteSource {
	cfg := job.RemoteConfig{
		URL: r.url, Token: r.token, Key: r.key, PublicKey: r.key.Public().String(), Instance: "data-dir", Version: "9.9.9", Host: "far linux/amd64",
		HTTP: r.client, Log: quiet(),
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := job.NewRemote(cfg)
	require.NoError(r.t, err)
	return s
}

// farProcess is a process of a runner.
type farProcess struct {
	source *job.RemoteSource
	worker *job.Worker
	stop   func() // as TERM does, and waits
	failed chan error
}

// start runs a process of the runner until the test ends or stop is called.
func (r *farRunner) start(e job.Executor, change ...func(*job.Worker)) *farProcess {
	r.t.Helper()
	return r.startOn(r.source(), e, change...)
}

func (r *farRunner) startOn(source *job.RemoteSource, e job.Executor, change ...func(*job.Worker)) *farProcess {
	r.t.Helper()
	w := &job.Worker{Source: source, Executor: e, Capacity: 4, Spool: filepath.Join(r.dir, "spool"), ShutdownGrace: -1, FinishTimeout: time.Second, Log: quiet()}
	for _, c := range change {
		c(w)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	p := &farProcess{source: source, worker: w, failed: make(chan error, 2)}
	var wg sync.WaitGroup
	listening, deaf := context.WithCancel(context.WithoutCancel(ctx))
	wg.Go(func() { p.failed <- source.Run(listening) })
	wg.Go(func() {
		p.failed <- w.Run(ctx)
		_ = source.Leave(context.WithoutCancel(ctx)) // the server may be gone
		deaf()
	})
	p.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	r.t.Cleanup(p.stop)
	return p
}

// runUntil runs the pool until the returned function is called.
func (w *world) runUntil() (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan error, 1)
	go func() { done <- w.pool.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(w.t, <-done)
	})
	w.t.Cleanup(stop)
	return stop
}

// post makes one call as its bytes are, and returns the answer.
func (r *farRunner) post(call, ticket string, body any) answer {
	r.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(r.t, err)
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+"/api/internal/runner/v1/"+call, bytes.NewReader(text))
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set(job.RemoteVersionHeader, "1")
	req.Header.Set(job.RemoteSessionHeader, ticket)
	resp, err := r.client.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return answer{Status: resp.StatusCode, Header: resp.Header, Body: string(data)}
}

// hello begins a session by hand.
func (r *farRunner) hello() (ticket string, cipher job.RemoteCipher) {
	r.t.Helper()
	a := r.post("hello", "", job.RemoteHello{Instance: "by-hand", Boot: "1", PublicKey: r.key.Public().String()})
	require.Equal(r.t, http.StatusOK, a.Status, a.Body)
	var s job.RemoteSession
	require.NoError(r.t, decodeAnswer(a, &s))
	key, err := r.key.Open(s.Key, job.RemoteSessionContext("1"))
	require.NoError(r.t, err)
	cipher, err = job.NewRemoteCipher(key)
	require.NoError(r.t, err)
	return s.Session, cipher
}
