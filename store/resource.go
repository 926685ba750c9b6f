package store

import "encoding/json"

// KeyType says what an AccessKey holds.
type KeyType string

// The key types.
const (
	KeySSH           KeyType = "ssh"
	KeyLoginPassword KeyType = "login_password"
	KeyNone          KeyType = "none"
	KeyString        KeyType = "string" // secrets of variable groups, tokens of storages
)

// KeyOwner says whose a key is.
type KeyOwner string

// The owners.
const (
	OwnerShared      KeyOwner = ""
	OwnerEnvironment KeyOwner = "environment" // an environment variable of a variable group
	OwnerVariable    KeyOwner = "variable"    // an extra variable of a variable group
	OwnerVault       KeyOwner = "vault"       // the token of a secret storage
)

// AccessKey is an entry of the key store. Secret is sealed; what it seals is
// the JSON of [SSHKey] or [LoginPassword], or the text itself.
type AccessKey struct {
	ID        int64   `json:"id" db:"id"`
	Name      string  `json:"name" db:"name"`
	Type      KeyType `json:"type" db:"type"`
	ProjectID int64   `json:"project_id" db:"project_id"`

	Secret        *string  `json:"-" db:"secret"` // sealed
	Owner         KeyOwner `json:"owner,omitempty" db:"owner"`
	Plain         *string  `json:"plain,omitempty" db:"plain"`
	EnvironmentID *int64   `json:"-" db:"environment_id"` // the variable group it belongs to
	StorageID     *int64   `json:"-" db:"storage_id"`     // the secret storage it belongs to

	SourceStorageID   *int64  `json:"source_storage_id,omitempty" db:"source_storage_id"`
	SourceStorageKey  *string `json:"source_storage_key,omitempty" db:"source_storage_key"`
	SourceStorageType *string `json:"source_storage_type,omitempty" db:"source_storage_type"` // vault, env, file

	// On the wire only. Replies carry empty texts.
	String         string        `json:"string" db:"-"`
	LoginPassword  LoginPassword `json:"login_password" db:"-"`
	SSH            SSHKey        `json:"ssh" db:"-"`
	OverrideSecret bool          `json:"override_secret,omitempty" db:"-"`
	Empty          bool          `json:"empty,omitempty" db:"-"`
}

// LoginPassword is the content of a key of that type.
type LoginPassword struct {
	Login    string `json:"login"`
	Password string `json:"password"`
}

// SSHKey is the content of a key of that type.
type SSHKey struct {
	Login      string `json:"login"`
	Passphrase string `json:"passphrase"`
	PrivateKey string `json:"private_key"`
}

// SecretStorage is a place outside that keeps secrets.
type SecretStorage struct {
	ID                int64           `json:"id" db:"id"`
	ProjectID         int64           `json:"project_id" db:"project_id"`
	Name              string          `json:"name" db:"name"`
	Type              string          `json:"type" db:"type"` // local, vault, dvls
	Params            json.RawMessage `json:"params" db:"params"`
	ReadOnly          bool            `json:"readonly" db:"readonly"`
	SourceStorageType *string         `json:"source_storage_type,omitempty" db:"source_storage_type"`
	Secret            string          `json:"secret,omitempty" db:"-"`
}

// Repository is where code comes from.
type Repository struct {
	ID        int64  `json:"id" db:"id"`
	Name      string `json:"name" db:"name"`
	ProjectID int64  `json:"project_id" db:"project_id"`
	GitURL    string `json:"git_url" db:"git_url"`
	GitBranch string `json:"git_branch" db:"git_branch"`
	SSHKeyID  int64  `json:"ssh_key_id" db:"ssh_key_id"`
}

// InventoryType says how the text of an inventory is read.
type InventoryType string

// The inventory types.
const (
	InventoryStatic     InventoryType = "static"
	InventoryStaticYAML InventoryType = "static-yaml"
	InventoryFile       InventoryType = "file"
	InventoryTerraform  InventoryType = "terraform-workspace"
	InventoryTofu       InventoryType = "tofu-workspace"
	InventoryTerragrunt InventoryType = "terragrunt-workspace"
)

// Inventory is an Ansible inventory or a workspace of the Terraform family.
type Inventory struct {
	ID           int64         `json:"id" db:"id"`
	Name         string        `json:"name" db:"name"`
	ProjectID    int64         `json:"project_id" db:"project_id"`
	Inventory    string        `json:"inventory" db:"inventory"` // text, path, or workspace
	SSHKeyID     *int64        `json:"ssh_key_id" db:"ssh_key_id"`
	BecomeKeyID  *int64        `json:"become_key_id" db:"become_key_id"`
	Type         InventoryType `json:"type" db:"type"`
	TemplateID   *int64        `json:"template_id" db:"template_id"` // the template that owns a workspace
	RepositoryID *int64        `json:"repository_id" db:"repository_id"`
	RunnerTag    *string       `json:"runner_tag,omitempty" db:"runner_tag"`
	HostKeys     string        `json:"host_keys,omitempty" db:"host_keys"` // "" as the project says
}

// Environment is a variable group. JSON and Env are JSON objects as text.
type Environment struct {
	ID                     int64   `json:"id" db:"id"`
	Name                   string  `json:"name" db:"name"`
	ProjectID              int64   `json:"project_id" db:"project_id"`
	Password               *string `json:"password" db:"password"` // unused
	JSON                   string  `json:"json" db:"json"`
	Env                    *string `json:"env" db:"env"`
	SecretStorageID        *int64  `json:"secret_storage_id,omitempty" db:"secret_storage_id"`
	SecretStorageKeyPrefix *string `json:"secret_storage_key_prefix,omitempty" db:"secret_storage_key_prefix"`

	// Secrets are keys of their own with EnvironmentID set; on the wire only.
	Secrets []EnvironmentSecret `json:"secrets,omitempty" db:"-"`
}

// EnvironmentSecret is a secret of a variable group on the wire.
type EnvironmentSecret struct {
	ID        int64  `json:"id"`
	Type      string `json:"type"` // var or env
	Name      string `json:"name"`
	Secret    string `json:"secret"`
	Operation string `json:"operation"` // create, update, delete
}
