package store

import (
	"context"
	"encoding/json"
	"time"
)

// Task is one run of a template, from the click to its end.
type Task struct {
	ID            int64           `json:"id" db:"id"`
	TemplateID    int64           `json:"template_id" db:"template_id"`
	ProjectID     int64           `json:"project_id" db:"project_id"`
	Status        Status          `json:"status" db:"status"`
	Playbook      string          `json:"playbook" db:"playbook"`
	Environment   string          `json:"environment,omitempty" db:"environment"` // JSON object as text
	Secret        string          `json:"secret,omitempty" db:"-"`                // request only
	Arguments     *string         `json:"arguments,omitempty" db:"arguments"`
	GitBranch     *string         `json:"git_branch,omitempty" db:"git_branch"`
	InventoryID   *int64          `json:"inventory_id,omitempty" db:"inventory_id"`
	UserID        *int64          `json:"user_id" db:"user_id"`
	IntegrationID *int64          `json:"integration_id" db:"integration_id"`
	ScheduleID    *int64          `json:"schedule_id" db:"schedule_id"`
	Created       time.Time       `json:"created" db:"created"`
	Start         *time.Time      `json:"start" db:"start"`
	End           *time.Time      `json:"end" db:"end"`
	Message       string          `json:"message,omitempty" db:"message"`
	CommitHash    *string         `json:"commit_hash,omitempty" db:"commit_hash"`
	CommitMessage string          `json:"commit_message,omitempty" db:"commit_message"`
	BuildTaskID   *int64          `json:"build_task_id,omitempty" db:"build_task_id"`
	Version       *string         `json:"version,omitempty" db:"version"`
	Params        json.RawMessage `json:"params,omitempty" db:"params"`
	Limit         string          `json:"limit" db:"-"` // request only

	Attempt     int             `json:"attempt,omitempty" db:"attempt"` // 0 until the first claim
	Reason      string          `json:"reason,omitempty" db:"reason"`   // why it ended as it did
	ExitCode    int             `json:"exit_code,omitempty" db:"exit_code"`
	Unreachable bool            `json:"unreachable,omitempty" db:"unreachable"` // its worker has not been heard of
	Command     json.RawMessage `json:"command,omitempty" db:"command"`         // the command lines, secrets masked: [["ansible-playbook", ...], ...]
	Plan        json.RawMessage `json:"plan,omitempty" db:"plan"`               // summary of the Terraform plan
	Prompt      string          `json:"prompt,omitempty" db:"prompt"`           // what waits for confirmation: apply or migrate_state
	RunnerID    *int64          `json:"runner_id,omitempty" db:"runner_id"`
	RunnerTag   string          `json:"runner_tag,omitempty" db:"runner_tag"`
	FireTime    *time.Time      `json:"fire_time,omitempty" db:"fire_time"` // the tick of its schedule
	LogLines    int64           `json:"log_lines,omitempty" db:"log_lines"` // lines stored
	LogBytes    int64           `json:"log_bytes,omitempty" db:"log_bytes"` // of their text
	Late        bool            `json:"late,omitempty" db:"late"`           // something arrived after its end

	Parallel      bool       `json:"-" db:"parallel"`       // as the template allowed it when the task was made
	MaxRetries    int        `json:"-" db:"max_retries"`    // further attempts after a lost one
	LostAfter     int64      `json:"-" db:"lost_after"`     // milliseconds without a sign of life until it is lost
	StopLevel     StopLevel  `json:"-" db:"stop_level"`     // what was asked for
	ConfirmBefore *time.Time `json:"-" db:"confirm_before"` // when a plan is no longer waited for
	Owner         string     `json:"-" db:"lease_owner"`    // incarnation that holds the lease; "" for none
}

// StopLevel says how urgently a task is to stop.
type StopLevel string

// The levels, each more urgent than the one before.
const (
	StopNone   StopLevel = ""
	StopGentle StopLevel = "stop"
	StopForce  StopLevel = "force"
	StopKill   StopLevel = "kill"
)

// Rank orders the levels.
func (l StopLevel) Rank() int {
	switch l {
	case StopGentle:
		return 1
	case StopForce:
		return 2
	case StopKill:
		return 3
	default:
		return 0
	}
}

// TaskWithTemplate is a task as lists show it.
type TaskWithTemplate struct {
	Task
	TemplatePlaybook string       `json:"tpl_playbook"`
	TemplateName     string       `json:"tpl_alias"`
	TemplateType     TemplateType `json:"tpl_type,omitempty"`
	TemplateApp      string       `json:"tpl_app,omitempty"`
	Username         *string      `json:"user_name,omitempty"`
	BuildTask        *Task        `json:"build_task,omitempty"`
}

// TaskFilter chooses tasks. Zero fields do not restrict.
type TaskFilter struct {
	ProjectID  int64 // 0: of every project
	TemplateID int64
	Statuses   []Status
	UserID     int64
	ScheduleID int64
	Since      time.Time // created at or after
	Before     time.Time // created before
	Search     string    // in message, version, commit hash and template name
	Oldest     bool      // oldest first; default is newest first
	After      string    // Next of the page before
	Limit      int       // Defaults to 200, at most 1000.
}

// NewTask is a task to be stored with what was frozen for it.
type NewTask struct {
	Task     Task
	Snapshot []byte // everything the run needs but key material
	Secrets  []byte // sealed secret survey values; wiped when the task ends
	// NextVersion makes the store compute Task.Version from the newest task of the
	// template that has one, StartVersion being the first.
	NextVersion  bool
	StartVersion string
	// Schedule moves the schedule of Task.ScheduleID on in the same transaction:
	// where that answers ErrMoved, no task is made, and that is the answer even
	// where the tick has its task already.
	Schedule *ScheduleFire
	// Events are written in the same transaction; their ObjectID becomes the
	// task's id.
	Events []Event
}

// ScheduleFire is the tick that a task is made for.
type ScheduleFire struct {
	Prev    *time.Time
	Advance Advance
}

// TaskStore serves tasks as people see them.
type TaskStore interface {
	// Create stores a task with status waiting, its snapshot and its events, and
	// counts it in its template, in one transaction. A task that could not be
	// resolved may be stored as error, so that it is seen. A second task for
	// one schedule and fire time is a *[ConflictError].
	Create(ctx context.Context, n NewTask) (Task, error)
	Get(ctx context.Context, project, id int64) (Task, error)
	List(ctx context.Context, f TaskFilter) (Page[TaskWithTemplate], error)
	// Last returns the newest tasks of each template of a project, n of each at
	// most, in the order of the templates' ids and newest first within each.
	Last(ctx context.Context, project int64, n int) ([]TaskWithTemplate, error)
	// Counts tells how many tasks there are in each state.
	Counts(ctx context.Context, f TaskFilter) (map[Status]int, error)
	// Snapshot returns what Create was given.
	Snapshot(ctx context.Context, project, id int64) (snapshot, secrets []byte, err error)
	// Stop asks for an end: a task without a worker ends at once as stopped, one
	// with a worker becomes stopping and gets the level, which only rises. A
	// finished task is [ErrState]. The event is written with it.
	Stop(ctx context.Context, project, id int64, level StopLevel, e Event) (Task, error)
	// Confirm makes a task that waits for confirmation claimable again, Reject
	// ends it as error. In any other state they answer [ErrState].
	Confirm(ctx context.Context, project, id int64, e Event) (Task, error)
	Reject(ctx context.Context, project, id int64, e Event) (Task, error)
	// Delete removes a finished task with its output; an unfinished one is
	// [ErrState].
	Delete(ctx context.Context, project, id int64) error
	// Place tells where an unfinished task stands. It names tasks of the same
	// project only, whatever else it waits for.
	Place(ctx context.Context, project, id int64, maxParallel int) (Place, error)
	// Stages, Hosts and Problems return what was read out of the output.
	Stages(ctx context.Context, project, id int64) ([]Stage, error)
	Hosts(ctx context.Context, project, id int64) ([]AnsibleHost, error)
	Problems(ctx context.Context, project, id int64) ([]AnsibleError, error)
	// Purge deletes at most limit finished tasks that a rule no longer keeps, the
	// oldest first, and tells how many.
	Purge(ctx context.Context, r PurgeRule, limit int) (int, error)
}

// PurgeRule chooses finished tasks to delete. Zero fields do not restrict.
type PurgeRule struct {
	ProjectID  int64     // required
	TemplateID int64     // 0: the whole project
	Before     time.Time // delete those that ended before
	Keep       int       // delete those beyond the newest so many
	KeepBytes  int64     // delete those beyond the newest with so many bytes of output
}

// Place is where a task stands in the queue.
type Place struct {
	Position int        // 1 for the next one among those that wait; 0 when it does not wait
	Reason   WaitReason // why it does not run; worker where one may take it at once, "" when it does not wait
	Tasks    []int64    // those of its project that it waits for; for global usually none
}

// WaitReason says why a task waits.
type WaitReason string

// The reasons.
const (
	WaitTemplate     WaitReason = "template"     // another task of the same template
	WaitProject      WaitReason = "project"      // the project's limit
	WaitGlobal       WaitReason = "global"       // the limit of the whole pool
	WaitWorker       WaitReason = "worker"       // no free worker has taken it yet
	WaitRunner       WaitReason = "runner"       // no active runner serves its tag; a pool tells so, a store says worker
	WaitSilent       WaitReason = "silent"       // active runners serve its tag, but none is there; a pool tells so, a store says worker
	WaitConfirmation WaitReason = "confirmation" // a person's answer
)

// Stage is a part of a task's output.
type Stage struct {
	ID        int64           `json:"id" db:"id"`
	TaskID    int64           `json:"task_id" db:"task_id"`
	ProjectID int64           `json:"-" db:"project_id"`
	Number    int             `json:"number" db:"number"` // order in the task; unique with it
	Type      string          `json:"type" db:"type"`     // init, terraform_plan, terraform_apply, running, print_result, play, task
	Name      string          `json:"name,omitempty" db:"name"`
	Start     *time.Time      `json:"start,omitempty" db:"start"`
	End       *time.Time      `json:"end,omitempty" db:"end"`
	FirstLine int64           `json:"start_output_id" db:"first_line"`
	LastLine  int64           `json:"end_output_id" db:"last_line"`
	Result    json.RawMessage `json:"result,omitempty" db:"result"`
}

// AnsibleHost is a line of Ansible's recap.
type AnsibleHost struct {
	ID          int64     `json:"id" db:"id"`
	TaskID      int64     `json:"task_id" db:"task_id"`
	ProjectID   int64     `json:"project_id" db:"project_id"`
	Host        string    `json:"host" db:"host"`
	Changed     int       `json:"changed" db:"changed"`
	Failed      int       `json:"failed" db:"failed"`
	Ignored     int       `json:"ignored" db:"ignored"`
	OK          int       `json:"ok" db:"ok"`
	Rescued     int       `json:"rescued" db:"rescued"`
	Skipped     int       `json:"skipped" db:"skipped"`
	Unreachable int       `json:"unreachable" db:"unreachable"`
	Created     time.Time `json:"created" db:"created"`
}

// AnsibleError is a failure that the output tells of.
type AnsibleError struct {
	ID        int64     `json:"id" db:"id"`
	TaskID    int64     `json:"task_id" db:"task_id"`
	ProjectID int64     `json:"project_id" db:"project_id"`
	Host      string    `json:"host" db:"host"`
	Task      string    `json:"task" db:"task"`
	Error     string    `json:"error" db:"error"`
	Line      int64     `json:"line" db:"line"`
	Created   time.Time `json:"created" db:"created"`
}
