package foreign

import (
	"encoding/json"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

// ofTask places a row that belongs to a task.
func (l *loader) ofTask(it *item) (*taskNote, int64) {
	task := it.number("task_id")
	note := l.tasks[task]
	if note == nil {
		it.refuse("belongs to task %d, which does not exist", task)
		it.done()
		return nil, 0
	}
	it.note.Project = note.project
	return note, task
}

func (l *loader) loadStages() error {
	if l.o.NoTasks {
		return nil
	}
	results := map[int64]json.RawMessage{}
	err := l.each("task__stage_result", "stage", func(it *item) error {
		if text, bad := it.json("json"); !bad && text != nil {
			results[it.number("stage_id")] = slices.Clone(text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return l.each("task__stage", "stage", func(it *item) error {
		note, task := l.ofTask(it)
		if note == nil {
			return nil
		}
		note.stages++
		s := store.Stage{
			ID: l.fresh("stage"), TaskID: task, ProjectID: note.project, Number: int(note.stages), Type: it.text("type"),
			Start: it.time("start"), End: it.time("end"), Result: results[it.note.ID],
		}
		it.done()
		return l.row(s)
	})
}

func (l *loader) loadHosts() error {
	if l.o.NoTasks {
		return nil
	}
	type place struct {
		task int64
		host string
	}
	seen := map[place]bool{}
	return l.each("task__ansible_host", "ansible_host", func(it *item) error {
		note, task := l.ofTask(it)
		if note == nil {
			return nil
		}
		host := it.text("host")
		if seen[place{task, host}] {
			it.refuse("the task has the same one already")
			it.done()
			return nil
		}
		seen[place{task, host}] = true
		h := store.AnsibleHost{
			ID: l.fresh("ansible_host"), TaskID: task, ProjectID: note.project, Host: host, Changed: it.small("changed"), Failed: it.small("failed"),
			Ignored: it.small("ignored"), OK: it.small("ok"), Rescued: it.small("rescued"), Skipped: it.small("skipped"),
			Unreachable: it.small("unreachable"), Created: it.created(),
		}
		it.done()
		return l.row(h)
	})
}

func (l *loader) loadErrors() error {
	if l.o.NoTasks {
		return nil
	}
	return l.each("task__ansible_error", "ansible_error", func(it *item) error {
		note, task := l.ofTask(it)
		if note == nil {
			return nil
		}
		e := store.AnsibleError{
			ID: l.fresh("ansible_error"), TaskID: task, ProjectID: note.project, Host: it.text("host"), Task: it.text("task"), Error: it.text("error"), Created: it.created(),
		}
		it.done()
		return l.row(e)
	})
}

// loadEvents stores the activity. What an event is about may be gone, as it may
// be here.
func (l *loader) loadEvents() error {
	if l.o.NoEvents {
		return nil
	}
	return l.each("event", "event", func(it *item) error {
		it.note.Name = ""
		e := store.Event{
			ID: l.fresh("our event"), UserID: it.user("user_id"), ObjectID: it.id("object_id"), ObjectType: store.EventType(it.text("object_type")),
			Description: it.text("description"), Created: it.created(),
		}
		if p := it.note.Project; l.knows("project", p) {
			e.ProjectID = &p
		} else if p != 0 {
			it.change("project_id", "named project %d, which does not exist: it names none", p)
		}
		it.done()
		return l.row(e)
	})
}
