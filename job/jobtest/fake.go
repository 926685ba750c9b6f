package jobtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/job"
)

// Fake is a job.Executor that plays a script instead of running a tool. It is
// safe for concurrent use.
type Fake struct {
	// Script tells what a run does, by its Spec. Defaults to an immediate
	// success without output.
	Script func(*job.Spec) Script

	mu   sync.Mutex
	runs []*job.Spec
}

// Script is one scripted run.
type Script struct {
	Lines    []string         // printed in order
	Delay    time.Duration    // before each line, and before the end
	Commit   job.Commit       // reported first, if it has a hash
	Plan     *job.PlanSummary // reported and asked about, after the lines
	ExitCode int              // other than 0 ends in a *job.ExitError
	Err      error            // wins over ExitCode
}

// Runs returns the Specs that were run, in order of their start.
func (f *Fake) Runs() []*job.Spec {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*job.Spec(nil), f.runs...)
}

// Run implements job.Executor.
func (f *Fake) Run(ctx context.Context, spec *job.Spec, sink job.Sink) error {
	f.mu.Lock()
	f.runs = append(f.runs, spec)
	f.mu.Unlock()
	var s Script
	if f.Script != nil {
		s = f.Script(spec)
	}
	err := s.play(ctx, sink)
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return cause(ctx)
	case err != nil:
		return err
	case s.Err != nil:
		return s.Err
	case s.ExitCode != 0:
		return &job.ExitError{Tool: "fake", Code: s.ExitCode}
	}
	return nil
}

func (s Script) play(ctx context.Context, sink job.Sink) error {
	calm := context.WithoutCancel(ctx)
	if err := sink.Status(calm, job.Status{State: job.Running, Phase: job.PhaseRun}); err != nil {
		return err
	}
	if s.Commit.Hash != "" {
		if err := sink.Commit(calm, s.Commit); err != nil {
			return err
		}
	}
	for _, text := range s.Lines {
		if err := wait(ctx, s.Delay); err != nil {
			return err
		}
		if err := sink.Lines(calm, []job.Line{{Time: time.Now(), Text: text}}); err != nil {
			return err
		}
	}
	if s.Plan != nil {
		if err := s.ask(ctx, sink); err != nil {
			return err
		}
	}
	return wait(ctx, s.Delay)
}

func (s Script) ask(ctx context.Context, sink job.Sink) error {
	if err := sink.Plan(context.WithoutCancel(ctx), *s.Plan); err != nil {
		return err
	}
	answer, err := sink.Confirm(ctx, job.Prompt{Kind: job.AskApply, Plan: s.Plan})
	switch {
	case err != nil:
		return err
	case answer == job.Hold:
		return job.ErrHeld
	case answer != job.Approve:
		return job.ErrRejected
	}
	return nil
}

// wait is a pause that a stop ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// cause is why ctx ended, as job says it.
func cause(ctx context.Context) error {
	switch c := context.Cause(ctx); {
	case errors.Is(c, context.DeadlineExceeded):
		return job.ErrTimeout
	case errors.Is(c, context.Canceled):
		return job.ErrStopped
	default:
		return c
	}
}
