//go:build linux

package cluster_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// programEnv holds an [altered] as JSON and makes the test binary be that
// program.
const programEnv = "CLUSTER_PROGRAM"

// altered is a server or a runner on the library that may lack a safeguard.
type altered struct {
	Runner      bool
	Mutant      mutant
	Dir         string
	Links       string
	Repo        string
	Vars        map[string]string // of scripts
	Key         string            // of a server, as crypto.ParseKey reads it
	DB          string            // of a server
	Listen      string            // address of a server
	Server      string            // of a runner
	Token       string            // of a runner
	LeaseTTL    time.Duration
	LostAfter   time.Duration // where retries are allowed; six times that elsewhere
	Tag         string        // that a server serves
	MaxParallel int
	Capacity    int // of a runner
}

func alteredMain(ctx context.Context, text string) int {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	var a altered
	err := json.Unmarshal([]byte(text), &a)
	if err == nil {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGTERM)
		defer stop()
		if a.Runner {
			err = a.work(ctx, log)
		} else {
			err = a.serve(ctx, log)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "program:", err)
		return 1
	}
	return 0
}

// local is the executor that a program as it is shipped would have.
func (a altered) local(log *slog.Logger, states job.StateStore, bundles job.BundleStore) (*job.LocalJob, error) {
	if err := os.MkdirAll(a.Links, 0o700); err != nil {
		return nil, err
	}
	return job.NewLocal(filepath.Join(a.Dir, "work"), job.LocalConfig{
		ReposPaths: []string{a.Repo}, LinkDir: a.Links, HomeMode: job.HomeIsolated, Log: log, Env: a.Vars, States: states, Bundles: bundles,
	})
}

// serve is a server.
func (a altered) serve(ctx context.Context, log *slog.Logger) (err error) {
	key, err := crypto.ParseKey(a.Key)
	if err != nil {
		return err
	}
	ring, err := crypto.NewRing(key)
	if err != nil {
		return err
	}
	st, err := postgres.Open(ctx, a.DB, postgres.Config{Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	local, err := a.local(log, pool.States(st, ring), pool.Bundles(st, ring))
	if err != nil {
		return err
	}
	var tags []string
	if a.Tag != "" {
		tags = []string{a.Tag}
	}
	app, err := semaphore.New(semaphore.Config{
		Store: a.Mutant.store(st), Ring: ring, Executor: local, Log: log,
		Pool: pool.Config{
			MaxParallel: cmp.Or(a.MaxParallel, -1), Capacity: 10, Poll: 100 * time.Millisecond, Tags: tags,
			LeaseTTL: a.LeaseTTL, LostAfter: 6 * a.LostAfter, LostAfterRetry: a.LostAfter,
			Spool: filepath.Join(a.Dir, "spool"),
		},
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", net.JoinHostPort(a.Listen, "0"))
	if err != nil {
		return err
	}
	web := &http.Server{Handler: app.Handler(), ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = web.Serve(l) })
	fmt.Fprintf(os.Stderr, "serving http://%s (stop it with TERM)\n", l.Addr())
	err = app.Run(ctx)
	err = errors.Join(err, web.Close())
	serving.Wait()
	return err
}

// work is a runner.
func (a altered) work(ctx context.Context, log *slog.Logger) error {
	key, err := a.boxKey()
	if err != nil {
		return err
	}
	remote, err := job.NewRemote(job.RemoteConfig{
		URL: a.Server, Token: a.Token, Key: key, PublicKey: key.Public().String(), Instance: "only", Log: log,
	})
	if err != nil {
		return err
	}
	local, err := a.local(log, remote.States(), remote.Bundles())
	if err != nil {
		return err
	}
	sweep := local.Sweep
	if a.Mutant == noTreeKill {
		sweep = func(context.Context) ([]job.Swept, error) { return nil, nil }
	}
	if err := remote.Recover(ctx, sweep); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "taking tasks from", a.Server)
	w := &job.Worker{
		Source: a.Mutant.source(remote), Executor: a.Mutant.executor(local, a), Capacity: a.Capacity, Spool: filepath.Join(a.Dir, "spool"), Log: log,
		FinishTimeout: 5 * time.Second,
	}
	listening, deaf := context.WithCancel(context.WithoutCancel(ctx))
	var hearing sync.WaitGroup
	hearing.Go(func() { _ = remote.Run(listening) })
	err = w.Run(ctx)
	deaf()
	hearing.Wait()
	_ = remote.Leave(context.WithoutCancel(ctx))
	return err
}

// boxKey keeps the key of a runner over its restarts.
func (a altered) boxKey() (crypto.BoxPrivate, error) {
	file := filepath.Join(a.Dir, "key")
	if text, err := os.ReadFile(file); err == nil {
		return crypto.ParseBoxPrivate(string(text))
	}
	key, _, err := crypto.GenerateBoxKey()
	return key, cmp.Or(err, os.WriteFile(file, []byte(key.Encode()), 0o600))
}
