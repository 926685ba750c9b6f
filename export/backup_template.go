package export

import (
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// BackupTemplate is a template with what belongs to it.
type BackupTemplate struct {
	Name                  string                   `json:"name"`
	Playbook              string                   `json:"playbook"`
	Arguments             *string                  `json:"arguments,omitempty"`
	AllowOverrideArgs     bool                     `json:"allow_override_args_in_task"`
	Description           *string                  `json:"description,omitempty"`
	Type                  store.TemplateType       `json:"type"`
	StartVersion          *string                  `json:"start_version,omitempty"`
	Autorun               bool                     `json:"autorun"`
	GitBranch             *string                  `json:"git_branch,omitempty"`
	SurveyVars            BackupSurvey             `json:"survey_vars"`
	SuppressSuccessAlerts bool                     `json:"suppress_success_alerts"`
	App                   string                   `json:"app"`
	TaskParams            Object                   `json:"task_params"`
	RunnerTag             *string                  `json:"runner_tag,omitempty"`
	AllowOverrideBranch   bool                     `json:"allow_override_branch_in_task"`
	AllowParallelTasks    bool                     `json:"allow_parallel_tasks"`
	Inventory             *string                  `json:"inventory,omitempty"`
	Repository            string                   `json:"repository"`
	Environment           *string                  `json:"environment,omitempty"`
	BuildTemplate         *string                  `json:"build_template,omitempty"`
	View                  *string                  `json:"view,omitempty"`
	Vaults                List[BackupVault]        `json:"vaults"`
	Roles                 List[BackupTemplateRole] `json:"roles"`
	Cron                  *string                  `json:"cron,omitempty"`      // of old files: a schedule of the template
	VaultKey              *string                  `json:"vault_key,omitempty"` // of old files: its only vault password
	Own                   BackupTemplateOwn        `json:"semaphore_go,omitzero"`
}

// BackupTemplateOwn is what this project adds to a template.
type BackupTemplateOwn struct {
	BackupName
	Options store.TemplateOptions `json:"options,omitzero"`
	// SecretDefaults names the secret survey variables whose defaults were left out.
	SecretDefaults []string `json:"secret_defaults,omitempty"`
}

// BackupSurvey are the survey variables of a template. Old files have them as
// text that holds the JSON.
type BackupSurvey []BackupSurveyVar

// BackupSurveyVar is a variable that is asked for when a task is started.
type BackupSurveyVar struct {
	Name         string                  `json:"name"`
	Title        string                  `json:"title"`
	Required     bool                    `json:"required"`
	Type         store.SurveyType        `json:"type"`
	Description  string                  `json:"description"`
	Values       List[store.SurveyValue] `json:"values"`
	DefaultValue string                  `json:"default_value"`
}

// BackupVault is a vault password of a template.
type BackupVault struct {
	Name     *string `json:"name,omitempty"`
	Type     string  `json:"type"`
	Script   *string `json:"script,omitempty"`
	VaultKey *string `json:"vault_key,omitempty"`
}

// BackupTemplateRole is what a role may do with a template beside its rights in
// the project: a role of the file by its name, or one of all projects by its slug.
type BackupTemplateRole struct {
	Role        string `json:"role"`
	IsGlobal    bool   `json:"is_global"`
	Permissions int64  `json:"permissions"`
}

// BackupParams are saved parameters of tasks.
type BackupParams struct {
	Environment   string          `json:"environment"`
	Arguments     *string         `json:"arguments,omitempty"`
	GitBranch     *string         `json:"git_branch,omitempty"`
	Message       string          `json:"message"`
	Version       *string         `json:"version,omitempty"`
	InventoryName *string         `json:"inventory_name,omitempty"`
	Params        Object          `json:"params"`
	Own           BackupParamsOwn `json:"semaphore_go,omitzero"`
}

// BackupParamsOwn is what this project adds to saved parameters.
type BackupParamsOwn struct {
	HasSecret bool    `json:"has_secret,omitempty"` // there were secret survey values
	Secret    *string `json:"secret,omitempty"`     // they, in encrypted backups only
}

// BackupIntegration is a webhook with what belongs to it.
type BackupIntegration struct {
	Name          string                `json:"name"`
	AuthMethod    string                `json:"auth_method"`
	AuthHeader    string                `json:"auth_header"`
	Searchable    bool                  `json:"searchable"`
	TaskParams    *BackupParams         `json:"task_params,omitempty"`
	Aliases       List[string]          `json:"aliases"`
	Matchers      List[BackupMatcher]   `json:"matchers"`
	ExtractValues List[BackupExtractor] `json:"extract_values"`
	Template      string                `json:"template"`
	AuthSecret    *string               `json:"auth_secret,omitempty"`
	Own           BackupName            `json:"semaphore_go,omitzero"`
}

// BackupMatcher is a condition on a webhook's request.
type BackupMatcher struct {
	Name         string `json:"name"`
	MatchType    string `json:"match_type"`
	Method       string `json:"method"`
	BodyDataType string `json:"body_data_type"`
	Key          string `json:"key"`
	Value        string `json:"value"`
}

// BackupExtractor takes a value out of a webhook's request.
type BackupExtractor struct {
	Name         string `json:"name"`
	ValueSource  string `json:"value_source"`
	BodyDataType string `json:"body_data_type"`
	Key          string `json:"key"`
	Variable     string `json:"variable"`
	VariableType string `json:"variable_type"`
}

// BackupSchedule is a schedule.
type BackupSchedule struct {
	CronFormat          string             `json:"cron_format"`
	Name                string             `json:"name"`
	Active              bool               `json:"active"`
	Type                store.ScheduleType `json:"type"`
	DeleteAfterRun      bool               `json:"delete_after_run"`
	RunAt               *BackupTime        `json:"run_at,omitempty"`
	TaskParams          *BackupParams      `json:"task_params,omitempty"` // always written: Semaphore UI cannot do without
	Template            string             `json:"template"`
	CheckableRepository *string            `json:"checkable_repository,omitempty"`
	Own                 BackupScheduleOwn  `json:"semaphore_go,omitzero"`
}

// BackupScheduleOwn is what this project adds to a schedule.
type BackupScheduleOwn struct {
	BackupName
	RunAt         *time.Time `json:"run_at,omitempty"` // the old form has lost it
	Created       time.Time  `json:"created,omitzero"` // @every counts from it
	Timezone      string     `json:"timezone,omitempty"`
	Overlap       string     `json:"overlap,omitempty"`
	Missed        string     `json:"missed,omitempty"`
	MissedSeconds int        `json:"missed_seconds,omitempty"`
}
