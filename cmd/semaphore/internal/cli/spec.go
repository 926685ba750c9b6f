package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/shlex"

	"github.com/alexandervashurin/semaphore/job"
)

// spec makes the task out of the flags.
func (o *runOptions) spec(a *asker, p places) (*job.Spec, error) {
	url, root, path, err := o.findRepository()
	if err != nil {
		return nil, err
	}
	if o.chdir != "" {
		path = filepath.Join(path, o.chdir)
	}
	what, err := guess(root, target{app: o.app, path: path})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(o.ignored(what.app), o.chooseWorkspace(what.app)); err != nil {
		return nil, err
	}
	spec := &job.Spec{
		Version: job.SpecVersion, App: what.app, Playbook: filepath.ToSlash(what.path),
		Task:         job.Task{ID: time.Now().UnixMicro(), Message: "semaphore run", Username: username()},
		Repository:   job.Repository{ID: numberOf(url), Name: filepath.Base(strings.TrimSuffix(url, "/")), URL: url, Branch: o.branch, Commit: o.commit, Submodules: o.submodules, Depth: o.depth},
		Template:     job.Template{ID: numberOf(url, what.path), Name: what.path, ForceGalaxy: o.forceGalaxy, AllowParallel: root != ""},
		TemplateArgs: job.Args{List: o.extra},
		Limits:       job.Limits{Timeout: o.timeout, StopGrace: o.stopGrace},
		HostKeys:     job.HostKeys{Policy: job.HostKeyPolicy(o.hostKeys), Known: readKnownHosts(p.knownHosts)},
	}
	for _, fill := range []func(*job.Spec, *asker) error{o.fillKeys, o.fillInventory, o.fillVariables, o.fillSecrets, o.fillApp} {
		if err := fill(spec, a); err != nil {
			return nil, err
		}
	}
	return spec, nil
}

// findRepository tells where the code is and what of it to run. Root is the
// local directory, "" for a remote repository.
func (o *runOptions) findRepository() (url, root, path string, err error) {
	path = o.path
	if o.repo != "" && !isDirectory(o.repo) {
		if path != "" && filepath.IsAbs(path) {
			return "", "", "", usage("%s is absolute: give a path inside the repository", path)
		}
		return o.repo, "", path, nil
	}
	root = o.repo
	if root == "" {
		root = "."
	}
	if root, err = filepath.Abs(root); err != nil {
		return "", "", "", fmt.Errorf("find directory: %w", err)
	}
	if path == "" {
		return root, root, "", nil
	}
	if o.repo == "" || filepath.IsAbs(path) {
		abs, err := filepath.Abs(path)
		if err != nil {
			return "", "", "", fmt.Errorf("find directory: %w", err)
		}
		rel, err := filepath.Rel(root, abs)
		if err != nil || !filepath.IsLocal(rel) { // elsewhere: its own directory is the repository
			if isDirectory(abs) {
				return abs, abs, "", nil
			}
			return filepath.Dir(abs), filepath.Dir(abs), filepath.Base(abs), nil
		}
		path = rel
	}
	if path == "." {
		path = ""
	}
	return root, root, path, nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func username() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

// numberOf makes a stable id out of names, so that states and caches of one
// repository are found again.
func numberOf(names ...string) int64 {
	h := fnv.New64a()
	for _, name := range names {
		_, _ = h.Write([]byte(name + "\x00"))
	}
	return int64(h.Sum64() >> 12)
}

func (o *runOptions) fillInventory(spec *job.Spec, a *asker) error {
	inv := &job.Inventory{Name: o.inventory}
	if spec.Ansible = nil; spec.App != "ansible" {
		inv = nil
	}
	if o.workspace != "" {
		inv = &job.Inventory{Name: o.workspace, Type: job.TerraformWorkspace, Text: o.workspace}
	}
	switch {
	case o.inventory == "":
	case inv == nil || inv.Type != "":
		return usage("--inventory is for ansible; Terraform takes --workspace")
	case strings.Contains(o.inventory, ","):
		inv.Type, inv.Text = job.StaticINI, strings.ReplaceAll(strings.Trim(o.inventory, ", "), ",", "\n")
	default:
		inv.Type, inv.Text = job.InventoryFile, inventoryPath(o.inventory, spec.Repository.URL)
	}
	userKey, err := o.userKey(a)
	if err != nil {
		return err
	}
	becomeKey, err := o.becomeKey(a)
	if err != nil {
		return err
	}
	if inv == nil {
		if userKey != nil && userKey.Type == job.KeySSH && o.workspace == "" {
			inv = &job.Inventory{Type: job.StaticINI, Text: "localhost"} // carries the key to the agent
		} else {
			return nil
		}
	}
	inv.UserKey, inv.BecomeKey = userKey, becomeKey
	if inv.Type == "" && userKey == nil && becomeKey == nil {
		return nil // Ansible's own configuration decides
	}
	spec.Inventory = inv
	return nil
}

// inventoryPath makes a path of this shell one of the repository, or absolute.
func inventoryPath(path, repo string) string {
	if !isDirectory(repo) {
		return path // inside the remote repository
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if _, err := os.Stat(abs); err != nil && !filepath.IsAbs(path) {
		return path // not here: look for it in the repository
	}
	if rel, err := filepath.Rel(repo, abs); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return abs
}

// fillVariables reads -e and --env.
func (o *runOptions) fillVariables(spec *job.Spec, _ *asker) error {
	spec.Variables = map[string]any{}
	for _, arg := range o.extraVars {
		text := arg
		if file, ok := strings.CutPrefix(arg, "@"); ok {
			b, err := os.ReadFile(file)
			if err != nil {
				return usage("--extra-vars: %v", pathError(err))
			}
			text = string(b)
			if spec.App == "ansible" && !json.Valid(b) { // YAML: Ansible reads it itself
				abs, err := filepath.Abs(file)
				if err != nil {
					return fmt.Errorf("find --extra-vars: %w", err)
				}
				spec.TemplateArgs.List = append(spec.TemplateArgs.List, "--extra-vars", "@"+abs)
				continue
			}
		}
		if strings.HasPrefix(strings.TrimSpace(text), "{") {
			vars, err := job.ParseVariables(text)
			if err != nil {
				return usage("--extra-vars: %v", err)
			}
			for name, value := range vars {
				spec.Variables[name] = value
			}
			continue
		}
		words, err := shlex.Split(text)
		if err != nil {
			return usage("--extra-vars %q: %v", arg, err)
		}
		for _, word := range words {
			name, value, ok := strings.Cut(word, "=")
			if !ok || name == "" {
				return usage("--extra-vars: %q is not NAME=VALUE, a JSON object or @FILE", word)
			}
			spec.Variables[name] = value
		}
	}
	spec.Environment = map[string]string{}
	for _, arg := range o.env {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return usage("--env: %q is not NAME=VALUE", arg)
		}
		if name == terraformWorkspace && isTerraform(spec.App) {
			return usage("--env TF_WORKSPACE: choose the workspace by --workspace")
		}
		spec.Environment[name] = value
	}
	return nil
}

func (o *runOptions) fillSecrets(spec *job.Spec, a *asker) error {
	for _, group := range []struct {
		flag string
		args []string
		kind job.SecretKind
	}{{"--secret", o.secrets, job.SecretExt}, {"--secret-env", o.secretEnv, job.SecretEnv}} {
		for _, arg := range group.args {
			name, value, err := readSecret(group.flag, arg, a)
			if err != nil {
				return err
			}
			if name == terraformWorkspace && isTerraform(spec.App) {
				return usage("%s TF_WORKSPACE: choose the workspace by --workspace", group.flag)
			}
			spec.Secrets = append(spec.Secrets, job.SecretVar{Name: name, Kind: group.kind, Value: value})
		}
	}
	for _, arg := range o.vaultIDs {
		vault, err := o.vault(arg, spec, a)
		if err != nil {
			return err
		}
		spec.Vaults = append(spec.Vaults, vault)
	}
	return nil
}

// vault reads [ID@]FILE, where an executable file is a client script, or
// [ID@]prompt.
func (o *runOptions) vault(arg string, spec *job.Spec, a *asker) (job.Vault, error) {
	id, source, ok := strings.Cut(arg, "@")
	if !ok {
		id, source = "", arg
	}
	vault := job.Vault{Name: id}
	if source == "prompt" {
		var err error
		vault.Password, err = a.secret(strings.TrimSpace("vault password " + id))
		return vault, err
	}
	info, err := os.Stat(source)
	if err != nil {
		return vault, usage("--vault-id: %v", pathError(err))
	}
	if info.Mode()&0o111 != 0 {
		vault.Script = inventoryPath(source, spec.Repository.URL)
		return vault, nil
	}
	vault.Password, err = secretFile("--vault-id", source)
	return vault, err
}

// fillApp sets the options that only one family has, and refuses those that
// the app would ignore.
func (o *runOptions) fillApp(spec *job.Spec, _ *asker) error {
	switch spec.App {
	case "ansible":
		spec.Ansible = &job.AnsibleOptions{
			Limit: o.limit, Tags: o.tags, SkipTags: o.skipTags, Check: o.check, Diff: o.diff,
			AllowDebug: true, Debug: o.verbosity > 0, DebugLevel: o.verbosity,
		}
	case "terraform", "tofu", "terragrunt":
		spec.Terraform = &job.TerraformOptions{
			AllowDestroy: true, AllowAutoApprove: true, TaskPlanOnly: o.plan, TaskDestroy: o.destroy,
			TaskAutoApprove: o.autoApprove, TaskUpgrade: o.upgrade, TaskReconfigure: o.reconfigure,
		}
	}
	return nil
}

// chooseWorkspace takes the shell's TF_WORKSPACE where no flag names one, as
// Terraform would.
func (o *runOptions) chooseWorkspace(app string) error {
	shell := os.Getenv(terraformWorkspace)
	if shell == "" || !isTerraform(app) {
		return nil
	}
	if o.workspace != "" && o.workspace != shell {
		return usage("--workspace is %q and the environment's TF_WORKSPACE %q: unset one", o.workspace, shell)
	}
	o.workspace = shell
	return nil
}

// terraformWorkspace is not passed on to Terraform: the task has one workspace.
const terraformWorkspace = "TF_WORKSPACE"

func isTerraform(app string) bool {
	return app == "terraform" || app == "tofu" || app == "terragrunt"
}
