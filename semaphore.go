// Package semaphore is the front door of Semaphore for Go: a durable pool of
// tasks that runs Ansible, Terraform and scripts from git repositories, wired
// in one call.
//
// An [App] joins a store (package store/sqlite, store/memory or your own), a
// key ring (package crypto), an executor (package job) and the pool (package
// pool). It reads no flag, file or environment variable, has no globals, and
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
	"path/filepath"
	"sync"

	"github.com/alexandervashurin/semaphore/crypto"
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
	// Log is used where Pool and Local name none. Defaults to slog.Default().
	Log *slog.Logger
}

// App is the engine, wired.
type App struct {
	pool *pool.TaskPool
	ring *crypto.Ring

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
	ring, err := crypto.NewRing(cfg.Key, cfg.OlderKeys...)
	if err != nil {
		return nil, fmt.Errorf("semaphore: key: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Executor == nil {
		if cfg.Executor, err = cfg.local(ring); err != nil {
			return nil, fmt.Errorf("semaphore: %w", err)
		}
	}
	settings := cfg.Pool
	settings.Ring, settings.Executor = ring, cfg.Executor
	if settings.Log == nil {
		settings.Log = cfg.Log
	}
	if settings.Spool == "" && cfg.Dir != "" {
		settings.Spool = filepath.Join(cfg.Dir, "spool")
	}
	p, err := pool.New(cfg.Store, settings)
	if err != nil {
		return nil, fmt.Errorf("semaphore: %w", err)
	}
	return &App{pool: p, ring: ring}, nil
}

// local makes the executor of this machine.
func (c *Config) local(ring *crypto.Ring) (job.Executor, error) {
	if c.Dir == "" {
		return nil, errors.New("no directory: name one in Dir, or give an Executor")
	}
	settings := c.Local
	if settings.States == nil {
		settings.States = pool.States(c.Store, ring)
	}
	if settings.Bundles == nil {
		settings.Bundles = pool.Bundles(c.Store, ring)
	}
	if settings.Log == nil {
		settings.Log = c.Log
	}
	return job.NewLocal(c.Dir, settings)
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
	return a.pool.Run(ctx)
}

// Close ends Run as the end of its context would, and waits for it. It may be
// called again.
func (a *App) Close() error {
	a.mu.Lock()
	a.closed = true
	stop, done := a.stop, a.done
	a.mu.Unlock()
	if done != nil {
		stop()
		<-done
	}
	return nil
}
