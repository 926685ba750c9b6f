package pool

import (
	"context"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// StopTask asks a task to end. One that waits, or waits for confirmation, ends
// at once as stopped and never runs; one that runs is stopped as its app wants
// it, and force hurries that. Asking again is allowed; a task that has ended is
// [store.ErrState].
func (p *TaskPool) StopTask(ctx context.Context, project, id int64, force bool, by Caller) (store.Task, error) {
	level, word := store.StopGentle, "stopped"
	if force {
		level, word = store.StopForce, "stopped by force"
	}
	return p.decide(project, id, by, word, func(e store.Event) (store.Task, error) {
		return p.st.Tasks().Stop(ctx, project, id, level, e)
	})
}

// StopTemplate stops every unfinished task of a template, and tells how many.
func (p *TaskPool) StopTemplate(ctx context.Context, project, template int64, force bool, by Caller) (int, error) {
	stopped := 0
	filter := store.TaskFilter{
		ProjectID: project, TemplateID: template, Limit: 1000,
		Statuses: []store.Status{store.Waiting, store.Starting, store.Running, store.WaitingConfirmation, store.Confirmed, store.Stopping},
	}
	for {
		page, err := p.st.Tasks().List(ctx, filter)
		if err != nil {
			return stopped, fmt.Errorf("tasks of template %d: %w", template, err)
		}
		for _, t := range page.Items {
			switch _, err := p.StopTask(ctx, project, t.ID, force, by); {
			case errors.Is(err, store.ErrState), errors.Is(err, store.ErrNotFound): // ended meanwhile
			case err != nil:
				return stopped, err
			default:
				stopped++
			}
		}
		if filter.After = page.Next; filter.After == "" {
			return stopped, nil
		}
	}
}

// Confirm lets a task that waits for confirmation go on: exactly the plan that
// was shown is applied, by any worker. In another state it is [store.ErrState].
func (p *TaskPool) Confirm(ctx context.Context, project, id int64, by Caller) (store.Task, error) {
	return p.decide(project, id, by, "confirmed", func(e store.Event) (store.Task, error) {
		return p.st.Tasks().Confirm(ctx, project, id, e)
	})
}

// Reject ends a task that waits for confirmation. In another state it is
// [store.ErrState].
func (p *TaskPool) Reject(ctx context.Context, project, id int64, by Caller) (store.Task, error) {
	return p.decide(project, id, by, "rejected", func(e store.Event) (store.Task, error) {
		return p.st.Tasks().Reject(ctx, project, id, e)
	})
}

func (p *TaskPool) decide(project, id int64, by Caller, word string, do func(store.Event) (store.Task, error)) (store.Task, error) {
	t, err := do(store.Event{
		UserID: idOf(by.UserID), ProjectID: &project, IntegrationID: idOf(by.IntegrationID), ObjectID: &id,
		ObjectType: store.EventTask, Description: fmt.Sprintf("Task %d was %s", id, word),
	})
	if err != nil {
		return t, fmt.Errorf("task %d: %w", id, err)
	}
	p.hub.task(t)
	p.poke.ring()
	p.wake.ring()
	if t.Status.Finished() {
		p.out.ring()
	}
	return t, nil
}
