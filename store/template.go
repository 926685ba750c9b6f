package store

import "encoding/json"

// TemplateType says what a template's tasks are for.
type TemplateType string

// The types.
const (
	TemplateTask   TemplateType = ""
	TemplateBuild  TemplateType = "build"
	TemplateDeploy TemplateType = "deploy"
)

// Template is what can be run.
type Template struct {
	ID            int64   `json:"id" db:"id"`
	ProjectID     int64   `json:"project_id" db:"project_id"`
	Name          string  `json:"name" db:"name"`
	App           string  `json:"app,omitempty" db:"app"`
	Playbook      string  `json:"playbook" db:"playbook"`
	InventoryID   *int64  `json:"inventory_id,omitempty" db:"inventory_id"`
	RepositoryID  int64   `json:"repository_id" db:"repository_id"`
	EnvironmentID *int64  `json:"environment_id,omitempty" db:"environment_id"`
	Arguments     *string `json:"arguments,omitempty" db:"arguments"` // JSON text
	GitBranch     *string `json:"git_branch,omitempty" db:"git_branch"`
	Description   *string `json:"description,omitempty" db:"description"`

	AllowOverrideArgs   bool `json:"allow_override_args_in_task,omitempty" db:"allow_override_args_in_task"`
	AllowOverrideBranch bool `json:"allow_override_branch_in_task,omitempty" db:"allow_override_branch_in_task"`
	AllowParallelTasks  bool `json:"allow_parallel_tasks,omitempty" db:"allow_parallel_tasks"`

	Type            TemplateType `json:"type,omitempty" db:"type"`
	StartVersion    *string      `json:"start_version,omitempty" db:"start_version"`
	BuildTemplateID *int64       `json:"build_template_id,omitempty" db:"build_template_id"`
	Autorun         bool         `json:"autorun,omitempty" db:"autorun"`

	ViewID                *int64          `json:"view_id,omitempty" db:"view_id"`
	SurveyVars            []SurveyVar     `json:"survey_vars,omitempty" db:"survey_vars"`
	SuppressSuccessAlerts bool            `json:"suppress_success_alerts,omitempty" db:"suppress_success_alerts"`
	TaskParams            json.RawMessage `json:"task_params,omitempty" db:"task_params"` // per app
	RunnerTag             *string         `json:"runner_tag,omitempty" db:"runner_tag"`
	Options               TemplateOptions `json:"options,omitzero" db:"options"`
	Tasks                 int             `json:"tasks" db:"tasks"` // how many were made; set by the store

	Vaults      []TemplateVault   `json:"vaults,omitempty" db:"-"`
	LastTask    *TaskWithTemplate `json:"last_task,omitempty" db:"-"`
	Permissions *int64            `json:"permissions" db:"-"`
}

// TemplateOptions are what this project adds to a template. The zero value
// changes nothing for a template of Semaphore UI.
type TemplateOptions struct {
	Workspace                string    `json:"workspace,omitempty"`                  // fresh or keep; "" is fresh
	TimeoutSeconds           int       `json:"timeout_seconds,omitempty"`            // of a run; waiting for confirmation does not count
	ConfirmSeconds           int       `json:"confirm_seconds,omitempty"`            // how long a plan waits for confirmation
	StopGraceSeconds         int       `json:"stop_grace_seconds,omitempty"`         // between the gentle stop and the kill
	MaxRetries               int       `json:"max_retries,omitempty"`                // a lost task waits again until it has had so many further attempts; those that a shut-down or a confirmation ended count too
	KeepBackground           bool      `json:"keep_background,omitempty"`            // processes left behind live on
	SecretArgs               bool      `json:"secret_args,omitempty"`                // scripts get secret variables as arguments too
	AllowOverrideEnvironment bool      `json:"allow_override_environment,omitempty"` // tasks may set variables that no survey declares
	LogQuota                 int64     `json:"log_quota,omitempty"`                  // bytes of output kept
	Submodules               *bool     `json:"submodules,omitempty"`                 // nil is true
	Depth                    int       `json:"depth,omitempty"`                      // commits of history; 0 for all
	Retention                Retention `json:"retention,omitzero"`
}

// SurveyType says what a survey variable takes.
type SurveyType string

// The types.
const (
	SurveyString SurveyType = ""
	SurveyInt    SurveyType = "int"
	SurveySecret SurveyType = "secret"
	SurveyEnum   SurveyType = "enum"
)

// SurveyVar is a variable that is asked for when a task is started.
type SurveyVar struct {
	Name         string        `json:"name"`
	Title        string        `json:"title"`
	Required     bool          `json:"required,omitempty"`
	Type         SurveyType    `json:"type,omitempty"`
	Description  string        `json:"description,omitempty"`
	Values       []SurveyValue `json:"values,omitempty"`
	DefaultValue string        `json:"default_value,omitempty"`
}

// SurveyValue is one choice of an enum.
type SurveyValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// TemplateVault is a vault password of a template.
type TemplateVault struct {
	ID         int64   `json:"id" db:"id"`
	ProjectID  int64   `json:"project_id" db:"project_id"`
	TemplateID int64   `json:"template_id" db:"template_id"`
	VaultKeyID *int64  `json:"vault_key_id,omitempty" db:"vault_key_id"`
	Name       *string `json:"name,omitempty" db:"name"` // nil: vault id default
	Type       string  `json:"type" db:"type"`           // password or script
	Script     *string `json:"script,omitempty" db:"script"`
}

// TemplateRole adds permission bits for a role on one template.
type TemplateRole struct {
	ID          int64  `json:"id" db:"id"`
	RoleSlug    string `json:"role_slug" db:"role_slug"`
	TemplateID  int64  `json:"template_id" db:"template_id"`
	ProjectID   int64  `json:"project_id" db:"project_id"`
	Permissions int64  `json:"permissions" db:"permissions"`
}

// TaskParams are saved parameters of the tasks that a schedule or an
// integration starts. One of the two owns them.
type TaskParams struct {
	ID            int64           `json:"-" db:"id"`
	ProjectID     int64           `json:"-" db:"project_id"`
	ScheduleID    *int64          `json:"-" db:"schedule_id"`
	IntegrationID *int64          `json:"-" db:"integration_id"`
	Environment   string          `json:"environment,omitempty" db:"environment"` // JSON object as text
	Arguments     *string         `json:"arguments,omitempty" db:"arguments"`
	GitBranch     *string         `json:"git_branch,omitempty" db:"git_branch"`
	Message       string          `json:"message,omitempty" db:"message"`
	Version       *string         `json:"version,omitempty" db:"version"`
	InventoryID   *int64          `json:"inventory_id,omitempty" db:"inventory_id"`
	Params        json.RawMessage `json:"params,omitempty" db:"params"`
	Secret        *string         `json:"-" db:"secret"`           // sealed JSON object of secret survey values
	Secrets       string          `json:"secret,omitempty" db:"-"` // on the wire in; never out

	KeepSecrets []string `json:"-" db:"-"`                      // names of stored secret values that stay when Secrets is saved
	SecretNames []string `json:"secret_names,omitempty" db:"-"` // of the secret values that are stored; on the wire out
}
