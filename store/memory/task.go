package memory

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

type tasks struct{ s *Store }

func (q tasks) Create(ctx context.Context, n store.NewTask) (t store.Task, err error) {
	err = q.s.write(ctx, func(st *state) error {
		t, err = st.create(n)
		return err
	})
	if err != nil {
		return store.Task{}, err
	}
	return t, nil
}

func (st *state) create(n store.NewTask) (t store.Task, err error) {
	t = fresh(n.Task)
	w := st.edit(0)
	w.snapshot, w.secrets = slices.Clone(n.Snapshot), slices.Clone(n.Secrets)
	switch t.Status {
	case "":
		t.Status = store.Waiting
	case store.Waiting:
	case store.Failed:
		w.secrets = nil
		if t.End == nil {
			t.End = &st.at
		}
	default:
		return t, fmt.Errorf("a new task cannot be %s: %w", t.Status, store.ErrInvalid)
	}
	if n.NextVersion {
		version := store.NextVersion(n.StartVersion, st.newestVersion(t.TemplateID))
		t.Version = &version
	}
	if err := st.fire(t, n.Schedule); err != nil {
		return t, err
	}
	rec, err := st.cat.task.encode(reflect.ValueOf(t))
	if err != nil {
		return t, err
	}
	if err := st.insert(st.cat.task, rec); err != nil {
		return t, err
	}
	if t, err = load[store.Task](st.cat.task, rec); err != nil {
		return t, err
	}
	st.work = st.work.with(t.ID, w)
	st.countTask(t.TemplateID)
	for _, e := range n.Events {
		e.ObjectID = &t.ID
		if err := st.addEvent(t, e); err != nil {
			return t, err
		}
	}
	if t.Status == store.Failed {
		st.tell(store.OutboxFinished, t)
	}
	st.notice(noticeAdded, t)
	if n.Schedule == nil || !n.Schedule.Advance.Delete {
		return t, nil
	}
	if err := st.erase(st.cat.schedule, []int64{*t.ScheduleID}); err != nil {
		return t, err
	}
	return st.task(t.ProjectID, t.ID)
}

// fresh clears what only the store sets.
func fresh(t store.Task) store.Task {
	t.Attempt, t.Start, t.Unreachable, t.Late = 0, nil, false, false
	t.LogLines, t.LogBytes, t.Command, t.Plan = 0, 0, nil, nil
	t.RunnerID, t.StopLevel, t.ConfirmBefore, t.Owner, t.Prompt = nil, store.StopNone, nil, "", ""
	return t
}

// fire moves the schedule of a new task on, before the task is there: a tick
// that somebody else has taken is no conflict.
func (st *state) fire(t store.Task, f *store.ScheduleFire) error {
	if f == nil {
		return nil
	}
	if t.ScheduleID == nil {
		return fmt.Errorf("a tick needs the task's schedule: %w", store.ErrInvalid)
	}
	return st.advance(*t.ScheduleID, f.Prev, f.Advance)
}

// newestVersion returns the version of the newest task that has one.
func (st *state) newestVersion(template int64) string {
	e := st.cat.task
	for _, rec := range st.rows(e).all(true) {
		if e.int(rec, "template_id") == template && rec[e.number["version"]] != nil {
			return e.text(rec, "version")
		}
	}
	return ""
}

func (st *state) countTask(template int64) {
	e := st.cat.template
	rec, _ := st.rows(e).get(template)
	rec = slices.Clone(rec)
	rec[e.number["tasks"]] = e.int(rec, "tasks") + 1
	st.put(e, template, rec)
}

func (q tasks) Get(ctx context.Context, project, id int64) (store.Task, error) {
	st, err := q.s.view(ctx)
	if err != nil {
		return store.Task{}, err
	}
	return st.task(project, id)
}

func (q tasks) Snapshot(ctx context.Context, project, id int64) (snapshot, secrets []byte, err error) {
	w, err := q.work(ctx, project, id)
	if err != nil {
		return nil, nil, err
	}
	return slices.Clone(w.snapshot), slices.Clone(w.secrets), nil
}

// work returns what a task has beside its row, not to be changed.
func (q tasks) work(ctx context.Context, project, id int64) (*work, error) {
	st, err := q.s.view(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := st.find(st.cat.task, project, id); err != nil {
		return nil, err
	}
	return st.edit(id), nil
}

func (q tasks) Delete(ctx context.Context, project, id int64) error {
	return q.s.write(ctx, func(st *state) error {
		t, err := st.task(project, id)
		if err != nil {
			return err
		}
		if !t.Status.Finished() {
			return stateError(t)
		}
		return st.erase(st.cat.task, []int64{id})
	})
}

func (q tasks) Stages(ctx context.Context, project, id int64) ([]store.Stage, error) {
	w, err := q.work(ctx, project, id)
	if err != nil {
		return nil, err
	}
	list := slices.Clone(w.stages)
	slices.SortFunc(list, func(a, b store.Stage) int { return a.Number - b.Number })
	for i := range list {
		list[i] = cloneStage(list[i])
	}
	return list, nil
}

func (q tasks) Hosts(ctx context.Context, project, id int64) ([]store.AnsibleHost, error) {
	w, err := q.work(ctx, project, id)
	if err != nil {
		return nil, err
	}
	return slices.Clone(w.hosts), nil
}

func (q tasks) Problems(ctx context.Context, project, id int64) ([]store.AnsibleError, error) {
	w, err := q.work(ctx, project, id)
	if err != nil {
		return nil, err
	}
	return slices.Clone(w.problems), nil
}

// stateError tells in which state a task is.
func stateError(t store.Task) error {
	return fmt.Errorf("task %d is %s: %w", t.ID, t.Status, store.ErrState)
}
