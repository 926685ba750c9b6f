package job

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/job/internal/proc"
)

// command is one program of a run.
type command struct {
	path   string
	args   []string
	env    []string
	dir    string
	leader bool              // stop by INT to the leader alone
	onLine func(text string) // sees each line of output; may be nil
	keep   bool              // processes left behind live on
	proper bool              // the tool itself: the sink is told how it is called
	quiet  func(leftover string) bool
}

// graces when the template names none.
const (
	treeGrace   = 10 * time.Second
	leaderGrace = 5 * time.Minute
)

// exec runs a command to its end, its output going to the run's log, and stops
// it as its kind wants when the run is stopped. The error is an *ExitError, or
// the cause of the stop.
func (r *run) exec(c command) error {
	if r.ctx.Err() != nil {
		return stopCause(r.ctx)
	}
	if c.proper {
		r.tellCommand(c)
	}
	cfg := r.procConfig(c)
	name := filepath.Base(c.path)
	p, err := proc.Start(cfg)
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	r.out.OnLine(c.onLine)
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.superviseStop(p, name, cfg.Grace, c.leader, done)
	}()
	readErr := r.out.Read(p.Output())
	exit := p.Wait()
	close(done)
	<-stopped
	r.out.OnLine(nil)
	r.reportExit(exit, c)
	return r.exitErr(name, exit, readErr)
}

// procConfig is how the run supervises a command.
func (r *run) procConfig(c command) proc.Config {
	cfg := proc.Config{
		Path: c.path, Args: c.args, Env: c.env, Dir: c.dir,
		Style: proc.StopTree, Grace: r.spec.Limits.StopGrace, KeepBackground: c.keep,
		Marker: r.dir.name, Helper: r.job.cfg.Helper,
		NoNewPrivileges: r.job.cfg.Process.NoNewPrivileges,
	}
	if c.leader {
		cfg.Style = proc.StopLeader
	}
	if cfg.Grace == 0 {
		cfg.Grace = treeGrace
		if c.leader {
			cfg.Grace = leaderGrace
		}
	}
	if p := r.job.cfg.Process; p.UID != 0 {
		cfg.User = &proc.User{UID: uint32(p.UID), GID: uint32(p.GID), Groups: p.Groups}
	}
	return cfg
}

// superviseStop passes the run's stop, force and kill on to p until done.
func (r *run) superviseStop(p *proc.Process, name string, grace time.Duration, leader bool, done <-chan struct{}) {
	select {
	case <-done:
		return
	case <-r.ctx.Done():
	}
	begun := time.Now()
	p.Stop()
	// A sink that blocks must not stand between a stop and its tool.
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		r.stopping(name)
	}()
	defer func() { <-reported }()
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	forced, killed := Forced(r.ctx), Killed(r.ctx)
	for {
		select {
		case <-done:
			return
		case <-forced:
			forced = nil
			p.Force()
		case <-killed:
			killed = nil
			p.Kill()
		case <-tick.C:
			if left := grace - time.Since(begun); leader && left > 0 {
				r.out.System("waiting for %s to end by itself, at most %s more", name, left.Round(time.Second))
			}
		}
	}
}

// stopping says once that the run is being stopped, and why.
func (r *run) stopping(name string) {
	r.stopOnce.Do(func() {
		r.out.System("%s: stopping %s", stopCause(r.ctx), name)
		r.status(Stopping, PhaseStop, "stopping "+name)
	})
}

// reportExit logs what a person should know about how a process tree ended.
func (r *run) reportExit(exit proc.Exit, c command) {
	if exit.OutputHeld {
		r.out.System("a process left in the background still holds the output; it was closed")
	}
	var names []string
	for _, name := range exit.Leftovers {
		if c.quiet == nil || !c.quiet(name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		r.out.System("ended processes left behind: %s", strings.Join(names, ", "))
	}
	if len(exit.Survivors) > 0 {
		r.out.System("warning: processes that could not be ended: %s", strings.Join(exit.Survivors, ", "))
	}
	if exit.Lost {
		r.out.System("the supervisor of %s was killed; what was left of its processes was ended", filepath.Base(c.path))
	}
	if exit.Killed {
		r.killed = true
		r.out.System("%s was killed", filepath.Base(c.path))
	}
}

// exitErr decides what a finished process means. A tool that ended well while
// a stop was on its way still counts as stopped.
func (r *run) exitErr(name string, exit proc.Exit, readErr error) error {
	if r.ctx.Err() != nil {
		return stopCause(r.ctx)
	}
	if exit.Code != 0 || exit.Signal != "" {
		return &ExitError{Tool: name, Code: exit.Code, Signal: exit.Signal}
	}
	if readErr != nil {
		return fmt.Errorf("read output of %s: %w", name, readErr)
	}
	return nil
}

// exitCode is the code inside err: 0 for nil, -1 where there is none.
func exitCode(err error) int {
	var exit *ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Signal == "":
		return exit.Code
	default:
		return -1
	}
}

// clock is the time-out of a run. It stands still while a person is asked.
type clock struct {
	timer  *time.Timer
	left   time.Duration
	since  time.Time
	cancel context.CancelCauseFunc
}

func newClock(timeout time.Duration, cancel context.CancelCauseFunc) *clock {
	c := &clock{left: timeout, cancel: cancel}
	c.resume()
	return c
}

func (c *clock) resume() {
	if c.left <= 0 {
		return
	}
	c.since = time.Now()
	c.timer = time.AfterFunc(c.left, func() { c.cancel(ErrTimeout) })
}

func (c *clock) pause() {
	if c.timer == nil || !c.timer.Stop() {
		return
	}
	c.left = max(c.left-time.Since(c.since), time.Millisecond)
	c.timer = nil
}
