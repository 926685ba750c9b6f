package pool

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// Explain says in words why a task waits: "waits for task 17 of the same
// template". It is empty for a task that does not wait.
func Explain(p store.Place) string {
	tasks := make([]string, len(p.Tasks))
	for i, id := range p.Tasks {
		tasks[i] = fmt.Sprint(id)
	}
	list := "task " + strings.Join(tasks, ", ")
	if len(tasks) > 1 {
		list = "tasks " + strings.Join(tasks, ", ")
	}
	switch p.Reason {
	case store.WaitTemplate:
		return "waits for " + list + " of the same template"
	case store.WaitProject:
		return "waits for its turn: the project's limit of parallel tasks is reached"
	case store.WaitGlobal:
		return "waits for its turn: the limit of parallel tasks is reached"
	case store.WaitConfirmation:
		return "waits for somebody to confirm or reject the plan"
	case store.WaitRunner:
		return "waits for a runner: none that is switched on has the tag of the task"
	case store.WaitWorker:
		return "waits for a free worker"
	default:
		return ""
	}
}

// served tells whether anybody may take a task with its tag.
func (p *TaskPool) served(ctx context.Context, t store.Task) (bool, error) {
	if t.RunnerTag == "" || p.worker != nil && slices.Contains(p.cfg.Tags, t.RunnerTag) {
		return true, nil
	}
	for _, scope := range []int64{0, t.ProjectID} { // those of all projects, those of this one
		n, err := p.st.Runners().Count(ctx, scope, store.Query{Where: map[string]any{"tag": t.RunnerTag, "active": true}})
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}
