package api_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRecentTasksAreListedByTemplate(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		const tasks = "/project/{p}/tasks"
		w.created("seldom", "owner", "/project/{p}/templates", `{"project_id":{p},"name":"seldom","app":"bash","playbook":"seldom.sh","repository_id":{repository},"environment_id":{environment}}`)
		w.created("other", "owner", tasks, `{"template_id":{seldom}}`)
		for _, name := range []string{"first", "second", "third"} {
			w.created(name, "owner", tasks, `{"template_id":{template},"message":"not shown"}`)
		}
		var rows []struct {
			TemplateID int64 `json:"template_id"`
			Tasks      []struct {
				ID      int64
				Status  string
				Message string
			}
		}
		a := w.do("guest", "GET", tasks+"/recent?limit=2", "")
		require.Equal(t, 200, a.Status, a.Body)
		require.NoError(t, json.Unmarshal([]byte(a.Body), &rows))
		seen := map[int64][]int64{}
		for _, r := range rows {
			for _, x := range r.Tasks {
				require.Equal(t, "waiting", x.Status)
				seen[r.TemplateID] = append(seen[r.TemplateID], x.ID)
			}
		}
		require.Equal(t, []int64{w.ids["third"], w.ids["second"]}, seen[w.ids["template"]])
		require.Equal(t, []int64{w.ids["other"]}, seen[w.ids["seldom"]], "one that seldom runs is there too")
		require.NotContains(t, a.Body, "not shown")
		w.play([]scenario{
			{name: "too many are refused", as: "guest", method: "GET", path: tasks + "/recent?limit=51", status: 400, contains: []string{"limit"}},
			{name: "a stranger sees no project", as: "stranger", method: "GET", path: tasks + "/recent", status: 404},
		})
	})
}

func TestTasksAreCountedAndNamed(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(_ *testing.T, w *world) {
		const tasks = "/project/{p}/tasks"
		w.created("one", "task_runner", tasks, `{"template_id":{template},"inventory_id":{inventory}}`)
		w.created("two", "owner", tasks, `{"template_id":{template},"message":"hotfix"}`)
		w.play([]scenario{
			{name: "all", as: "guest", method: "GET", path: tasks + "/counts", status: 200, contains: []string{`"waiting":2`, `"success":0`}},
			{name: "with a filter", as: "guest", method: "GET", path: tasks + "/counts?search=hotfix&status=waiting,running", status: 200, contains: []string{`"waiting":1`, `"running":0`}},
			{name: "those behind one, the next one first", as: "guest", method: "GET", path: tasks + "?oldest=true&limit=1", status: 200, contains: []string{`"id":{one}`}, lacks: []string{"hotfix"}},
			{name: "an unknown state", method: "GET", path: tasks + "/counts?status=broken", status: 400, contains: []string{"status"}},
			{name: "a stranger", as: "stranger", method: "GET", path: tasks + "/counts", status: 404},
			{name: "who started it", as: "guest", method: "GET", path: tasks + "/{one}", status: 200, contains: []string{`"user_name":"TASK_RUNNER"`, `"schedule_name":null`, `"runner_name":null`}},
			{name: "how many are unfinished anywhere", as: "admin", method: "GET", path: "/tasks/counts", status: 200, contains: []string{`"waiting":2`, `"running":0`}},
			{name: "which is for administrators", as: "owner", method: "GET", path: "/tasks/counts", status: 403},
			{name: "what is unfinished anywhere", as: "admin", method: "GET", path: "/tasks", status: 200, contains: []string{`"template_name":"hello"`, `"created":"2`}},
		})
	})
}
