package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store"
)

func TestProjectBackups(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		a := w.do("owner", "GET", "/project/{p}/backup", "")
		require.Equal(t, 200, a.Status)
		require.True(t, strings.HasPrefix(a.Body, "{\n  \"meta\": {\n"), a.Body)
		require.NotContains(t, a.Body, "canary-password")
		again := strings.Replace(a.Body, `"name": "first"`, `"name": "again"`, 1)
		w.play([]scenario{
			{name: "a manager gets none", as: "manager", method: "GET", path: "/project/{p}/backup", status: 403},
			{name: "a stranger finds nothing", as: "stranger", method: "GET", path: "/project/{p}/backup", status: 404},
			{name: "an owner may not restore", method: "POST", path: "/projects/restore", body: again, status: 401},
			{name: "the name is taken", as: "admin", method: "POST", path: "/projects/restore", body: a.Body, status: 400, contains: []string{"first", "choose another"}},
			{name: "a reference leads nowhere", as: "admin", method: "POST", path: "/projects/restore", body: strings.Replace(again, `"ssh_key": "key"`, `"ssh_key": "lost"`, 1), status: 400,
				contains: []string{`ssh_key`, `lost`}},
			{name: "a schedule never fires", as: "admin", method: "POST", path: "/projects/restore", body: strings.Replace(again, `"schedules": []`, `"schedules": [{"template":"hello","active":true,"cron_format":"0 0 30 2 *"}]`, 1), status: 400,
				contains: []string{"cron_format"}},
			{name: "no backup at all", as: "admin", method: "POST", path: "/projects/restore", body: `{"name":"x"}`, status: 400, contains: []string{"meta"}},
			{name: "more than fits", as: "admin", method: "POST", path: "/projects/restore", body: strings.Repeat(" ", export.MaxBackupBytes+1), status: 413},
			{name: "an administrator restores", as: "admin", method: "POST", path: "/projects/restore", body: again, status: 200,
				contains: []string{`"name":"again"`, `"restore":{"keys":[{"name":"key","type":"login_password"}]`, `"aliases":[]`}},
		})
		projects, err := w.st.Projects().Of(t.Context(), w.ids["admin"])
		require.NoError(t, err)
		require.Len(t, projects, 1)
		events, err := w.st.Events().List(t.Context(), projects[0].ID, store.Query{})
		require.NoError(t, err)
		require.Contains(t, events.Items[0].Description, "restored")
	})
}

// TestRestoredSchedulesFire restores a schedule under a running pool, and looks
// at nothing else until its first task is there.
func TestRestoredSchedulesFire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.do("owner", "GET", "/project/{p}/backup", "").Body
	b = strings.NewReplacer(`"name": "first"`, `"name": "again"`, `"schedules": []`, `"schedules": [{"template":"hello","active":true,"cron_format":"@every 1s"}]`).Replace(b)
	a := w.do("admin", "POST", "/projects/restore", b)
	require.Equal(t, 200, a.Status, a.Body)
	var p store.Project
	a.decode(t, &p)
	require.Eventually(t, func() bool {
		page, err := w.st.Tasks().List(t.Context(), store.TaskFilter{ProjectID: p.ID})
		return err == nil && len(page.Items) > 0 && page.Items[0].ScheduleID != nil
	}, 15*time.Second, 50*time.Millisecond)
}
