package job

import (
	"context"
	"errors"
	"sync"
)

// Stopper ends a run in up to three steps, each more urgent than the one
// before. Its methods may be called from any goroutine, in any order, again.
type Stopper struct {
	cancel context.CancelCauseFunc
	force  chan struct{}
	kill   chan struct{}
	once   [2]sync.Once
}

type stopperKey struct{}

// WithStopper returns a context for Executor.Run and the Stopper that ends it.
// Call Stop, or cancel parent, to release it.
func WithStopper(parent context.Context) (context.Context, *Stopper) {
	ctx, cancel := context.WithCancelCause(parent)
	s := &Stopper{cancel: cancel, force: make(chan struct{}), kill: make(chan struct{})}
	return context.WithValue(ctx, stopperKey{}, s), s
}

// Stop asks for the gentle end that the app wants: TERM to the tree of Ansible
// and scripts, INT to the leader of the Terraform family. The cause, usually
// [ErrStopped], [ErrShutdown] or [ErrTimeout], is what Run returns.
func (s *Stopper) Stop(cause error) {
	if cause == nil {
		cause = ErrStopped
	}
	s.cancel(cause)
}

// Force stops and hurries: the Terraform family gets its second INT, other
// tools are killed without the rest of their grace.
func (s *Stopper) Force() {
	s.Stop(ErrStopped)
	s.once[0].Do(func() { close(s.force) })
}

// Kill ends the whole process tree at once. State of Terraform may be left
// incomplete and locked.
func (s *Stopper) Kill() {
	s.Force()
	s.once[1].Do(func() { close(s.kill) })
}

// Forced is closed once the run of ctx is to hurry. It is nil, which blocks for
// ever, when ctx was not made by [WithStopper]. Executors select on it.
func Forced(ctx context.Context) <-chan struct{} {
	if s, ok := ctx.Value(stopperKey{}).(*Stopper); ok {
		return s.force
	}
	return nil
}

// Killed is closed once the run of ctx is to be killed; see [Forced].
func Killed(ctx context.Context) <-chan struct{} {
	if s, ok := ctx.Value(stopperKey{}).(*Stopper); ok {
		return s.kill
	}
	return nil
}

// stopCause returns why ctx ended, as one of this package's errors.
func stopCause(ctx context.Context) error {
	switch cause := context.Cause(ctx); {
	case cause == nil, errors.Is(cause, context.Canceled):
		return ErrStopped
	case errors.Is(cause, context.DeadlineExceeded):
		return ErrTimeout
	default:
		return cause
	}
}
