package job

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Source hands out tasks and receives what becomes of them. A [Worker] stands
// between it and an [Executor]. The pool is a Source in its own process, and a
// client of a server is one on another machine; both drive the same Worker.
//
// For each lease the order is: Claim, then Append as often as there is something
// to tell, then Finish once. A Worker makes one call of Append or Finish at a
// time for a lease, and the next one only after the one before was answered
// with nil or [ErrLeaseLost]; leases do not wait for each other. Extend goes on
// beside them until Finish was answered. All methods may be called from several
// goroutines.
//
// Append and Finish are repeated, with the same arguments, until they are
// answered: an error other than ErrLeaseLost means that the Source could not be
// reached, even where it has done what was asked. So they are idempotent, by
// lease and sequence number and by lease. Extend is called again in any case.
type Source interface {
	// Claim hands out at most free tasks. It blocks until there is one, or ctx
	// ends, or it thinks it has waited long enough; it may return none. What it
	// returns beside an ended ctx counts: the tasks are ended as shut down.
	Claim(ctx context.Context, free int) ([]Assignment, error)
	// Extend keeps leases alive and tells what is to happen to their tasks.
	// Leases that nothing happens to are not mentioned. It is called again while
	// it has not answered yet: a lease must not depend on one slow answer.
	Extend(ctx context.Context, leases []Lease) ([]Signal, error)
	// Append takes a report. One that it has already is acknowledged again. It
	// answers [ErrLeaseLost] when the lease is not valid any more; the report is
	// then kept as a late one, or refused, and the Worker stops the tool but
	// still offers the reports that follow. The report belongs to the Source.
	Append(ctx context.Context, lease Lease, r Report) error
	// Finish ends the task, after all its reports. It answers ErrLeaseLost as
	// Append does; the lease is over either way.
	Finish(ctx context.Context, lease Lease, res Result) error
}

// Signaller is a [Source] that can tell at once that Extend has something to
// say, so that a stop does not wait for the next extension. The channel is asked
// for once per run of a Worker. It is a hint: sends never block, and one may
// stand for several.
type Signaller interface {
	Signals() <-chan struct{}
}

// ErrLeaseLost tells that a lease is not valid any more: another attempt has the
// task, or it was ended.
var ErrLeaseLost = errors.New("lease lost")

// Lease is the right to run one attempt of a task. Whoever claimed it names it
// with every call, as it was handed out.
type Lease struct {
	ID        string `json:"id"`
	TaskID    int64  `json:"task_id"`
	ProjectID int64  `json:"project_id"`
	Attempt   int    `json:"attempt"`
}

// Assignment is a task to run under a lease.
type Assignment struct {
	Lease Lease `json:"lease"`
	Spec  *Spec `json:"spec"`
	// Prepare makes the Spec, in a Source of the same process, once the lease is
	// being extended: opening secrets may take time, and holds up no other task.
	// Its context ends with a stop of the task. An [ErrNotBegun] gives the task
	// back, any other error ends it. Nil where Spec is there.
	Prepare func(ctx context.Context) (*Spec, error) `json:"-"`
	// TTL is after how long without extension the task counts as unreachable. It
	// is extended every third of it. Defaults to 15 s.
	TTL time.Duration `json:"ttl_ns,omitempty"`
	// LostAfter is after how long without extension another attempt may start:
	// the tool is ended before. 0 means that there will be no other attempt, and
	// an unreachable Source never ends the tool.
	LostAfter time.Duration `json:"lost_after_ns,omitempty"`
	NextSeq   int64         `json:"next_seq"` // sequence number of the first Report
}

// Signal tells what is to happen to the task of a lease. A signal may be
// repeated; one that is less urgent than what is under way changes nothing.
type Signal struct {
	Lease Lease     `json:"lease"`
	Stop  StopLevel `json:"stop,omitempty"`
	Cause string    `json:"cause,omitempty"` // why: CauseTimeout, CauseShutdown, or anything else for a stop by a person
	Gone  bool      `json:"gone,omitempty"`  // the lease is not valid any more: the tool is killed
}

// StopLevel says how urgent a stop is.
type StopLevel string

// The levels, which are those of a [Stopper].
const (
	StopNone   StopLevel = ""
	StopGentle StopLevel = "stop"
	StopForce  StopLevel = "force"
	StopKill   StopLevel = "kill"
)

// Causes of a stop that decide what the task ends with.
const (
	CauseTimeout  = "timeout"  // ErrTimeout
	CauseShutdown = "shutdown" // ErrShutdown
)

// CauseLost is that of a [Result] whose tool was ended because its lease could
// not be extended, and another attempt might have started.
const CauseLost = "lost"

// err is what a run that was stopped for the cause returns.
func (s Signal) err() error {
	switch s.Cause {
	case CauseTimeout:
		return ErrTimeout
	case CauseShutdown:
		return ErrShutdown
	default:
		return ErrStopped
	}
}

// Report is what a run has yielded since the one before. What comes at about the
// same time comes in one: events first, then lines. Sequence numbers of a lease
// rise by one from [Assignment.NextSeq] on.
type Report struct {
	Seq      int64        `json:"seq"`
	Lines    []Line       `json:"lines,omitempty"`
	Status   *Status      `json:"status,omitempty"` // the last one
	Commit   *Commit      `json:"commit,omitempty"`
	Plan     *PlanSummary `json:"plan,omitempty"`
	Prompt   *Prompt      `json:"prompt,omitempty"` // the run ends held at it
	HostKeys []HostKey    `json:"host_keys,omitempty"`
	Commands [][]string   `json:"commands,omitempty"` // command lines of the tool, see CommandSink
}

// mergeSize is how much one report gathers.
const mergeSize = 128 << 10

// merge adds what came next, if that belongs into the same report: lines that
// follow a change of phase are never reported before it.
func (r *Report) merge(next Report) bool {
	if len(r.Lines) > 0 && next.Status != nil ||
		len(r.Lines)+len(next.Lines) > 0 && r.size()+next.size() > mergeSize {
		return false
	}
	if next.Status != nil {
		r.Status = next.Status
	}
	if next.Commit != nil {
		r.Commit = next.Commit
	}
	if next.Plan != nil {
		r.Plan = next.Plan
	}
	if next.Prompt != nil {
		r.Prompt = next.Prompt
	}
	r.Lines = append(slices.Clip(r.Lines), next.Lines...)
	r.HostKeys = append(slices.Clip(r.HostKeys), next.HostKeys...)
	r.Commands = append(slices.Clip(r.Commands), next.Commands...)
	return true
}

// urgent tells whether the report is worth a call of its own: events without
// lines can wait a moment for what follows.
func (r *Report) urgent() bool {
	return len(r.Lines) > 0 || r.Prompt != nil || r.Plan != nil
}

// size is about how much memory the report takes.
func (r Report) size() int {
	n := 256
	for _, l := range r.Lines {
		n += len(l.Text) + lineMemory
	}
	return n
}
