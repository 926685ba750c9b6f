package jobtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/job"
)

// Add puts tasks at the end of the queue and returns their leases. A lease
// without an ID gets one, with the task's number from the Spec, attempt 1 and a
// TTL of 15 s, unless they are given.
func (s *Source) Add(tasks ...job.Assignment) []job.Lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	var leases []job.Lease
	for _, a := range tasks {
		if a.Spec != nil && a.Lease.TaskID == 0 {
			a.Lease.TaskID, a.Lease.ProjectID = a.Spec.Task.ID, a.Spec.Task.ProjectID
		}
		a.Lease.Attempt = max(a.Lease.Attempt, 1)
		if a.Lease.ID == "" {
			a.Lease.ID = fmt.Sprintf("lease-%d-%d", a.Lease.TaskID, a.Lease.Attempt)
		}
		if a.TTL == 0 {
			a.TTL = 15 * time.Second
		}
		s.queue = append(s.queue, a)
		leases = append(leases, a.Lease)
	}
	s.broadcast()
	return leases
}

// SetDown makes every call answer ErrDown, or ends that.
func (s *Source) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
	s.broadcast()
}

// Signal is told at the next Extend for its lease.
func (s *Source) Signal(signals ...job.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signals = append(s.signals, signals...)
}

// Wake asks for an Extend at once.
func (s *Source) Wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.waker() <- struct{}{}:
	default:
	}
}

// Revoke takes a lease back: from now on Extend tells that it is gone, Append
// and Finish keep what they are given and answer job.ErrLeaseLost.
func (s *Source) Revoke(lease job.Lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tasks[lease]; t != nil {
		t.revoked = true
	}
}

// Await waits until the tasks of all leases have a result, or ctx ends.
func (s *Source) Await(ctx context.Context, leases ...job.Lease) error {
	for {
		s.mu.Lock()
		open := slices.IndexFunc(leases, func(l job.Lease) bool { return s.tasks[l] == nil || s.tasks[l].result == nil })
		changed := s.waiter()
		s.mu.Unlock()
		if open < 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("task %d has no result: %w", leases[open].TaskID, context.Cause(ctx))
		}
	}
}

// Result tells how a task ended, and whether it has.
func (s *Source) Result(lease job.Lease) (job.Result, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tasks[lease]; t != nil && t.result != nil {
		return *t.result, true
	}
	return job.Result{}, false
}

// Reports returns what was appended, each once.
func (s *Source) Reports(lease job.Lease) []job.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tasks[lease]; t != nil {
		return slices.Clone(t.reports)
	}
	return nil
}

// Output returns the tool's lines, joined by line feeds.
func (s *Source) Output(lease job.Lease) string {
	return s.text(lease, func(l job.Line) bool { return l.Stream != job.System })
}

// System returns the lines about the run itself, joined by line feeds.
func (s *Source) System(lease job.Lease) string {
	return s.text(lease, func(l job.Line) bool { return l.Stream == job.System })
}

func (s *Source) text(lease job.Lease, want func(job.Line) bool) string {
	var b strings.Builder
	for _, r := range s.Reports(lease) {
		for _, line := range r.Lines {
			if want(line) {
				b.WriteString(line.Text + "\n")
			}
		}
	}
	return b.String()
}

// Extended tells how often a lease was extended.
func (s *Source) Extended(lease job.Lease) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tasks[lease]; t != nil {
		return t.extended
	}
	return 0
}

// Duplicates tells how many reports came again.
func (s *Source) Duplicates(lease job.Lease) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tasks[lease]; t != nil {
		return t.duplicates
	}
	return 0
}

// Calls tells how often a method was called, failed calls included.
func (s *Source) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Problems lists what broke the contract of job.Source: calls with a lease that
// was not handed out, gaps between reports, reports behind a Finish, two
// different ends.
func (s *Source) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}
