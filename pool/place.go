package pool

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

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
	case store.WaitSilent:
		return "waits for a runner: none with the tag of the task has been heard of for three minutes, see whether one is running"
	case store.WaitWorker:
		return "waits for a free worker"
	default:
		return ""
	}
}

// silence is how long a runner is not heard of until it is not waited for
// without a word: several times what lies between two notes of it.
const silence = 3 * time.Minute

// missed tells what a task that no worker has taken waits for: a worker, or a
// runner where none has its tag or is there.
func (p *TaskPool) missed(ctx context.Context, t store.Task) (store.WaitReason, error) {
	if t.RunnerTag == "" || p.worker != nil && slices.Contains(p.cfg.Tags, t.RunnerTag) {
		return store.WaitWorker, nil
	}
	reason := store.WaitRunner
	since := p.cfg.Now().Add(-silence)
	for _, scope := range []int64{0, t.ProjectID} { // those of all projects, those of this one
		page, err := p.st.Runners().List(ctx, scope, store.Query{Where: map[string]any{"tag": t.RunnerTag, "active": true}, Limit: -1})
		if err != nil {
			return "", err
		}
		for _, r := range page.Items {
			if r.Touched != nil && r.Touched.After(since) {
				return store.WaitWorker, nil
			}
			reason = store.WaitSilent
		}
	}
	return reason, nil
}
