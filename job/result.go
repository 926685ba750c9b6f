package job

import (
	"context"
	"errors"
	"fmt"
)

// The ends of a run that are not failures of the tool.
var (
	ErrStopped  = errors.New("task stopped")
	ErrShutdown = fmt.Errorf("%w: server shut down", ErrStopped)
	ErrTimeout  = errors.New("task timed out")
	ErrRejected = errors.New("plan rejected")
	ErrHeld     = errors.New("task waits for confirmation")
	ErrNotBegun = errors.New("task was not begun")
	ErrInvalid  = errors.New("invalid task")
)

// ExitError tells that the tool ended with a code other than 0, or by a
// signal.
type ExitError struct {
	Tool   string // the program's base name
	Code   int    // exit code; 128+n after signal n
	Signal string // "killed", "terminated", ... or empty
}

// Error names tool and code.
func (e *ExitError) Error() string {
	if e.Signal != "" {
		return fmt.Sprintf("%s ended by signal: %s", e.Tool, e.Signal)
	}
	return fmt.Sprintf("%s ended with exit code %d", e.Tool, e.Code)
}

// FieldError tells which field of a Spec cannot be used and how to mend it. It
// is an [ErrInvalid].
type FieldError struct {
	Field  string // JSON path inside the Spec, "repository.url"
	Reason string // what is wrong and what to do about it; never a secret
}

// Error returns field and reason.
func (e *FieldError) Error() string { return e.Field + ": " + e.Reason }

// Is makes every FieldError an ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

// invalid is the short way to a FieldError.
func invalid(field, format string, args ...any) error {
	return &FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// Result is how a run ended.
type Result struct {
	Outcome  Outcome `json:"outcome"`
	ExitCode int     `json:"exit_code"` // of the tool; 0 where no tool failed
	Message  string  `json:"message,omitempty"`
	Cause    string  `json:"cause,omitempty"` // CauseShutdown, CauseTimeout or CauseLost, where that ended it
}

// Outcome is the final state of a run as the API spells it, "held" for a run
// that waits for confirmation outside any process, and "returned" for a task
// that was handed out and not begun.
type Outcome string

// The outcomes.
const (
	Success Outcome = "success"
	Failure Outcome = "error"
	Stopped Outcome = "stopped"
	Held    Outcome = "held"

	Returned Outcome = "returned"
)

// Conclude turns what Executor.Run returned into a Result. A rejected plan, a
// time-out and a tool's exit code are failures.
func Conclude(err error) Result {
	if err == nil {
		return Result{Outcome: Success}
	}
	r := Result{Outcome: Failure, Message: err.Error()}
	var exit *ExitError
	switch {
	case errors.Is(err, ErrNotBegun):
		r.Outcome = Returned
	case errors.Is(err, ErrHeld):
		r.Outcome = Held
	case errors.Is(err, ErrShutdown):
		r.Outcome, r.Cause = Stopped, CauseShutdown
	case errors.Is(err, ErrStopped), errors.Is(err, context.Canceled):
		r.Outcome = Stopped
	case errors.Is(err, ErrTimeout):
		r.Cause = CauseTimeout
	case errors.Is(err, ErrLeaseLost):
		r.Cause = CauseLost
	case errors.As(err, &exit):
		r.ExitCode = exit.Code
	}
	return r
}

// Execute runs spec and concludes. A panic of the executor becomes a failure.
func Execute(ctx context.Context, e Executor, spec *Spec, sink Sink) (res Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("executor panicked: %v", r)
			res = Conclude(err)
		}
	}()
	err = e.Run(ctx, spec, sink)
	return Conclude(err), err
}
