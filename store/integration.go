package store

// Integration is a webhook that starts tasks.
type Integration struct {
	ID           int64       `json:"id" db:"id"`
	Name         string      `json:"name" db:"name"`
	ProjectID    int64       `json:"project_id" db:"project_id"`
	TemplateID   int64       `json:"template_id" db:"template_id"`
	AuthMethod   string      `json:"auth_method" db:"auth_method"` // "", github, bitbucket, hmac, token, basic
	AuthSecretID *int64      `json:"auth_secret_id" db:"auth_secret_id"`
	AuthHeader   string      `json:"auth_header" db:"auth_header"`
	Searchable   bool        `json:"searchable" db:"searchable"`
	TaskParams   *TaskParams `json:"task_params,omitempty" db:"-"`
}

// IntegrationMatcher is a condition on a webhook's request.
type IntegrationMatcher struct {
	ID            int64  `json:"id" db:"id"`
	ProjectID     int64  `json:"-" db:"project_id"`
	IntegrationID int64  `json:"integration_id" db:"integration_id"`
	Name          string `json:"name" db:"name"`
	MatchType     string `json:"match_type" db:"match_type"`         // header, body
	Method        string `json:"method" db:"method"`                 // equals, unequals, contains
	BodyDataType  string `json:"body_data_type" db:"body_data_type"` // json, string
	Key           string `json:"key" db:"key"`
	Value         string `json:"value" db:"value"`
}

// IntegrationExtractor takes a value out of a webhook's request.
type IntegrationExtractor struct {
	ID            int64  `json:"id" db:"id"`
	ProjectID     int64  `json:"-" db:"project_id"`
	IntegrationID int64  `json:"integration_id" db:"integration_id"`
	Name          string `json:"name" db:"name"`
	ValueSource   string `json:"value_source" db:"value_source"`     // body, header
	BodyDataType  string `json:"body_data_type" db:"body_data_type"` // json, string
	Key           string `json:"key" db:"key"`
	Variable      string `json:"variable" db:"variable"`
	VariableType  string `json:"variable_type" db:"variable_type"` // environment, task
}

// IntegrationAlias is an address of one integration, or of all searchable ones
// of a project.
type IntegrationAlias struct {
	ID            int64  `json:"id" db:"id"`
	ProjectID     int64  `json:"-" db:"project_id"`
	IntegrationID *int64 `json:"-" db:"integration_id"`
	Alias         string `json:"-" db:"alias"` // unique
	URL           string `json:"url" db:"-"`
}
