package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func taskIDs(list []store.TaskWithTemplate) []int64 {
	found := []int64{}
	for _, task := range list {
		found = append(found, task.ID)
	}
	return found
}

func listsTasks(t *testing.T, w *world) {
	user := w.user(t, "u", "u@example.com")
	tpl := w.newTemplate(t, func(tpl *store.Template) { tpl.Name = "Nightly 50%" })
	version, commit := "v1.7", "DEADBEEF"
	a := w.task(t, func(n *store.NewTask) { n.Task.Message, n.Task.UserID = "Hotfix", &user.ID })
	w.clock.advance(time.Minute)
	b := w.task(t, of(tpl), func(n *store.NewTask) { n.Task.Version, n.Task.CommitHash = &version, &commit })
	w.clock.advance(time.Minute)
	c := w.bring(t, store.Success).task
	other := w.neighbour(t)
	d := other.task(t)
	s := w.schedule(t)
	e := w.task(t, firedBy(s, w.clock.Now(), nil))
	for _, tc := range []struct {
		name string
		f    store.TaskFilter
		want []int64
	}{
		{"newest first", store.TaskFilter{}, []int64{e.ID, d.ID, c.ID, b.ID, a.ID}},
		{"oldest first", store.TaskFilter{Oldest: true}, []int64{a.ID, b.ID, c.ID, d.ID, e.ID}},
		{"of a project", store.TaskFilter{ProjectID: other.project.ID}, []int64{d.ID}},
		{"of a template", store.TaskFilter{TemplateID: tpl.ID}, []int64{b.ID}},
		{"of a template of another project", store.TaskFilter{ProjectID: other.project.ID, TemplateID: tpl.ID}, []int64{}},
		{"in states", store.TaskFilter{Statuses: []store.Status{store.Success, store.Failed}}, []int64{c.ID}},
		{"of a user", store.TaskFilter{UserID: user.ID}, []int64{a.ID}},
		{"of a schedule", store.TaskFilter{ScheduleID: s.ID}, []int64{e.ID}},
		{"since", store.TaskFilter{ProjectID: w.project.ID, Since: b.Created}, []int64{e.ID, c.ID, b.ID}},
		{"before", store.TaskFilter{Before: b.Created}, []int64{a.ID}},
		{"by message", store.TaskFilter{Search: "hotFIX"}, []int64{a.ID}},
		{"by version", store.TaskFilter{Search: "V1.7"}, []int64{b.ID}},
		{"by commit", store.TaskFilter{Search: "adbee"}, []int64{b.ID}},
		{"by the template's name", store.TaskFilter{Search: "nightly 50%"}, []int64{b.ID}},
		{"by a character that SQL knows", store.TaskFilter{Search: "%"}, []int64{b.ID}},
	} {
		page, err := w.Tasks().List(t.Context(), tc.f)
		require.NoError(t, err, tc.name)
		require.Equal(t, tc.want, taskIDs(page.Items), tc.name)
		counts, err := w.Tasks().Counts(t.Context(), tc.f)
		require.NoError(t, err, tc.name)
		n := 0
		for _, c := range counts {
			n += c
		}
		require.Equal(t, len(tc.want), n, tc.name)
		require.Equal(t, tc.want, w.pagesOfTasks(t, tc.f), tc.name)
	}
	for _, f := range []store.TaskFilter{{Limit: 1001}, {After: "nonsense"}} {
		_, err := w.Tasks().List(t.Context(), f)
		require.ErrorIs(t, err, store.ErrInvalid)
	}
}

// pagesOfTasks lists two tasks at a time.
func (w *world) pagesOfTasks(t *testing.T, f store.TaskFilter) []int64 {
	t.Helper()
	paged := []int64{}
	for f.Limit = 2; ; {
		page, err := w.Tasks().List(t.Context(), f)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Items), 2)
		paged = append(paged, taskIDs(page.Items)...)
		if f.After = page.Next; f.After == "" {
			return paged
		}
	}
}

// listsNames: user_name is the name for people, not the one to sign in with.
func listsNames(t *testing.T, w *world) {
	user := w.user(t, "alice", "a@example.com")
	tpl := w.newTemplate(t, func(tpl *store.Template) {
		tpl.App, tpl.Playbook, tpl.Type = "bash", "deploy.sh", store.TemplateDeploy
	})
	version := "3"
	build := w.task(t, func(n *store.NewTask) { n.Task.Version = &version })
	task := w.task(t, of(tpl), func(n *store.NewTask) { n.Task.UserID, n.Task.BuildTaskID = &user.ID, &build.ID })
	page, err := w.Tasks().List(t.Context(), store.TaskFilter{ProjectID: w.project.ID})
	require.NoError(t, err)
	require.Equal(t, []store.TaskWithTemplate{
		{Task: task, TemplatePlaybook: "deploy.sh", TemplateName: tpl.Name, TemplateType: store.TemplateDeploy, TemplateApp: "bash", Username: &user.Name, BuildTask: &build},
		{Task: build, TemplatePlaybook: w.template.Playbook, TemplateName: w.template.Name, TemplateApp: w.template.App},
	}, page.Items)
}

func listsNewest(t *testing.T, w *world) {
	tpl, idle := w.newTemplate(t), w.newTemplate(t)
	none, err := w.Tasks().Last(t.Context(), w.project.ID, 1)
	require.NoError(t, err)
	require.Equal(t, []store.TaskWithTemplate{}, none)
	user := w.user(t, "alice", "a@example.com")
	a, b := w.bring(t, store.Success).task, w.bring(t, store.Running).task
	first := w.task(t, of(tpl))
	newest := w.task(t, of(tpl), func(n *store.NewTask) { n.Task.UserID, n.Task.BuildTaskID = &user.ID, &a.ID })
	w.neighbour(t).task(t)
	list, err := w.Tasks().Last(t.Context(), w.project.ID, 1)
	require.NoError(t, err)
	require.Equal(t, []int64{b.ID, newest.ID}, taskIDs(list), "not %d, none of %d", first.ID, idle.ID)
	require.Equal(t, tpl.Name, list[1].TemplateName)
	require.Equal(t, &user.Name, list[1].Username)
	require.Equal(t, a.ID, list[1].BuildTask.ID)
	require.Equal(t, newest, list[1].Task)
	list, err = w.Tasks().Last(t.Context(), w.project.ID, 2)
	require.NoError(t, err)
	require.Equal(t, []int64{b.ID, a.ID, newest.ID, first.ID}, taskIDs(list), "two of each, the newest first")
	require.Equal(t, a.ID, list[2].BuildTask.ID)
}

func countsStates(t *testing.T, w *world) {
	for _, s := range states() {
		w.bring(t, s)
	}
	w.task(t)
	want := map[store.Status]int{}
	for _, s := range states() {
		want[s] = 1
	}
	want[store.Waiting] = 2
	counts, err := w.Tasks().Counts(t.Context(), store.TaskFilter{ProjectID: w.project.ID})
	require.NoError(t, err)
	require.Equal(t, want, counts)
}
