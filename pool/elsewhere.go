package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/alexandervashurin/semaphore/store"
)

// elsewherePage is how many lines of a task are read at once.
const elsewherePage = 2000

// elsewhere shows subscribers of this process what other processes do: servers
// that share the store, and runners that call them. Nothing is read while nobody
// subscribes.
type elsewhere struct {
	pool *TaskPool
	bell *bell // somebody has begun to subscribe, or has told of something

	mu     sync.Mutex
	shared bool // other processes work on the store

	// Of the loop alone.
	seen    map[int64]*foreign // unfinished tasks of others
	looking bool               // this is not the first look since somebody subscribed
}

// foreign is a task that another process works on, as it was shown last.
type foreign struct {
	task store.Task
	next int64 // number of the next line to show
}

// on tells whether what this process stores for runners is shown by the loop:
// where their calls go to any of several servers, only the store has it all.
func (e *elsewhere) on() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.shared
}

// run looks into the store until ctx ends.
func (e *elsewhere) run(ctx context.Context) error {
	return each(ctx, e.pool.cfg.Poll, e.bell, e.look)
}

// look shows what is new.
func (e *elsewhere) look(ctx context.Context) error {
	if !e.pool.hub.busy() {
		clear(e.seen)
		e.looking = false
		return nil
	}
	fresh := map[int64]bool{}
	f := store.TaskFilter{Statuses: unfinished(), Limit: 1000}
	for {
		page, err := e.pool.st.Tasks().List(ctx, f)
		if err != nil {
			return fmt.Errorf("tasks of others: %w", err)
		}
		for i := range page.Items {
			t := &page.Items[i].Task
			if !e.pool.src.works(t.ID) {
				fresh[t.ID] = true
				if err := e.show(ctx, t); err != nil {
					return err
				}
			}
		}
		if f.After = page.Next; page.Next == "" {
			break
		}
	}
	for id, old := range e.seen {
		if !fresh[id] {
			if err := e.last(ctx, old); err != nil {
				return err
			}
		}
	}
	e.looking = true
	return nil
}

// show tells of a task's change and of its new lines: of those that were there
// before somebody subscribed, only of what is new from then on.
func (e *elsewhere) show(ctx context.Context, t *store.Task) error {
	old := e.seen[t.ID]
	switch {
	case old == nil && !e.looking:
		e.seen[t.ID] = &foreign{task: *t, next: t.LogLines}
		return nil
	case old == nil:
		old = &foreign{task: *t}
		e.seen[t.ID] = old
		e.pool.hub.task(*t)
	case changed(old.task, *t):
		old.task = *t
		e.pool.hub.task(*t)
	}
	return e.lines(ctx, old, t.LogLines)
}

// last tells how a task has ended that is not among the unfinished ones any
// more. One that this process works on by now is its own to tell of.
func (e *elsewhere) last(ctx context.Context, old *foreign) error {
	delete(e.seen, old.task.ID)
	if e.pool.src.works(old.task.ID) {
		return nil
	}
	t, err := e.pool.st.Tasks().Get(ctx, old.task.ProjectID, old.task.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		e.seen[old.task.ID] = old
		return fmt.Errorf("task of others: %w", err)
	}
	if err := e.lines(ctx, old, t.LogLines); err != nil {
		e.seen[old.task.ID] = old
		return err
	}
	e.pool.hub.task(t)
	return nil
}

// lines shows what is stored up to total.
func (e *elsewhere) lines(ctx context.Context, f *foreign, total int64) error {
	for f.next < total {
		if !e.pool.hub.wantsLines(f.task.ProjectID, f.task.ID) {
			f.next = total
			return nil
		}
		page, err := e.pool.st.Logs().Read(ctx, f.task.ProjectID, f.task.ID, f.next, elsewherePage)
		if err != nil {
			return fmt.Errorf("output of others: %w", err)
		}
		if page.Next <= f.next {
			return nil
		}
		f.next = page.Next
		e.pool.hub.lines(store.Lease{ProjectID: f.task.ProjectID, TaskID: f.task.ID}, page.Lines)
	}
	return nil
}

// changed tells whether people would see a difference.
func changed(a, b store.Task) bool {
	return a.Status != b.Status || a.Attempt != b.Attempt || a.Unreachable != b.Unreachable || a.Prompt != b.Prompt ||
		(a.CommitHash == nil) != (b.CommitHash == nil) || len(a.Plan) != len(b.Plan) || len(a.Command) != len(b.Command)
}

// unfinished lists the states of tasks that have not ended.
func unfinished() []store.Status {
	var list []store.Status
	for _, s := range store.Statuses() {
		if !s.Finished() {
			list = append(list, s)
		}
	}
	return list
}
