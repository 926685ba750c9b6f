package jobtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/job"
)

// Source is a job.Source in memory that a test fills with tasks, makes fail and
// asks afterwards. It holds its caller to the contract: see Problems. The zero
// value hands out nothing; set the fields before it is used. It is safe for
// concurrent use, and in a bubble of testing/synctest.
type Source struct {
	Fail  func(SourceCall) error         // answers in place of a call that was never received
	Lose  func(SourceCall) error         // answers in place of a call that took effect; nil is no answer
	Delay func(SourceCall) time.Duration // before a call is received, or its context ends
	Poll  time.Duration                  // how long Claim waits for a task. Defaults to as long as its context.

	mu       sync.Mutex
	changed  chan struct{} // closed at the next change; nil until somebody waits
	wake     chan struct{}
	down     bool
	calls    map[string]int
	queue    []job.Assignment
	signals  []job.Signal
	tasks    map[job.Lease]*sourceTask
	problems []string
}

// The methods of a SourceCall.
const (
	Claim  = "claim"
	Extend = "extend"
	Append = "append"
	Finish = "finish"
)

// SourceCall is a call of a Source.
type SourceCall struct {
	Method string
	N      int       // of this method, from 1 on, failed ones included
	Lease  job.Lease // of Append and Finish
}

// ErrDown is what every call answers while the Source is down.
var ErrDown = errors.New("source is down")

// sourceTask is what a Source knows about a lease.
type sourceTask struct {
	next       int64
	reports    []job.Report
	duplicates int
	extended   int
	result     *job.Result
	revoked    bool
}

// Claim implements job.Source.
func (s *Source) Claim(ctx context.Context, free int) ([]job.Assignment, error) {
	call, err := s.begin(ctx, Claim, job.Lease{})
	if err != nil {
		return nil, err
	}
	if s.Poll > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.Poll)
		defer cancel()
	}
	for {
		list, changed := s.take(free)
		if len(list) > 0 {
			if err := s.lose(call); err != nil {
				return nil, err
			}
			return list, nil
		}
		select {
		case <-ctx.Done():
			return nil, s.lose(call)
		case <-changed:
		}
	}
}

// take removes tasks from the queue.
func (s *Source) take(free int) ([]job.Assignment, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(free, len(s.queue))
	if s.down {
		n = 0
	}
	list := s.queue[:n:n]
	s.queue = s.queue[n:]
	for _, a := range list {
		s.tasks[a.Lease] = &sourceTask{next: a.NextSeq}
	}
	return list, s.waiter()
}

// Extend implements job.Source.
func (s *Source) Extend(ctx context.Context, leases []job.Lease) ([]job.Signal, error) {
	call, err := s.begin(ctx, Extend, job.Lease{})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	var answer []job.Signal
	for _, lease := range leases {
		t := s.task(lease, Extend)
		t.extended++
		if t.revoked {
			answer = append(answer, job.Signal{Lease: lease, Gone: true})
		}
	}
	var kept []job.Signal
	for _, signal := range s.signals {
		if slices.Contains(leases, signal.Lease) {
			answer = append(answer, signal)
		} else {
			kept = append(kept, signal)
		}
	}
	s.signals = kept
	s.broadcast()
	s.mu.Unlock()
	return answer, s.lose(call)
}

// Append implements job.Source.
func (s *Source) Append(ctx context.Context, lease job.Lease, r job.Report) error {
	call, err := s.begin(ctx, Append, lease)
	if err != nil {
		return err
	}
	s.mu.Lock()
	t := s.task(lease, Append)
	switch {
	case t.result != nil:
		s.problem("append %d of task %d after its finish", r.Seq, lease.TaskID)
	case r.Seq < t.next:
		t.duplicates++
	case r.Seq > t.next:
		s.problem("append %d of task %d in place of %d", r.Seq, lease.TaskID, t.next)
	default:
		t.next++
		t.reports = append(t.reports, r)
	}
	revoked := t.revoked
	s.broadcast()
	s.mu.Unlock()
	if revoked {
		return job.ErrLeaseLost
	}
	return s.lose(call)
}

// Finish implements job.Source.
func (s *Source) Finish(ctx context.Context, lease job.Lease, res job.Result) error {
	call, err := s.begin(ctx, Finish, lease)
	if err != nil {
		return err
	}
	s.mu.Lock()
	t := s.task(lease, Finish)
	if t.result != nil && *t.result != res {
		s.problem("task %d finished twice, as %v and %v", lease.TaskID, *t.result, res)
	}
	t.result = &res
	revoked := t.revoked
	s.broadcast()
	s.mu.Unlock()
	if revoked {
		return job.ErrLeaseLost
	}
	return s.lose(call)
}

// Signals implements job.Signaller; only Wake sends.
func (s *Source) Signals() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waker()
}

// begin counts a call, delays it and lets it fail.
func (s *Source) begin(ctx context.Context, method string, lease job.Lease) (SourceCall, error) {
	s.mu.Lock()
	if s.calls == nil {
		s.calls, s.tasks = map[string]int{}, map[job.Lease]*sourceTask{}
	}
	s.calls[method]++
	call := SourceCall{Method: method, N: s.calls[method], Lease: lease}
	s.mu.Unlock()
	if s.Delay != nil {
		if err := wait(ctx, s.Delay(call)); err != nil && method != Claim {
			return call, err
		}
	}
	if s.isDown() {
		return call, ErrDown
	}
	if s.Fail != nil {
		return call, s.Fail(call)
	}
	return call, nil
}

func (s *Source) lose(call SourceCall) error {
	if s.isDown() {
		return ErrDown
	}
	if s.Lose != nil {
		return s.Lose(call)
	}
	return nil
}

func (s *Source) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

// task finds a lease that was handed out.
func (s *Source) task(lease job.Lease, method string) *sourceTask {
	t := s.tasks[lease]
	if t == nil {
		s.problem("%s for a lease that was not handed out: %+v", method, lease)
		t = &sourceTask{revoked: true}
		s.tasks[lease] = t
	}
	return t
}

func (s *Source) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// waiter is closed at the next change.
func (s *Source) waiter() <-chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

func (s *Source) broadcast() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

func (s *Source) waker() chan struct{} {
	if s.wake == nil {
		s.wake = make(chan struct{}, 1)
	}
	return s.wake
}
