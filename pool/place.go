package pool

import (
	"fmt"
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
	case store.WaitWorker:
		return "waits for a free worker"
	default:
		return ""
	}
}
