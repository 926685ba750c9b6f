package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// AddRequest asks for a task.
type AddRequest struct {
	// Task says what: ProjectID and TemplateID, and what is to differ from the
	// template: Playbook, Environment, Secret, Arguments, GitBranch, InventoryID,
	// Params, Limit, CommitHash, Message, BuildTaskID. Everything else is set by
	// the pool.
	Task store.Task
	By   Caller
}

// Caller says on whose behalf a task is launched, which decides what it may
// change.
type Caller struct {
	UserID   int64  // 0: nobody in person
	Username string // for the tool and the event
	// Manage tells that the caller may manage the project's resources: then the
	// task may set variables that no survey declares.
	Manage bool
	// Saved tells that all parameters were saved by somebody who may manage
	// resources, as those of schedules are: no flag of the template is asked.
	Saved bool
	// ScheduleID and IntegrationID name what launched the task.
	ScheduleID    int64
	IntegrationID int64
	// Extracted are names of variables that a webhook's request has filled. They
	// are allowed, and never templated by Ansible.
	Extracted []string

	fire    *store.ScheduleFire
	tick    time.Time
	keepErr bool  // a task that cannot be made is stored as error
	broken  error // why it cannot be made, where that is known before
}

// AddTask is the only way to launch a task. It checks the request against the
// template, freezes all the run needs but key material, and stores task, event
// and snapshot in one transaction.
//
// Errors: [store.ErrNotFound] for an unknown template, a *[job.FieldError] that
// names field and cure for anything the template does not allow or that cannot
// run, and the error of [Hooks.BeforeLaunch]. Nothing is stored on an error.
func (p *TaskPool) AddTask(ctx context.Context, r AddRequest) (store.Task, error) {
	veto := p.askLaunch(ctx, &r)
	t, err := p.add(ctx, p.st, r, veto)
	if err != nil {
		return t, err
	}
	p.added(ctx, t)
	return t, nil
}

// AddTaskTx is AddTask inside a transaction of the caller: tx is what
// [store.Store].InTx gives, or a store on the host's own transaction. Nothing
// is visible before that commits; a running pool finds the task then, at once
// after [TaskPool.Wake]. [Hooks.BeforeLaunch] is asked inside the transaction,
// and [Hooks.AfterLaunch] is not called: only the caller knows when it commits.
func (p *TaskPool) AddTaskTx(ctx context.Context, tx store.Store, r AddRequest) (store.Task, error) {
	veto := p.askLaunch(ctx, &r)
	return p.add(ctx, tx, r, veto)
}

// added tells everybody about a task that is stored.
func (p *TaskPool) added(ctx context.Context, t store.Task) {
	if hook := p.cfg.Hooks.AfterLaunch; hook != nil {
		p.call(ctx, "after launch", func(ctx context.Context) { hook(ctx, t) })
	}
	p.hub.task(t)
	p.wake.ring()
	if t.Status.Finished() {
		p.out.ring()
	}
}

// add makes a task; veto is what the host program has against it.
func (p *TaskPool) add(ctx context.Context, st store.Store, r AddRequest, veto error) (store.Task, error) {
	tpl, err := st.Templates().Get(ctx, r.Task.ProjectID, r.Task.TemplateID)
	if err != nil {
		return store.Task{}, fmt.Errorf("template %d: %w", r.Task.TemplateID, err)
	}
	n, err := p.freeze(ctx, st, r, tpl, veto)
	if err != nil {
		if !r.By.keepErr || ctx.Err() != nil || errors.Is(err, store.ErrBusy) {
			return store.Task{}, err
		}
		n = p.refused(r, tpl, err)
	}
	t, err := st.Tasks().Create(ctx, n)
	if err != nil {
		return t, fmt.Errorf("store task: %w", err)
	}
	if m := p.cfg.Metrics.Launched; m != nil {
		m(tpl.App)
	}
	return t, nil
}

// askLaunch lets the host program change or refuse a request.
func (p *TaskPool) askLaunch(ctx context.Context, r *AddRequest) error {
	hook := p.cfg.Hooks.BeforeLaunch
	if hook == nil {
		return nil
	}
	if err := p.guard(ctx, func(ctx context.Context) error { return hook(ctx, r) }); err != nil {
		return fmt.Errorf("launch refused: %w", err)
	}
	return nil
}

// call runs a hook that nothing depends on: its panic is logged.
func (p *TaskPool) call(ctx context.Context, name string, hook func(context.Context)) {
	err := p.guard(ctx, func(ctx context.Context) error {
		hook(ctx)
		return nil
	})
	if err != nil {
		p.cfg.Log.Error("hook", "hook", name, "error", err)
	}
}

// refused is the visible trace of a task that a schedule or another task was to
// start and that could not be made. A schedule says so too, and a commit that
// has got no task stays to be noticed.
func (p *TaskPool) refused(r AddRequest, tpl store.Template, why error) store.NewTask {
	now := p.cfg.Now()
	t := r.bare(tpl)
	t.Status, t.Reason, t.End = store.Failed, cut(why.Error(), 1000), &now
	t.Environment, t.Params, t.Arguments, t.GitBranch, t.InventoryID = "", nil, nil, nil, nil
	fire := r.By.fire
	if fire != nil {
		c := *fire
		c.Advance.Error, c.Advance.Commit = t.Reason, nil
		fire = &c
	}
	return store.NewTask{Task: t, Schedule: fire, Events: []store.Event{r.event(t, tpl, "could not be started: "+t.Reason)}}
}

// bare is the task of a request without what has to be checked first.
func (r AddRequest) bare(tpl store.Template) store.Task {
	in := r.Task
	t := store.Task{
		ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Status: store.Waiting,
		Playbook: in.Playbook, Environment: in.Environment, Arguments: in.Arguments,
		GitBranch: in.GitBranch, InventoryID: in.InventoryID, Message: cut(in.Message, 250),
		CommitHash: in.CommitHash, BuildTaskID: in.BuildTaskID, Params: slices.Clone(in.Params),
		UserID: idOf(r.By.UserID), ScheduleID: idOf(r.By.ScheduleID), IntegrationID: idOf(r.By.IntegrationID),
		Parallel: tpl.AllowParallelTasks, MaxRetries: max(tpl.Options.MaxRetries, 0),
	}
	if !r.By.tick.IsZero() {
		t.FireTime = &r.By.tick
	}
	return t
}

func idOf(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

// event records what happened to a task; the store fills in its id.
func (r AddRequest) event(t store.Task, tpl store.Template, what string) store.Event {
	return store.Event{
		UserID: idOf(r.By.UserID), ProjectID: &t.ProjectID, IntegrationID: idOf(r.By.IntegrationID),
		ObjectType: store.EventTask, Description: fmt.Sprintf("Task of template %q %s", tpl.Name, what),
	}
}

// freeze checks the request and makes the task to be stored, unless something
// speaks against it already.
func (p *TaskPool) freeze(ctx context.Context, st store.Store, r AddRequest, tpl store.Template, veto error) (store.NewTask, error) {
	if veto = cmp.Or(veto, r.By.broken); veto != nil {
		return store.NewTask{}, veto
	}
	f := &freezer{pool: p, st: st, req: r, tpl: tpl, task: r.bare(tpl)}
	if err := f.run(ctx); err != nil {
		return store.NewTask{}, err
	}
	t := f.task
	t.LostAfter = p.cfg.LostAfter.Milliseconds()
	if t.MaxRetries > 0 {
		t.LostAfter = p.cfg.LostAfterRetry.Milliseconds()
	}
	snapshot, err := f.snap.encode()
	if err != nil {
		return store.NewTask{}, err
	}
	n := store.NewTask{
		Task: t, Snapshot: snapshot, Secrets: f.sealed, Schedule: r.By.fire,
		Events: []store.Event{r.event(t, tpl, "added")},
	}
	if tpl.Type == store.TemplateBuild {
		n.NextVersion = true
		if tpl.StartVersion != nil {
			n.StartVersion = *tpl.StartVersion
		}
	}
	return n, nil
}

// refuse makes the error of a request that cannot be granted.
func refuse(field, format string, args ...any) error {
	return &job.FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// cut shortens a text to so many characters.
func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}
