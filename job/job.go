// Package job runs one fully resolved task: a playbook, a script or a
// Terraform directory from a git repository, with its inventory, variables
// and keys, until it ends or is stopped, with every line of its output.
//
// The package knows no database and no key ring. A [Spec] carries everything a
// run needs, secrets opened; a [Sink] receives everything a run yields. An
// [Executor] stands between them. [LocalJob] is the Executor that runs tools
// on this machine; containers and clusters are other Executors.
//
// A program that uses LocalJob calls [Init] first thing in main, so that the
// small supervisor process that guards each task's process tree can be started
// from the program's own binary.
package job

import "context"

// Executor runs one Spec.
//
// Run blocks until the task has ended and everything it started is gone. It
// returns nil on success, else an error that [Conclude] understands:
// [ErrStopped], [ErrTimeout], [ErrRejected], [ErrHeld], an *[ExitError], a
// *[FieldError] or any other error for a task that could not be run.
//
// Cancelling ctx asks for a gentle stop; the cause of the cancellation
// ([context.Cause]) tells why and decides the error. A caller that may have to
// hurry a stop makes ctx with [WithStopper]. Run may be called from many
// goroutines at once; it keeps neither spec nor sink after it has returned.
type Executor interface {
	Run(ctx context.Context, spec *Spec, sink Sink) error
}

// Sink receives what a run yields. The Executor calls its methods from one
// goroutine at a time, in the order things happened; calls may block, and a
// blocked sink holds the tool back rather than losing its output. The context
// of a call is not cancelled by a stop of the task, so that the last lines
// still arrive; it ends after 30 s, and a sink honours that.
type Sink interface {
	// Lines receives complete lines, masked, oldest first. The slice belongs to
	// the sink from then on. After an error the same lines are offered again
	// with the ones that follow.
	Lines(ctx context.Context, lines []Line) error
	// Status tells that the run entered another state or phase.
	Status(ctx context.Context, s Status) error
	// Commit tells which commit is being run. It comes before the tool starts.
	Commit(ctx context.Context, c Commit) error
	// Plan receives the summary of a Terraform plan, before Confirm is asked.
	Plan(ctx context.Context, p PlanSummary) error
	// Confirm asks a person and waits for the answer. [Hold] ends the run here,
	// with [ErrHeld]: a plan can be applied later and elsewhere from the run's
	// bundle ([Spec.Resume]), a migration of state is agreed to by
	// [TerraformOptions.MigrateState]. Its context ends with a stop of the task,
	// and other methods may be called while it waits.
	Confirm(ctx context.Context, p Prompt) (Answer, error)
	// HostKey receives the key of a host met for the first time, so that the
	// next run can be given it in [HostKeys.Known].
	HostKey(ctx context.Context, k HostKey) error
}

// Discard is a Sink that drops everything and rejects whatever it is asked to
// confirm. Embed it to implement only the methods of interest.
type Discard struct{}

// Lines drops the lines.
func (Discard) Lines(context.Context, []Line) error { return nil }

// Status drops the status.
func (Discard) Status(context.Context, Status) error { return nil }

// Commit drops the commit.
func (Discard) Commit(context.Context, Commit) error { return nil }

// Plan drops the summary.
func (Discard) Plan(context.Context, PlanSummary) error { return nil }

// Confirm rejects: nobody is there to ask.
func (Discard) Confirm(context.Context, Prompt) (Answer, error) { return Reject, nil }

// HostKey drops the key.
func (Discard) HostKey(context.Context, HostKey) error { return nil }
