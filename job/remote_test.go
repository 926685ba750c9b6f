package job_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
)

// remote is a server that answers by a script, and a source that asks it.
type remote struct {
	t      *testing.T
	key    crypto.BoxPrivate
	source *job.RemoteSource
	cipher job.RemoteCipher

	mu     sync.Mutex
	calls  []string
	bodies map[string][]string
	answer map[string]func(n int) (int, any) // by call and how often it came
}

func setupRemote(t *testing.T, change ...func(*job.RemoteConfig)) *remote {
	t.Helper()
	r := &remote{t: t, bodies: map[string][]string{}, answer: map[string]func(int) (int, any){}}
	var err error
	r.key, _, err = crypto.GenerateBoxKey()
	require.NoError(t, err)
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	cfg := job.RemoteConfig{
		URL: server.URL + "/prefix/", Token: "token", Key: r.key, PublicKey: r.key.Public().String(),
		HTTP: client, Log: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(&cfg)
	}
	r.source, err = job.NewRemote(cfg)
	require.NoError(t, err)
	return r
}

// ServeHTTP plays the server.
func (r *remote) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	call := strings.TrimPrefix(req.URL.Path, "/prefix/api/internal/runner/v1/")
	r.mu.Lock()
	r.calls = append(r.calls, call)
	r.bodies[call] = append(r.bodies[call], string(body))
	n, answer := len(r.bodies[call]), r.answer[call]
	r.mu.Unlock()
	w.Header().Set(job.RemoteVersionHeader, "1")
	status, reply := http.StatusNoContent, any(nil)
	switch {
	case answer != nil:
		status, reply = answer(n)
	case call == "hello":
		status, reply = r.hello(body)
	}
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
	if reply != nil {
		_ = json.NewEncoder(w).Encode(reply)
	}
}

// hello begins a session with a new key.
func (r *remote) hello(body []byte) (int, any) {
	var in job.RemoteHello
	if json.Unmarshal(body, &in) != nil {
		return 400, nil
	}
	public, err := crypto.ParseBoxPublic(in.PublicKey)
	if err != nil {
		return 400, nil
	}
	key := bytes.Repeat([]byte{byte(len(r.bodies["hello"]))}, job.RemoteKeySize)
	sealed, err := crypto.SealTo(public, key, job.RemoteSessionContext(in.Boot))
	if err != nil {
		return 500, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cipher, err = job.NewRemoteCipher(key); err != nil {
		return 500, nil
	}
	return 200, job.RemoteSession{Session: "session", Key: sealed}
}

func (r *remote) on(call string, answer func(n int) (int, any)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer[call] = answer
}

func (r *remote) count(call string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.bodies[call])
}

func refuse(status int) func(int) (int, any) {
	return func(int) (int, any) { return status, job.RemoteRefusal{Error: "because"} }
}

var farLease = job.Lease{ID: "l", TaskID: 7, ProjectID: 3, Attempt: 2}

// claimed makes the source hold farLease.
func (r *remote) claimed() job.Assignment {
	r.t.Helper()
	r.on("claim", func(int) (int, any) {
		return 200, job.RemoteClaimed{Assignments: []job.Assignment{{Lease: farLease, NextSeq: 1}}}
	})
	list, err := r.source.Claim(r.t.Context(), 1)
	require.NoError(r.t, err)
	require.Len(r.t, list, 1)
	return list[0]
}

func TestRemoteConfigThatCannotWork(t *testing.T) {
	t.Parallel()
	key, public, err := crypto.GenerateBoxKey()
	require.NoError(t, err)
	good := job.RemoteConfig{URL: "https://ci.example.org/x", Token: "t", Key: key, PublicKey: public.String()}
	_, err = job.NewRemote(good)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(*job.RemoteConfig)
		says   string
	}{
		"without a scheme":   {func(c *job.RemoteConfig) { c.URL = "ci.example.org" }, "https://"},
		"of a file":          {func(c *job.RemoteConfig) { c.URL = "file:///etc" }, "https://"},
		"with a login":       {func(c *job.RemoteConfig) { c.URL = "https://a:b@ci.example.org" }, "host and path only"},
		"without a token":    {func(c *job.RemoteConfig) { c.Token = "" }, "register"},
		"without a key":      {func(c *job.RemoteConfig) { c.Key = nil }, "key"},
		"without the public": {func(c *job.RemoteConfig) { c.PublicKey = "" }, "key"},
	} {
		cfg := good
		c.change(&cfg)
		_, err := job.NewRemote(cfg)
		require.ErrorContains(t, err, c.says, name)
		require.NotContains(t, err.Error(), "a:b", name)
	}
}

// TestRemoteSpecIsBoundToItsAttempt opens what was sealed for it, and for
// nothing else.
func TestRemoteSpecIsBoundToItsAttempt(t *testing.T) {
	t.Parallel()
	r := setupRemote(t)
	a := r.claimed()
	spec := &job.Spec{Version: job.SpecVersion, App: "bash", Playbook: "x.sh", Secrets: []job.SecretVar{{Name: "a", Kind: job.SecretEnv, Value: job.NewSecret("canary")}}}
	text, err := json.Marshal(spec)
	require.NoError(t, err)
	seal := func(task, attempt int64) func(int) (int, any) {
		sealed, err := crypto.SealTo(r.key.Public(), text, crypto.TaskContext(task, attempt))
		require.NoError(t, err)
		return func(int) (int, any) { return 200, job.RemoteSpec{Sealed: sealed} }
	}
	r.on("spec", seal(7, 2))
	got, err := a.Prepare(t.Context())
	require.NoError(t, err)
	require.Equal(t, "canary", got.Secrets[0].Value.Reveal())
	for _, other := range [][2]int64{{7, 1}, {8, 2}} {
		r.on("spec", seal(other[0], other[1]))
		_, err = a.Prepare(t.Context())
		require.ErrorContains(t, err, "not sealed for this attempt")
	}
	r.on("spec", func(int) (int, any) { return 200, job.RemoteSpec{NotBegun: "later"} })
	_, err = a.Prepare(t.Context())
	require.ErrorIs(t, err, job.ErrNotBegun)
	r.on("spec", func(int) (int, any) { return 200, job.RemoteSpec{Failed: "the key is gone"} })
	_, err = a.Prepare(t.Context())
	require.EqualError(t, err, "the key is gone")
	require.NotErrorIs(t, err, job.ErrNotBegun)
	r.on("spec", refuse(401))
	_, err = a.Prepare(t.Context())
	require.ErrorIs(t, err, job.ErrLeaseLost)
	ctx, cancel := context.WithCancelCause(t.Context())
	r.on("spec", func(n int) (int, any) {
		if n > 8 {
			cancel(job.ErrStopped)
		}
		return 0, nil
	})
	_, err = a.Prepare(ctx)
	require.ErrorIs(t, err, job.ErrStopped, "a server that is away is asked until the task is stopped")
}

func TestRemoteAnswersMeanWhatTheySay(t *testing.T) {
	t.Parallel()
	r := setupRemote(t)
	r.claimed()
	report := job.Report{Seq: 1}
	for name, c := range map[string]struct {
		answer func(int) (int, any)
		is     error
	}{
		"a lost lease":        {refuse(410), job.ErrLeaseLost},
		"a revoked token":     {refuse(401), job.ErrLeaseLost},
		"trouble there":       {refuse(500), nil},
		"no answer":           {func(int) (int, any) { return 0, nil }, nil},
		"another protocol":    {refuse(426), nil},
		"a switch-off":        {refuse(403), nil},
		"too many":            {refuse(429), nil},
		"a body that is none": {refuse(400), nil},
	} {
		r.on("append", c.answer)
		err := r.source.Append(t.Context(), farLease, report)
		require.Error(t, err, name)
		require.Equal(t, c.is != nil, errors.Is(err, job.ErrLeaseLost), name)
	}
	r.on("append", nil)
	require.NoError(t, r.source.Append(t.Context(), farLease, report))
}

// TestRemoteSessionIsBegunAnew answers once that the session is not known.
func TestRemoteSessionIsBegunAnew(t *testing.T) {
	t.Parallel()
	r := setupRemote(t)
	r.on("append", func(n int) (int, any) {
		if n == 1 {
			return 409, job.RemoteRefusal{Error: "say hello"}
		}
		return 204, nil
	})
	require.NoError(t, r.source.Append(t.Context(), farLease, job.Report{Seq: 1}))
	require.Equal(t, 2, r.count("hello"))
	require.Equal(t, 2, r.count("append"))
}

// TestRemoteBundleTravelsInParts sends more than two parts through a server
// that fails now and then, and changes its session in between.
func TestRemoteBundleTravelsInParts(t *testing.T) {
	t.Parallel()
	r := setupRemote(t)
	r.claimed()
	bundle := bytes.Repeat([]byte("canary bundle "), (2<<20)/14+100)
	parts := map[int][]byte{}
	last := -1
	r.on("bundle/save", func(n int) (int, any) {
		switch {
		case n%4 == 1:
			return 503, nil
		case n == 2:
			return 409, job.RemoteRefusal{Error: "say hello"}
		}
		r.mu.Lock()
		var in job.RemoteBundle
		_ = json.Unmarshal([]byte(r.bodies["bundle/save"][n-1]), &in)
		cipher := r.cipher
		r.mu.Unlock()
		plain, err := cipher.Open(in.Data, job.RemoteBundlePlace(job.RemoteUp, 7, in.Part, in.Last))
		if err != nil {
			return 409, job.RemoteRefusal{Error: "say hello"}
		}
		parts[in.Part] = plain
		if in.Last {
			last = in.Part
		}
		return 204, nil
	})
	require.NoError(t, r.source.Bundles().Save(t.Context(), 7, bytes.NewReader(bundle)))
	require.Equal(t, 2, last)
	for _, body := range r.bodies["bundle/save"] {
		require.NotContains(t, body, "canary")
	}
	r.on("bundle/load", func(n int) (int, any) {
		var in job.RemoteBundle
		r.mu.Lock()
		_ = json.Unmarshal([]byte(r.bodies["bundle/load"][n-1]), &in)
		cipher := r.cipher
		r.mu.Unlock()
		sealed := cipher.Seal(parts[in.Part], job.RemoteBundlePlace(job.RemoteDown, 7, in.Part, in.Part == last))
		return 200, job.RemoteBundle{Part: in.Part, Last: in.Part == last, Data: sealed}
	})
	back, err := r.source.Bundles().Open(t.Context(), 7)
	require.NoError(t, err)
	got, err := io.ReadAll(back)
	require.NoError(t, err)
	require.NoError(t, back.Close())
	require.True(t, bytes.Equal(bundle, got))
	r.on("bundle/load", func(int) (int, any) { return 200, job.RemoteBundle{Missing: true} })
	_, err = r.source.Bundles().Open(t.Context(), 7)
	require.ErrorIs(t, err, job.ErrNoBundle)
	_, err = r.source.Bundles().Open(t.Context(), 8)
	require.ErrorIs(t, err, job.ErrLeaseLost, "of a task that it does not have")
}

func TestRemoteStates(t *testing.T) {
	t.Parallel()
	r := setupRemote(t)
	key, task := job.StateKey{ProjectID: 3, TemplateID: 4, Workspace: "default"}, job.TaskRef{TaskID: 7, Attempt: 2}
	r.on("state/lock", func(n int) (int, any) {
		if n == 1 {
			return 500, nil
		}
		return 200, job.RemoteLock{}
	})
	unlock, err := r.source.States().Lock(t.Context(), key, task)
	require.NoError(t, err)
	require.NoError(t, unlock())
	require.NoError(t, unlock())
	require.Equal(t, 1, r.count("state/unlock"), "it is given back once")
	r.on("state/lock", func(int) (int, any) { return 200, job.RemoteLock{Holder: &job.TaskRef{TaskID: 9, Attempt: 1}} })
	_, err = r.source.States().Lock(t.Context(), key, task)
	var locked *job.LockedError
	require.ErrorAs(t, err, &locked)
	require.EqualValues(t, 9, locked.Holder.TaskID)
	r.on("state/load", func(int) (int, any) { return 200, job.RemoteStateData{} })
	state, err := r.source.States().Load(t.Context(), key)
	require.NoError(t, err)
	require.Zero(t, state, "there is none yet")
	r.on("state/save", refuse(412))
	err = r.source.States().Save(t.Context(), key, state, job.TerraformState{Lineage: "a", Serial: 1, Data: []byte("canary")})
	require.ErrorIs(t, err, job.ErrStateConflict)
	require.NotContains(t, r.bodies["state/save"][0], "canary")
	r.on("state/load", func(int) (int, any) { // of another place
		return 200, job.RemoteStateData{Lineage: "a", Serial: 1, Data: r.cipher.Seal([]byte("x"), job.RemoteStatePlace(job.RemoteUp, key, "a", 1))}
	})
	_, err = r.source.States().Load(t.Context(), key)
	require.ErrorContains(t, err, "does not open")
}

// TestRemoteRunHearsOfStops wakes the worker for each.
func TestRemoteRunHearsOfStops(t *testing.T) {
	t.Parallel()
	r := setupRemote(t)
	again := make(chan struct{})
	r.on("signals", func(n int) (int, any) {
		if n == 1 {
			return 200, job.RemoteSignals{Signals: []job.Signal{{Lease: farLease, Stop: job.StopGentle}}}
		}
		<-again
		return 401, job.RemoteRefusal{Error: "unknown"}
	})
	r.claimed()
	done := make(chan error, 1)
	go func() { done <- r.source.Run(t.Context()) }()
	<-r.source.Signals()
	close(again)
	require.ErrorIs(t, <-done, job.ErrRevoked)
	<-r.source.Signals() // so that the leases are given up at once
	require.Contains(t, r.bodies["signals"][1], `"stop":"stop"`, "what is known is told")
	r.on("extend", refuse(401))
	signals, err := r.source.Extend(t.Context(), []job.Lease{farLease})
	require.NoError(t, err)
	require.Equal(t, []job.Signal{{Lease: farLease, Gone: true}}, signals)
}

func TestRemoteRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := setupRemote(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.source.Run(ctx) }()
	cancel()
	require.NoError(t, <-done)
}

// TestRemoteRecoverWaitsForWhatEnds sweeps until nothing is ending.
func TestRemoteRecoverWaitsForWhatEnds(t *testing.T) {
	t.Parallel()
	r := setupRemote(t)
	sweeps := 0
	err := r.source.Recover(t.Context(), func(context.Context) ([]job.Swept, error) {
		require.Zero(t, r.count("swept"), "nothing is told before")
		if sweeps++; sweeps < 3 {
			return []job.Swept{{Task: job.TaskRef{TaskID: 1}, Ending: true}}, errors.New("not yet")
		}
		return []job.Swept{{Task: job.TaskRef{TaskID: 1, Attempt: 4}}}, nil
	})
	require.NoError(t, err)
	require.Equal(t, 3, sweeps)
	require.Contains(t, r.bodies["swept"][0], `"attempt":4`)
}

func TestRemoteMeetsSomethingElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		says   string
	}{
		"a page":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "does not speak the protocol"},
		"no route": {http.NotFound, "check the address"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://else.example.org", http.StatusMovedPermanently)
		}, "give that address"},
		"a proxy":         {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, "status 502"},
		"a proxy's login": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, "does not speak the protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.handle)
			t.Cleanup(server.Close)
			r := setupRemote(t, func(cfg *job.RemoteConfig) { cfg.URL = server.URL })
			_, err := r.source.Claim(t.Context(), 1)
			require.ErrorContains(t, err, c.says)
			require.NotErrorIs(t, err, job.ErrRevoked)
			require.NotContains(t, err.Error(), "Bearer")
		})
	}
}

func TestRemoteCipherBindsPlaces(t *testing.T) {
	t.Parallel()
	c, err := job.NewRemoteCipher(make([]byte, job.RemoteKeySize))
	require.NoError(t, err)
	sealed := c.Seal([]byte("text"), "here")
	plain, err := c.Open(sealed, "here")
	require.NoError(t, err)
	require.Equal(t, "text", string(plain))
	require.NotEqual(t, sealed, c.Seal([]byte("text"), "here"))
	for _, bad := range []struct {
		sealed []byte
		place  string
	}{{sealed, "there"}, {sealed[:len(sealed)-1], "here"}, {sealed[:5], "here"}, {nil, "here"}} {
		_, err = c.Open(bad.sealed, bad.place)
		require.Error(t, err)
	}
	_, err = job.NewRemoteCipher([]byte("short"))
	require.Error(t, err)
	key := job.StateKey{ProjectID: 1, TemplateID: 2, Workspace: `a" 1`}
	require.NotEqual(t, job.RemoteStatePlace("up", key, "l", 1), job.RemoteStatePlace("up", job.StateKey{ProjectID: 1, TemplateID: 2, Workspace: "a"}, `1" "l`, 1))
}
