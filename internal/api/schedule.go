package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// scheduleInput is what a client says about a schedule.
type scheduleInput struct {
	rowIDs
	TemplateID     int64              `json:"template_id"`
	CronFormat     string             `json:"cron_format"`
	Name           string             `json:"name"`
	Active         bool               `json:"active"`
	Type           store.ScheduleType `json:"type"`
	DeleteAfterRun bool               `json:"delete_after_run"`
	RepositoryID   *int64             `json:"repository_id"`
	RunAt          *string            `json:"run_at"`
	TaskParams     *savedParamsInput  `json:"task_params"`

	// These stay where they are not sent.
	Timezone      *string `json:"timezone"`
	Overlap       *string `json:"overlap"`
	Missed        *string `json:"missed"`
	MissedSeconds *int    `json:"missed_seconds"`
}

func (s *Server) scheduleRoutes() []route {
	schedules := resource[store.Schedule, scheduleInput]{
		noun: "schedule", path: "schedules", event: store.EventSchedule,
		table:   func(st store.Store) store.Table[store.Schedule] { return st.Schedules() },
		ids:     func(r *store.Schedule) (*int64, *int64) { return &r.ID, &r.ProjectID },
		label:   func(r *store.Schedule) string { return r.Name },
		read:    readSchedule,
		saved:   saveScheduleParams,
		show:    showSchedules,
		changed: func(c *call, _ store.Schedule) { c.s.pool.Wake() },
	}
	schedules.param = schedules.noun
	all := "/project/{project}/schedules"
	one := all + "/{schedule}"
	return []route{
		{method: "GET", path: all, right: member, handle: s.listSchedules},
		{method: "POST", path: all, right: canManage, handle: schedules.post},
		{method: "POST", path: all + "/validate", right: canManage, handle: s.validateSchedule},
		{method: "GET", path: one, right: member, handle: schedules.get},
		{method: "PUT", path: one, right: canManage, handle: schedules.put},
		{method: "DELETE", path: one, right: canManage, handle: schedules.remove},
		{method: "PUT", path: one + "/active", right: canManage, handle: s.switchSchedule},
		{method: "GET", path: one + "/next", right: member, handle: s.nextRuns},
		{method: "POST", path: one + "/run", right: canRun, late: true, handle: s.runSchedule},
		{method: "GET", path: "/project/{project}/calendar", right: member, handle: s.calendar},
		{method: "GET", path: "/project/{project}/templates/{template}/schedules", right: member, handle: s.watchersOfTemplate},
	}
}

// readSchedule checks a body and takes it over a schedule. One that watches a
// repository is active whatever the body says, unless it was switched off: forms
// that clients know have no switch for it.
func readSchedule(_ context.Context, c *call, _ store.Store, in *scheduleInput, r *store.Schedule) error {
	if in.TemplateID == 0 {
		return invalid("template_id", "is missing: choose a template")
	}
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	if in.RepositoryID != nil && *in.RepositoryID == 0 {
		in.RepositoryID = nil
	}
	if in.RepositoryID != nil && in.Type != store.ScheduleCron {
		return invalid("type", "a schedule that watches a repository goes by cron_format")
	}
	paused := r.ID != 0 && r.RepositoryID != nil && !r.Active
	r.TemplateID, r.Name, r.Type, r.DeleteAfterRun, r.RepositoryID = in.TemplateID, in.Name, in.Type, in.DeleteAfterRun, in.RepositoryID
	r.Active = in.Active || in.RepositoryID != nil && !paused
	r.CronFormat, r.RunAt = in.CronFormat, nil
	if in.Type == store.ScheduleRunAt {
		r.CronFormat = ""
		at, err := timeOf("run_at", in.RunAt)
		if err != nil {
			return err
		}
		r.RunAt = at
	}
	if in.Timezone != nil {
		r.Timezone = *in.Timezone
	}
	if in.Overlap != nil {
		r.Overlap = *in.Overlap
	}
	if in.Missed != nil {
		r.Missed = *in.Missed
	}
	if in.MissedSeconds != nil {
		if *in.MissedSeconds < 0 {
			return invalid("missed_seconds", "is negative: use 0 for one hour")
		}
		r.MissedSeconds = *in.MissedSeconds
	}
	return c.plan(r)
}

// timeOf reads a time of a body, nil for none.
func timeOf(field string, text *string) (*time.Time, error) {
	if text = filled(text); text == nil {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		return nil, invalid(field, "is %q: write 2026-01-31T10:00:00Z", clip(*text, 40))
	}
	return &t, nil
}

// plan lets a changed schedule begin anew, and checks it.
func (c *call) plan(r *store.Schedule) error {
	r.NextRun, r.LastCommitHash, r.LastError = nil, nil, ""
	if r.Type == store.ScheduleRunAt {
		r.LastRun = nil
	}
	if r.Created.IsZero() { // which @every counts from
		r.Created = c.s.cfg.Now()
	}
	return cronError(c.s.pool.CheckSchedule(*r))
}

// cronError says what is wrong with an expression in the words that clients
// know.
func cronError(err error) error {
	var field *job.FieldError
	if errors.As(err, &field) && field.Field == "cron_format" {
		return answer(http.StatusBadRequest, "Cron: "+clip(strings.TrimPrefix(field.Reason, "Cron: "), 300))
	}
	return err
}

// saveScheduleParams stores the parameters of the tasks of a schedule, or
// forgets them where the body has none.
func saveScheduleParams(ctx context.Context, c *call, tx store.Store, in *scheduleInput, r *store.Schedule) error {
	if in.TaskParams != nil {
		t, err := in.TaskParams.row(ctx, tx, r.ProjectID)
		if err != nil {
			return err
		}
		t.ScheduleID = &r.ID
		return c.saveParams(ctx, tx, t)
	}
	table := tx.Integrations().TaskParams()
	old, err := table.List(ctx, r.ProjectID, store.Query{Where: map[string]any{"schedule_id": r.ID}})
	if err != nil {
		return fmt.Errorf("saved parameters: %w", err)
	}
	for _, t := range old.Items {
		if err := table.Delete(ctx, r.ProjectID, t.ID); err != nil {
			return err
		}
	}
	return nil
}

func showSchedules(c *call, rows []store.Schedule, _ bool) error {
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	params, err := c.paramsOf("schedule_id", ids, func(t store.TaskParams) *int64 { return t.ScheduleID })
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].TaskParams = params[rows[i].ID]
	}
	return nil
}
