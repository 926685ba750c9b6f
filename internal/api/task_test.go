package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/store"
)

var taskMembers = []string{"created", "end", "environment", "id", "integration_id", "limit", "message", "params", "playbook", "project_id", "schedule_id", "secret", "start", "status", "template_id", "user_id"}

// survey lets the template of the first project ask for things.
func (w *world) survey() {
	row, err := w.st.Templates().Get(w.t.Context(), w.ids["p"], w.ids["template"])
	require.NoError(w.t, err)
	row.SurveyVars = []store.SurveyVar{{Name: "ver", Required: true}, {Name: "pw", Type: store.SurveySecret}, {Name: "count", Type: store.SurveyInt}}
	require.NoError(w.t, w.st.Templates().Update(w.t.Context(), row))
}

func TestTasksAreAdded(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.survey()
		a := w.created("task", "task_runner", "/project/{p}/tasks", `{"template_id":{template},"project_id":{p},"message":"hotfix","environment":"{\"ver\":\"1.2\"}","secret":"{\"pw\":\"canary-secret\"}",
			"limit":"web1,web2","params":{"dry_run":true},"status":"success","user_id":99,"version":"9","start":"2020-01-01T00:00:00Z","commit_message":"forged"}`)
		require.Subset(t, members(t, a.Body), taskMembers)
		require.NotContains(t, a.Body, "canary")
		for _, text := range []string{`"status":"waiting"`, `"secret":"{}"`, `"user_id":{task_runner}`, `"start":null`, `"limit":["web1","web2"]`, `"environment":"{\"ver\":\"1.2\"}"`, `"message":"hotfix"`} {
			require.Contains(t, a.Body, w.fill(text))
		}
		require.NotContains(t, a.Body, "forged")
		tasks := "/project/{p}/tasks"
		w.play([]scenario{
			{name: "one is shown", as: "task_runner", method: "GET", path: tasks + "/{task}", status: 200, contains: []string{`"id":{task}`, "1.2"}, lacks: []string{"canary"}},
			{name: "a guest sees names of variables", as: "guest", method: "GET", path: tasks + "/{task}", status: 200, contains: []string{`"environment":"{\"ver\":\"\"}"`}, lacks: []string{"1.2"}},
			{name: "in lists too", as: "guest", method: "GET", path: tasks, status: 200, contains: []string{`"tpl_alias":"hello"`, `"tpl_playbook":"hello.sh"`, `"tpl_app":"bash"`, `"user_name":"TASK_RUNNER"`}, lacks: []string{"1.2"}},
			{name: "what the template does not ask is refused", as: "task_runner", method: "POST", path: tasks, body: `{"template_id":{template},"environment":"{\"ver\":\"1\",\"x\":1}"}`, status: 400, contains: []string{"x"}},
			{name: "who manages may set it", as: "manager", method: "POST", path: tasks, body: `{"template_id":{template},"environment":"{\"ver\":\"1\",\"x\":1}"}`, status: 201},
			{name: "a required value is missed", method: "POST", path: tasks, body: `{"template_id":{template}}`, status: 400, contains: []string{"ver", "required"}},
			{name: "a value of the wrong type is named", method: "POST", path: tasks, body: `{"template_id":{template},"environment":"{\"ver\":\"1\",\"count\":\"many\"}"}`, status: 400, contains: []string{"count"}},
			{name: "parameters of the wrong type are refused", method: "POST", path: tasks, body: `{"template_id":{template},"environment":"{\"ver\":\"1\"}","params":{"debug":"yes"}}`, status: 400, contains: []string{"params"}},
			{name: "a limit cannot join what is no object", method: "POST", path: tasks, body: `{"template_id":{template},"limit":"a","params":[]}`, status: 400, contains: []string{"params"}},
			{name: "a branch has to be allowed", method: "POST", path: tasks, body: `{"template_id":{template},"environment":"{\"ver\":\"1\"}","git_branch":"dev"}`, status: 400, contains: []string{"allow_override_branch_in_task"}},
			{name: "a template is needed", method: "POST", path: tasks, body: `{}`, status: 400, contains: []string{"template_id"}},
			{name: "an unknown template is not found", method: "POST", path: tasks, body: `{"template_id":999}`, status: 404, contains: []string{"template"}},
			{name: "one of another project neither", method: "POST", path: tasks, body: `{"template_id":{q_template}}`, status: 404},
			{name: "a guest adds none", as: "guest", method: "POST", path: tasks, body: `{"template_id":{template}}`, status: 403},
			{name: "a stranger sees no project", as: "stranger", method: "POST", path: tasks, body: `{"template_id":{template}}`, status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "POST", path: tasks, body: `{"template_id":{template}}`, status: 401},
			{name: "an unknown one is a bad request", method: "GET", path: tasks + "/999", status: 400, contains: []string{"999"}},
			{name: "one of another project too", as: "stranger", method: "GET", path: "/project/{q}/tasks/{task}", status: 400},
		})
	})
}

func TestTasksAreListed(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		tasks := "/project/{p}/tasks"
		w.created("one", "owner", tasks, `{"template_id":{template},"message":"first"}`)
		w.created("two", "manager", tasks, `{"template_id":{template},"message":"second"}`)
		a := w.do("guest", "GET", tasks+"/last?limit=1", "")
		require.Equal(t, 200, a.Status)
		require.Subset(t, members(t, firstOf(t, a.Body)), []string{"tpl_alias", "tpl_app", "tpl_playbook", "user_name", "id", "status"})
		only := func(name, other string) scenario {
			return scenario{method: "GET", status: 200, contains: []string{`"message":"` + name + `"`}, lacks: []string{`"message":"` + other + `"`}}
		}
		list := []scenario{
			{name: "all", method: "GET", path: tasks, status: 200, contains: []string{`"id":{one}`, `"id":{two}`}},
			{name: "of a template", method: "GET", path: "/project/{p}/templates/{template}/tasks?status=success,waiting", status: 200, contains: []string{`"id":{one}`, `"id":{two}`}},
			{name: "last of a template", method: "GET", path: "/project/{p}/templates/{template}/tasks/last?limit=1000", status: 200, contains: []string{`"id":{one}`}},
			{name: "of an unknown template", method: "GET", path: "/project/{p}/templates/{q_template}/tasks", status: 404},
			{name: "in another state", method: "GET", path: tasks + "?status=success", status: 200, contains: []string{"[]"}},
			{name: "in no state", method: "GET", path: tasks + "?status=lost", status: 400, contains: []string{"lost"}},
			{name: "before they were", method: "GET", path: tasks + "?before=2020-01-01", status: 200, contains: []string{"[]"}},
			{name: "since no time", method: "GET", path: tasks + "?since=yesterday", status: 400, contains: []string{"since"}},
			{name: "of the neighbours", as: "stranger", method: "GET", path: "/project/{q}/tasks?user_id={owner}", status: 200, contains: []string{"[]"}},
			{name: "a wrong cursor", method: "GET", path: tasks + "?after=nonsense", status: 400},
			{name: "a wrong limit", method: "GET", path: tasks + "?limit=5000", status: 400, contains: []string{"limit"}},
		}
		for name, path := range map[string]string{"found by text": "?search=FIRST", "of a user": "?user_id={owner}"} {
			s := only("first", "second")
			s.name, s.path = name, tasks+path
			list = append(list, s)
		}
		page := only("second", "first")
		page.name, page.path = "by pages", tasks+"?limit=1"
		page.after = func(t *testing.T, w *world, a answer) {
			next := w.do("owner", "GET", tasks+"?limit=1&after="+a.Header.Get("X-Next-Cursor"), "")
			require.Contains(t, next.Body, `"message":"first"`)
			require.Empty(t, next.Header.Get("X-Next-Cursor"))
		}
		w.play(append(list, page))
	})
}

// script runs as the message of a task says.
func script(spec *job.Spec) jobtest.Script {
	switch spec.Task.Message {
	case "plan":
		if spec.Resume { // it has been confirmed
			return jobtest.Script{}
		}
		return jobtest.Script{Plan: &job.PlanSummary{Add: 1}}
	case "long":
		return jobtest.Script{Delay: time.Hour}
	default:
		return jobtest.Script{Lines: []string{"\x1b[32mok\x1b[0m: <one>", "two \"quoted\""}}
	}
}

// alive makes refusals compare rows only, since a pool that runs packs output
// and settles alerts beside them.
func (w *world) alive() { w.dump = func() string { return dumpStore(w.t, w.st) } }

// reaches waits until a task is in a state.
func (w *world) reaches(name string, status store.Status) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		row, err := w.pool.Task(w.t.Context(), w.ids["p"], w.ids[name])
		return err == nil && row.Status == status
	}, 20*time.Second, 2*time.Millisecond, "%s never was %s", name, status)
}

func TestTasksAreStoppedConfirmedAndDeleted(t *testing.T) {
	t.Parallel()
	backends(t, options{script: script}, func(_ *testing.T, w *world) {
		w.alive()
		tasks := "/project/{p}/tasks"
		w.created("long", "owner", tasks, `{"template_id":{template},"message":"long"}`)
		w.reaches("long", store.Running)
		w.play([]scenario{
			{name: "a guest stops none", as: "guest", method: "POST", path: tasks + "/{long}/stop", body: `{}`, status: 403},
			{name: "one that runs is not deleted", as: "admin", method: "DELETE", path: tasks + "/{long}", status: 400, contains: []string{"stop it first"}},
			{name: "nor its template", method: "DELETE", path: "/project/{p}/templates/{template}", status: 400, contains: []string{"stop them first"}},
			{name: "nor retried", method: "POST", path: tasks + "/{long}/retry", status: 400, contains: []string{"running"}},
			{name: "one that runs is not confirmed", method: "POST", path: tasks + "/{long}/confirm", status: 400, contains: []string{"running"}},
			{name: "nor rejected", method: "POST", path: tasks + "/{long}/reject", body: `{}`, status: 400},
			{name: "an unknown one is a bad request", method: "POST", path: tasks + "/999/stop", body: `{}`, status: 400},
			{name: "it is stopped without a body", as: "task_runner", method: "POST", path: tasks + "/{long}/stop", status: 204},
		})
		w.reaches("long", store.Stopped)
		w.created("plan", "owner", tasks, `{"template_id":{template},"message":"plan"}`)
		w.reaches("plan", store.WaitingConfirmation)
		w.play([]scenario{
			{name: "one that has ended is not stopped", method: "POST", path: tasks + "/{long}/stop", body: `{"force":true}`, status: 400, contains: []string{"stopped"}},
			{name: "why one waits is told", as: "guest", method: "GET", path: tasks + "/{plan}/queue", status: 200, contains: []string{`"reason":"confirmation"`, "confirm or reject"}},
			{name: "a guest confirms none", as: "guest", method: "POST", path: tasks + "/{plan}/confirm", status: 403},
			{name: "it is rejected", as: "task_runner", method: "POST", path: tasks + "/{plan}/reject", body: `{}`, status: 204},
		})
		w.reaches("plan", store.Failed)
		w.created("good", "owner", tasks, `{"template_id":{template},"message":"plan"}`)
		w.reaches("good", store.WaitingConfirmation)
		w.play([]scenario{
			{name: "another one is confirmed", as: "task_runner", method: "POST", path: tasks + "/{good}/confirm", status: 204},
		})
		w.reaches("good", store.Success)
		w.created("stopped", "owner", tasks, `{"template_id":{template},"message":"long"}`)
		w.reaches("stopped", store.Running)
		w.play([]scenario{
			{name: "a guest stops no template", as: "guest", method: "POST", path: "/project/{p}/templates/{template}/stop_all_tasks", body: `{"force":true}`, status: 403},
			{name: "a template is stopped", as: "manager", method: "POST", path: "/project/{p}/templates/{template}/stop_all_tasks", body: `{"force":true}`, status: 204},
		})
		w.reaches("stopped", store.Stopped)
		w.play([]scenario{
			{name: "an owner deletes none", method: "DELETE", path: tasks + "/{stopped}", status: 401},
			{name: "a guest neither", as: "guest", method: "DELETE", path: tasks + "/{stopped}", status: 403},
			{name: "an administrator does", as: "admin", method: "DELETE", path: tasks + "/{stopped}", status: 204},
			{name: "and it is gone", method: "GET", path: tasks + "/{stopped}", status: 400},
		})
	})
}

func TestATaskIsRetried(t *testing.T) {
	t.Parallel()
	backends(t, options{script: script}, func(t *testing.T, w *world) {
		w.alive()
		w.survey()
		tasks := "/project/{p}/tasks"
		w.created("plain", "owner", tasks, `{"template_id":{template},"message":"again","environment":"{\"ver\":\"7\"}","params":{"diff":true}}`)
		w.created("secret", "owner", tasks, `{"template_id":{template},"environment":"{\"ver\":\"7\"}","secret":"{\"pw\":\"canary\"}"}`)
		w.reaches("plain", store.Success)
		w.reaches("secret", store.Success)
		a := w.created("retry", "task_runner", tasks+"/{plain}/retry", "")
		for _, text := range []string{`"message":"again"`, `"environment":"{\"ver\":\"7\"}"`, `"params":{"diff":true}`, `"user_id":{task_runner}`} {
			require.Contains(t, a.Body, w.fill(text))
		}
		w.reaches("retry", store.Success)
		w.play([]scenario{
			{name: "a guest retries none", as: "guest", method: "POST", path: tasks + "/{plain}/retry", status: 403},
			{name: "secret values are not kept", method: "POST", path: tasks + "/{secret}/retry", status: 400, contains: []string{"pw"}},
			{name: "an unknown one is a bad request", method: "POST", path: tasks + "/999/retry", status: 400},
			{name: "they are sent again", method: "POST", path: tasks + "/{secret}/retry", body: `{"secret":"{\"pw\":\"canary\"}"}`, status: 201, lacks: []string{"canary"}},
		})
		row, err := w.st.Tasks().Create(t.Context(), store.NewTask{Task: store.Task{ProjectID: w.ids["p"], TemplateID: w.ids["template"], Status: store.Failed, Environment: `{"ver":"1"}`}})
		require.NoError(t, err)
		w.ids["never"] = row.ID
		w.created("made", "owner", tasks+"/{never}/retry", "")
	})
}

func TestResultsOfATask(t *testing.T) {
	t.Parallel()
	backends(t, options{script: script}, func(t *testing.T, w *world) {
		w.alive()
		w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
		w.reaches("task", store.Success)
		one := "/project/{p}/tasks/{task}"
		w.play([]scenario{
			{name: "stages", as: "guest", method: "GET", path: one + "/stages", status: 200, contains: []string{"["}},
			{name: "hosts", as: "guest", method: "GET", path: one + "/ansible/hosts", status: 200, contains: []string{"[]"}},
			{name: "errors", as: "guest", method: "GET", path: one + "/ansible/errors", status: 200, contains: []string{"[]"}},
			{name: "place", as: "guest", method: "GET", path: one + "/queue", status: 200, contains: []string{`"position":0`, `"tasks":[]`, `"explanation":""`}},
			{name: "stages of an unknown task", method: "GET", path: "/project/{p}/tasks/999/stages", status: 400},
			{name: "hosts of an unknown task", method: "GET", path: "/project/{p}/tasks/999/ansible/hosts", status: 400},
			{name: "a stranger", as: "stranger", method: "GET", path: one + "/stages", status: 404},
			{name: "nobody", as: "nobody", method: "GET", path: one + "/queue", status: 401},
			{name: "figures", as: "guest", method: "GET", path: "/project/{p}/stats", status: 200, contains: []string{`"count_by_status":{"success":1}`}},
			{name: "figures of a day", as: "guest", method: "GET", path: "/project/{p}/stats?start=2020-01-01&end=2020-01-02", status: 200, contains: []string{"[]"}},
			{name: "figures of a user", as: "guest", method: "GET", path: "/project/{p}/stats?user_id={guest}", status: 200, contains: []string{"[]"}},
			{name: "figures of a template", as: "guest", method: "GET", path: "/project/{p}/templates/{template}/stats?start=2020-01-01", status: 200, contains: []string{`"success":1`}},
			{name: "figures of a template elsewhere", method: "GET", path: "/project/{p}/templates/{q_template}/stats", status: 404},
			{name: "figures of nowhere", method: "GET", path: "/project/{p}/stats?timezone=Moon/Sea", status: 400, contains: []string{"timezone", "Europe/Berlin"}},
			{name: "figures since no day", method: "GET", path: "/project/{p}/stats?start=01.02.2026", status: 400, contains: []string{"start"}},
		})
		a := w.do("guest", "GET", "/project/{p}/stats?start=2020-01-01&end=2099-12-31", "")
		require.Equal(t, []string{"avg_duration", "count_by_status", "date"}, members(t, firstOf(t, a.Body)))
		task, err := w.st.Tasks().Get(t.Context(), w.ids["p"], w.ids["task"])
		require.NoError(t, err)
		for _, name := range []string{"", "Pacific/Kiritimati", "Pacific/Pago_Pago"} { // 25 hours lie between them
			zone, err := time.LoadLocation(name)
			require.NoError(t, err)
			day := task.Created.In(zone).Format(time.DateOnly)
			a := w.do("guest", "GET", "/project/{p}/stats?start="+day+"&end="+day+"&timezone="+name, "")
			require.Contains(t, a.Body, `"date":"`+day+`"`, "a task counts for its day in %q", name)
		}
	})
}
