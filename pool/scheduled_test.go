package pool_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func TestATickWhoseTaskCannotBeMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var alerts told
		s := setupSchedules(t, pooltest.Options{Config: pool.Config{Alerter: &alerts}})
		s.tpl.SurveyVars = []store.SurveyVar{{Name: "where", Required: true}}
		require.NoError(t, s.Store().Templates().Update(t.Context(), s.tpl))
		row := s.schedule(store.Schedule{CronFormat: "* * * * *"})
		s.after(time.Minute + time.Second)
		task := tasksOf(t, s.Pool, s.tpl)[0]
		require.Equal(t, store.Failed, task.Status)
		require.Contains(t, task.Reason, `"where" is required`)
		require.Contains(t, s.read(row).LastError, `"where" is required`)
		require.Contains(t, events(t, s.Pool)[0], "could not be started")
		require.Equal(t, []store.OutboxKind{store.OutboxFinished}, alerts.list())
		s.tpl.SurveyVars = nil
		require.NoError(t, s.Store().Templates().Update(t.Context(), s.tpl))
		s.after(time.Minute)
		require.Equal(t, store.Success, tasksOf(t, s.Pool, s.tpl)[1].Status)
		require.Empty(t, s.read(row).LastError)
	})
}

func TestSavedParameters(t *testing.T) {
	t.Parallel()
	saved := func(row store.Schedule) store.TaskParams {
		return store.TaskParams{
			ProjectID: row.ProjectID, ScheduleID: &row.ID, Environment: `{"region":"us","extra":1}`, Message: "by night", GitBranch: new("nightly"),
			Arguments: new(`["-x"]`), Secrets: `{"token":"` + canary + `"}`,
		}
	}
	t.Run("reach the task, secrets included", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setupSchedules(t, pooltest.Options{})
			s.tpl.SurveyVars = survey().SurveyVars
			require.NoError(t, s.Store().Templates().Update(t.Context(), s.tpl))
			row := s.schedule(store.Schedule{CronFormat: "0 * * * *"})
			params, err := s.SaveTaskParams(t.Context(), s.Store(), saved(row))
			require.NoError(t, err)
			require.Empty(t, params.Secrets)
			require.Nil(t, params.Secret)
			change := params
			change.Message = "by day"
			_, err = s.SaveTaskParams(t.Context(), s.Store(), change)
			require.NoError(t, err)
			page, err := s.Store().Integrations().TaskParams().List(t.Context(), row.ProjectID, store.Query{})
			require.NoError(t, err)
			require.Len(t, page.Items, 1)
			text, err := json.Marshal(page.Items[0])
			require.NoError(t, err)
			require.NotContains(t, string(text)+*page.Items[0].Secret, canary)
			task, err := s.RunSchedule(t.Context(), row.ProjectID, row.ID, pool.Caller{Username: "alice"})
			require.NoError(t, err)
			require.Nil(t, task.FireTime)
			s.Await(task, store.Success)
			s.after(time.Hour + time.Second)
			require.Len(t, s.Fake.Runs(), 2)
			for _, run := range s.Fake.Runs() {
				require.Equal(t, canary, run.Survey["token"].Reveal())
				require.Equal(t, map[string]any{"region": "us", "extra": json.Number("1"), "ansible_user": "deploy"}, run.Variables)
				require.Equal(t, []string{"by day", "nightly", "-x"}, []string{run.Task.Message, run.Repository.Branch, run.TaskArgs.List[0]})
			}
			require.Equal(t, "alice", s.Fake.Runs()[0].Task.Username)
		})
	})
	t.Run("that do not open end one tick, and hold up no other schedule", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setupSchedules(t, pooltest.Options{})
			row := s.schedule(store.Schedule{CronFormat: "* * * * *"})
			params, err := s.SaveTaskParams(t.Context(), s.Store(), saved(row))
			require.NoError(t, err)
			strange, err := crypto.NewRing(crypto.GenerateKey())
			require.NoError(t, err)
			sealed, err := strange.Seal([]byte(`{}`), crypto.AD{Table: "task_params", Field: "secret"})
			require.NoError(t, err)
			params.Secret = &sealed
			require.NoError(t, s.Store().Integrations().TaskParams().Update(t.Context(), params))
			other := s.schedule(store.Schedule{Name: "other", CronFormat: "* * * * *"})
			s.after(3*time.Minute + time.Second)
			ended := map[int64]int{}
			for _, task := range tasksOf(t, s.Pool, s.tpl) {
				if task.Status == store.Success {
					ended[*task.ScheduleID]++
				}
			}
			require.Equal(t, map[int64]int{other.ID: 3}, ended)
			require.Contains(t, s.read(row).LastError, "enter them anew")
			_, err = s.RunSchedule(t.Context(), row.ProjectID, row.ID, pool.Caller{})
			require.ErrorIs(t, err, job.ErrInvalid)
		})
	})
	t.Run("keep the secrets that are named", func(t *testing.T) {
		t.Parallel()
		p := pooltest.New(t, pooltest.Options{Idle: true})
		tpl := p.Template(survey())
		row, err := p.Store().Schedules().Create(t.Context(), store.Schedule{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, CronFormat: "@daily"})
		require.NoError(t, err)
		save := func(secrets string, keep ...string) error {
			_, err := p.SaveTaskParams(t.Context(), p.Store(), store.TaskParams{ProjectID: row.ProjectID, ScheduleID: &row.ID, Secrets: secrets, KeepSecrets: keep})
			return err
		}
		names := func() []string {
			page, err := p.Store().Integrations().TaskParams().List(t.Context(), row.ProjectID, store.Query{})
			require.NoError(t, err)
			return p.SecretNames(page.Items[0])
		}
		err = save("", "a")
		var field *job.FieldError
		require.ErrorAs(t, err, &field)
		require.Equal(t, "secret_keep", field.Field)
		require.NoError(t, save(`{"a":"1","b":"`+canary+`"}`))
		require.NoError(t, save(`{"c":"3"}`, "b"))
		require.Equal(t, []string{"b", "c"}, names())
		require.NoError(t, save("", "b"))
		require.Equal(t, []string{"b"}, names())
		require.NoError(t, save(""))
		require.Equal(t, []string{"b"}, names(), "nothing is said about them")
		require.NoError(t, save("", []string{}...))
		require.Empty(t, names())
	})
	t.Run("of an integration make its request", func(t *testing.T) {
		t.Parallel()
		p := pooltest.New(t, pooltest.Options{Idle: true})
		tpl := p.Template(survey())
		hook, err := p.Store().Integrations().Create(t.Context(), store.Integration{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Name: "hook"})
		require.NoError(t, err)
		_, err = p.SaveTaskParams(t.Context(), p.Store(), store.TaskParams{ProjectID: tpl.ProjectID, IntegrationID: &hook.ID, Environment: `{"region":"us"}`, Secrets: `{"token":"` + canary + `"}`})
		require.NoError(t, err)
		r, err := p.RequestOf(t.Context(), hook)
		require.NoError(t, err)
		require.Equal(t, pool.Caller{Saved: true, IntegrationID: hook.ID}, r.By)
		task, err := p.AddTask(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, hook.ID, *task.IntegrationID)
		_, err = p.SaveTaskParams(t.Context(), p.Store(), store.TaskParams{ProjectID: tpl.ProjectID, IntegrationID: &hook.ID, Secrets: canary})
		require.ErrorIs(t, err, job.ErrInvalid)
		require.NotContains(t, err.Error(), canary)
	})
}

func TestInactiveSchedulesAreSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := setupSchedules(t, pooltest.Options{})
		row := s.schedule(store.Schedule{CronFormat: "* * * * *"})
		row.Active = false
		require.NoError(t, s.Store().Schedules().Update(t.Context(), row))
		s.after(time.Hour)
		require.Empty(t, s.fired())
		row.Active, row.CronFormat = true, "*/30 * * * *"
		require.NoError(t, s.Store().Schedules().Update(t.Context(), row))
		s.Wake()
		s.after(time.Hour + time.Second)
		require.Len(t, s.fired(), 2, "from now on, by the new text")
		row.CronFormat = "nonsense"
		require.NoError(t, s.Store().Schedules().Update(t.Context(), row))
		s.after(time.Hour)
		row = s.read(row)
		require.False(t, row.Active)
		require.Contains(t, row.LastError, "cron_format")
	})
}

func TestCheckSchedule(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{Idle: true})
	past, future := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	for _, c := range []struct {
		name  string
		row   store.Schedule
		field string
		says  string
	}{
		{"a good one", store.Schedule{CronFormat: "30 2 * * 1-5", Timezone: "Europe/Berlin", Overlap: "skip", Missed: "all"}, "", ""},
		{"a descriptor", store.Schedule{CronFormat: "@every 5m"}, "", ""},
		{"a zone in the text", store.Schedule{CronFormat: "CRON_TZ=Asia/Tokyo 0 9 * * *"}, "", ""},
		{"a time to come", store.Schedule{Type: store.ScheduleRunAt, RunAt: &future, Active: true}, "", ""},
		{"no text", store.Schedule{}, "cron_format", "empty"},
		{"a text that is none", store.Schedule{CronFormat: "61 * * * *"}, "cron_format", "61"},
		{"a day that never comes", store.Schedule{CronFormat: "0 0 30 2 *"}, "cron_format", "never fires"},
		{"a zone that is none", store.Schedule{CronFormat: "@daily", Timezone: "Mars/Olympus"}, "timezone", "Europe/Berlin"},
		{"another type", store.Schedule{Type: "cron", CronFormat: "@daily"}, "type", "run_at"},
		{"no time", store.Schedule{Type: store.ScheduleRunAt}, "run_at", "missing"},
		{"a time that has passed", store.Schedule{Type: store.ScheduleRunAt, RunAt: &past, Active: true}, "run_at", "past"},
		{"another overlap", store.Schedule{CronFormat: "@daily", Overlap: "both"}, "overlap", "queue or skip"},
		{"another policy", store.Schedule{CronFormat: "@daily", Missed: "some"}, "missed", "skip, once or all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := p.CheckSchedule(c.row)
			if c.field == "" {
				require.NoError(t, err)
				return
			}
			var refused *job.FieldError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.field, refused.Field)
			require.Contains(t, refused.Reason, c.says)
		})
	}
}

func TestNextRuns(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{Idle: true, Store: memory.New(memory.Config{})})
	after := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	runs, err := p.NextRuns(store.Schedule{CronFormat: "30 2 * * *", Timezone: "Europe/Berlin"}, after, 3)
	require.NoError(t, err)
	require.Equal(t, []time.Time{after.Add(90 * time.Minute), after.Add(25*time.Hour + 30*time.Minute), after.Add(49*time.Hour + 30*time.Minute)}, runs)
	at := after.Add(time.Hour)
	runs, err = p.NextRuns(store.Schedule{Type: store.ScheduleRunAt, RunAt: &at}, after, 3)
	require.NoError(t, err)
	require.Equal(t, []time.Time{at}, runs)
	_, err = p.NextRuns(store.Schedule{CronFormat: "x"}, after, 3)
	require.ErrorIs(t, err, job.ErrInvalid)
}
