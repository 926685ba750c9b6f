package foreign

import (
	"github.com/alexandervashurin/semaphore/store"
)

func (r *reader) readSchedules() error {
	return r.walk("project__schedule", "schedule", func(it *item) {
		if !it.placed("project__schedule") {
			return
		}
		s := store.Schedule{
			ID: it.note.ID, ProjectID: it.note.Project, TemplateID: it.number("template_id"), CronFormat: it.text("cron_format"), Name: it.text("name"),
			Active: it.flagOr("active", true), Type: store.ScheduleType(it.text("type")), DeleteAfterRun: it.flag("delete_after_run"),
			RepositoryID: it.id("repository_id"), RunAt: it.time("run_at"), LastCommitHash: it.filled("last_commit_hash"), Created: r.now,
		}
		switch {
		case !r.within("project__template", s.TemplateID, s.ProjectID):
			it.refuse("starts template %d, which does not exist in the project", s.TemplateID)
		case s.RepositoryID != nil && !r.within("project__repository", *s.RepositoryID, s.ProjectID):
			// Without its repository it would start tasks by the clock alone.
			it.refuse("watches repository %d, which does not exist in the project", *s.RepositoryID)
		}
		if it.refused {
			delete(r.owner["project__schedule"], s.ID)
			return
		}
		it.timing(&s)
		r.wants("schedule", it, func(p *store.TaskParams) { p.ScheduleID = &s.ID })
		r.rows.Schedules = append(r.rows.Schedules, s)
	})
}

// timing switches off what can fire no more. Next runs are left to the pool,
// which works them out for schedules that have none.
func (it *item) timing(s *store.Schedule) {
	off := func(field, format string, args ...any) {
		if s.Active {
			s.Active = false
			it.change(field, format+": it is switched off", args...)
		}
	}
	switch {
	case s.Type == store.ScheduleRunAt && s.RunAt == nil:
		off("run_at", "says no time")
	case s.Type == store.ScheduleRunAt && !s.RunAt.After(it.r.now):
		off("run_at", "has passed before the import")
	case s.Type == store.ScheduleRunAt:
	case s.Type != store.ScheduleCron:
		off("type", "was %q, which is none", s.Type)
		s.Type = store.ScheduleCron
	case s.CronFormat == "":
		off("cron_format", "says no time")
	}
	if s.Type == store.ScheduleCron {
		s.RunAt = nil
	}
}

// wants remembers that a row has saved parameters, which are read later.
func (r *reader) wants(kind string, it *item, own func(*store.TaskParams)) {
	if nested, ok := it.value("task_params").(map[string]any); ok {
		r.nested(it, nested, own)
		return
	}
	id := it.id("task_params_id")
	if id == nil {
		return
	}
	note := it.note
	r.later = append(r.later, func() {
		for i, p := range r.rows.TaskParams {
			if p.ID != *id {
				continue
			}
			switch {
			case p.ProjectID != note.Project:
			case p.ScheduleID == nil && p.IntegrationID == nil:
				own(&r.rows.TaskParams[i])
				return
			default: // two owners: each gets its own
				p.ID, p.ScheduleID, p.IntegrationID = r.fresh("project__task_params"), nil, nil
				own(&p)
				r.rows.TaskParams = append(r.rows.TaskParams, p)
				r.rep.kept("task_params")
				return
			}
		}
		note.Field, note.Reason = "task_params_id", "named parameters that do not exist: there are none"
		r.rep.changed(kind, note)
	})
}

// nested takes parameters that stand inside of their owner.
func (r *reader) nested(it *item, members map[string]any, own func(*store.TaskParams)) {
	inner := &row{index: map[string]int{}}
	for name, v := range members {
		inner.index[name] = len(inner.values)
		inner.values = append(inner.values, v)
	}
	p := &item{row: inner, r: r, kind: "task_params", note: Note{Project: it.note.Project}}
	row := p.params()
	row.ID, row.ProjectID = r.fresh("project__task_params"), it.note.Project
	own(&row)
	r.rows.TaskParams = append(r.rows.TaskParams, row)
	p.done()
}

func (it *item) params() store.TaskParams {
	p := store.TaskParams{
		ID: it.note.ID, ProjectID: it.note.Project, Environment: it.text("environment"), Arguments: it.filled("arguments"), GitBranch: it.filled("git_branch"),
		Message: it.text("message"), Version: it.filled("version"), InventoryID: it.ref("inventory_id", "project__inventory"),
	}
	var bad bool
	if p.Params, bad = it.json("params"); bad {
		it.change("params", "was no JSON: there are none")
	}
	return p
}

// readTaskParams reads the parameters that schedules and integrations save.
// Those that nobody owns are dropped in the end.
func (r *reader) readTaskParams() error {
	err := r.walk("project__task_params", "task_params", func(it *item) {
		if it.placed("project__task_params") {
			r.rows.TaskParams = append(r.rows.TaskParams, it.params())
		}
	})
	r.later = append(r.later, func() {
		kept := r.rows.TaskParams[:0]
		for _, p := range r.rows.TaskParams {
			if p.ScheduleID != nil || p.IntegrationID != nil {
				kept = append(kept, p)
				continue
			}
			r.rep.of("task_params").Kept--
			r.rep.refused("task_params", Note{ID: p.ID, Project: p.ProjectID, Reason: "neither a schedule nor an integration owns them"})
		}
		r.rows.TaskParams = kept
	})
	return err
}
