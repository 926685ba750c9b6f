// Package semaphore is the front door of Semaphore for Go: a durable pool of
// tasks that runs Ansible, Terraform and scripts from git repositories, wired
// in one call.
//
// An [App] joins a store (package store/sqlite, store/memory or your own), a
// key ring (package crypto), an executor (package job), the pool (package pool)
// and the HTTP API with its sign-in (package auth). It reads no flag, file or environment variable, has no globals, and
// starts nothing before [App.Run]; several Apps may live in one process.
//
// A program that runs tools on its own machine calls [job.Init] first thing in
// main.
package semaphore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/internal/nodes"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// Config configures an [App].
type Config struct {
	// Store keeps everything. Required; the App does not close it.
	Store store.Store
	// Key seals secrets in the store. Required; without it they are lost, so keep
	// it: crypto.KeyFile makes one on first use.
	Key crypto.Key
	// OlderKeys still open what was sealed before the key was changed.
	OlderKeys []crypto.Key
	// Ring is used in place of Key and OlderKeys.
	Ring *crypto.Ring
	// Dir is where runs, mirrors and caches of this machine live. It belongs to one
	// App. Required unless Executor is given.
	Dir string
	// Local configures the executor that is made in Dir. Its States and Bundles
	// default to the store.
	Local job.LocalConfig
	// Executor runs tasks in place of the one made in Dir: containers, a cluster,
	// or a fake.
	Executor job.Executor
	// Pool configures the rest: limits, time-outs, hooks, alerts, metrics. Its
	// Ring and Executor are set here.
	Pool pool.Config
	// HTTP configures the API: sign-in, addresses, what is allowed.
	HTTP HTTP
	// Authenticate puts the API behind the sign-in of the host program: it returns
	// the user who makes a request, a row of Store, or nil for nobody. Defaults to
	// the API's own sign-in, HTTP.Auth.
	Authenticate func(*http.Request) (*store.User, error)
	// Alerts tells people about tasks. Defaults to none.
	Alerts *Alerts
	// Secrets says which secrets outside of the store keys may name. Defaults to
	// those of storages with a public address.
	Secrets Secrets
	// Outgoing lists private networks that requests which project members cause may
	// reach: those of secret storages. Defaults to none.
	Outgoing []netip.Prefix
	// Log is used where Pool and Local name none. Defaults to slog.Default().
	Log *slog.Logger

	metrics *api.Metrics
}

// App is the engine, wired.
type App struct {
	store store.Store
	pool  *pool.TaskPool
	ring  *crypto.Ring
	web   *web
	nodes *nodes.Registry // nil where nobody shares the store

	mu     sync.Mutex
	closed bool
	stop   context.CancelFunc // of a running Run
	done   chan struct{}      // closed when Run has ended; nil before
}

// New wires an App. It starts nothing.
func New(cfg Config) (*App, error) {
	if cfg.Store == nil {
		return nil, errors.New("semaphore: no store: open one with store/sqlite or store/memory")
	}
	if cfg.Ring == nil {
		ring, err := crypto.NewRing(cfg.Key, cfg.OlderKeys...)
		if err != nil {
			return nil, fmt.Errorf("semaphore: key: %w", err)
		}
		cfg.Ring = ring
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if err := cfg.executor(); err != nil {
		return nil, fmt.Errorf("semaphore: %w", err)
	}
	settings := cfg.poolSettings()
	cfg.metrics = api.NewMetrics()
	settings.Metrics = both(cfg.metrics.Pool(), settings.Metrics)
	cfg.catalogue(&settings)
	cfg.stateAddress(&settings)
	secrets := cfg.keeper(&settings)
	cfg.summoner(&settings)
	alerts, err := cfg.alerter(&settings)
	if err != nil {
		return nil, fmt.Errorf("semaphore: %w", err)
	}
	p, err := pool.New(cfg.Store, settings)
	if err != nil {
		return nil, fmt.Errorf("semaphore: %w", err)
	}
	app := &App{store: cfg.Store, pool: p, ring: cfg.Ring}
	if _, owned := store.As[store.Owned](cfg.Store); !owned {
		app.nodes = nodes.New(cfg.Store, nodes.Config{Version: cfg.HTTP.Version, Draining: p.Draining, Log: cfg.Log, Now: cfg.Pool.Now})
	}
	if app.web, err = cfg.newWeb(p, secrets, alerts, app); err != nil {
		return nil, fmt.Errorf("semaphore: %w", err)
	}
	return app, nil
}

// ready tells whether tasks run here, or why they do not.
func (a *App) ready(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.done == nil {
		return errors.New("the pool does not run")
	}
	select {
	case <-a.done:
		return errors.New("the pool has ended")
	default:
		return nil
	}
}

// poolSettings completes the configuration of the pool.
func (c *Config) poolSettings() pool.Config {
	settings := c.Pool
	settings.Ring, settings.Executor = c.Ring, c.Executor
	if c.HTTP.Settings.UseRemoteRunner {
		settings.Executor, settings.Choose = nil, nil // runners have all tasks
	}
	if settings.Log == nil {
		settings.Log = c.Log
	}
	if settings.Spool == "" && c.Dir != "" {
		settings.Spool = filepath.Join(c.Dir, "spool")
	}
	if settings.WebHost == "" {
		settings.WebHost = c.HTTP.WebHost
	}
	return settings
}

// executor makes that of this machine where none is given.
func (c *Config) executor() error {
	if c.Executor != nil {
		return nil
	}
	if c.Dir == "" {
		return errors.New("no directory: name one in Dir, or give an Executor")
	}
	settings := c.Local
	if settings.States == nil {
		settings.States = pool.States(c.Store, c.Ring)
	}
	if settings.Bundles == nil {
		settings.Bundles = pool.Bundles(c.Store, c.Ring)
	}
	if settings.Log == nil {
		settings.Log = c.Log
	}
	local, err := job.NewLocal(c.Dir, settings)
	if err != nil {
		return err
	}
	c.Executor = local
	return nil
}

// Pool is where tasks are added, watched, stopped and confirmed, whether or not
// Run runs.
func (a *App) Pool() *pool.TaskPool { return a.pool }

// Ring seals and opens the secrets of this App, and takes new keys.
func (a *App) Ring() *crypto.Ring { return a.ring }

// Run works until ctx ends or [App.Close] is called, as [pool.TaskPool.Run]
// says, and returns when everything it started has ended. It runs once.
func (a *App) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.mu.Lock()
	switch {
	case a.closed:
		a.mu.Unlock()
		return errors.New("semaphore: the app is closed")
	case a.done != nil:
		a.mu.Unlock()
		return errors.New("semaphore: the app has run already: make another one")
	}
	a.stop, a.done = stop, make(chan struct{})
	a.mu.Unlock()
	defer close(a.done)
	if a.nodes == nil {
		return a.pool.Run(ctx)
	}
	var beating sync.WaitGroup
	beating.Go(func() { a.nodes.Run(ctx) })
	err := a.pool.Run(ctx)
	stop() // a pool that could not begin
	beating.Wait()
	return err
}

// Close ends Run as the end of its context would, and waits for it, and the
// websockets and streams of [App.Handler]. It may be called again.
func (a *App) Close() error {
	a.mu.Lock()
	a.closed = true
	stop, done := a.stop, a.done
	a.mu.Unlock()
	if done != nil {
		stop()
		<-done
	}
	return a.web.server.Close()
}
