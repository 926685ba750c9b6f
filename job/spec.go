package job

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
)

// SpecVersion is the version that this package writes. It reads this one and
// the one before.
const SpecVersion = 1

// Spec is one fully resolved task. It is self-contained: whoever holds it can
// run the task without asking anybody. It contains secrets; its JSON is sealed
// before it travels.
type Spec struct {
	Version int `json:"version"`

	Task     Task     `json:"task"`
	Template Template `json:"template"`

	App      string `json:"app"`      // ansible, terraform, tofu, terragrunt, bash, python, powershell, pulumi, or an app of LocalConfig.Apps
	Playbook string `json:"playbook"` // path inside the checkout: playbook, script, or directory of Terraform files

	Repository Repository `json:"repository"`
	Inventory  *Inventory `json:"inventory,omitempty"`

	Variables   map[string]any    `json:"variables,omitempty"`   // extra variables, the task's own already merged in
	Unsafe      []string          `json:"unsafe,omitempty"`      // names of Variables that came from outside (webhooks): never templated
	Environment map[string]string `json:"environment,omitempty"` // environment variables of the tool
	Secrets     []SecretVar       `json:"secrets,omitempty"`
	Survey      map[string]Secret `json:"survey,omitempty"` // secret survey values

	TemplateArgs Args    `json:"template_args,omitzero"`
	TaskArgs     Args    `json:"task_args,omitzero"` // used only if Template.AllowOverrideArgs
	Vaults       []Vault `json:"vaults,omitempty"`

	Ansible   *AnsibleOptions   `json:"ansible,omitempty"`
	Terraform *TerraformOptions `json:"terraform,omitempty"`

	HostKeys HostKeys `json:"host_keys,omitzero"`
	Limits   Limits   `json:"limits,omitzero"`

	// Resume continues a run that ended with [ErrHeld] at [AskApply]: the bundle of
	// Task.ID is unpacked and exactly its plan is applied.
	Resume bool `json:"resume,omitempty"`
}

// Task is what a tool is told about the task, and what names it.
type Task struct {
	ID        int64  `json:"id"`
	ProjectID int64  `json:"project_id"`
	Attempt   int    `json:"attempt"`
	Username  string `json:"username,omitempty"`
	Message   string `json:"message,omitempty"`
	URL       string `json:"url,omitempty"` // the task's page
	RunnerTag string `json:"runner_tag,omitempty"`
	// Build and deploy data.
	Type            string `json:"type,omitempty"` // "", build or deploy
	IncomingVersion string `json:"incoming_version,omitempty"`
	TargetVersion   string `json:"target_version,omitempty"`
}

// Template is what the task's template decides.
type Template struct {
	ID                int64  `json:"id"`
	Name              string `json:"name"`
	AllowOverrideArgs bool   `json:"allow_override_args,omitempty"`
	AllowParallel     bool   `json:"allow_parallel,omitempty"`  // several runs at once in one local directory
	KeepBackground    bool   `json:"keep_background,omitempty"` // processes left behind live on
	SecretArgs        bool   `json:"secret_args,omitempty"`     // scripts get secret variables as arguments too, visible to every user of the machine
	ForceGalaxy       bool   `json:"force_galaxy,omitempty"`    // install roles and collections anew

	Workspace Workspace `json:"workspace,omitempty"`
}

// Workspace says what happens to a checkout.
type Workspace string

// The workspaces.
const (
	Fresh Workspace = "fresh" // an own clone per run, removed afterwards; the default
	Keep  Workspace = "keep"  // one checkout per template, updated; one run at a time
)

// Repository is where the code comes from. A URL that is an absolute path is
// used in place, as it is, unless Commit or Branch is set.
type Repository struct {
	ID         int64  `json:"id"`
	Name       string `json:"name"`
	URL        string `json:"url"`
	Branch     string `json:"branch,omitempty"` // branch or tag
	Commit     string `json:"commit,omitempty"`
	Key        *Key   `json:"key,omitempty"`
	Submodules bool   `json:"submodules,omitempty"`
	Depth      int    `json:"depth,omitempty"`
}

// InventoryType says how Inventory.Text is read.
type InventoryType string

// The inventory types.
const (
	StaticINI           InventoryType = "static"
	StaticYAML          InventoryType = "static-yaml"
	InventoryFile       InventoryType = "file" // Text is a path
	TerraformWorkspace  InventoryType = "terraform-workspace"
	TofuWorkspace       InventoryType = "tofu-workspace"
	TerragruntWorkspace InventoryType = "terragrunt-workspace"
)

// Inventory is an Ansible inventory, or the workspace of the Terraform family.
type Inventory struct {
	ID         int64         `json:"id"`
	Name       string        `json:"name"`
	Type       InventoryType `json:"type"`
	Text       string        `json:"text"`                 // inventory text, path inside the checkout, or workspace name
	Repository *Repository   `json:"repository,omitempty"` // where a file inventory lies; nil for the task's own repository
	UserKey    *Key          `json:"user_key,omitempty"`   // how hosts are reached
	BecomeKey  *Key          `json:"become_key,omitempty"` // login and password of become
}

// KeyType says what a Key holds.
type KeyType string

// The key types.
const (
	KeyNone          KeyType = "none"
	KeySSH           KeyType = "ssh"
	KeyLoginPassword KeyType = "login_password"
)

// Key is an opened key of the key store.
type Key struct {
	ID         int64   `json:"id"`
	Name       string  `json:"name"`
	Type       KeyType `json:"type"`
	Login      string  `json:"login,omitempty"`
	Password   Secret  `json:"password,omitzero"`    // login_password
	PrivateKey Secret  `json:"private_key,omitzero"` // ssh: PEM or OpenSSH form
	Passphrase Secret  `json:"passphrase,omitzero"`  // ssh: of an encrypted private key
}

// SecretVar is a secret variable.
type SecretVar struct {
	Name  string     `json:"name"`
	Kind  SecretKind `json:"kind"`
	Value Secret     `json:"value"`
}

// SecretKind says where a SecretVar goes.
type SecretKind string

// The kinds.
const (
	SecretEnv SecretKind = "env" // the tool's environment
	SecretExt SecretKind = "var" // extra variable of Ansible, variable of Terraform, environment of scripts
)

// Vault is a password of ansible-vault.
type Vault struct {
	Name     string `json:"name,omitempty"`    // vault id; "" means "default"
	Password Secret `json:"password,omitzero"` // the password, or
	Script   string `json:"script,omitempty"`  // the path of a client script inside the checkout
}

// AnsibleOptions are what the template fixes and allows and what the task asks.
// An empty list of the task means "as the template says".
type AnsibleOptions struct {
	Limit    []string `json:"limit,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	SkipTags []string `json:"skip_tags,omitempty"`

	AllowDebug            bool `json:"allow_debug,omitempty"`
	AllowOverrideLimit    bool `json:"allow_override_limit,omitempty"`
	AllowOverrideTags     bool `json:"allow_override_tags,omitempty"`
	AllowOverrideSkipTags bool `json:"allow_override_skip_tags,omitempty"`

	TaskLimit    []string `json:"task_limit"`
	TaskTags     []string `json:"task_tags"`
	TaskSkipTags []string `json:"task_skip_tags"`
	Check        bool     `json:"check,omitempty"`
	Diff         bool     `json:"diff,omitempty"`
	Debug        bool     `json:"debug,omitempty"`
	DebugLevel   int      `json:"debug_level,omitempty"` // 1 to 6; less means 4
}

// TerraformOptions are what the template fixes and allows and what the task
// asks, for terraform, tofu and terragrunt.
type TerraformOptions struct {
	AutoApprove      bool   `json:"auto_approve,omitempty"`
	AllowAutoApprove bool   `json:"allow_auto_approve,omitempty"`
	AllowDestroy     bool   `json:"allow_destroy,omitempty"`
	OverrideBackend  bool   `json:"override_backend,omitempty"`
	BackendFile      string `json:"backend_file,omitempty"`    // name of the override file; "" means backend.tf
	BackendAddress   string `json:"backend_address,omitempty"` // TF_HTTP_ADDRESS

	TaskPlanOnly    bool `json:"task_plan_only,omitempty"`
	TaskDestroy     bool `json:"task_destroy,omitempty"`
	TaskAutoApprove bool `json:"task_auto_approve,omitempty"`
	TaskUpgrade     bool `json:"task_upgrade,omitempty"`
	TaskReconfigure bool `json:"task_reconfigure,omitempty"`

	// MigrateState says that a person has agreed to [AskMigrateState]: init copies
	// the state to a changed backend without asking. A run that was held at that
	// question is run again with it, at the same commit.
	MigrateState bool `json:"migrate_state,omitempty"`
}

// HostKeyPolicy says how host keys are checked.
type HostKeyPolicy string

// The policies. The zero value is HostKeysOff.
const (
	HostKeysOff    HostKeyPolicy = "off"
	HostKeysPin    HostKeyPolicy = "pin"    // first use is remembered, a change refused
	HostKeysStrict HostKeyPolicy = "strict" // only known hosts
)

// HostKeys is a policy and what is known.
type HostKeys struct {
	Policy HostKeyPolicy `json:"policy,omitempty"`
	Known  []HostKey     `json:"known,omitempty"`
}

// Limits bound a run; 0 means none.
type Limits struct {
	Timeout   time.Duration `json:"timeout_ns,omitempty"`    // of the run; waiting for confirmation does not count
	StopGrace time.Duration `json:"stop_grace_ns,omitempty"` // between the gentle stop and the kill; 0 means 10 s, or 5 min for the Terraform family and pulumi
	LogQuota  int64         `json:"log_quota,omitempty"`     // bytes of output kept; 0 means 2 GB
	RepoBytes int64         `json:"repo_bytes,omitempty"`    // size of mirror and clone
}

// DecodeSpec reads a Spec from JSON and checks its version. Numbers keep their
// spelling.
func DecodeSpec(r io.Reader) (*Spec, error) {
	dec := json.NewDecoder(r)
	dec.UseNumber()
	var s Spec
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("decode spec: %w", err)
	}
	if s.Version < 1 || s.Version > SpecVersion {
		return nil, fmt.Errorf("decode spec: version %d is not supported, only 1 to %d: update this program", s.Version, SpecVersion)
	}
	return &s, nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
