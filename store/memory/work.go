package memory

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// work is what a task has beside its row. It never changes: edit copies it.
type work struct {
	snapshot []byte
	secrets  []byte // sealed
	lease    string // "" for none
	renewed  time.Time
	until    time.Time
	attempts map[int]attempt
	lines    []store.LogLine // only added to
	stages   []store.Stage
	hosts    []store.AnsibleHost
	problems []store.AnsibleError
}

// attempt is what is known of one lease.
type attempt struct {
	lease    string
	seq      int64 // of the last Append
	finished bool  // by Finish, in time
	late     bool  // by Finish, after its end
	resumed  bool  // the task was confirmed
}

// edit returns a copy of a task's work that may be changed.
func (st *state) edit(id int64) *work {
	w, ok := st.work.get(id)
	if !ok {
		return &work{attempts: map[int]attempt{}}
	}
	c := *w
	c.attempts = maps.Clone(w.attempts)
	return &c
}

// task returns a task of a project.
func (st *state) task(project, id int64) (store.Task, error) {
	rec, err := st.find(st.cat.task, project, id)
	if err != nil {
		return store.Task{}, err
	}
	return load[store.Task](st.cat.task, rec)
}

// save stores a changed task.
func (st *state) save(t store.Task, w *work) error {
	rec, err := st.cat.task.encode(reflect.ValueOf(t))
	if err != nil {
		return err
	}
	if err := st.update(st.cat.task, rec); err != nil {
		return err
	}
	st.work = st.work.with(t.ID, w)
	return nil
}

// end makes a task final: nothing that only a run needs stays.
func (st *state) end(t *store.Task, w *work, s store.Status, reason string) {
	at := st.at
	t.Status, t.Reason, t.End = s, reason, &at
	t.ConfirmBefore, t.Prompt = nil, ""
	w.secrets = nil
	st.unlease(t, w)
	st.bundles = st.bundles.without(t.ID)
	st.tell(store.OutboxFinished, *t)
}

// unlease takes a task from its worker.
func (st *state) unlease(t *store.Task, w *work) {
	t.Owner, t.Unreachable = "", false
	w.lease = ""
}

// event records what happened to a task by itself.
func (st *state) event(t store.Task, format string, args ...any) error {
	return st.addEvent(t, store.Event{Description: fmt.Sprintf("Task %d ", t.ID) + fmt.Sprintf(format, args...)})
}

// addEvent stores an event of a task; what it does not say is filled in.
func (st *state) addEvent(t store.Task, e store.Event) error {
	rec, err := st.cat.event.encode(reflect.ValueOf(schema.TaskEvent(t, e)))
	if err != nil {
		return err
	}
	return st.insert(st.cat.event, rec)
}

// upsert replaces the element that is the same as v, or adds v, in a copy.
func upsert[T any](list []T, v T, same func(T) bool, keep func(old T) T) []T {
	list = slices.Clone(list)
	if i := slices.IndexFunc(list, same); i >= 0 {
		list[i] = keep(list[i])
		return list
	}
	return append(list, v)
}
