package pool

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Actions that a runner's webhook is told.
const (
	SummonStart  = "start"  // a task waits that the runner may have
	SummonFinish = "finish" // a task of the runner has ended
)

// Figures of webhooks of runners.
const (
	summonEvery   = 2 * time.Second
	summonTasks   = 200 // that are looked at, the oldest ones
	summonTimeout = 15 * time.Second
	summonAgain   = 5 * time.Minute // while the task still waits
	summonFailed  = 30 * time.Second
)

// summonOption is where all servers see who was called for which task.
const summonOption = store.SummonOptions + "tasks"

// summoned is a call that was made for a task.
type summoned struct {
	Attempt int       `json:"attempt"` // that the task had
	Runner  int64     `json:"runner"`
	Next    time.Time `json:"next"` // when to call again
}

// summon calls the webhooks of runners that a task waits for.
func (p *TaskPool) summon(ctx context.Context) error {
	if p.cfg.Summon == nil {
		return nil
	}
	return each(ctx, summonEvery, nil, p.summonDue)
}

// summonDue makes the calls that are due. That one is made is written down
// before, so that of several servers one makes it.
func (p *TaskPool) summonDue(ctx context.Context) error {
	tasks, runners, err := p.summonable(ctx)
	if err != nil || len(tasks) == 0 || len(runners) == 0 {
		return err
	}
	made, err := p.summonedBefore(ctx, p.st)
	if err != nil {
		return err
	}
	if due, err := p.chooseSummons(ctx, tasks, runners, made); err != nil || len(due) == 0 {
		return err
	}
	var due map[int64]store.Runner
	err = p.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		made, err := p.summonedBefore(ctx, tx)
		if err != nil {
			return err
		}
		if due, err = p.chooseSummons(ctx, tasks, runners, made); err != nil {
			return err
		}
		now := map[int64]summoned{} // without those that wait no more
		for _, t := range tasks {
			if r, ok := due[t.ID]; ok {
				now[t.ID] = summoned{t.Attempt, r.ID, p.cfg.Now().Add(summonAgain)}
			} else if old, ok := made[t.ID]; ok {
				now[t.ID] = old
			}
		}
		return p.writeSummoned(ctx, tx, now)
	})
	if err != nil {
		return fmt.Errorf("summon runners: %w", err)
	}
	for _, t := range tasks {
		if r, ok := due[t.ID]; ok {
			p.alerting.Go(func() { p.callRunner(context.WithoutCancel(ctx), r, SummonStart, t) })
		}
	}
	return nil
}

// summonable lists tasks that wait, and the runners that can be called: those of
// projects first, of each kind the newest first.
func (p *TaskPool) summonable(ctx context.Context) ([]store.Task, []store.Runner, error) {
	waiting, err := p.st.Tasks().List(ctx, store.TaskFilter{Statuses: []store.Status{store.Waiting, store.Confirmed}, Oldest: true, Limit: summonTasks})
	if err != nil || len(waiting.Items) == 0 {
		return nil, nil, err
	}
	var tasks []store.Task
	for _, t := range waiting.Items {
		tasks = append(tasks, t.Task)
	}
	page, err := p.st.Runners().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"active": true}, Limit: -1})
	if err != nil {
		return nil, nil, err
	}
	runners := slices.DeleteFunc(page.Items, func(r store.Runner) bool { return r.Webhook == "" || r.EnrollBefore != nil })
	slices.SortFunc(runners, func(a, b store.Runner) int {
		if (a.ProjectID == nil) != (b.ProjectID == nil) {
			if a.ProjectID == nil {
				return 1
			}
			return -1
		}
		return cmp.Compare(b.ID, a.ID)
	})
	return tasks, runners, nil
}

// chooseSummons picks a runner with room for each task that nobody was called
// for, and that nothing but the lack of a runner keeps from starting.
func (p *TaskPool) chooseSummons(ctx context.Context, tasks []store.Task, runners []store.Runner, made map[int64]summoned) (map[int64]store.Runner, error) {
	held, err := p.st.Queue().Leases(ctx)
	if err != nil {
		return nil, fmt.Errorf("leases: %w", err)
	}
	busy := map[int64]int{}
	for _, h := range held {
		if h.RunnerID != nil {
			busy[*h.RunnerID]++
		}
	}
	due := map[int64]store.Runner{}
	for _, t := range tasks {
		if m, ok := made[t.ID]; ok && m.Attempt == t.Attempt && p.cfg.Now().Before(m.Next) {
			busy[m.Runner]++
			continue
		}
		i := slices.IndexFunc(runners, func(r store.Runner) bool {
			return p.mayHave(r, t) && (r.MaxParallelTasks == 0 || busy[r.ID] < r.MaxParallelTasks)
		})
		if i < 0 {
			continue
		}
		place, err := p.Place(ctx, t.ProjectID, t.ID)
		if err != nil || place.Reason != store.WaitWorker && place.Reason != store.WaitSilent {
			continue // it is looked at again
		}
		due[t.ID] = runners[i]
		busy[runners[i].ID]++
	}
	return due, nil
}

// mayHave tells whether a runner is one for the task.
func (p *TaskPool) mayHave(r store.Runner, t store.Task) bool {
	if r.ProjectID != nil && *r.ProjectID != t.ProjectID {
		return false
	}
	return slices.Contains(runnerTags(p, r), t.RunnerTag)
}

func (p *TaskPool) summonedBefore(ctx context.Context, st store.Store) (map[int64]summoned, error) {
	all, err := st.Options().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("summoned runners: %w", err)
	}
	made := map[int64]summoned{}
	if text := all[summonOption]; text != "" {
		if err := json.Unmarshal([]byte(text), &made); err != nil {
			p.cfg.Log.Warn("what is noted of calls to runners cannot be read: they are called anew", "error", err)
			return map[int64]summoned{}, nil
		}
	}
	return made, nil
}

func (p *TaskPool) writeSummoned(ctx context.Context, st store.Store, made map[int64]summoned) error {
	text, err := json.Marshal(made)
	if err != nil {
		return err
	}
	return st.Options().Set(ctx, summonOption, string(text))
}

// callRunner makes a call. One that fails is made again soon where a task waits,
// and changes nothing about one that has ended.
func (p *TaskPool) callRunner(ctx context.Context, r store.Runner, action string, t store.Task) {
	limited, cancel := context.WithTimeout(ctx, summonTimeout)
	defer cancel()
	err := p.guard(limited, func(ctx context.Context) error { return p.cfg.Summon(ctx, r, action, t) })
	if err == nil {
		return
	}
	p.cfg.Log.Warn("call the webhook of a runner", "runner_id", r.ID, "task_id", t.ID, "action", action, "error", err)
	if action != SummonStart {
		return
	}
	err = p.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		made, err := p.summonedBefore(ctx, tx)
		if m, ok := made[t.ID]; ok && err == nil && m.Attempt == t.Attempt {
			m.Next = p.cfg.Now().Add(summonFailed)
			made[t.ID] = m
			err = p.writeSummoned(ctx, tx, made)
		}
		return err
	})
	if err != nil {
		p.cfg.Log.Warn("note that a runner has to be called again", "runner_id", r.ID, "error", err)
	}
}

// dismiss calls the webhook of the runner whose task has ended.
func (p *TaskPool) dismiss(ctx context.Context, t store.Task) {
	if p.cfg.Summon == nil || t.RunnerID == nil {
		return
	}
	page, err := p.st.Runners().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"id": []int64{*t.RunnerID}}, Limit: 1})
	if err != nil {
		p.cfg.Log.Warn("runner of a task", "task_id", t.ID, "error", err)
		return
	}
	for _, r := range page.Items {
		if r.Webhook != "" {
			p.alerting.Go(func() { p.callRunner(context.WithoutCancel(ctx), r, SummonFinish, t) })
		}
	}
}
