package foreign

import (
	"encoding/json"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// ImportedReason is the reason of tasks that were unfinished when they were
// imported.
const ImportedReason = "was unfinished when it was imported from Semaphore UI"

// taskNote is what is remembered of a task that is kept.
type taskNote struct {
	project int64
	lines   int64
	bytes   int64
	stages  int32
}

// indexTasks finds out which tasks there are, for what refers to them.
func (l *loader) indexTasks() error {
	l.tasks, l.count = map[int64]*taskNote{}, map[int64]int{}
	if l.o.NoTasks {
		return nil
	}
	return l.each("task", "task", func(it *item) error {
		project, ok := l.owner["project__template"][it.number("template_id")]
		if ok && it.note.ID > 0 && l.tasks[it.note.ID] == nil {
			l.tasks[it.note.ID] = &taskNote{project: project}
			l.count[it.number("template_id")]++
		}
		return nil
	})
}

func (l *loader) loadTasks() error {
	if l.o.NoTasks {
		return nil
	}
	seen := map[int64]bool{}
	return l.each("task", "task", func(it *item) error {
		it.note.Name = ""
		note := l.tasks[it.note.ID]
		switch {
		case note == nil:
			it.refuse("ran template %d, which does not exist", it.number("template_id"))
		case seen[it.note.ID]:
			it.refuse("has the id of another one")
		}
		if it.refused {
			it.done()
			return nil
		}
		seen[it.note.ID] = true
		if it.note.Project != note.project {
			it.change("project_id", "was %d: it is that of its template", it.note.Project)
			it.note.Project = note.project
		}
		t := l.task(it, note)
		it.done()
		return l.row(t)
	})
}

func (l *loader) task(it *item, note *taskNote) store.Task {
	t := store.Task{
		ID: it.note.ID, TemplateID: it.number("template_id"), ProjectID: note.project, Status: store.Status(it.text("status")), Playbook: it.text("playbook"),
		Environment: it.text("environment"), Arguments: it.filled("arguments"), GitBranch: it.filled("git_branch"),
		InventoryID: it.ref("inventory_id", "project__inventory"), UserID: it.user("user_id"),
		IntegrationID: it.ref("integration_id", "project__integration"), ScheduleID: it.ref("schedule_id", "project__schedule"),
		Start: it.time("start"), End: it.time("end"), Message: it.text("message"), CommitHash: it.filled("commit_hash"), CommitMessage: it.text("commit_message"),
		BuildTaskID: it.id("build_task_id"), Version: it.filled("version"), LogLines: note.lines, LogBytes: note.bytes,
	}
	if created := it.time("created"); created != nil {
		t.Created = *created
	} else if t.Start != nil {
		t.Created = *t.Start
	} else {
		t.Created = it.created()
	}
	if b := t.BuildTaskID; b != nil && (l.tasks[*b] == nil || l.tasks[*b].project != note.project) {
		it.change("build_task_id", "named task %d, which does not exist in the project: it names none", *b)
		t.BuildTaskID = nil
	}
	if t.Start != nil || note.lines > 0 {
		t.Attempt = 1
	}
	it.taskParams(&t)
	it.taskEnd(&t)
	return t
}

// taskParams takes the parameters, and a limit from where it once stood.
func (it *item) taskParams(t *store.Task) {
	var bad bool
	if t.Params, bad = it.json("params"); bad {
		it.change("params", "was no JSON: there are none")
	}
	limit := it.text("hosts_limit")
	if limit == "" {
		limit = it.text("limit")
	}
	if limit == "" {
		return
	}
	params := map[string]any{}
	if len(t.Params) > 0 && json.Unmarshal(t.Params, &params) != nil || params["limit"] != nil {
		return
	}
	params["limit"] = strings.Split(limit, ",")
	if text, err := json.Marshal(params); err == nil {
		t.Params = text
	}
}

// taskEnd ends what nobody works on any more.
func (it *item) taskEnd(t *store.Task) {
	if t.Status.Finished() {
		if t.End == nil {
			t.End = t.Start
		}
		return
	}
	it.change("status", "was %q: nobody works on it, so that it has ended as error", t.Status)
	t.Status, t.Reason = store.Failed, ImportedReason
	if t.End == nil {
		now := it.r.now
		t.End = &now
	}
}
