package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func TestSchedules(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		all := "/project/{p}/schedules"
		a := w.created("nightly", "manager", all, `{"project_id":{p},"template_id":{template},"name":"nightly","cron_format":"0 2 * * *","active":true,"type":"","timezone":"Europe/Berlin",
			"task_params":{"environment":"{\"who\":\"canary-value\"}","params":{"dry_run":true}},"last_commit_hash":"forged","next_run":"2030-01-01T00:00:00Z"}`)
		require.Subset(t, members(t, a.Body), []string{"active", "cron_format", "delete_after_run", "id", "name", "project_id", "repository_id", "task_params", "template_id", "type"})
		require.NotContains(t, a.Body, "2030")
		w.created("watch", "manager", all, `{"project_id":{p},"template_id":{template},"name":"","cron_format":"* * * * *","active":false,"repository_id":{repository}}`)
		soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		w.created("once", "manager", all, `{"template_id":{template},"name":"once","type":"run_at","run_at":"`+soon+`","active":true,"delete_after_run":true,"cron_format":"* * * * *"}`)
		one := all + "/{nightly}"
		w.play([]scenario{
			{name: "are listed without parameters and watchers", as: "guest", method: "GET", path: all, status: 200, contains: []string{`"tpl_name":"hello"`, `"id":{nightly}`, `"id":{once}`, soon}, lacks: []string{"task_params", `"name":""`}},
			{name: "watchers are listed on request", as: "guest", method: "GET", path: all + "?with_commits=true", status: 200, contains: []string{`"id":{nightly}`, `"id":{watch}`, `"repository_id":{repository}`}, lacks: []string{"task_params"}},
			{name: "a watcher is switched off", as: "manager", method: "PUT", path: all + "/{watch}/active", body: `{"active":false}`, status: 204},
			{name: "and stays so when it is replaced", method: "PUT", path: all + "/{watch}", body: `{"template_id":{template},"name":"","cron_format":"0 * * * *","repository_id":{repository}}`, status: 204},
			{name: "as the list says", method: "GET", path: "/project/{p}/templates/{template}/schedules", status: 200, contains: []string{`"active":false`, `"cron_format":"0 * * * *"`}},
			{name: "a watcher is switched on", as: "manager", method: "PUT", path: all + "/{watch}/active", body: `{"active":true}`, status: 204},
			{name: "watchers of a template are listed", as: "guest", method: "GET", path: "/project/{p}/templates/{template}/schedules", status: 200, contains: []string{`"id":{watch}`, `"active":true`}, lacks: []string{"nightly"}},
			{name: "of a template elsewhere", method: "GET", path: "/project/{p}/templates/{q_template}/schedules", status: 404},
			{name: "one has its parameters", method: "GET", path: one, status: 200, contains: []string{"canary-value", `"timezone":"Europe/Berlin"`}},
			{name: "a guest sees names", as: "guest", method: "GET", path: one, status: 200, contains: []string{"who"}, lacks: []string{"canary"}},
			{name: "one that runs once has no cron", method: "GET", path: all + "/{once}", status: 200, contains: []string{`"cron_format":""`}},
			{name: "a guest adds none", as: "guest", method: "POST", path: all, body: `{"template_id":{template},"cron_format":"* * * * *"}`, status: 403},
			{name: "a stranger sees none", as: "stranger", method: "GET", path: all, status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: all, status: 401},
			{name: "a wrong cron is told", method: "POST", path: all, body: `{"template_id":{template},"cron_format":"61 * * * *"}`, status: 400, contains: []string{`"error":"Cron: `}},
			{name: "one that never fires too", method: "POST", path: all, body: `{"template_id":{template},"cron_format":"0 0 30 2 *"}`, status: 400, contains: []string{`"error":"Cron: `}},
			{name: "a template is needed", method: "POST", path: all, body: `{"cron_format":"* * * * *"}`, status: 400, contains: []string{"template_id"}},
			{name: "one of another project is refused", method: "POST", path: all, body: `{"template_id":{q_template},"cron_format":"* * * * *"}`, status: 400},
			{name: "a repository of another project is refused", method: "POST", path: all, body: `{"template_id":{template},"cron_format":"* * * * *","repository_id":{q_repository}}`, status: 400},
			{name: "an inventory of another project is refused", method: "POST", path: all, body: `{"template_id":{template},"cron_format":"* * * * *","task_params":{"inventory_id":{q_inventory}}}`, status: 400, contains: []string{"inventory_id"}},
			{name: "a time that has passed is refused", method: "POST", path: all, body: `{"template_id":{template},"type":"run_at","run_at":"2020-01-01T00:00:00Z","active":true}`, status: 400, contains: []string{"run_at"}},
			{name: "a time is needed", method: "POST", path: all, body: `{"template_id":{template},"type":"run_at"}`, status: 400, contains: []string{"run_at"}},
			{name: "a time that is none", method: "POST", path: all, body: `{"template_id":{template},"type":"run_at","run_at":"tomorrow"}`, status: 400, contains: []string{"run_at"}},
			{name: "an unknown zone", method: "POST", path: all, body: `{"template_id":{template},"cron_format":"* * * * *","timezone":"Mars/Base"}`, status: 400, contains: []string{"timezone"}},
			{name: "an unknown type", method: "POST", path: all, body: `{"template_id":{template},"cron_format":"* * * * *","type":"lunar"}`, status: 400, contains: []string{"type"}},
			{name: "an unknown policy", method: "POST", path: all, body: `{"template_id":{template},"cron_format":"* * * * *","overlap":"both"}`, status: 400, contains: []string{"overlap"}},
			{name: "a good cron is good", method: "POST", path: all + "/validate", body: `{"cron_format":"CRON_TZ=Europe/Berlin @daily"}`, status: 200,
				after: func(t *testing.T, _ *world, a answer) { require.Empty(t, a.Body) }},
			{name: "a good one tells its next times", method: "POST", path: all + "/validate", body: `{"cron_format":"30 2 * * *","timezone":"Europe/Berlin","n":3}`, status: 200, contains: []string{`"timezone":"Europe/Berlin"`},
				after: func(t *testing.T, _ *world, a answer) {
					var got struct{ Next []time.Time }
					a.decode(t, &got)
					require.Len(t, got.Next, 3)
					require.Equal(t, 30, got.Next[0].In(berlin(t)).Minute())
					require.Equal(t, time.UTC, got.Next[0].Location())
				}},
			{name: "the zone of the text goes first", method: "POST", path: all + "/validate", body: `{"cron_format":"TZ=Asia/Tokyo 0 9 * * *","timezone":"Europe/Berlin","n":1}`, status: 200, contains: []string{`"timezone":"Asia/Tokyo"`, `T00:00:00Z`}},
			{name: "one to come runs once", method: "POST", path: all + "/validate", body: `{"type":"run_at","run_at":"` + soon + `","n":5}`, status: 200, contains: []string{`"next":["` + soon + `"]`}},
			{name: "one that has passed does not", method: "POST", path: all + "/validate", body: `{"type":"run_at","run_at":"2020-01-01T00:00:00Z","n":5}`, status: 400, contains: []string{"run_at"}},
			{name: "one without a time neither", method: "POST", path: all + "/validate", body: `{"type":"run_at","n":5}`, status: 400, contains: []string{"run_at"}},
			{name: "a zone that is none is told", method: "POST", path: all + "/validate", body: `{"cron_format":"@daily","timezone":"Mars/Base","n":5}`, status: 400, contains: []string{`"timezone:`}},
			{name: "not all times are asked for", method: "POST", path: all + "/validate", body: `{"cron_format":"@daily","n":101}`, status: 400, contains: []string{`"n:`}},
			{name: "a changed one is of this project", method: "POST", path: all + "/validate", body: `{"cron_format":"@every 5m","id":999,"n":1}`, status: 404},
			{name: "a bad one is bad", method: "POST", path: all + "/validate", body: `{"cron_format":"x"}`, status: 400, contains: []string{`"error":"Cron: `}},
			{name: "a guest does not ask", as: "guest", method: "POST", path: all + "/validate", body: `{"cron_format":"* * * * *"}`, status: 403},
			{name: "the next times are told", as: "guest", method: "GET", path: one + "/next?n=2", status: 200,
				after: func(t *testing.T, _ *world, a answer) {
					var times []time.Time
					a.decode(t, &times)
					require.Len(t, times, 2)
					require.Equal(t, 2, times[0].In(berlin(t)).Hour())
				}},
			{name: "too many of them are not", method: "GET", path: one + "/next?n=1000", status: 400, contains: []string{"n:"}},
			{name: "of an unknown schedule", method: "GET", path: all + "/999/next", status: 404},
			{name: "a guest runs none", as: "guest", method: "POST", path: one + "/run", status: 403},
			{name: "a task runner does", as: "task_runner", method: "POST", path: one + "/run", status: 201, contains: []string{`"schedule_id":{nightly}`, `"user_id":{task_runner}`, `"status":"waiting"`}},
			{name: "one is switched off", as: "manager", method: "PUT", path: one + "/active", body: `{"active":false}`, status: 204},
			{name: "and is so", method: "GET", path: one, status: 200, contains: []string{`"active":false`, "canary-value"}},
			{name: "a guest switches none", as: "guest", method: "PUT", path: one + "/active", body: `{"active":true}`, status: 403},
			{name: "the switch has to be named", method: "PUT", path: one + "/active", body: `{}`, status: 400, contains: []string{"active"}},
			{name: "one is replaced, the zone stays", method: "PUT", path: one, body: `{"id":{nightly},"project_id":{p},"template_id":{template},"name":"hourly","cron_format":"0 * * * *","active":true}`, status: 204},
			{name: "and has no parameters any more", method: "GET", path: one, status: 200, contains: []string{`"name":"hourly"`, `"timezone":"Europe/Berlin"`}, lacks: []string{"task_params"}},
			{name: "ids have to be of the path", method: "PUT", path: one, body: `{"id":{once},"template_id":{template},"cron_format":"0 * * * *"}`, status: 400, contains: []string{"id"}},
			{name: "one of another project does not exist", as: "stranger", method: "PUT", path: "/project/{q}/schedules/{nightly}", body: `{"template_id":{q_template},"cron_format":"0 * * * *"}`, status: 404},
			{name: "one is deleted", method: "DELETE", path: one, status: 204},
			{name: "and gone", method: "GET", path: one, status: 404},
		})
		w.wantEvents(t, store.EventSchedule, `Schedule "nightly" created`, `Schedule "nightly" switched off`, `Schedule "hourly" updated`, `Schedule "hourly" deleted`)
	})
}

func berlin(t *testing.T) *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	return zone
}

func TestAScheduleFiresOnceItIsSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.created("soon", "owner", "/project/{p}/schedules", `{"template_id":{template},"name":"soon","type":"run_at","run_at":"`+time.Now().Add(500*time.Millisecond).UTC().Format(time.RFC3339Nano)+`","active":true}`)
	require.Eventually(t, func() bool {
		page, err := w.st.Tasks().List(t.Context(), store.TaskFilter{ProjectID: w.ids["p"], ScheduleID: w.ids["soon"]})
		return err == nil && len(page.Items) == 1 && page.Items[0].Status == store.Success
	}, 20*time.Second, 5*time.Millisecond)
}
