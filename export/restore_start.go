package export

import (
	"encoding/json"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

func (r *restorer) addIntegrations() {
	r.hooks = aliasesOf(r, r.st.Integrations().Aliases(), func(a *store.IntegrationAlias) string { return a.Alias })
	n := r.renamer("integration")
	for i := range r.b.Integrations {
		in := &r.b.Integrations[i]
		method := in.AuthMethod
		if method == "none" {
			method = ""
		}
		row := add(r, r.st.Integrations(), object("integration", in.Name), store.Integration{
			ProjectID: r.project.ID, Name: n.name(i, in.Name, in.Own), TemplateID: must(r.ix.templates, r.templates, in.Template), AuthMethod: method,
			AuthSecretID: id(r.ix.keys, r.keys, in.AuthSecret), AuthHeader: in.AuthHeader, Searchable: in.Searchable,
		})
		if method != "" && row.AuthSecretID == nil {
			r.note("integration %q has no secret to compare with, so that calls are refused: choose a key", clip(row.Name, 100))
		}
		for _, m := range in.Matchers {
			add(r, r.st.Integrations().Matchers(), "matcher of "+object("integration", in.Name), store.IntegrationMatcher{
				ProjectID: r.project.ID, IntegrationID: row.ID, Name: m.Name, MatchType: m.MatchType, Method: m.Method, BodyDataType: m.BodyDataType, Key: m.Key, Value: m.Value,
			})
		}
		for _, e := range in.ExtractValues {
			add(r, r.st.Integrations().Extractors(), "value of "+object("integration", in.Name), store.IntegrationExtractor{
				ProjectID: r.project.ID, IntegrationID: row.ID, Name: e.Name, ValueSource: e.ValueSource, BodyDataType: e.BodyDataType, Key: e.Key, Variable: e.Variable, VariableType: e.VariableType,
			})
		}
		r.addresses(in.Aliases, in.Name, &row.ID)
		r.params(in.TaskParams, store.TaskParams{IntegrationID: &row.ID}, object("integration", row.Name))
	}
}

func (r *restorer) addAliases() { r.addresses(r.b.IntegrationAliases, "", nil) }

// addresses stores those of webhooks. One that somebody has becomes a new one.
func (r *restorer) addresses(list []string, integration string, of *int64) {
	for _, alias := range list {
		add(r, r.st.Integrations().Aliases(), "address", store.IntegrationAlias{ProjectID: r.project.ID, IntegrationID: of, Alias: r.free(r.hooks, alias, integration)})
	}
}

// params stores saved parameters for the owner that row names. Those that say
// nothing are none.
func (r *restorer) params(p *BackupParams, row store.TaskParams, owner string) {
	if p == nil || r.err != nil {
		return
	}
	secret := p.Own.Secret
	row.ProjectID, row.Environment, row.Arguments, row.GitBranch = r.project.ID, p.Environment, nonEmpty(p.Arguments), nonEmpty(p.GitBranch)
	row.Message, row.Version, row.InventoryID, row.Params = p.Message, nonEmpty(p.Version), id(r.ix.inventories, r.inventories, p.InventoryName), json.RawMessage(p.Params)
	if p.Own.HasSecret && secret == nil {
		r.note("%s had secret values for its tasks, which backups leave out: enter them anew", owner)
	}
	says := row.Environment != "" || row.Message != "" || row.Arguments != nil || row.GitBranch != nil || row.Version != nil || row.InventoryID != nil || row.Params != nil
	if !says && secret == nil {
		return
	}
	table := r.st.Integrations().TaskParams()
	row = add(r, table, "parameters of "+owner, row)
	if secret == nil || r.err != nil {
		return
	}
	sealed, err := r.opts.Ring.Seal([]byte(*secret), paramsAD(row.ProjectID, row.ID))
	if err != nil {
		r.err = fmt.Errorf("restore parameters of %s: seal: %w", owner, err)
		return
	}
	row.Secret = &sealed
	update(r, table, "parameters of "+owner, row)
}

func (r *restorer) addSchedules() {
	n := r.renamer("schedule")
	for i := range r.b.Schedules {
		s := &r.b.Schedules[i]
		called := s.Name
		if called != "" {
			called = n.name(i, s.Name, s.Own.BackupName)
		}
		row := store.Schedule{
			ProjectID: r.project.ID, TemplateID: must(r.ix.templates, r.templates, s.Template), CronFormat: s.CronFormat, Name: called,
			Active: s.Active, Type: s.Type, DeleteAfterRun: s.DeleteAfterRun, RepositoryID: id(r.ix.repositories, r.repositories, s.CheckableRepository),
			Created: s.Own.Created, Timezone: s.Own.Timezone, Overlap: s.Own.Overlap, Missed: s.Own.Missed, MissedSeconds: s.Own.MissedSeconds,
		}
		row = r.addSchedule(s, row)
		r.params(s.TaskParams, store.TaskParams{ScheduleID: &row.ID}, object("schedule", called))
	}
	for i, t := range r.b.Templates {
		if filled(t.Cron) {
			r.addSchedule(&BackupSchedule{}, store.Schedule{
				ProjectID: r.project.ID, TemplateID: r.templates[i], CronFormat: *t.Cron, Active: true,
			})
		}
	}
}

// addSchedule stores a schedule whose next run is for the pool to find. One whose
// only time has passed, or is lost, is kept and switched off.
func (r *restorer) addSchedule(s *BackupSchedule, row store.Schedule) store.Schedule {
	if row.Type == "cron" {
		row.Type = store.ScheduleCron
	}
	if row.Created.IsZero() {
		row.Created = r.opts.Now()
	}
	if row.Type == store.ScheduleRunAt {
		r.runOnce(s, &row)
	}
	if r.opts.CheckSchedule != nil && (row.Type == store.ScheduleCron || row.RunAt != nil) && r.err == nil {
		if err := r.opts.CheckSchedule(row); err != nil {
			r.err = &BackupError{File: r.b.file, Object: object("schedule", row.Name), Reason: err.Error(), cause: err}
		}
	}
	return add(r, r.st.Schedules(), object("schedule", row.Name), row)
}

func (r *restorer) runOnce(s *BackupSchedule, row *store.Schedule) {
	switch {
	case s.Own.RunAt != nil:
		row.RunAt = s.Own.RunAt
	case s.RunAt != nil && s.RunAt.Time.Year() > 1:
		row.RunAt = &s.RunAt.Time
	}
	switch {
	case row.RunAt == nil:
		row.Active = false
		r.note("schedule %q runs once, at a time that the file has lost: set it anew, until then it is off", clip(row.Name, 100))
	case row.Active && !row.RunAt.After(r.opts.Now()):
		row.Active = false
		r.note("schedule %q runs once, at a time that has passed: it is off", clip(row.Name, 100))
	}
}
