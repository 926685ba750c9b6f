package job

import "strings"

// ansibleFiles are the paths that Ansible's command line names.
type ansibleFiles struct {
	inventory          []string // in order; empty leaves it to Ansible's configuration
	extraVars          string
	connectionPassword string   // "" for none
	becomePassword     string   // "" for none
	vaultIDs           []string // "name@path"
}

// ansibleArgs builds the arguments of ansible-playbook.
func ansibleArgs(spec *Spec, files ansibleFiles) []string {
	var args []string
	for _, inventory := range files.inventory {
		args = append(args, "-i", inventory)
	}
	if inv := spec.Inventory; inv != nil {
		if key := inv.UserKey; key != nil && key.Type != KeyNone && key.Login != "" {
			args = append(args, "--user", key.Login)
		}
		if files.connectionPassword != "" {
			args = append(args, "--connection-password-file", files.connectionPassword)
		}
		if key := inv.BecomeKey; key != nil && key.Type != KeyNone && key.Login != "" {
			args = append(args, "--become-user", key.Login)
		}
		if files.becomePassword != "" {
			args = append(args, "--become-password-file", files.becomePassword)
		}
	}
	options := spec.ansible()
	if options.AllowDebug && options.Debug {
		args = append(args, "-"+strings.Repeat("v", debugLevel(options.DebugLevel)))
	}
	if options.Diff {
		args = append(args, "--diff")
	}
	if options.Check {
		args = append(args, "--check")
	}
	for _, id := range files.vaultIDs {
		args = append(args, "--vault-id="+id)
	}
	args = append(args, "--extra-vars", "@"+files.extraVars)
	args = append(args, spec.TemplateArgs.List...)
	args = appendJoined(args, "--limit", options.limit())
	args = appendJoined(args, "--tags", options.tags())
	args = appendJoined(args, "--skip-tags", options.skipTags())
	if spec.Template.AllowOverrideArgs {
		args = append(args, spec.TaskArgs.List...)
	}
	return append(args, spec.Playbook)
}

func debugLevel(level int) int {
	switch {
	case level < 1:
		return 4
	case level > 6:
		return 6
	default:
		return level
	}
}

func appendJoined(args []string, option string, values []string) []string {
	if len(values) == 0 {
		return args
	}
	return append(args, option+"="+strings.Join(values, ","))
}

// ansible returns the options, the zero value where there are none.
func (s *Spec) ansible() AnsibleOptions {
	if s.Ansible == nil {
		return AnsibleOptions{}
	}
	return *s.Ansible
}

// limit is the effective limit: the task's where the template lets it.
func (o AnsibleOptions) limit() []string {
	return override(o.AllowOverrideLimit, o.TaskLimit, o.Limit)
}

func (o AnsibleOptions) tags() []string {
	return override(o.AllowOverrideTags, o.TaskTags, o.Tags)
}

func (o AnsibleOptions) skipTags() []string {
	return override(o.AllowOverrideSkipTags, o.TaskSkipTags, o.SkipTags)
}

// override is the task's list where it may and does say something. An empty
// list is no override: it would turn a limit into all hosts.
func override(allowed bool, task, template []string) []string {
	if allowed && len(task) > 0 {
		return task
	}
	return template
}

// scriptArgs builds the arguments of a script's interpreter, behind the app's
// leading ones. Variables follow the template's arguments, sorted by name.
func scriptArgs(spec *Spec) []string {
	args := []string{spec.Playbook}
	if spec.Template.SecretArgs {
		for _, secret := range spec.Secrets {
			if secret.Kind == SecretExt {
				args = append(args, secret.Name+"="+secret.Value.Reveal())
			}
		}
	}
	args = append(args, spec.TemplateArgs.List...)
	for _, name := range sortedKeys(spec.Variables) {
		args = append(args, name+"="+formatValue(spec.Variables[name]))
	}
	if spec.Template.AllowOverrideArgs {
		args = append(args, spec.TaskArgs.List...)
	}
	return args
}

// terraform returns the options, the zero value where there are none.
func (s *Spec) terraform() TerraformOptions {
	if s.Terraform == nil {
		return TerraformOptions{}
	}
	return *s.Terraform
}

func (o TerraformOptions) destroy() bool { return o.AllowDestroy && o.TaskDestroy }

func (o TerraformOptions) autoApprove() bool {
	return o.AutoApprove || o.AllowAutoApprove && o.TaskAutoApprove
}

// stageArgs are the template's and the task's arguments for a stage.
func (s *Spec) stageArgs(stage string) []string {
	args := append([]string(nil), s.TemplateArgs.stage(stage)...)
	if s.Template.AllowOverrideArgs {
		args = append(args, s.TaskArgs.stage(stage)...)
	}
	return args
}

// terraformTail is what every command of an app gets at its end: Terragrunt
// is told to run terraform unless the arguments say otherwise.
func terraformTail(app string, args []string) []string {
	if app != "terragrunt" {
		return args
	}
	for _, arg := range args {
		if arg == "--tf-path" || strings.HasPrefix(arg, "--tf-path=") {
			return args
		}
	}
	return append(args, "--tf-path=terraform")
}

// initMode says how init treats a changed backend.
type initMode int

const (
	initPlain    initMode = iota
	initMigrate           // -migrate-state -force-copy, after a person agreed
	initReadonly          // -lockfile=readonly, for a resumed run
)

// tfInitArgs builds the arguments of init.
func tfInitArgs(spec *Spec, mode initMode) []string {
	args := []string{"init", "-input=false"}
	options := spec.terraform()
	switch {
	case mode == initReadonly:
		args = append(args, "-lockfile=readonly")
	case options.TaskUpgrade:
		args = append(args, "-upgrade")
	}
	switch {
	case mode == initMigrate:
		args = append(args, "-migrate-state", "-force-copy")
	case options.TaskReconfigure && mode != initReadonly:
		args = append(args, "-reconfigure")
	}
	return terraformTail(spec.App, append(args, spec.stageArgs(StageInit)...))
}

// workspaceArgs builds the arguments that select a workspace and make it where
// it is missing.
func workspaceArgs(app, name string) []string {
	args := []string{"workspace", "select", "-or-create=true", name}
	if app == "terragrunt" {
		args = append([]string{"run", "--"}, args...)
	}
	return terraformTail(app, args)
}

// planArgs builds the arguments of plan. Planning arguments that were given
// for apply come here, because a saved plan cannot take them any more.
func planArgs(spec *Spec, planFile, varFile string) (args, moved []string) {
	args = []string{"plan", "-input=false", "-detailed-exitcode", "-out=" + planFile}
	if spec.terraform().destroy() {
		args = append(args, "-destroy")
	}
	args = append(args, spec.stageArgs(StagePlan)...)
	_, planning := splitApplyArgs(spec.stageArgs(StageApply))
	for _, arg := range planning {
		if !contains(args, arg) {
			args = append(args, arg)
			moved = append(moved, arg)
		}
	}
	if varFile != "" {
		args = append(args, "-var-file="+varFile)
	}
	return terraformTail(spec.App, args), moved
}

// applyArgs builds the arguments that apply exactly the saved plan.
func applyArgs(spec *Spec, planFile string) []string {
	keep, _ := splitApplyArgs(spec.stageArgs(StageApply))
	args := append([]string{"apply", "-input=false"}, keep...)
	return terraformTail(spec.App, append(args, planFile))
}

// applyOptions are the options that apply takes beside a saved plan, and
// whether the value follows as an argument of its own when there is no "=".
var applyOptions = map[string]bool{
	"parallelism": true, "lock-timeout": true, "backup": true, "state-out": true,
	"compact-warnings": false, "no-color": false, "json": false,
	"lock": false, "input": false, "auto-approve": false,
}

// planOptions with a value that may follow as an argument of its own.
var planOptions = map[string]bool{"var": true, "var-file": true, "target": true, "replace": true, "exclude": true}

// splitApplyArgs separates what apply takes beside a saved plan from what
// belongs to planning. -auto-approve and -input say nothing beside a plan and
// are dropped.
func splitApplyArgs(args []string) (apply, planning []string) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		takesValue, known := applyOptions[name]
		group := []string{arg}
		if (takesValue || planOptions[name]) && !hasValue && i+1 < len(args) {
			i++
			group = append(group, args[i])
		}
		switch {
		case name == "auto-approve" || name == "input":
		case known:
			apply = append(apply, group...)
		case len(group) == 2:
			planning = append(planning, group[0]+"="+group[1])
		default:
			planning = append(planning, arg)
		}
	}
	return apply, planning
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}
