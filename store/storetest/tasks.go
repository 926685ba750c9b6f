package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func taskCases() []testCase {
	return []testCase{
		{"a new task waits with all it was given", createsTask},
		{"a new task has nothing that only the store sets", createsClean},
		{"a task that could not be resolved is stored as error", createsFailed},
		{"no other state can be made", createsNothingElse},
		{"a new task is counted in its template and its events name it", countsAndEvents},
		{"what cannot be stored leaves nothing behind", createsNothing},
		{"build versions count up from the newest task of the template", versions},
		{"a task without a version does not reset the versions", versionsGoOn},
		{"there is one task per schedule and tick", oneTaskPerTick},
		{"a task is stored with its tick or not at all", firesOrNothing},
		{"a tick that was taken and has moved is told as moved", takenAndMoved},
		{"a schedule that is deleted by its tick leaves its task", fireDeletes},
		{"lists choose, order and page", listsTasks},
		{"lists show template, user and build", listsNames},
		{"the newest task of each template is found", listsNewest},
		{"counts tell how many tasks are in each state", countsStates},
		{"a finished task is deleted with its output, another one is not", deletesTask},
		{"tasks of another project do not exist", foreignTask},
	}
}

func createsTask(t *testing.T, w *world) {
	user := w.user(t, "u", "u@example.com")
	inventory, build := w.id(t, "inventory"), w.id(t, "task")
	args, branch, commit, version, fire := `["-v"]`, "main", "abc", "1.0", w.clock.Now().Add(time.Second)
	schedule := w.id(t, "schedule")
	task := store.Task{
		ProjectID: w.project.ID, TemplateID: w.template.ID, Playbook: "p.yml", Environment: `{"a":1}`, Arguments: &args,
		GitBranch: &branch, InventoryID: &inventory, UserID: &user.ID, ScheduleID: &schedule, Message: awkward[0],
		CommitHash: &commit, BuildTaskID: &build, Version: &version, Params: json.RawMessage(`{"limit": ["a"]}`),
		RunnerTag: "gpu", FireTime: &fire, Parallel: true, MaxRetries: 2, LostAfter: 30000,
	}
	made, err := w.Tasks().Create(t.Context(), store.NewTask{Task: task, Snapshot: []byte{0, 1, 255}, Secrets: []byte("sealed\x00")})
	require.NoError(t, err)
	task.ID, task.Status, task.Created = made.ID, store.Waiting, w.clock.Now()
	require.Equal(t, task, made)
	require.Equal(t, task, w.get(t, made.ID))
	snapshot, secrets, err := w.Tasks().Snapshot(t.Context(), w.project.ID, made.ID)
	require.NoError(t, err)
	require.Equal(t, []byte{0, 1, 255}, snapshot)
	require.Equal(t, []byte("sealed\x00"), secrets)
	clear(snapshot)
	snapshot, _, err = w.Tasks().Snapshot(t.Context(), w.project.ID, made.ID)
	require.NoError(t, err)
	require.Equal(t, []byte{0, 1, 255}, snapshot)
}

func createsClean(t *testing.T, w *world) {
	now := w.clock.Now()
	task := w.task(t, func(n *store.NewTask) {
		n.Task.Attempt, n.Task.LogLines, n.Task.LogBytes, n.Task.Late, n.Task.Unreachable = 3, 4, 5, true, true
		n.Task.Owner, n.Task.StopLevel, n.Task.Start, n.Task.ConfirmBefore = "x", store.StopKill, &now, &now
	})
	want := w.newTask().Task
	want.ID, want.Status, want.Created = task.ID, store.Waiting, now
	require.Equal(t, want, w.get(t, task.ID))
}

func createsFailed(t *testing.T, w *world) {
	task := w.task(t, func(n *store.NewTask) { n.Task.Status, n.Task.Reason = store.Failed, "no such branch" })
	require.Equal(t, store.Failed, task.Status)
	require.Equal(t, "no such branch", task.Reason)
	require.Equal(t, w.clock.Now(), *task.End)
	require.Equal(t, []string{"finished error"}, w.outbox(t, task.ID))
	require.Empty(t, w.claim(t))
	_, secrets, err := w.Tasks().Snapshot(t.Context(), w.project.ID, task.ID)
	require.NoError(t, err)
	require.Empty(t, secrets)
}

func createsNothingElse(t *testing.T, w *world) {
	for _, s := range append(store.Statuses(), "nonsense") {
		if s == store.Waiting || s == store.Failed {
			continue
		}
		_, err := w.Tasks().Create(t.Context(), w.newTask(func(n *store.NewTask) { n.Task.Status = s }))
		require.ErrorIs(t, err, store.ErrInvalid, s)
	}
	require.Zero(t, w.total(t, "task"))
}

func countsAndEvents(t *testing.T, w *world) {
	first := w.task(t, func(n *store.NewTask) { n.Events = []store.Event{w.event("added"), w.event("twice")} })
	w.task(t)
	tpl, err := w.Templates().Get(t.Context(), w.project.ID, w.template.ID)
	require.NoError(t, err)
	require.Equal(t, 2, tpl.Tasks)
	tpl.Tasks = 77
	require.NoError(t, w.Templates().Update(t.Context(), tpl))
	tpl, err = w.Templates().Get(t.Context(), w.project.ID, w.template.ID)
	require.NoError(t, err)
	require.Equal(t, 2, tpl.Tasks)
	page, err := w.Events().List(t.Context(), w.project.ID, store.Query{})
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	for _, e := range page.Items {
		require.Equal(t, first.ID, *e.ObjectID)
		require.Equal(t, w.clock.Now(), e.Created)
	}
}

func createsNothing(t *testing.T, w *world) {
	missing := int64(1 << 40)
	for name, change := range map[string]func(*store.NewTask){
		"a template that is not there": func(n *store.NewTask) { n.Task.TemplateID = missing },
		"an event that is refused": func(n *store.NewTask) {
			n.Events = []store.Event{w.event("good"), {UserID: &missing, Description: "bad"}}
		},
	} {
		_, err := w.Tasks().Create(t.Context(), w.newTask(change))
		require.ErrorIs(t, err, store.ErrInvalid, name)
	}
	require.Zero(t, w.total(t, "task"))
	require.Empty(t, w.descriptions(t))
	tpl, err := w.Templates().Get(t.Context(), w.project.ID, w.template.ID)
	require.NoError(t, err)
	require.Zero(t, tpl.Tasks)
}

func (w *world) build(t *testing.T, tpl store.Template, start string) string {
	t.Helper()
	task := w.task(t, of(tpl), func(n *store.NewTask) { n.NextVersion, n.StartVersion = true, start })
	require.NotNil(t, task.Version)
	require.Equal(t, task, w.get(t, task.ID))
	return *task.Version
}

func versions(t *testing.T, w *world) {
	one, two := w.newTemplate(t), w.newTemplate(t)
	require.Equal(t, "1.0.9", w.build(t, one, "1.0.9"))
	require.Equal(t, "1.0.10", w.build(t, one, "1.0.9"))
	require.Equal(t, "7", w.build(t, two, "7"))
	require.Equal(t, "1.0.11", w.build(t, one, "1.0.9"))
	require.Equal(t, "2.0.0", w.build(t, one, "2.0.0"))
	require.Equal(t, "2.0.1", w.build(t, one, "2.0.0"))
}

func versionsGoOn(t *testing.T, w *world) {
	tpl := w.newTemplate(t)
	require.Equal(t, "1.0.0", w.build(t, tpl, "1.0.0"))
	w.task(t, of(tpl), func(n *store.NewTask) { n.Task.Status, n.Task.Reason = store.Failed, "no such branch" })
	w.task(t, of(tpl))
	require.Equal(t, "1.0.1", w.build(t, tpl, "1.0.0"))
}

func (w *world) schedule(t *testing.T, change ...func(*store.Schedule)) store.Schedule {
	t.Helper()
	s := store.Schedule{ProjectID: w.project.ID, TemplateID: w.template.ID, Name: w.unique("schedule"), Active: true}
	for _, f := range change {
		f(&s)
	}
	s, err := w.Schedules().Create(t.Context(), s)
	require.NoError(t, err)
	return s
}

func firedBy(s store.Schedule, tick time.Time, fire *store.ScheduleFire) func(*store.NewTask) {
	return func(n *store.NewTask) { n.Task.ScheduleID, n.Task.FireTime, n.Schedule = &s.ID, &tick, fire }
}

func oneTaskPerTick(t *testing.T, w *world) {
	s, tick := w.schedule(t), w.clock.Now()
	w.task(t, firedBy(s, tick, nil))
	_, err := w.Tasks().Create(t.Context(), w.newTask(firedBy(s, tick, nil)))
	require.ErrorIs(t, err, store.ErrConflict)
	w.task(t, firedBy(s, tick.Add(time.Minute), nil))
	w.task(t, firedBy(w.schedule(t), tick, nil))
	require.Equal(t, 3, w.total(t, "task"))
}

func firesOrNothing(t *testing.T, w *world) {
	tick := w.clock.Now()
	next := tick.Add(time.Hour)
	s := w.schedule(t, func(s *store.Schedule) { s.NextRun = &tick })
	w.task(t, firedBy(s, tick, &store.ScheduleFire{Prev: &tick, Advance: store.Advance{NextRun: &next, LastRun: &tick}}))
	got, err := w.Schedules().Get(t.Context(), w.project.ID, s.ID)
	require.NoError(t, err)
	require.Equal(t, next, *got.NextRun)
	require.Equal(t, tick, *got.LastRun)

	late := w.newTask(firedBy(s, tick.Add(time.Second), &store.ScheduleFire{Prev: &tick, Advance: store.Advance{NextRun: &next}}))
	late.Events = []store.Event{w.event("late")}
	_, err = w.Tasks().Create(t.Context(), late)
	require.ErrorIs(t, err, store.ErrMoved)
	require.Equal(t, 1, w.total(t, "task"))
	require.Empty(t, w.descriptions(t))
}

func takenAndMoved(t *testing.T, w *world) {
	tick := w.clock.Now()
	next := tick.Add(time.Hour)
	s := w.schedule(t, func(s *store.Schedule) { s.NextRun = &tick })
	fire := firedBy(s, tick, &store.ScheduleFire{Prev: &tick, Advance: store.Advance{NextRun: &next}})
	w.task(t, fire)
	_, err := w.Tasks().Create(t.Context(), w.newTask(fire))
	require.ErrorIs(t, err, store.ErrMoved)
	require.NotErrorIs(t, err, store.ErrConflict)
	require.Equal(t, 1, w.total(t, "task"))
}

func fireDeletes(t *testing.T, w *world) {
	tick := w.clock.Now()
	s := w.schedule(t, func(s *store.Schedule) { s.NextRun = &tick })
	task := w.task(t, firedBy(s, tick, &store.ScheduleFire{Prev: &tick, Advance: store.Advance{Delete: true}}))
	_, err := w.Schedules().Get(t.Context(), w.project.ID, s.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.Nil(t, w.get(t, task.ID).ScheduleID)
}

func deletesTask(t *testing.T, w *world) {
	for _, s := range states() {
		b := w.bring(t, s)
		err := w.Tasks().Delete(t.Context(), w.project.ID, b.task.ID)
		_, lookErr := w.Tasks().Get(t.Context(), w.project.ID, b.task.ID)
		if s.Finished() {
			require.NoError(t, err)
			require.ErrorIs(t, lookErr, store.ErrNotFound)
			_, err = w.Logs().Read(t.Context(), w.project.ID, b.task.ID, 0, 10)
			require.ErrorIs(t, err, store.ErrNotFound)
			continue
		}
		require.ErrorIs(t, err, store.ErrState, s)
		require.NoError(t, lookErr)
	}
}

func foreignTask(t *testing.T, w *world) {
	b, other := w.bring(t, store.WaitingConfirmation), w.neighbour(t)
	in := other.project.ID
	ts := w.Tasks()
	calls := map[string]error{}
	_, calls["Get"] = ts.Get(t.Context(), in, b.task.ID)
	_, _, calls["Snapshot"] = ts.Snapshot(t.Context(), in, b.task.ID)
	_, calls["Stop"] = ts.Stop(t.Context(), in, b.task.ID, store.StopGentle, other.event("x"))
	_, calls["Confirm"] = ts.Confirm(t.Context(), in, b.task.ID, other.event("x"))
	_, calls["Reject"] = ts.Reject(t.Context(), in, b.task.ID, other.event("x"))
	calls["Delete"] = ts.Delete(t.Context(), in, b.task.ID)
	_, calls["Place"] = ts.Place(t.Context(), in, b.task.ID, 0)
	_, calls["Stages"] = ts.Stages(t.Context(), in, b.task.ID)
	_, calls["Hosts"] = ts.Hosts(t.Context(), in, b.task.ID)
	_, calls["Problems"] = ts.Problems(t.Context(), in, b.task.ID)
	_, calls["Read"] = w.Logs().Read(t.Context(), in, b.task.ID, 0, 10)
	_, calls["Size"] = w.Logs().Size(t.Context(), in, b.task.ID)
	for name, err := range calls {
		require.ErrorIs(t, err, store.ErrNotFound, name)
	}
	require.Equal(t, b.task, w.get(t, b.task.ID))
	require.Empty(t, other.descriptions(t))
}
