package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/cmd/internal/executor"
	"github.com/alexandervashurin/semaphore/cmd/internal/signals"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/internal/flock"
	"github.com/alexandervashurin/semaphore/job"
)

// unlimited is how many tasks run at once where there is no limit.
const unlimited = 1 << 16

func hostname() string { name, _, _ := strings.Cut(host("", ""), " "); return name }

// remote is the server as this runner sees it.
func (o Options) remote(cfg *config.Config, id identity, log *slog.Logger) (*job.RemoteSource, *cleaner, error) {
	if err := checkServer(cfg); err != nil {
		return nil, nil, err
	}
	token, err := id.token()
	if err != nil {
		return nil, nil, err
	}
	if token == "" {
		return nil, nil, fmt.Errorf("this runner has no token: run '%s register' first", o.Program)
	}
	key, err := id.key()
	if err != nil {
		return nil, nil, err
	}
	instance, err := id.instance()
	if err != nil {
		return nil, nil, err
	}
	clean := &cleaner{}
	remote, err := job.NewRemote(job.RemoteConfig{
		URL: cfg.WebHost, Token: token, Key: key, PublicKey: key.Public().String(), Instance: instance,
		Version: o.Version, Host: host(runtime.GOOS, runtime.GOARCH), Clean: clean.run, Log: log,
	})
	return remote, clean, err
}

// cleaner clears the caches of the executor, which is made after the source.
type cleaner struct{ local *job.LocalJob }

func (c *cleaner) run(ctx context.Context) error {
	if c.local == nil {
		return nil
	}
	return c.local.ClearCaches(ctx, 0)
}

// start runs tasks until ctx or a signal ends it.
func (o Options) start(ctx context.Context, register bool) (err error) {
	cfg, log, err := o.Load()
	if err != nil {
		return err
	}
	ctx, hurry, stop := signals.Until(ctx)
	defer stop()
	id, err := identityOf(cfg)
	if err != nil {
		return err
	}
	lock, err := flock.Try(filepath.Join(id.dir, lockName))
	if errors.Is(err, flock.ErrHeld) {
		return fmt.Errorf("another runner works in %s, or the last one is still ending: wait for it, or give each its own data_dir", id.dir)
	}
	if err != nil {
		return fmt.Errorf("data directory: %w: let this account write there, or set data_dir", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if token, err := id.token(); err == nil && token == "" && register {
		if err := o.enrollUntil(ctx, cfg, id, log); err != nil {
			return ended(ctx, err)
		}
	}
	remote, clean, err := o.remote(cfg, id, log)
	if err != nil {
		return err
	}
	instance, err := id.instance()
	if err != nil {
		return err
	}
	links, err := holdLinks(cfg, instance)
	if err != nil {
		return err
	}
	defer links.release(log)
	local, err := localOf(cfg, id, log, remote, links)
	if err != nil {
		return err
	}
	clean.local = local
	worker := newWorker(cfg, id, log, remote, local)
	if err := worker.Recover(ctx); err != nil {
		return ended(ctx, err)
	}
	if err := remote.Recover(ctx, local.Sweep); err != nil {
		return ended(ctx, err)
	}
	o.say("taking tasks from %s (stop with Ctrl-C)", cfg.WebHost)
	return work(ctx, hurry, remote, worker)
}

// ended makes no error of the end that was asked for.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// localOf is the executor.
func localOf(cfg *config.Config, id identity, log *slog.Logger, remote *job.RemoteSource, at links) (*job.LocalJob, error) {
	settings, err := executor.Config(cfg, log)
	if err != nil {
		return nil, err
	}
	settings.LinkDir = at.dir
	settings.States, settings.Bundles = remote.States(), remote.Bundles()
	settings.RescueDir = filepath.Join(id.dir, "rescued")
	return job.NewLocal(executor.Dir(cfg), settings)
}

func newWorker(cfg *config.Config, id identity, log *slog.Logger, remote *job.RemoteSource, local *job.LocalJob) *job.Worker {
	w := &job.Worker{
		Source: remote, Executor: local, Capacity: cfg.Runner.MaxParallelTasks, Spool: filepath.Join(id.dir, spoolName),
		ShutdownGrace: time.Duration(cfg.ShutdownGraceSec) * time.Second, Log: log,
	}
	if w.Capacity == 0 {
		w.Capacity = unlimited
	}
	if w.ShutdownGrace == 0 {
		w.ShutdownGrace = -1 // the Worker's word for none
	}
	if cfg.Runner.OneOff {
		w.Capacity = 1
		w.Source = oneOff{remote, w}
	}
	return w
}

// oneOff drains the worker once a task has ended.
type oneOff struct {
	*job.RemoteSource
	worker *job.Worker
}

// Finish ends a task and with it the runner, but for one that was not begun.
func (s oneOff) Finish(ctx context.Context, lease job.Lease, res job.Result) error {
	err := s.RemoteSource.Finish(ctx, lease, res)
	if res.Outcome != job.Returned && (err == nil || errors.Is(err, job.ErrLeaseLost)) {
		s.worker.Drain()
	}
	return err
}

// work runs tasks. A runner that the server does not know any more ends.
func work(ctx context.Context, hurry <-chan struct{}, remote *job.RemoteSource, w *job.Worker) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	listening, deaf := context.WithCancel(context.WithoutCancel(ctx))
	defer deaf()
	heard, done := make(chan error, 1), make(chan error, 1)
	go func() { heard <- remote.Run(listening) }()
	go func() { done <- w.Run(ctx) }()
	for {
		select {
		case err := <-heard:
			stop(err)
			heard = nil
		case <-hurry:
			hurry = nil
			w.Hurry()
		case err := <-done:
			deaf()
			if heard != nil {
				err = errors.Join(err, <-heard)
			}
			if cause := context.Cause(ctx); errors.Is(cause, job.ErrRevoked) {
				return errors.Join(err, cause)
			}
			_ = remote.Leave(context.WithoutCancel(ctx)) // the server finds out by itself, later
			return err
		}
	}
}
