package store

import (
	"context"
	"encoding/json"
	"time"
)

// Lease is the right to work on a task. What is done under it is fenced by it:
// a lease of another attempt, or of a task that has ended, is [ErrLease].
type Lease struct {
	ID        string `json:"id"`
	TaskID    int64  `json:"task_id"`
	ProjectID int64  `json:"project_id"`
	Attempt   int    `json:"attempt"`
}

// TaskQueue serves tasks as workers see them. Each method is one transaction,
// and writes its events and outbox entries in it.
type TaskQueue interface {
	// Claim hands out tasks that may run now, oldest first, all limits being
	// kept: at most MaxParallel leased tasks in all, at most the project's
	// max_parallel_tasks in it, at most the runner's of its own, and none of a template that has another unfinished
	// started task unless both allow parallel tasks. A task that is blocked
	// blocks no other. The claimed ones become starting, with a new lease and
	// the next attempt; a confirmed one keeps its attempt's log and plan.
	Claim(ctx context.Context, r ClaimRequest) ([]Claimed, error)
	// Extend renews leases and tells what their workers are to do.
	Extend(ctx context.Context, owner string, leases []Lease, ttl time.Duration) ([]Signal, error)
	// Append stores what a run has yielded. A sequence number that was stored
	// already is accepted and ignored. After the end of the lease the lines are
	// kept as late ones and the answer is [ErrLease].
	Append(ctx context.Context, l Lease, a Append) error
	// Finish ends the lease and, unless the task is to wait, the task. The same
	// lease again is accepted and ignored. After the end of the lease the result
	// is kept as a late one, with an event, and the answer is [ErrLease].
	//
	// Waiting and confirmed hand the task back for another worker: waiting begins
	// it anew, confirmed, for a task that was claimed with Resume only, keeps log,
	// plan and bundle, so that the next claim resumes it. Of another task
	// confirmed is [ErrInvalid], for nobody has confirmed it. A task that was to
	// stop ends as stopped where it was to wait.
	Finish(ctx context.Context, l Lease, f Finish) (Task, error)
	// Expire deals with leases that were not renewed; see [Expiry].
	Expire(ctx context.Context, e Expiry) ([]Expired, error)
	// Outbox lists entries that are due, oldest first.
	Outbox(ctx context.Context, now time.Time, limit int) ([]OutboxEntry, error)
	// Settle removes an entry, or puts it off until retry.
	Settle(ctx context.Context, id int64, retry *time.Time) error
	// Leases lists the leases that are held.
	Leases(ctx context.Context) ([]HeldLease, error)
}

// ClaimRequest says who asks for how much.
type ClaimRequest struct {
	Owner       string        // incarnation of the worker's process; required
	RunnerID    *int64        // the remote runner; nil for a pool's own worker
	Tags        []string      // runner tags served; "" stands for tasks without a tag
	ProjectID   *int64        // only of this project; nil for all
	Max         int           // how many at most
	TTL         time.Duration // until the lease counts as unreachable
	MaxParallel int           // of the whole pool; 0 for no limit
}

// Claimed is a task that was handed out.
type Claimed struct {
	Lease    Lease
	Task     Task
	Snapshot []byte
	Secrets  []byte
	Resume   bool  // it was confirmed: its plan is to be applied
	NextSeq  int64 // sequence number of the first Append
}

// Signal is what a worker is to do about a lease.
type Signal struct {
	Lease Lease
	Stop  StopLevel
	Cause string // "" for a person, shutdown, timeout
	Gone  bool   // the lease is not valid any more
}

// Append is what a run has yielded since the last one. Zero fields change
// nothing.
type Append struct {
	Seq      int64
	Lines    []LogLine // Number and Attempt are set by the store
	Status   Status    // starting or running
	Commit   *CommitInfo
	Commands [][]string // more command lines
	Plan     json.RawMessage
	Stages   []Stage        // by Number, new or changed
	Hosts    []AnsibleHost  // by Host, new or changed
	Problems []AnsibleError // to be added
}

// CommitInfo is what a task works on.
type CommitInfo struct {
	Hash    string
	Message string // cut to 100 characters
}

// Finish is how a lease ends.
type Finish struct {
	Status        Status // success, error, stopped; waiting_confirmation; waiting or confirmed to be taken by another worker
	Reason        string
	ExitCode      int
	Prompt        string     // what waits for confirmation; of waiting_confirmation only
	ConfirmBefore *time.Time // until when
	Events        []Event
	Append        *Append // last results, without lines
	// Owner is for who does not work on the task: the lease is ended only while this
	// owner has it, as it was claimed or extended last. Otherwise the answer is
	// [ErrLease], and nothing is kept. Defaults to any.
	Owner string
}

// Expiry chooses leases to deal with.
//
// A lease that was not renewed for its TTL makes its task unreachable; without
// renewal for the task's LostAfter (since it was renewed last) the task is lost:
// it waits again where a retry is left and no stop was asked for, else it ends
// as error with reason "runner lost".
type Expiry struct {
	Self    string   // owner whose leases are never touched
	AllDead bool     // every other owner is proven dead: its tasks are lost at once, but for those of remote runners, which live elsewhere
	Dead    []string // owners that are proven dead
	Calm    bool     // nothing is lost by time: who asks was away, and the others had nobody to renew with
	Spare   []int64  // tasks that are left alone for now: their processes are still ending
	Limit   int      // Defaults to 100.
}

// Expired tells what became of a task.
type Expired struct {
	Task    Task
	Outcome ExpiryOutcome
}

// ExpiryOutcome says what became of a task whose lease was not renewed.
type ExpiryOutcome string

// The outcomes.
const (
	BecameUnreachable ExpiryOutcome = "unreachable"
	BecameLost        ExpiryOutcome = "lost"
	BecameWaiting     ExpiryOutcome = "waiting"     // a retry
	BecameUnconfirmed ExpiryOutcome = "unconfirmed" // nobody confirmed in time
)

// Reasons of tasks that no run has ended.
const (
	LostReason        = "runner lost"              // its worker was lost
	RejectedReason    = "plan rejected"            // a person said no
	UnconfirmedReason = "nobody confirmed in time" // nobody said anything
)

// OutboxEntry is something to be told or done after a transaction.
type OutboxEntry struct {
	ID        int64
	ProjectID int64
	TaskID    int64
	Kind      OutboxKind
	Status    Status // of the task at that time
	Created   time.Time
	Tries     int
}

// OutboxKind says what happened.
type OutboxKind string

// The kinds.
const (
	OutboxFinished    OutboxKind = "finished"
	OutboxConfirm     OutboxKind = "waiting_confirmation"
	OutboxUnreachable OutboxKind = "unreachable"
	OutboxLate        OutboxKind = "late"
)

// HeldLease is a lease with who holds it.
type HeldLease struct {
	Lease    Lease
	Owner    string
	RunnerID *int64
	Until    time.Time
}
