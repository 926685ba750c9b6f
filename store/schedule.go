package store

import (
	"context"
	"time"
)

// ScheduleType says when a schedule fires.
type ScheduleType string

// The types.
const (
	ScheduleCron  ScheduleType = ""       // by CronFormat
	ScheduleRunAt ScheduleType = "run_at" // once, at RunAt
)

// Policies of a schedule.
const (
	OverlapQueue = "queue" // a tick adds its task even while an earlier one runs; the default
	OverlapSkip  = "skip"  // a tick is left out while an earlier task of the schedule is unfinished

	MissedSkip = "skip" // ticks that nobody was there for are left out; the default
	MissedOnce = "once" // they give one task
	MissedAll  = "all"  // each gives a task, within MissedSeconds
)

// Schedule starts tasks of a template by the clock, or when a repository's
// branch has moved.
type Schedule struct {
	ID             int64        `json:"id" db:"id"`
	ProjectID      int64        `json:"project_id" db:"project_id"`
	TemplateID     int64        `json:"template_id" db:"template_id"`
	CronFormat     string       `json:"cron_format" db:"cron_format"`
	Name           string       `json:"name" db:"name"`
	Active         bool         `json:"active" db:"active"`
	Type           ScheduleType `json:"type" db:"type"`
	DeleteAfterRun bool         `json:"delete_after_run" db:"delete_after_run"`
	RepositoryID   *int64       `json:"repository_id" db:"repository_id"` // commit watcher
	RunAt          *time.Time   `json:"run_at,omitempty" db:"run_at"`
	TaskParams     *TaskParams  `json:"task_params,omitempty" db:"-"`

	Created        time.Time  `json:"created,omitzero" db:"created"`                // the anchor of @every
	Timezone       string     `json:"timezone,omitempty" db:"timezone"`             // "" as configured
	Overlap        string     `json:"overlap,omitempty" db:"overlap"`               // "" is queue
	Missed         string     `json:"missed,omitempty" db:"missed"`                 // "" is skip
	MissedSeconds  int        `json:"missed_seconds,omitempty" db:"missed_seconds"` // bound of all; 0 is one hour
	NextRun        *time.Time `json:"next_run,omitempty" db:"next_run"`             // nil: to be computed, or never
	LastRun        *time.Time `json:"last_run,omitempty" db:"last_run"`             // last tick that was dealt with
	LastCommitHash *string    `json:"-" db:"last_commit_hash"`                      // that a commit watcher has started a task for
	LastError      string     `json:"last_error,omitempty" db:"last_error"`         // why the last tick gave no task
}

// ScheduleStore serves schedules. Update resets NextRun and LastCommitHash to
// what the row says.
type ScheduleStore interface {
	Table[Schedule]
	// Due lists active schedules whose next run is not known or not after now,
	// over all projects, the longest due first.
	Due(ctx context.Context, now time.Time, limit int) ([]Schedule, error)
	// Next tells the earliest next run of all active schedules; the zero time
	// where there is none.
	Next(ctx context.Context) (time.Time, error)
	// Advance moves a schedule on, if its NextRun is still prev; else it answers
	// [ErrMoved]. It is one of the statements of a tick.
	Advance(ctx context.Context, id int64, prev *time.Time, a Advance) error
}

// Advance is what becomes of a schedule after a tick.
type Advance struct {
	NextRun    *time.Time
	LastRun    *time.Time // nil leaves it
	Commit     *string    // nil leaves it
	Deactivate bool
	Delete     bool
	Error      string
}
