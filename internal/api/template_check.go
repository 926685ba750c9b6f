package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// maxBuildChain bounds how many templates may deploy one another's builds.
const maxBuildChain = 20

// terraformFamily tells whether an app works on a directory of Terraform files.
func terraformFamily(app string) bool {
	return app == "terraform" || app == "tofu" || app == "terragrunt"
}

// readTemplate checks a body and takes it over a template.
func readTemplate(ctx context.Context, c *call, tx store.Store, in *templateInput, t *store.Template) error {
	if err := c.checkApp(ctx, in.App, t.App); err != nil {
		return err
	}
	checks := []func() error{
		func() error { return checkTemplateTexts(in) },
		func() error { return checkTemplateRun(in) },
		func() error { return checkSurvey(in.SurveyVars) },
		func() error { return checkTemplateOptions(in.Options) },
		func() error { return checkTemplateInventory(ctx, c, tx, in) },
		func() error { return checkTemplateType(ctx, c, tx, in, t.ID) },
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	in.SurveyVars = keepSurveyDefaults(in.SurveyVars, t.SurveyVars)
	t.Name, t.App, t.Playbook = in.Name, in.App, in.Playbook
	t.InventoryID, t.RepositoryID, t.EnvironmentID, t.ViewID = in.InventoryID, in.RepositoryID, in.EnvironmentID, in.ViewID
	t.Arguments, t.GitBranch, t.Description, t.RunnerTag = in.Arguments, in.GitBranch, in.Description, in.RunnerTag
	t.AllowOverrideArgs, t.AllowOverrideBranch, t.AllowParallelTasks = in.AllowOverrideArgs, in.AllowOverrideBranch, in.AllowParallelTasks
	t.Type, t.StartVersion, t.BuildTemplateID, t.Autorun = in.Type, in.StartVersion, in.BuildTemplateID, in.Autorun
	t.SurveyVars, t.SuppressSuccessAlerts, t.TaskParams = in.SurveyVars, in.SuppressSuccessAlerts, in.TaskParams
	if in.Options != nil {
		t.Options = *in.Options
	}
	return nil
}

// checkApp accepts apps of the catalogue. One that was switched off stays with
// the templates that have it.
func (c *call) checkApp(ctx context.Context, app, had string) error {
	if app == "" {
		return invalid("app", "is missing: name one, such as ansible")
	}
	apps, err := c.s.cfg.Apps.List(ctx)
	if err != nil {
		return fmt.Errorf("list apps: %w", err)
	}
	i := slices.IndexFunc(apps, func(a App) bool { return a.ID == app })
	switch {
	case i < 0:
		return invalid("app", "%q is not known: an administrator can add it", clip(app, 40))
	case !apps[i].Active && app != had:
		return invalid("app", "%s is switched off: an administrator can switch it on", app)
	}
	return nil
}

func checkTemplateTexts(in *templateInput) error {
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(in.Name) == "":
		return invalid("name", "is empty: name the template")
	case in.RepositoryID == 0:
		return invalid("repository_id", "is missing: choose a repository")
	case in.RunnerTag != nil && *in.RunnerTag == "":
		return invalid("runner_tag", "is empty: leave it out for tasks that any worker may take")
	case in.RunnerTag != nil && len(*in.RunnerTag) > 255:
		return invalid("runner_tag", "is longer than 255 bytes")
	}
	for _, id := range []**int64{&in.InventoryID, &in.EnvironmentID, &in.ViewID, &in.BuildTemplateID} {
		if *id != nil && **id == 0 { // what forms send for nothing
			*id = nil
		}
	}
	if in.GitBranch != nil && *in.GitBranch == "" {
		in.GitBranch = nil
	}
	if in.GitBranch != nil {
		if err := job.CheckRef(*in.GitBranch); err != nil {
			return refit("git_branch", err)
		}
	}
	return nil
}

// fieldsOfSpec names in a body what a run would refuse.
var fieldsOfSpec = map[string]string{
	"template_args": "arguments", "ansible.limit": "task_params.limit", "ansible.tags": "task_params.tags",
	"ansible.skip_tags": "task_params.skip_tags", "terraform.backend_file": "task_params.backend_filename",
	"template.workspace": "options.workspace",
}

// checkTemplateRun asks those who run tasks what they would refuse.
func checkTemplateRun(in *templateInput) error {
	spec := &job.Spec{Version: job.SpecVersion, App: in.App, Playbook: in.Playbook, Repository: job.Repository{URL: "https://localhost/checked-elsewhere"}}
	if in.Options != nil {
		spec.Template.Workspace = job.Workspace(in.Options.Workspace)
	}
	if in.Arguments != nil && strings.TrimSpace(*in.Arguments) == "" {
		in.Arguments = nil
	}
	if in.Arguments != nil {
		args, err := job.ParseArgs(*in.Arguments)
		if err != nil {
			return invalid("arguments", "%s", strings.TrimPrefix(err.Error(), "arguments: "))
		}
		spec.TemplateArgs = args
	}
	var params pool.TemplateParams
	if err := decodeParams("task_params", &in.TaskParams, &params); err != nil {
		return err
	}
	switch {
	case in.App == "ansible":
		spec.Ansible = &job.AnsibleOptions{Limit: params.Limit, Tags: params.Tags, SkipTags: params.SkipTags}
	case terraformFamily(in.App):
		spec.Terraform = &job.TerraformOptions{BackendFile: params.BackendFilename}
	}
	var err error
	if spec.Vaults, err = vaultsOfSpec(in); err != nil {
		return err
	}
	err = spec.Validate()
	var field *job.FieldError
	if errors.As(err, &field) {
		if name, ok := fieldsOfSpec[field.Field]; ok {
			return refit(name, err)
		}
	}
	return err
}

// decodeParams reads an object of a body, {} for none, into v.
func decodeParams(field string, text *json.RawMessage, v any) error {
	if t := bytes.TrimSpace(*text); len(t) == 0 || string(t) == "null" {
		*text = nil
		return nil
	}
	var kind *json.UnmarshalTypeError
	err := json.Unmarshal(*text, v)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind) && kind.Field != "":
		return invalid(field+"."+clip(kind.Field, 60), "is a JSON %s: send %s", clip(kind.Value, 40), jsonName(kind))
	default:
		return invalid(field, "is no JSON object of the documented shape")
	}
}

func checkTemplateOptions(o *store.TemplateOptions) error {
	if o == nil {
		return nil
	}
	for _, n := range []struct {
		field string
		value int64
	}{
		{"timeout_seconds", int64(o.TimeoutSeconds)}, {"confirm_seconds", int64(o.ConfirmSeconds)}, {"stop_grace_seconds", int64(o.StopGraceSeconds)},
		{"max_retries", int64(o.MaxRetries)}, {"log_quota", o.LogQuota}, {"depth", int64(o.Depth)},
		{"retention.days", int64(o.Retention.Days)}, {"retention.tasks", int64(o.Retention.Tasks)}, {"retention.bytes", o.Retention.Bytes},
	} {
		if n.value < 0 {
			return invalid("options."+n.field, "is negative: use 0 for none")
		}
	}
	return nil
}

// checkTemplateInventory checks that the inventory fits the app.
func checkTemplateInventory(ctx context.Context, c *call, tx store.Store, in *templateInput) error {
	if in.InventoryID == nil {
		if in.App == "ansible" {
			return invalid("inventory_id", "is missing: choose an inventory, a task never falls back to other hosts")
		}
		return nil
	}
	inv, err := tx.Inventories().Get(ctx, c.project.ID, *in.InventoryID)
	if errors.Is(err, store.ErrNotFound) {
		return invalid("inventory_id", "there is no inventory %d in this project", *in.InventoryID)
	}
	if err != nil {
		return err
	}
	workspace := strings.HasSuffix(string(inv.Type), "-workspace")
	switch {
	case terraformFamily(in.App) && !workspace:
		return invalid("inventory_id", "inventory %q is of type %s: %s needs a workspace", inv.Name, inv.Type, in.App)
	case in.App == "ansible" && workspace:
		return invalid("inventory_id", "inventory %q is a workspace: ansible needs hosts", inv.Name)
	}
	return nil
}

// checkTemplateType checks builds and deploys, and clears what is not of the
// type.
func checkTemplateType(ctx context.Context, c *call, tx store.Store, in *templateInput, id int64) error {
	switch in.Type {
	case store.TemplateTask, store.TemplateBuild, store.TemplateDeploy:
	default:
		return invalid("type", "is %q: use build, deploy, or nothing", clip(string(in.Type), 40))
	}
	if in.Type != store.TemplateBuild {
		in.StartVersion = nil
	}
	if in.StartVersion != nil && utf8.RuneCountInString(*in.StartVersion) > 20 {
		return invalid("start_version", "is longer than 20 characters")
	}
	if in.Type != store.TemplateDeploy {
		in.BuildTemplateID, in.Autorun = nil, false
		return nil
	}
	next := in.BuildTemplateID
	for range maxBuildChain {
		if next == nil {
			return nil
		}
		if *next == id {
			return invalid("build_template_id", "leads back to this template: choose a build")
		}
		build, err := tx.Templates().Get(ctx, c.project.ID, *next)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return invalid("build_template_id", "there is no template %d in this project", *next)
		case err != nil:
			return err
		case build.Type == store.TemplateTask:
			return invalid("build_template_id", "template %q builds and deploys nothing: choose one of type build or deploy", build.Name)
		}
		next = build.BuildTemplateID
	}
	return invalid("build_template_id", "leads through more than %d templates", maxBuildChain)
}
