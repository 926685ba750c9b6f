package store

import "time"

// Project holds everything else together.
type Project struct {
	ID                     int64     `json:"id" db:"id"`
	Created                time.Time `json:"created" db:"created"`
	Name                   string    `json:"name" db:"name"`
	Alert                  bool      `json:"alert,omitempty" db:"alert"`
	AlertChat              *string   `json:"alert_chat,omitempty" db:"alert_chat"`
	MaxParallelTasks       int       `json:"max_parallel_tasks,omitempty" db:"max_parallel_tasks"` // 0: no limit
	Type                   string    `json:"type" db:"type"`
	DefaultSecretStorageID *int64    `json:"default_secret_storage_id,omitempty" db:"default_secret_storage_id"`

	HostKeys   string    `json:"host_keys,omitempty" db:"host_keys"`     // off, pin or strict; "" is off
	MaxSeconds int       `json:"max_seconds,omitempty" db:"max_seconds"` // time-out of its tasks; 0: none
	Retention  Retention `json:"retention,omitzero" db:"retention"`      // of its tasks
	MemberRole string    `json:"-" db:"-"`                               // role of the user who asked
}

// Retention bounds what is kept of finished tasks; 0 means no bound.
type Retention struct {
	Days  int   `json:"days,omitempty"`
	Tasks int   `json:"tasks,omitempty"`
	Bytes int64 `json:"bytes,omitempty"` // of stored output
}

// Permission bits of a role.
const (
	CanRunTasks        int64 = 1
	CanUpdateProject   int64 = 2
	CanManageResources int64 = 4
	CanManageUsers     int64 = 8
)

// Member is a user's role in a project; one per project and user.
type Member struct {
	ID        int64  `json:"-" db:"id"`
	ProjectID int64  `json:"project_id" db:"project_id"`
	UserID    int64  `json:"user_id" db:"user_id"`
	Role      string `json:"role" db:"role"`
}

// Role is a named set of permission bits, of one project or of all.
type Role struct {
	ID          int64  `json:"-" db:"id"`
	Slug        string `json:"slug" db:"slug"` // unique among all
	Name        string `json:"name" db:"name"`
	Permissions int64  `json:"permissions" db:"permissions"`
	ProjectID   *int64 `json:"project_id,omitempty" db:"project_id"`
}

// Invite asks somebody into a project.
type Invite struct {
	ID            int64      `json:"id" db:"id"`
	ProjectID     int64      `json:"project_id" db:"project_id"`
	UserID        *int64     `json:"user_id,omitempty" db:"user_id"`
	Email         *string    `json:"email,omitempty" db:"email"`
	Role          string     `json:"role" db:"role"`
	Status        string     `json:"status" db:"status"` // pending, accepted, declined, expired
	Token         string     `json:"-" db:"token"`       // hash; unique
	InviterUserID int64      `json:"inviter_user_id" db:"inviter_user_id"`
	Created       time.Time  `json:"created_at" db:"created"`
	Expires       *time.Time `json:"expires_at,omitempty" db:"expires"`
	Accepted      *time.Time `json:"accepted_at,omitempty" db:"accepted"`
}

// KnownHost is a host key that a project trusts.
type KnownHost struct {
	ID        int64     `json:"id" db:"id"`
	ProjectID int64     `json:"project_id" db:"project_id"`
	Host      string    `json:"host" db:"host"` // as in known_hosts; unique with the key's type
	KeyType   string    `json:"key_type" db:"key_type"`
	Key       string    `json:"key" db:"key"` // "ssh-ed25519 AAAA..."
	Created   time.Time `json:"created" db:"created"`
	TaskID    *int64    `json:"task_id,omitempty" db:"task_id"` // that met it first
}

// View is a tab of the list of templates.
type View struct {
	ID          int64   `json:"id" db:"id"`
	ProjectID   int64   `json:"project_id" db:"project_id"`
	Title       string  `json:"title" db:"title"`
	Position    int     `json:"position" db:"position"`
	Type        string  `json:"type,omitempty" db:"type"` // "" or all
	Hidden      bool    `json:"hidden,omitempty" db:"hidden"`
	Filter      *string `json:"filter,omitempty" db:"filter"`
	SortColumn  *string `json:"sort_column,omitempty" db:"sort_column"`
	SortReverse bool    `json:"sort_reverse" db:"sort_reverse"`
}

// Runner is a machine that takes tasks.
type Runner struct {
	ID                int64      `json:"id" db:"id"`
	ProjectID         *int64     `json:"project_id" db:"project_id"` // nil: of every project
	Webhook           string     `json:"webhook" db:"webhook"`
	MaxParallelTasks  int        `json:"max_parallel_tasks" db:"max_parallel_tasks"`
	Active            bool       `json:"active" db:"active"`
	Name              string     `json:"name" db:"name"`
	Tag               string     `json:"tag" db:"tag"`
	Touched           *time.Time `json:"touched,omitempty" db:"touched"`
	CleaningRequested *time.Time `json:"cleaning_requested,omitempty" db:"cleaning_requested"`
	TokenHash         string     `json:"-" db:"token_hash"` // unique
	PublicKey         *string    `json:"-" db:"public_key"`
	Version           string     `json:"version,omitempty" db:"version"` // of its program, as it said last
	Host              string     `json:"host,omitempty" db:"host"`       // about its machine, as it said last
	// EnrollBefore makes this a place for a runner that is still to come: TokenHash
	// is then of a token that registers one, once, until this time.
	EnrollBefore *time.Time `json:"enroll_before,omitempty" db:"enroll_before"`
}

// Event is an entry of the audit log.
type Event struct {
	ID            int64     `json:"-" db:"id"`
	UserID        *int64    `json:"user_id" db:"user_id"`
	ProjectID     *int64    `json:"project_id" db:"project_id"`
	IntegrationID *int64    `json:"integration_id" db:"integration_id"`
	ObjectID      *int64    `json:"object_id" db:"object_id"`
	ObjectType    EventType `json:"object_type" db:"object_type"`
	Description   string    `json:"description" db:"description"`
	Created       time.Time `json:"created" db:"created"`

	ObjectName  string  `json:"object_name" db:"-"`
	ProjectName *string `json:"project_name,omitempty" db:"-"`
	Username    *string `json:"username,omitempty" db:"-"`
}

// EventType is what an event is about.
type EventType string

// The types.
const (
	EventTask           EventType = "task"
	EventEnvironment    EventType = "environment"
	EventInventory      EventType = "inventory"
	EventKey            EventType = "key"
	EventProject        EventType = "project"
	EventRepository     EventType = "repository"
	EventSchedule       EventType = "schedule"
	EventTemplate       EventType = "template"
	EventUser           EventType = "user"
	EventView           EventType = "view"
	EventIntegration    EventType = "integration"
	EventExtractor      EventType = "integrationextractvalue"
	EventMatcher        EventType = "integrationmatcher"
	EventTerraformAlias EventType = "terraform_inventory_alias"
	EventRunner         EventType = "runner"
	EventRole           EventType = "role"
	EventOption         EventType = "option"
	EventSecretStorage  EventType = "secret_storage"
	EventKnownHost      EventType = "known_host"
)
