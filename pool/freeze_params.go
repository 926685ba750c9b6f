package pool

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/job"
)

// TemplateParams are the task_params of a template, of all apps: what its tasks
// may change, and what they begin with. Members that it does not name mean
// nothing.
type TemplateParams struct {
	AllowDebug             bool     `json:"allow_debug"`
	AllowOverrideInventory bool     `json:"allow_override_inventory"`
	AllowOverrideLimit     bool     `json:"allow_override_limit"`
	AllowOverrideTags      bool     `json:"allow_override_tags"`
	AllowOverrideSkipTags  bool     `json:"allow_override_skip_tags"`
	Limit                  []string `json:"limit"`
	Tags                   []string `json:"tags"`
	SkipTags               []string `json:"skip_tags"`

	AllowDestroy     bool   `json:"allow_destroy"`
	AllowAutoApprove bool   `json:"allow_auto_approve"`
	AutoApprove      bool   `json:"auto_approve"`
	OverrideBackend  bool   `json:"override_backend"`
	BackendFilename  string `json:"backend_filename"`
}

// taskParams are the params of a task, of all apps.
type taskParams struct {
	Debug      bool     `json:"debug"`
	DebugLevel int      `json:"debug_level"`
	DryRun     bool     `json:"dry_run"`
	Diff       bool     `json:"diff"`
	Limit      []string `json:"limit"`
	Tags       []string `json:"tags"`
	SkipTags   []string `json:"skip_tags"`

	Plan        bool `json:"plan"`
	Destroy     bool `json:"destroy"`
	AutoApprove bool `json:"auto_approve"`
	Upgrade     bool `json:"upgrade"`
	Reconfigure bool `json:"reconfigure"`
}

func decodeParams(field string, text json.RawMessage, into any) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return refuse(field, "cannot be read: %v", err)
	}
	return nil
}

// allows reads one of the template's flags.
func (f *freezer) allows(flag string) (bool, error) {
	var flags map[string]json.RawMessage
	if err := decodeParams("template.task_params", f.tpl.TaskParams, &flags); err != nil {
		return false, err
	}
	return string(flags[flag]) == "true", nil
}

// freezeParams merges what the task asks for into what the template fixes, as
// far as the template's flags let it.
func (f *freezer) freezeParams(context.Context) error {
	var t TemplateParams
	if err := decodeParams("template.task_params", f.tpl.TaskParams, &t); err != nil {
		return err
	}
	own := taskParams{}
	if err := decodeParams("params", f.req.Task.Params, &own); err != nil {
		return err
	}
	if len(filled(own.Limit)) == 0 && f.req.Task.Limit != "" {
		own.Limit = strings.Split(f.req.Task.Limit, ",")
	}
	switch {
	case f.tpl.App == "ansible":
		return f.ansibleParams(t, own)
	case isTerraform(f.tpl.App):
		return f.terraformParams(t, own)
	}
	return nil
}

// choose returns the task's list where it says something else than the
// template's and may do so.
func (f *freezer) choose(field, flag string, allowed bool, own, template []string) ([]string, error) {
	own = filled(own)
	if len(own) == 0 || slices.Equal(own, template) {
		return template, nil
	}
	if !allowed && !f.req.By.Saved {
		return nil, refuse("params."+field, "the template does not let tasks choose it: set %s, or leave it out", flag)
	}
	return own, nil
}

// filled leaves out what says nothing: a blank entry never widens a list.
func filled(list []string) []string {
	var some []string
	for _, entry := range list {
		if entry = strings.Trim(entry, ", \t"); entry != "" {
			some = append(some, entry)
		}
	}
	return some
}

func (f *freezer) ansibleParams(t TemplateParams, own taskParams) error {
	o := &job.AnsibleOptions{Check: own.DryRun, Diff: own.Diff}
	var err error
	if o.Limit, err = f.choose("limit", "allow_override_limit", t.AllowOverrideLimit, own.Limit, t.Limit); err != nil {
		return err
	}
	if o.Tags, err = f.choose("tags", "allow_override_tags", t.AllowOverrideTags, own.Tags, t.Tags); err != nil {
		return err
	}
	if o.SkipTags, err = f.choose("skip_tags", "allow_override_skip_tags", t.AllowOverrideSkipTags, own.SkipTags, t.SkipTags); err != nil {
		return err
	}
	if own.Debug {
		if !t.AllowDebug && !f.req.By.Saved {
			return refuse("params.debug", "the template does not let tasks be verbose: set allow_debug, or leave it out")
		}
		o.AllowDebug, o.Debug, o.DebugLevel = true, true, own.DebugLevel
	}
	f.snap.Spec.Ansible = o
	return nil
}

func (f *freezer) terraformParams(t TemplateParams, own taskParams) error {
	if own.Destroy && !t.AllowDestroy && !f.req.By.Saved {
		return refuse("params.destroy", "the template does not let tasks destroy: set allow_destroy, or leave it out")
	}
	if own.AutoApprove && !t.AutoApprove && !t.AllowAutoApprove && !f.req.By.Saved {
		return refuse("params.auto_approve", "the template does not let tasks approve themselves: set allow_auto_approve, or leave it out")
	}
	f.snap.Spec.Terraform = &job.TerraformOptions{
		AutoApprove: t.AutoApprove || own.AutoApprove, AllowDestroy: own.Destroy, TaskDestroy: own.Destroy,
		OverrideBackend: t.OverrideBackend, BackendFile: t.BackendFilename,
		TaskPlanOnly: own.Plan, TaskUpgrade: own.Upgrade, TaskReconfigure: own.Reconfigure,
	}
	return nil
}

// sameJSON tells whether two values say the same.
func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
