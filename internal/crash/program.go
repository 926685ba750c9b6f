//go:build linux

package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// ProgramEnv holds a [Program] as JSON and makes a test binary be that program.
const ProgramEnv = "CRASH_PROGRAM"

// Program is what the program under test is told.
type Program struct {
	DB     string // file of the database
	Dir    string // of runs, links and the spool
	Repo   string // a directory with the script
	Events string // file that scripts write to
	Key    string // as crypto.ParseKey reads it
	Mutant Mutant // a safeguard that is taken out; "" for none

	MaxParallel    int
	LeaseTTL       time.Duration
	LostAfterRetry time.Duration
	ShutdownGrace  time.Duration
}

// FromEnv returns the program that the environment asks for.
func FromEnv() (p Program, asked bool, err error) {
	text := os.Getenv(ProgramEnv)
	if text == "" {
		return p, false, nil
	}
	return p, true, json.Unmarshal([]byte(text), &p)
}

// Main is the program: it runs tasks until SIGTERM, which a second one hurries,
// and returns its exit code.
func (p Program) Main(ctx context.Context, errs io.Writer) int {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	terms := make(chan os.Signal, 2)
	signal.Notify(terms, syscall.SIGTERM)
	log := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelInfo})).With("pid", os.Getpid())
	if err := p.run(ctx, log, func(app *semaphore.App) {
		<-terms
		stop()
		<-terms
		app.Pool().Hurry()
	}); err != nil {
		fmt.Fprintln(errs, "program:", err)
		return 1
	}
	return 0
}

// run opens the store and runs the pool. Signals is called in a goroutine that
// nobody waits for.
func (p Program) run(ctx context.Context, log *slog.Logger, signals func(*semaphore.App)) (err error) {
	key, err := crypto.ParseKey(p.Key)
	if err != nil {
		return err
	}
	st, err := sqlite.Open(ctx, p.DB, sqlite.Config{Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	mutated := p.Mutant.store(st)
	executor, err := p.executor(log)
	if err != nil {
		return err
	}
	app, err := semaphore.New(semaphore.Config{
		Store: mutated, Key: key, Executor: p.Mutant.executor(executor, p), Log: log,
		Pool: pool.Config{
			MaxParallel: p.MaxParallel, Capacity: 2 * p.MaxParallel, Poll: 50 * time.Millisecond,
			LeaseTTL: p.LeaseTTL, LostAfterRetry: p.LostAfterRetry, ShutdownGrace: p.ShutdownGrace,
			Spool: filepath.Join(p.Dir, fmt.Sprintf("spool-%d", os.Getpid())),
		},
	})
	if err != nil {
		return err
	}
	go signals(app)
	return app.Run(ctx)
}

// executor is the one that the front door would make.
func (p Program) executor(log *slog.Logger) (*job.LocalJob, error) {
	links := filepath.Join(p.Dir, "links")
	if err := os.MkdirAll(links, 0o700); err != nil {
		return nil, err
	}
	return job.NewLocal(p.Dir, job.LocalConfig{
		ReposPaths: []string{p.Repo}, LinkDir: links, HomeMode: job.HomeIsolated, Log: log,
		Env: map[string]string{EventsEnv: p.Events},
	})
}
