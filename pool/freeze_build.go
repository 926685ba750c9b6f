package pool

import (
	"context"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// maxBuildChain bounds how many deploys may stand between a task and its build.
const maxBuildChain = 100

// freezeBuild finds out which version a deploy is about to roll out.
func (f *freezer) freezeBuild(ctx context.Context) error {
	t := &f.snap.Spec.Task
	t.Type = string(f.tpl.Type)
	id := f.req.Task.BuildTaskID
	if f.tpl.Type != store.TemplateDeploy || id == nil || *id == 0 {
		f.task.BuildTaskID = nil
		return nil
	}
	build, err := f.st.Tasks().Get(ctx, f.tpl.ProjectID, *id)
	if errors.Is(err, store.ErrNotFound) {
		return refuse("build_task_id", "there is no task %d in this project", *id)
	}
	if err != nil {
		return fmt.Errorf("build task %d: %w", *id, err)
	}
	if f.tpl.BuildTemplateID == nil || build.TemplateID != *f.tpl.BuildTemplateID {
		return refuse("build_task_id", "task %d is not one of the template that this one deploys", *id)
	}
	if build.Status != store.Success {
		return refuse("build_task_id", "task %d ended as %s: choose one that succeeded", *id, build.Status)
	}
	t.IncomingVersion, err = incomingVersion(ctx, f.st, build)
	return err
}

// incomingVersion follows deploys down to the build they come from.
func incomingVersion(ctx context.Context, st store.Store, t store.Task) (string, error) {
	last, err := followBuilds(ctx, st, t, func(t store.Task) bool { return t.Version != nil })
	if err != nil || last.Version == nil {
		return "", err
	}
	return *last.Version, nil
}

// inChain tells whether a task, or one that it deploys, is of the template.
func inChain(ctx context.Context, st store.Store, t store.Task, template int64) (bool, error) {
	last, err := followBuilds(ctx, st, t, func(t store.Task) bool { return t.TemplateID == template })
	return last.TemplateID == template, err
}

// followBuilds goes from a deploy to what it deploys, until found says so or
// there is no more. What was deleted meanwhile ends it too.
func followBuilds(ctx context.Context, st store.Store, t store.Task, found func(store.Task) bool) (store.Task, error) {
	for range maxBuildChain {
		if found(t) || t.BuildTaskID == nil {
			break
		}
		next, err := st.Tasks().Get(ctx, t.ProjectID, *t.BuildTaskID)
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
			return t, fmt.Errorf("build task: %w", err)
		}
		t = next
	}
	return t, nil
}

// freezeArguments checks the template's and the task's arguments.
func (f *freezer) freezeArguments(context.Context) error {
	template, err := parseArgs(f.tpl.Arguments)
	if err != nil {
		return refuse("template.arguments", "%v", err)
	}
	own, err := parseArgs(f.req.Task.Arguments)
	if err != nil {
		return refuse("arguments", "%v", err)
	}
	f.snap.Spec.TemplateArgs = template
	if emptyArgs(own) || sameJSON(own, template) {
		f.task.Arguments = nil
		return nil
	}
	if !f.tpl.AllowOverrideArgs && !f.req.By.Saved {
		return refuse("arguments", "the template does not let tasks add arguments: set allow_override_args_in_task, or leave them out")
	}
	f.snap.Spec.TaskArgs = own
	return nil
}

// emptyArgs tells whether no form says anything: old clients send [] and {}.
func emptyArgs(a job.Args) bool {
	for _, list := range a.Stages {
		if len(list) > 0 {
			return false
		}
	}
	return len(a.List) == 0
}

func parseArgs(text *string) (job.Args, error) {
	if text == nil {
		return job.Args{}, nil
	}
	return job.ParseArgs(*text)
}
