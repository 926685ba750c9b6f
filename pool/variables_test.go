package pool_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// canary is a secret that must show nowhere.
const canary = "canary-7f3a9c1e55d2"

// survey is a template with one variable of each type, and a name that decides
// how hosts are reached.
func survey() store.Template {
	return store.Template{App: "ansible", Playbook: "site.yml", SurveyVars: []store.SurveyVar{
		{Name: "region", DefaultValue: "eu"},
		{Name: "count", Type: store.SurveyInt},
		{Name: "stage", Type: store.SurveyEnum, Values: []store.SurveyValue{{Name: "Test", Value: "test"}, {Name: "Production", Value: "prod"}}},
		{Name: "token", Type: store.SurveySecret},
		{Name: "ansible_user", DefaultValue: "deploy"},
		{Name: "ansible_password", Type: store.SurveySecret},
	}}
}

func TestWhoMaySetWhichVariable(t *testing.T) {
	t.Parallel()
	runner, manager, saved := pool.Caller{}, pool.Caller{Manage: true}, pool.Caller{Saved: true}
	hook := pool.Caller{Saved: true, Extracted: []string{"tag", "ansible_user", "token", "PATH"}}
	for _, c := range []struct {
		name   string
		by     pool.Caller
		task   store.Task
		field  string // "" for a launch that is granted
		says   string
		change func(*store.Template)
	}{
		{name: "a runner sets a survey variable", by: runner, task: store.Task{Environment: `{"region":"us"}`}},
		{name: "a runner sets another one", by: runner, task: store.Task{Environment: `{"extra":1}`}, field: "environment", says: "allow_override_environment"},
		{name: "a runner sets another one where the template allows it", by: runner, task: store.Task{Environment: `{"extra":1}`},
			change: func(t *store.Template) { t.Options.AllowOverrideEnvironment = true }},
		{name: "a manager sets another one", by: manager, task: store.Task{Environment: `{"extra":1,"region":""}`}},
		{name: "saved parameters set another one", by: saved, task: store.Task{Environment: `{"extra":1}`}},
		{name: "a webhook fills a variable that an extractor lists", by: hook, task: store.Task{Environment: `{"tag":"v1"}`}},
		{name: "a runner sets how hosts are reached", by: runner, task: store.Task{Environment: `{"ansible_host":"x"}`}, field: "environment", says: "how hosts are reached",
			change: func(t *store.Template) { t.Options.AllowOverrideEnvironment = true }},
		{name: "in other letters", by: runner, task: store.Task{Environment: `{"ANSIBLE_Host":"x"}`}, field: "environment", says: "how hosts are reached"},
		{name: "although the survey asks for it", by: runner, task: store.Task{Environment: `{"ansible_user":"root"}`}, field: "environment", says: "how hosts are reached"},
		{name: "as a secret", by: runner, task: store.Task{Secret: `{"ansible_password":"x"}`}, field: "environment", says: "how hosts are reached"},
		{name: "as a secret among the variables", by: runner, task: store.Task{Environment: `{"ansible_password":"x"}`}, field: "environment", says: "how hosts are reached"},
		{name: "by a webhook", by: hook, task: store.Task{Environment: `{"ansible_user":"root"}`}, field: "environment", says: "how hosts are reached"},
		{name: "a manager sets how hosts are reached", by: manager, task: store.Task{Environment: `{"ansible_host":"x"}`, Secret: `{"ansible_password":"x"}`}},
		{name: "a reserved name by a manager", by: manager, task: store.Task{Environment: `{"path":"x"}`}, field: "environment", says: "reserved"},
		{name: "a reserved name by a webhook", by: hook, task: store.Task{Environment: `{"PATH":"x"}`}, field: "environment", says: "reserved"},
		{name: "a reserved name as a secret", by: manager, task: store.Task{Secret: `{"BASH_ENV":"x"}`}, field: "environment", says: "reserved"},
		{name: "a secret that no survey asks for", by: runner, task: store.Task{Secret: `{"extra":"x"}`}, field: "environment", says: "not a survey variable"},
		{name: "a secret of a webhook", by: hook, task: store.Task{Environment: `{"token":"x"}`}, field: "secret", says: "webhook"},
		{name: "a whole number", by: runner, task: store.Task{Environment: `{"count":3}`}},
		{name: "a whole number as text", by: runner, task: store.Task{Environment: `{"count":"-3"}`}},
		{name: "a broken number", by: runner, task: store.Task{Environment: `{"count":3.5}`}, field: "environment", says: "whole number"},
		{name: "a number that is none", by: runner, task: store.Task{Environment: `{"count":[1]}`}, field: "environment", says: "whole number"},
		{name: "one of the choices", by: runner, task: store.Task{Environment: `{"stage":"prod"}`}},
		{name: "another choice", by: runner, task: store.Task{Environment: `{"stage":"Production"}`}, field: "environment", says: "one of the survey's values"},
		{name: "a required value that is missing", by: saved, task: store.Task{Environment: `{"count":null}`}, field: "environment", says: `"count" is required`,
			change: func(t *store.Template) { t.SurveyVars[1].Required = true }},
		{name: "a required secret that is missing", by: saved, task: store.Task{Secret: `{"token":""}`}, field: "secret", says: `"token" is required`,
			change: func(t *store.Template) { t.SurveyVars[3].Required = true }},
		{name: "a required value with a default", by: runner, change: func(t *store.Template) { t.SurveyVars[0].Required = true }},
		{name: "a default that is no choice", by: runner, field: "environment", says: "one of", change: func(t *store.Template) { t.SurveyVars[2].DefaultValue = "none" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := setupLaunch(t)
			tpl := survey()
			if c.change != nil {
				c.change(&tpl)
			}
			if tpl = l.Template(tpl); c.field != "" {
				l.refused(tpl, c.task, c.by, c.field, c.says)
				return
			}
			l.granted(tpl, c.task, c.by)
		})
	}
}

func TestVariablesAreMerged(t *testing.T) {
	t.Parallel()
	l := setupLaunch(t)
	tpl := survey()
	tpl.EnvironmentID = &l.group.ID
	tpl = l.Template(tpl)
	t.Run("the task's over the survey's defaults over the group's", func(t *testing.T) {
		t.Parallel()
		_, snap := l.granted(tpl, store.Task{Environment: `{"color":"blue","count":"7","big":12345678901234567890}`}, pool.Caller{Manage: true})
		require.Equal(t, map[string]any{
			"color": "blue", "size": json.Number("3"), "region": "eu", "count": "7", "ansible_user": "deploy", "big": json.Number("12345678901234567890"),
		}, snap.Spec.Variables)
		require.Empty(t, snap.Spec.Unsafe)
	})
	t.Run("what a webhook brings is never templated", func(t *testing.T) {
		t.Parallel()
		_, snap := l.granted(tpl, store.Task{Environment: `{"region":"{{ lookup('env','HOME') }}","color":"green"}`}, pool.Caller{Saved: true, Extracted: []string{"region"}})
		require.Equal(t, []string{"region"}, snap.Spec.Unsafe)
	})
}

// TestSecretSurveyValues follows one from the request to its end, on each way
// it may come.
func TestSecretSurveyValues(t *testing.T) {
	t.Parallel()
	for name, task := range map[string]store.Task{
		"as a secret":         {Secret: `{"token":"` + canary + `"}`},
		"among the variables": {Environment: `{"region":"us","token":"` + canary + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, pooltest.Options{Idle: true})
			l := &launching{Pool: p, t: t}
			made, snap := l.granted(p.Template(survey()), task, pool.Caller{})
			require.Equal(t, []string{"token"}, snap.Survey)
			snapshot, secrets, err := p.Store().Tasks().Snapshot(t.Context(), made.ProjectID, made.ID)
			require.NoError(t, err)
			require.NotEmpty(t, secrets)
			row, err := json.Marshal(made)
			require.NoError(t, err)
			for _, text := range append(events(t, p), string(row), string(snapshot), string(secrets)) {
				require.NotContains(t, text, canary)
			}
			p.Start()
			p.Await(made, store.Success)
			require.Equal(t, canary, p.Fake.Runs()[0].Survey["token"].Reveal())
			_, secrets, err = p.Store().Tasks().Snapshot(t.Context(), made.ProjectID, made.ID)
			require.NoError(t, err)
			require.Empty(t, secrets, "wiped at the end")
		})
	}
	t.Run("a number stays what it is, and the secret wins over the variable", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{})
		l := &launching{Pool: p, t: t}
		tpl := p.Template(survey())
		first, _ := l.granted(tpl, store.Task{Environment: `{"token":12345}`}, pool.Caller{})
		p.Await(first, store.Success)
		second, _ := l.granted(tpl, store.Task{Environment: `{"token":"a"}`, Secret: `{"token":"b"}`}, pool.Caller{})
		p.Await(second, store.Success)
		require.Equal(t, "12345", p.Fake.Runs()[0].Survey["token"].Reveal())
		require.Equal(t, "b", p.Fake.Runs()[1].Survey["token"].Reveal())
	})
	t.Run("the default of a secret is a secret", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{})
		l := &launching{Pool: p, t: t}
		tpl := survey()
		tpl.SurveyVars[3].DefaultValue, tpl.SurveyVars[3].Required = canary, true
		made, snap := l.granted(p.Template(tpl), store.Task{}, pool.Caller{})
		require.NotContains(t, snap.Spec.Variables, "token")
		p.Await(made, store.Success)
		require.Equal(t, canary, p.Fake.Runs()[0].Survey["token"].Reveal())
	})
	t.Run("they are wiped by a stop too", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Idle: true})
		l := &launching{Pool: p, t: t}
		made, _ := l.granted(p.Template(survey()), store.Task{Secret: `{"token":"` + canary + `"}`}, pool.Caller{})
		_, err := p.StopTask(t.Context(), made.ProjectID, made.ID, false, pool.Caller{})
		require.NoError(t, err)
		_, secrets, err := p.Store().Tasks().Snapshot(t.Context(), made.ProjectID, made.ID)
		require.NoError(t, err)
		require.Empty(t, secrets)
	})
}

// TestASwappedSecretDoesNotOpen gives a task the sealed values of another one.
func TestASwappedSecretDoesNotOpen(t *testing.T) {
	t.Parallel()
	p := newPool(t, pooltest.Options{Idle: true})
	l := &launching{Pool: p, t: t}
	tpl := p.Template(survey())
	first, _ := l.granted(tpl, store.Task{Secret: `{"token":"` + canary + `"}`}, pool.Caller{})
	_, sealed, err := p.Store().Tasks().Snapshot(t.Context(), first.ProjectID, first.ID)
	require.NoError(t, err)
	_, snap := l.granted(tpl, store.Task{Secret: `{"token":"third"}`}, pool.Caller{})
	text, err := json.Marshal(snap)
	require.NoError(t, err)
	planted, err := p.Store().Tasks().Create(t.Context(), store.NewTask{
		Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Status: store.Waiting}, Snapshot: text, Secrets: sealed,
	})
	require.NoError(t, err)
	p.Start()
	done := p.Await(planted, store.Failed)
	require.Contains(t, done.Reason, "sealed for another place")
	require.NotContains(t, done.Reason, canary)
}
