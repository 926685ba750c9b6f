// Package moving tells what an installation, of Semaphore UI or of this project,
// has to expect here: what will not work as it is, and what works otherwise. It
// only looks.
package moving

// Severity says how much a finding matters.
type Severity string

// The severities.
const (
	Fails   Severity = "fails"   // does not work until it is changed
	Differs Severity = "differs" // works, but not as before
)

// Code is one kind of finding. docs/moving.md has a row for each.
type Code struct {
	Code     string
	Severity Severity
	Here     string // what is so here
	Cure     string // what to do
}

// Codes lists every kind of finding, in the order in which they are shown.
func Codes() []Code {
	return []Code{
		{"database", Differs, "a database of Semaphore UI is read once, by import-semaphore, and never written", "run import-semaphore"},
		{"dialect", Fails, "MySQL, MariaDB and BoltDB hold no database of this project", "import into SQLite or PostgreSQL, and set dialect"},
		{"secret-lost", Fails, "a secret that does not open with access_key_encryption is imported empty", "give the right key, or enter the secret anew"},
		{"row-refused", Differs, "a row that refers to something that does not exist is left out", "mend it in the old installation, or do without"},
		{"row-changed", Differs, "a row is imported with a change", "look at it after the import"},
		{"local-repository", Fails, "directories in place of a URL have to be below dirs.repos_path", "add the directory to dirs.repos_path"},
		{"repository-url", Fails, "repositories are reached by https, http, ssh, git or file, without credentials in the address", "correct the address, and put the login into a key"},
		{"absolute-path", Fails, "absolute paths of playbooks, inventories and vault scripts have to be below dirs.allowed_paths", "add the directory to dirs.allowed_paths"},
		{"outside-path", Fails, "paths stay inside of the repository", "move the file into the repository, or name it by its absolute path"},
		{"reserved-variable", Fails, "tasks, surveys, schedules and webhooks cannot set variables that decide what a program loads", "choose another name, or set it in the variable group"},
		{"own-variable", Fails, "variables that begin with SEMAPHORE_ are the server's own", "choose another name"},
		{"env-secret", Fails, "secrets of type env name variables that begin with env_secret_prefix", "rename the variable, and set env_secret_prefix"},
		{"file-secret", Fails, "secrets of type file are read below dirs.secrets_path", "move the file, or set dirs.secrets_path"},
		{"secret-argument", Differs, "secret variables of scripts are environment variables, not arguments", "read them there, or set secret_args in the options of the template"},
		{"survey-required", Fails, "schedules and webhooks start nothing where a required survey variable has no value", "give it a default, or save a value with the schedule or webhook"},
		{"secret-default", Differs, "secret survey variables have no default", "keep the value as a secret of the variable group"},
		{"webhook-open", Differs, "a webhook without a method starts tasks for everybody who knows its address", "choose a method and a key"},
		{"webhook-secret", Fails, "a method of a webhook needs its secret", "choose a key"},
		{"schedule-invalid", Fails, "a schedule that cannot fire is switched off", "correct its time"},
		{"app-unknown", Fails, "apps are those that are built in or configured", "add the app to the configuration"},
		{"app-inactive", Fails, "an app that is switched off runs nothing", "install its program, or switch it on"},
		{"tool-missing", Fails, "programs of apps are found on PATH or by apps.<id>.path", "install the program"},
		{"runner-protocol", Fails, "runners speak another protocol", "put semaphore-runner in the place of the runner"},
		{"host-keys", Differs, "host keys are remembered and checked in new projects, not in imported ones", "set host_keys of the project to pin"},
		{"state-local", Differs, "local Terraform state is kept by the server; that of an old checkout is imported once", "nothing"},
		{"state-locked", Fails, "a state beside a lock file is not imported", "see that nothing uses it, and remove the lock file"},
		{"loose-file", Differs, "files with secrets that others may read are warned of", "chmod 600"},
		{"config-ignored", Differs, "the key has no effect", "leave it out"},
		{"config-warning", Differs, "the configuration is read with a warning", "follow the warning"},
	}
}

// Finding is one thing that was found.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Kind     string   `json:"kind"` // of the object: template, key, config ...
	ID       int64    `json:"id,omitempty"`
	Project  int64    `json:"project_id,omitempty"`
	Name     string   `json:"name,omitempty"`
	Detail   string   `json:"detail"`
	Cure     string   `json:"cure"`
}

// object is what a finding is about.
type object struct {
	kind    string
	id      int64
	project int64
	name    string
}

// finder collects findings.
type finder struct {
	codes map[string]Code
	list  []Finding
}

func newFinder() *finder {
	f := &finder{codes: map[string]Code{}}
	for _, c := range Codes() {
		f.codes[c.Code] = c
	}
	return f
}

// add notes a finding. What is so here is the detail, unless one is given.
func (f *finder) add(code string, o object, detail string) {
	c := f.codes[code]
	if detail == "" {
		detail = c.Here
	}
	f.list = append(f.list, Finding{
		Code: code, Severity: c.Severity, Kind: o.kind, ID: o.id, Project: o.project, Name: o.name, Detail: detail, Cure: c.Cure,
	})
}
