package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

const (
	me  = "node-1"
	ttl = 15 * time.Second
)

// newTask is a waiting task of the world's template that others do not hold up.
func (w *world) newTask(change ...func(*store.NewTask)) store.NewTask {
	n := store.NewTask{
		Task:     store.Task{ProjectID: w.project.ID, TemplateID: w.template.ID, Parallel: true},
		Snapshot: []byte("snapshot"), Secrets: []byte("sealed"),
	}
	for _, f := range change {
		f(&n)
	}
	return n
}

func (w *world) task(t testing.TB, change ...func(*store.NewTask)) store.Task {
	t.Helper()
	task, err := w.Tasks().Create(t.Context(), w.newTask(change...))
	require.NoError(t, err)
	return task
}

// alone makes a task that excludes others of its template.
func alone(n *store.NewTask) { n.Task.Parallel = false }

func tagged(tag string) func(*store.NewTask) {
	return func(n *store.NewTask) { n.Task.RunnerTag = tag }
}

func (w *world) newTemplate(t testing.TB, change ...func(*store.Template)) store.Template {
	t.Helper()
	tpl := store.Template{ProjectID: w.project.ID, Name: w.unique("template"), RepositoryID: w.id(t, "repository")}
	for _, f := range change {
		f(&tpl)
	}
	tpl, err := w.Templates().Create(t.Context(), tpl)
	require.NoError(t, err)
	return tpl
}

func of(tpl store.Template) func(*store.NewTask) {
	return func(n *store.NewTask) { n.Task.ProjectID, n.Task.TemplateID = tpl.ProjectID, tpl.ID }
}

// claim takes what it is given under the usual conditions.
func (w *world) claim(t testing.TB, change ...func(*store.ClaimRequest)) []store.Claimed {
	t.Helper()
	r := store.ClaimRequest{Owner: me, Tags: []string{""}, Max: 100, TTL: ttl}
	for _, f := range change {
		f(&r)
	}
	list, err := w.Queue().Claim(t.Context(), r)
	require.NoError(t, err)
	return list
}

func ids(list []store.Claimed) []int64 {
	found := []int64{}
	for _, c := range list {
		found = append(found, c.Task.ID)
	}
	return found
}

// run makes a task and claims it.
func (w *world) run(t testing.TB, change ...func(*store.NewTask)) store.Claimed {
	t.Helper()
	tag := w.unique("tag")
	task := w.task(t, append(change, tagged(tag))...)
	list := w.claim(t, func(r *store.ClaimRequest) { r.Tags = []string{tag} })
	require.Equal(t, []int64{task.ID}, ids(list))
	return list[0]
}

func (w *world) get(t testing.TB, id int64) store.Task {
	t.Helper()
	task, err := w.Tasks().Get(t.Context(), w.project.ID, id)
	require.NoError(t, err)
	return task
}

func (w *world) finish(t testing.TB, l store.Lease, s store.Status) store.Task {
	t.Helper()
	task, err := w.Queue().Finish(t.Context(), l, store.Finish{Status: s})
	require.NoError(t, err)
	return task
}

func (w *world) append(t testing.TB, l store.Lease, a store.Append) {
	t.Helper()
	require.NoError(t, w.Queue().Append(t.Context(), l, a))
}

// event is an event of a task.
func (w *world) event(what string) store.Event {
	return store.Event{ProjectID: &w.project.ID, ObjectType: store.EventTask, Description: what}
}

func (w *world) descriptions(t testing.TB) []string {
	t.Helper()
	page, err := w.Events().List(t.Context(), w.project.ID, store.Query{Limit: -1})
	require.NoError(t, err)
	list := []string{}
	for _, e := range page.Items {
		list = append(list, e.Description)
	}
	return list
}

// outbox lists the kinds of entries about a task, with its status.
func (w *world) outbox(t testing.TB, task int64) []string {
	t.Helper()
	entries, err := w.Queue().Outbox(t.Context(), w.clock.Now().Add(time.Hour), 1000)
	require.NoError(t, err)
	list := []string{}
	for _, e := range entries {
		if e.TaskID == task {
			require.Equal(t, w.project.ID, e.ProjectID)
			list = append(list, string(e.Kind)+" "+string(e.Status))
		}
	}
	return list
}

// brought is a task in some state, with its lease where it was claimed.
type brought struct {
	task  store.Task
	lease store.Lease
	tag   string
}

// bring makes a task in a state. Rejected is none that a task stays in.
func (w *world) bring(t testing.TB, s store.Status, change ...func(*store.NewTask)) brought {
	t.Helper()
	b := brought{tag: w.unique("tag")}
	b.task = w.task(t, append(change, tagged(b.tag))...)
	switch s {
	case store.Waiting:
		return b
	case store.Stopped:
		_, err := w.Tasks().Stop(t.Context(), w.project.ID, b.task.ID, store.StopGentle, w.event("stop"))
		require.NoError(t, err)
		b.task = w.get(t, b.task.ID)
		return b
	}
	list := w.claim(t, func(r *store.ClaimRequest) { r.Tags = []string{b.tag} })
	require.Len(t, list, 1)
	b.lease = list[0].Lease
	if s != store.Starting {
		w.append(t, b.lease, store.Append{Seq: 1, Status: store.Running})
	}
	switch s {
	case store.Stopping:
		_, err := w.Tasks().Stop(t.Context(), w.project.ID, b.task.ID, store.StopGentle, w.event("stop"))
		require.NoError(t, err)
	case store.WaitingConfirmation, store.Confirmed:
		before := w.clock.Now().Add(time.Hour)
		_, err := w.Queue().Finish(t.Context(), b.lease, store.Finish{Status: store.WaitingConfirmation, Prompt: "apply", ConfirmBefore: &before})
		require.NoError(t, err)
		if s == store.Confirmed {
			_, err := w.Tasks().Confirm(t.Context(), w.project.ID, b.task.ID, w.event("confirm"))
			require.NoError(t, err)
		}
	case store.Success, store.Failed:
		w.finish(t, b.lease, s)
	}
	b.task = w.get(t, b.task.ID)
	require.Equal(t, s, b.task.Status)
	return b
}

// states lists the states that a task stays in.
func states() []store.Status {
	var list []store.Status
	for _, s := range store.Statuses() {
		if s != store.Rejected {
			list = append(list, s)
		}
	}
	return list
}
