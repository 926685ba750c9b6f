package export

import (
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// reason is why something was refused, without the name of the field.
func reason(err error) string {
	var field *job.FieldError
	if errors.As(err, &field) {
		return field.Reason
	}
	return err.Error()
}

func (c *checker) integrations() {
	for i := range c.b.Integrations {
		in := &c.b.Integrations[i]
		r := c.at("integration", i, in.Name)
		r.name("name", in.Name, in.Own, 255, true)
		r.need("template", in.Template, c.ix.templates)
		r.oneOf("auth_method", in.AuthMethod, "", "none", "github", "bitbucket", "hmac", "token", "basic")
		r.key("auth_secret", in.AuthSecret)
		r.text("auth_header", in.AuthHeader, 255)
		r.params(in.TaskParams)
		for _, alias := range in.Aliases {
			r.alias("aliases", alias)
		}
		for j, m := range in.Matchers {
			field := fmt.Sprintf("matchers[%d].", j)
			r.oneOf(field+"match_type", m.MatchType, "header", "body")
			r.oneOf(field+"method", m.Method, "equals", "unequals", "contains")
			r.oneOf(field+"body_data_type", m.BodyDataType, "", "json", "string", "xml")
			r.texts(map[string]*string{field + "name": &m.Name, field + "key": &m.Key}, 1000)
			r.text(field+"value", m.Value, maxBackupText)
		}
		for j, e := range in.ExtractValues {
			field := fmt.Sprintf("extract_values[%d].", j)
			r.oneOf(field+"value_source", e.ValueSource, "header", "body")
			r.oneOf(field+"body_data_type", e.BodyDataType, "", "json", "string", "xml")
			r.oneOf(field+"variable_type", e.VariableType, "", "environment", "task")
			r.texts(map[string]*string{field + "name": &e.Name, field + "key": &e.Key, field + "variable": &e.Variable}, 1000)
		}
	}
	for _, alias := range c.b.IntegrationAliases {
		row{c, "integration_aliases"}.alias("", alias)
	}
}

func (r row) params(p *BackupParams) {
	if p == nil {
		return
	}
	const field = "task_params."
	if _, err := job.ParseVariables(p.Environment); err != nil {
		r.fail(field+"environment", "is no JSON object of variables")
	}
	if filled(p.Arguments) {
		if _, err := job.ParseArgs(*p.Arguments); err != nil {
			r.fail(field+"arguments", "is no JSON list of texts")
		}
	}
	r.branch(field+"git_branch", p.GitBranch)
	r.text(field+"message", p.Message, 1000)
	r.texts(map[string]*string{field + "version": p.Version}, 255)
	r.refer(field+"inventory_name", p.InventoryName, r.c.ix.inventories)
	r.texts(map[string]*string{field + "semaphore_go.secret": p.Own.Secret}, maxBackupText)
}

func (c *checker) schedules() {
	for i := range c.b.Schedules {
		s := &c.b.Schedules[i]
		r := c.at("schedule", i, s.Name)
		r.name("name", s.Name, s.Own.BackupName, 255, true)
		r.oneOf("type", string(s.Type), "", "cron", string(store.ScheduleRunAt))
		r.need("template", s.Template, c.ix.templates)
		r.refer("checkable_repository", s.CheckableRepository, c.ix.repositories)
		r.text("cron_format", s.CronFormat, 255)
		r.oneOf("semaphore_go.overlap", s.Own.Overlap, "", store.OverlapQueue, store.OverlapSkip)
		r.oneOf("semaphore_go.missed", s.Own.Missed, "", store.MissedSkip, store.MissedOnce, store.MissedAll)
		r.number("semaphore_go.missed_seconds", int64(s.Own.MissedSeconds))
		r.params(s.TaskParams)
	}
}
