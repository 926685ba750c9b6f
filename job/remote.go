package job

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// RemoteKey opens what was sealed for a runner: a crypto.BoxPrivate.
type RemoteKey interface {
	Open(sealed, context []byte) ([]byte, error)
}

// RemoteConfig configures a [RemoteSource].
type RemoteConfig struct {
	URL       string    // Address of the server, with its path prefix: "https://ci.example.org/semaphore". Required.
	Token     string    // What the runner was enrolled with. Required.
	Key       RemoteKey // Private half of the runner's key. Required.
	PublicKey string    // The other half, as text. Required.

	Instance string                          // Names the data directory for ever, so that a restart is known as one. Defaults to a random name.
	Version  string                          // Of the program, for people. Defaults to none.
	Host     string                          // About the machine, for people. Defaults to none.
	Clean    func(ctx context.Context) error // Clears caches when an administrator asks for it. Defaults to doing nothing.
	HTTP     *http.Client                    // Defaults to one that checks certificates, honours proxies of the environment, and keeps connections.
	Log      *slog.Logger                    // Defaults to slog.Default().
}

// RemoteSource is a [Source] that is a server elsewhere, with the [StateStore] and
// the [BundleStore] of its tasks. A [Worker] and a [LocalJob] on top make a
// runner:
//
//	remote, err := job.NewRemote(...)
//	local, err := job.NewLocal(dir, job.LocalConfig{States: remote.States(), Bundles: remote.Bundles()})
//	worker := &job.Worker{Source: remote, Executor: local, Spool: ...}
//	worker.Recover(ctx) // output that a dead process has left
//	remote.Recover(ctx, local.Sweep)
//	go remote.Run(ctx) // stops arrive at once
//	worker.Run(ctx)
//	remote.Leave(ctx)
//
// A server that cannot be reached ends nothing: calls are repeated by the
// Worker, those of the stores here. A server that does not know the token any
// more has revoked the runner: leases count as lost, and [RemoteSource.Run] returns
// [ErrRevoked].
type RemoteSource struct {
	cfg     RemoteConfig
	ownHTTP bool // nobody else uses its connections
	url     string
	boot    string

	entering chan struct{} // held by whoever begins a session
	signals  chan struct{}
	changed  chan struct{} // leases came or went
	revoked  chan struct{} // closed when the token is not known any more
	once     sync.Once

	mu      sync.Mutex
	session *remoteSession
	held    map[Lease]StopLevel // with what is known of their stops
	cleaned *time.Time
}

// ErrRevoked tells that the server does not know the runner's token.
var ErrRevoked = errors.New("the server does not know this runner any more: register it again, or take its token from where runners are listed")

// NewRemote returns a client of a server. It calls nobody yet.
func NewRemote(cfg RemoteConfig) (*RemoteSource, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("server address %q: write https://host[:port][/prefix]", cfg.URL)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("server address: give host and path only")
	case cfg.Token == "":
		return nil, errors.New("runner has no token: register it first")
	case cfg.Key == nil || cfg.PublicKey == "":
		return nil, errors.New("runner has no key: make a pair with crypto.GenerateBoxKey, and keep it")
	}
	cfg.Instance = cmp.Or(cfg.Instance, rand.Text())
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	transport, own := remoteTransport()
	if own = own && cfg.HTTP == nil; cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Transport: transport}
	}
	client := *cfg.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cfg.HTTP = &client
	return &RemoteSource{
		cfg: cfg, ownHTTP: own, url: strings.TrimRight(cfg.URL, "/") + "/api/internal/runner/v1/", boot: rand.Text(),
		entering: make(chan struct{}, 1), signals: make(chan struct{}, 1), changed: make(chan struct{}, 1),
		revoked: make(chan struct{}), held: map[Lease]StopLevel{},
	}, nil
}

// leases lists what was claimed and not finished yet.
func (r *RemoteSource) leases() []Lease {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Lease, 0, len(r.held))
	for l := range r.held {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b Lease) int { return cmp.Compare(a.TaskID, b.TaskID) })
	return list
}

// leaseOf finds the lease of a task.
func (r *RemoteSource) leaseOf(task int64) (Lease, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.held {
		if l.TaskID == task {
			return l, true
		}
	}
	return Lease{}, false
}

// forget drops a lease that is over.
func (r *RemoteSource) forget(l Lease) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.held, l)
	notify(r.changed)
}

// Recover tells the server that nothing of this runner's earlier processes runs
// any more, once sweep (of a [LocalJob]) has made that true: their tasks are
// then ended at once, or start again where their template allows retries. It
// waits for tools that are still ending, and repeats what cannot be told, until
// ctx ends. Call it before the Worker claims.
func (r *RemoteSource) Recover(ctx context.Context, sweep func(context.Context) ([]Swept, error)) error {
	var all []Swept
	var wait backoff
	for {
		swept, err := sweep(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			r.cfg.Log.Error("clean up after dead runs", "error", err)
		}
		ending := false
		for _, s := range swept {
			ending = ending || s.Ending
			if !s.Ending {
				all = append(all, s)
			}
		}
		if !ending {
			break
		}
		pause(ctx, wait.next())
	}
	for _, s := range all {
		r.cfg.Log.Info("cleaned up after a dead run", "task_id", s.Task.TaskID, "attempt", s.Task.Attempt, "processes", len(s.Processes), "state_saved", s.StateSaved)
	}
	return r.persist(ctx, "swept", RemoteSwept{Swept: all}, nil)
}

// Leave tells the server that this process goes: tasks that it was handed and
// never heard of go back. Call it after the Worker's Run.
func (r *RemoteSource) Leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	defer r.hangUp()
	return r.call(ctx, "leave", RemoteLeases{Leases: r.leases()}, nil)
}
