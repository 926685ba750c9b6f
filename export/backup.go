package export

import (
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// BackupVersion is the version of what this project adds to a backup. Files of a
// newer one are refused.
const BackupVersion = 1

// Backup is a project as a file. It marshals to the JSON that Semaphore UI
// writes and reads: rows refer to one another by name, and secrets are left out.
// What that form cannot hold stands in members called semaphore_go, which
// Semaphore UI ignores. A file without the one at the top comes from Semaphore
// UI.
type Backup struct {
	Meta               BackupProject           `json:"meta"`
	Templates          List[BackupTemplate]    `json:"templates"`
	Repositories       List[BackupRepository]  `json:"repositories"`
	Keys               List[BackupKey]         `json:"keys"`
	Views              List[BackupView]        `json:"views"`
	Inventories        List[BackupInventory]   `json:"inventories"`
	Environments       List[BackupEnvironment] `json:"environments"`
	Integrations       List[BackupIntegration] `json:"integrations"`
	IntegrationAliases List[string]            `json:"integration_aliases"` // of the project
	Schedules          List[BackupSchedule]    `json:"schedules"`
	SecretStorages     List[BackupStorage]     `json:"secret_storages"`
	Roles              List[BackupRole]        `json:"roles"`
	Own                *BackupOwn              `json:"semaphore_go,omitempty"`

	file string // that it was read from, for errors
}

// BackupOwn is what this project adds at the top.
type BackupOwn struct {
	Version          int                    `json:"version"` // [BackupVersion] of the program that wrote it
	KnownHosts       []BackupKnownHost      `json:"known_hosts,omitempty"`
	TerraformAliases []BackupTerraformAlias `json:"terraform_aliases,omitempty"`
}

// BackupName is the name that a row has, where the file had to call it otherwise
// because another row of its kind has the same one, or it has none.
type BackupName struct {
	Name *string `json:"name,omitempty"`
}

// BackupProject is the project's own row.
type BackupProject struct {
	Name             string           `json:"name"`
	Alert            bool             `json:"alert"`
	AlertChat        *string          `json:"alert_chat,omitempty"`
	MaxParallelTasks int              `json:"max_parallel_tasks"`
	Type             string           `json:"type"`
	Own              BackupProjectOwn `json:"semaphore_go,omitzero"`
}

// BackupProjectOwn is what this project adds to the row.
type BackupProjectOwn struct {
	HostKeys             string          `json:"host_keys,omitempty"`
	MaxSeconds           int             `json:"max_seconds,omitempty"`
	Retention            store.Retention `json:"retention,omitzero"`
	DefaultSecretStorage *string         `json:"default_secret_storage,omitempty"`
}

// BackupKnownHost is a host key that the project trusts.
type BackupKnownHost struct {
	Host    string    `json:"host"`
	KeyType string    `json:"key_type"`
	Key     string    `json:"key"`
	Created time.Time `json:"created,omitzero"`
}

// BackupTerraformAlias is an address of a Terraform state.
type BackupTerraformAlias struct {
	Alias     string `json:"alias"`
	Inventory string `json:"inventory"`
	AuthKey   string `json:"auth_key"`
}

// BackupRepository is a repository.
type BackupRepository struct {
	Name      string     `json:"name"`
	GitURL    string     `json:"git_url"`
	GitBranch string     `json:"git_branch"`
	SSHKey    string     `json:"ssh_key"`
	Own       BackupName `json:"semaphore_go,omitzero"`
}

// BackupKey is an entry of the key store, without what it holds.
type BackupKey struct {
	Name              string         `json:"name"`
	Type              store.KeyType  `json:"type"`
	Plain             *string        `json:"plain,omitempty"` // of old files; nothing uses it
	Owner             store.KeyOwner `json:"owner"`
	SourceStorageKey  *string        `json:"source_storage_key,omitempty"`
	SourceStorageType *string        `json:"source_storage_type,omitempty"`
	SourceStorage     *string        `json:"source_storage,omitempty"`
	Storage           *string        `json:"storage,omitempty"` // that it signs in to
	Own               BackupKeyOwn   `json:"semaphore_go,omitzero"`
}

// BackupKeyOwn is what this project adds to a key.
type BackupKeyOwn struct {
	BackupName
	Environment *string `json:"environment,omitempty"` // the variable group whose secret it is
	Secret      *string `json:"secret,omitempty"`      // in encrypted backups only
}

// BackupView is a tab of the list of templates.
type BackupView struct {
	Title       string     `json:"title"`
	Position    int        `json:"position"`
	Type        string     `json:"type"`
	Hidden      bool       `json:"hidden"`
	Filter      *string    `json:"filter,omitempty"`
	SortColumn  *string    `json:"sort_column,omitempty"`
	SortReverse bool       `json:"sort_reverse"`
	Own         BackupName `json:"semaphore_go,omitzero"`
}

// BackupInventory is an inventory or a workspace.
type BackupInventory struct {
	Name      string              `json:"name"`
	Inventory string              `json:"inventory"`
	Type      store.InventoryType `json:"type"`
	RunnerTag *string             `json:"runner_tag,omitempty"`
	SSHKey    *string             `json:"ssh_key,omitempty"`
	BecomeKey *string             `json:"become_key,omitempty"`
	Own       BackupInventoryOwn  `json:"semaphore_go,omitzero"`
}

// BackupInventoryOwn is what this project adds to an inventory.
type BackupInventoryOwn struct {
	BackupName
	Template   *string `json:"template,omitempty"` // that owns the workspace
	Repository *string `json:"repository,omitempty"`
	HostKeys   string  `json:"host_keys,omitempty"`
}

// BackupEnvironment is a variable group.
type BackupEnvironment struct {
	Name                   string               `json:"name"`
	Password               *string              `json:"password,omitempty"` // of old files; nothing uses it
	JSON                   string               `json:"json"`
	Env                    *string              `json:"env,omitempty"`
	SecretStorageKeyPrefix *string              `json:"secret_storage_key_prefix,omitempty"`
	Own                    BackupEnvironmentOwn `json:"semaphore_go,omitzero"`
}

// BackupEnvironmentOwn is what this project adds to a variable group.
type BackupEnvironmentOwn struct {
	BackupName
	SecretStorage *string `json:"secret_storage,omitempty"`
}

// BackupStorage is a place outside that keeps secrets.
type BackupStorage struct {
	Name     string           `json:"name"`
	Type     string           `json:"type"`
	Params   Object           `json:"params"`
	ReadOnly bool             `json:"readonly"`
	Own      BackupStorageOwn `json:"semaphore_go,omitzero"`
}

// BackupStorageOwn is what this project adds to a secret storage.
type BackupStorageOwn struct {
	BackupName
	SourceStorageType *string `json:"source_storage_type,omitempty"` // of its token
}

// BackupRole is a role of the project.
type BackupRole struct {
	Name        string        `json:"name"`
	Permissions int64         `json:"permissions"`
	ProjectID   *int64        `json:"project_id,omitempty"` // where it came from; restoring ignores it
	Own         BackupRoleOwn `json:"semaphore_go,omitzero"`
}

// BackupRoleOwn is what this project adds to a role.
type BackupRoleOwn struct {
	BackupName
	Slug string `json:"slug,omitempty"` // kept where it is free
}
