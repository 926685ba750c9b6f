package api_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		require.NoError(t, w.st.Options().Set(t.Context(), "auth.unlock.owner", "1"))
		set := func(key, value string) string { return `{"key":"` + key + `","value":"` + value + `"}` }
		const path = "/options"
		list := []scenario{
			{name: "there are none at first", as: "admin", method: "GET", path: path, status: 200, after: func(t *testing.T, _ *world, a answer) { require.JSONEq(t, `{}`, a.Body) }},
			{name: "one is set and shown", as: "admin", method: "POST", path: path, body: set("apps.bash.active", "false"), status: 200, after: func(t *testing.T, _ *world, a answer) {
				require.JSONEq(t, `{"key":"apps.bash.active","value":"false"}`, a.Body)
			}},
			{name: "and listed", as: "admin", method: "GET", path: path, status: 200, after: func(t *testing.T, _ *world, a answer) {
				require.JSONEq(t, `{"apps.bash.active":"false"}`, a.Body)
			}},
			{name: "an empty value forgets it", as: "admin", method: "POST", path: path, body: set("apps.bash.active", ""), status: 200},
			{name: "and it is gone", as: "admin", method: "GET", path: path, status: 200, lacks: []string{"apps"}},
			{name: "not for others", method: "GET", path: path, status: 403},
			{name: "not set by others", method: "POST", path: path, body: set("apps.bash.active", "true"), status: 403},
		}
		for key, value := range map[string]string{
			"auth.totp.enabled": "true", "auth.unlock.owner": "9", "sqlite.host": "/tmp/x", "access_key_encryption": "x", "apps": "{}", "apps.": "x", "apps.bash": "x",
			"apps.bash.nothing": "x", "apps.ba-sh.active": "true", "apps.bash.active.x": "true", "apps.bash.active": "maybe", "apps.bash.priority": "high",
			"apps.bash.args": "-x", "max_parallel_tasks": "-1", "schedule.timezone": "Mars", "git_client": "svn", "": "x", "a b": "x",
			strings.Repeat("a", 256): "x", "apps.bash.title": strings.Repeat("a", 1001),
		} {
			list = append(list, scenario{name: "refused: " + key[:min(len(key), 30)], as: "admin", method: "POST", path: path, body: set(key, value), status: 400})
		}
		for key, value := range map[string]string{
			"max_parallel_tasks": "5", "schedule.timezone": "Europe/Berlin", "teams.members_can_leave": "true", "git_client": "go_git", "apps.my_app.path": "/opt/x",
			"apps.bash.args": `[\"-x\"]`, "apps.bash.priority": "-5",
		} {
			list = append(list, scenario{name: "taken: " + key, as: "admin", method: "POST", path: path, body: set(key, value), status: 200})
		}
		w.play(list)
		require.Contains(t, eventTexts(t, w), `Option "git_client" set`)
	})
}

func TestApps(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.play([]scenario{
			{name: "are listed by priority, inactive ones too", as: "guest", method: "GET", path: "/apps", status: 200, contains: []string{`"id":"python","active":false`}, after: func(t *testing.T, _ *world, a answer) {
				require.True(t, strings.HasPrefix(a.Body, `[{"id":"ansible","active":true,"priority":900,`), a.Body)
				require.NotContains(t, a.Body, "null")
			}},
			{name: "not to nobody", as: "nobody", method: "GET", path: "/apps", status: 401},
			{name: "one is for administrators", method: "GET", path: "/apps/bash", status: 403},
			{name: "one", as: "admin", method: "GET", path: "/apps/bash", status: 200, contains: []string{`"title":"bash"`, `"args":[]`}},
			{name: "one that is not there", as: "admin", method: "GET", path: "/apps/nothing", status: 404},
			{name: "an id that is none", as: "admin", method: "PUT", path: "/apps/no-thing", body: `{}`, status: 400},
			{name: "a new one", as: "admin", method: "PUT", path: "/apps/mine", body: `{"title":"Mine","path":"/opt/mine","args":["-q"],"priority":3,"active":true}`, status: 204},
			{name: "by POST too", as: "admin", method: "POST", path: "/apps/mine", body: `{"id":"mine","title":"Mine!"}`, status: 204},
			{name: "and it is there", as: "guest", method: "GET", path: "/apps", status: 200, contains: []string{`"title":"Mine!"`}},
			{name: "another id in the body", as: "admin", method: "PUT", path: "/apps/mine", body: `{"id":"other"}`, status: 400},
			{name: "a title of two lines", as: "admin", method: "PUT", path: "/apps/mine", body: `{"title":"a\nb"}`, status: 400, contains: []string{"title"}},
			{name: "too much", as: "admin", method: "PUT", path: "/apps/mine", body: `{"args":["` + strings.Repeat("a", 1000) + `"]}`, status: 400, contains: []string{"args"}},
			{name: "switched on", as: "admin", method: "POST", path: "/apps/python/active", body: `{"active":true}`, status: 204},
			{name: "and is on", as: "admin", method: "GET", path: "/apps/python", status: 200, contains: []string{`"active":true`}},
			{name: "one that is not there cannot be", as: "admin", method: "POST", path: "/apps/nothing/active", body: `{"active":true}`, status: 404},
			{name: "not by others", method: "POST", path: "/apps/python/active", body: `{"active":false}`, status: 403},
			{name: "deleted", as: "admin", method: "DELETE", path: "/apps/mine", status: 204},
			{name: "once", as: "admin", method: "DELETE", path: "/apps/mine", status: 404},
			{name: "not deleted by others", method: "DELETE", path: "/apps/bash", status: 403},
			{name: "not changed by others", method: "PUT", path: "/apps/bash", body: `{}`, status: 403},
		})
		require.Contains(t, eventTexts(t, w), `App "mine" deleted`)
	})
}

func TestActiveTasks(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		task, err := w.pool.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: w.ids["p"], TemplateID: w.ids["template"]}, By: pool.Caller{UserID: w.ids["owner"]}})
		require.NoError(t, err)
		w.ids["task"] = task.ID
		runner, err := w.st.Runners().Create(t.Context(), store.Runner{Name: "box", TokenHash: "x"})
		require.NoError(t, err)
		running, err := w.pool.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: w.ids["q"], TemplateID: w.ids["q_template"]}})
		require.NoError(t, err)
		w.ids["running"] = running.ID
		claimed, err := w.st.Queue().Claim(t.Context(), store.ClaimRequest{Owner: "x", RunnerID: &runner.ID, Tags: []string{""}, ProjectID: ptr(w.ids["q"]), Max: 1, TTL: 1e12})
		require.NoError(t, err)
		require.Len(t, claimed, 1)
		w.play([]scenario{
			{name: "are for administrators", method: "GET", path: "/tasks", status: 403},
			{name: "are listed", as: "admin", method: "GET", path: "/tasks", status: 200,
				contains: []string{`{"task_id":{task},"project_id":{p},"username":"OWNER","runner_id":null,"status":"waiting","location":"queue","runner_name":null,"project_name":"first"`,
					`"status":"starting","location":"running","runner_name":"box","project_name":"second"`}},
			{name: "the same by id", as: "admin", method: "GET", path: "/tasks/{task}", status: 200, contains: []string{`"task_id":{running}`}},
			{name: "stopped by administrators alone", method: "DELETE", path: "/tasks/{task}", status: 403},
			{name: "stopped", as: "admin", method: "DELETE", path: "/tasks/{task}", status: 204},
			{name: "stopped again", as: "admin", method: "DELETE", path: "/tasks/{task}", status: 204},
			{name: "one that never was", as: "admin", method: "DELETE", path: "/tasks/9999", status: 204},
			{name: "an id that is none", as: "admin", method: "DELETE", path: "/tasks/x", status: 400},
		})
		stopped, err := w.st.Tasks().Get(t.Context(), w.ids["p"], task.ID)
		require.NoError(t, err)
		require.Equal(t, store.Stopped, stopped.Status)
	})
}

func ptr[T any](v T) *T { return &v }

func TestUpkeep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cleared := []int64{}
	w := newWorld(t, options{idle: true, api: func(c *api.Config) {
		c.Settings.DumpDir = dir
		c.Settings.ClearCache = func(_ context.Context, project int64) error {
			cleared = append(cleared, project)
			return nil
		}
	}})
	w.play([]scenario{
		{name: "caches by others", method: "DELETE", path: "/cache", status: 403},
		{name: "caches", as: "admin", method: "DELETE", path: "/cache", status: 204},
		{name: "memory by others", method: "POST", path: "/debug/gc", status: 403},
		{name: "memory", as: "admin", method: "POST", path: "/debug/gc", status: 204},
		{name: "a profile by others", method: "POST", path: "/debug/pprof/dump", status: 403},
		{name: "a profile", as: "admin", method: "POST", path: "/debug/pprof/dump", status: 204},
		{name: "no subscription", as: "admin", method: "GET", path: "/subscription", status: 404},
		{name: "none to be had", as: "admin", method: "POST", path: "/subscription", body: `{}`, status: 404},
		{name: "none to be lost", as: "admin", method: "DELETE", path: "/subscription", status: 404},
		{name: "none to refresh", as: "admin", method: "POST", path: "/subscription/refresh", status: 404},
	})
	require.Equal(t, []int64{0}, cleared)
	files, err := filepath.Glob(filepath.Join(dir, "heap-*.pprof"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.Positive(t, info.Size())
}

func TestProfilesNeedADirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	w.play([]scenario{{name: "which the answer names", as: "admin", method: "POST", path: "/debug/pprof/dump", status: 400, contains: []string{"pprof_dump_dir"}}})
}

func TestDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	w.play([]scenario{
		{name: "not by others", method: "POST", path: "/drain", status: 403},
		{name: "nothing drains yet", method: "GET", path: "/health", status: 200, lacks: []string{"draining"}},
		{name: "without a body", as: "admin", method: "POST", path: "/drain", status: 200, contains: []string{`{"draining":true}`}},
		{name: "health says so", method: "GET", path: "/health", status: 200, contains: []string{`"draining":true`}},
		{name: "figures say so", as: "admin", method: "GET", path: "/metrics", status: 200, contains: []string{"semaphore_draining 1\n"}},
		{name: "not by others back", method: "POST", path: "/drain", body: `{"drain":false}`, status: 403},
		{name: "what is no answer", as: "admin", method: "POST", path: "/drain", body: `{"drain":"no"}`, status: 400},
		{name: "still", method: "GET", path: "/health", status: 200, contains: []string{`"draining":true`}},
		{name: "back", as: "admin", method: "POST", path: "/drain", body: `{"drain":false}`, status: 200, contains: []string{`{"draining":false}`}},
		{name: "figures say that too", as: "admin", method: "GET", path: "/metrics", status: 200, contains: []string{"semaphore_draining 0\n"}},
		{name: "with a body", as: "admin", method: "POST", path: "/drain", body: `{"drain":true}`, status: 200, contains: []string{`{"draining":true}`}},
	})
}
