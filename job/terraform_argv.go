package job

import (
	"slices"
	"strings"
)

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
		if !slices.Contains(args, arg) {
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
