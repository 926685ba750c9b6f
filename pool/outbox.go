package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Outbox figures.
const (
	outboxBatch  = 20
	outboxEvery  = 2 * time.Second
	alertTimeout = 30 * time.Second
	alertFirst   = 2 * time.Second // pause after a try, doubled each time
	alertMost    = 10 * time.Minute
	alertAge     = 24 * time.Hour // after which nobody is told any more
	alertsAtOnce = 4
)

// outbox does what is to be done after a transaction: deploys that follow a
// build, hooks, alerts. A crash in between repeats it.
func (p *TaskPool) outbox(ctx context.Context) error {
	return each(ctx, outboxEvery, p.out, func(ctx context.Context) error {
		for {
			n, err := p.deliver(ctx)
			if err != nil || n < outboxBatch {
				return err
			}
		}
	})
}

// deliver works on one batch and tells how many entries it had.
func (p *TaskPool) deliver(ctx context.Context) (int, error) {
	entries, err := p.st.Queue().Outbox(ctx, p.cfg.Now(), outboxBatch)
	if err != nil {
		return 0, fmt.Errorf("read outbox: %w", err)
	}
	var failed []error // they hold up no other
	for _, e := range entries {
		failed = append(failed, p.settle(ctx, e))
	}
	return len(entries), errors.Join(failed...)
}

// settle deals with one entry. What follows in the pool comes first, and is
// tried until it is done; then people are told, by a goroutine of its own: for
// that the entry is put off, so that it comes back if nobody could be told.
func (p *TaskPool) settle(ctx context.Context, e store.OutboxEntry) error {
	t, err := p.st.Tasks().Get(ctx, e.ProjectID, e.TaskID)
	if errors.Is(err, store.ErrNotFound) {
		return p.settled(ctx, e, nil)
	}
	if err != nil {
		return fmt.Errorf("task of outbox entry: %w", err)
	}
	if e.Kind == store.OutboxFinished && e.Tries == 0 {
		if err := p.autorun(ctx, t); err != nil {
			return err
		}
		if hook := p.cfg.Hooks.AfterFinish; hook != nil {
			p.call(ctx, "after finish", func(ctx context.Context) { hook(ctx, t) })
		}
		p.dismiss(ctx, t)
	}
	if p.cfg.Alerter == nil || p.cfg.Now().Sub(e.Created) > alertAge {
		return p.settled(ctx, e, nil)
	}
	again := p.cfg.Now().Add(min(alertFirst<<min(e.Tries, 20), alertMost))
	select {
	case p.alerts <- struct{}{}:
	default: // others are being told: this one comes back
		return p.settled(ctx, e, &again)
	}
	again = again.Add(alertTimeout)
	if err := p.settled(ctx, e, &again); err != nil {
		<-p.alerts
		return err
	}
	p.alerting.Go(func() {
		defer func() { <-p.alerts }()
		p.tell(context.WithoutCancel(ctx), e, t)
	})
	return nil
}

func (p *TaskPool) settled(ctx context.Context, e store.OutboxEntry, retry *time.Time) error {
	if err := p.st.Queue().Settle(ctx, e.ID, retry); err != nil {
		return fmt.Errorf("settle outbox entry: %w", err)
	}
	return nil
}

// tell alerts people, and removes the entry once they know.
func (p *TaskPool) tell(ctx context.Context, e store.OutboxEntry, t store.Task) {
	ctx, cancel := context.WithTimeout(ctx, alertTimeout)
	defer cancel()
	err := p.guard(ctx, func(ctx context.Context) error {
		project, err := p.st.Projects().Get(ctx, 0, e.ProjectID)
		if err != nil {
			return err
		}
		return p.cfg.Alerter.Alert(ctx, Alert{Kind: e.Kind, Status: e.Status, Task: t, Project: project, Tries: e.Tries})
	})
	if err == nil {
		err = p.settled(ctx, e, nil)
	}
	if err != nil {
		p.cfg.Log.Warn("alert", "task_id", e.TaskID, "kind", string(e.Kind), "try", e.Tries+1, "error", err)
	}
}

// autorun starts the deploys that follow a successful build. All of them are
// made in one transaction, each once for this build: the entry may be dealt
// with again after a crash.
func (p *TaskPool) autorun(ctx context.Context, t store.Task) error {
	if t.Status != store.Success {
		return nil
	}
	followers, err := p.st.Templates().List(ctx, t.ProjectID, store.Query{
		Where: map[string]any{"build_template_id": t.TemplateID, "autorun": true}, Limit: -1,
	})
	if err != nil {
		return fmt.Errorf("templates that follow: %w", err)
	}
	if len(followers.Items) == 0 {
		return nil
	}
	requests := make([]AddRequest, len(followers.Items))
	vetoes := make([]error, len(followers.Items))
	for i, tpl := range followers.Items { // outside of the transaction: a hook may take its time
		requests[i] = AddRequest{
			Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, BuildTaskID: &t.ID},
			By:   Caller{Saved: true, keepErr: true},
		}
		vetoes[i] = p.askLaunch(ctx, &requests[i])
	}
	var made []store.Task
	err = p.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		made = nil
		for i, tpl := range followers.Items {
			child, err := p.follow(ctx, tx, tpl, t, requests[i], vetoes[i])
			if err != nil {
				return err
			}
			if child.ID != 0 {
				made = append(made, child)
			}
		}
		return nil
	})
	for _, child := range made {
		if err == nil {
			p.added(ctx, child)
		}
	}
	return err
}

// follow makes the deploy of a build, unless there is one that nobody started
// in person.
func (p *TaskPool) follow(ctx context.Context, tx store.Store, tpl store.Template, build store.Task, r AddRequest, veto error) (store.Task, error) {
	filter := store.TaskFilter{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Since: build.Created, Limit: 1000}
	for {
		page, err := tx.Tasks().List(ctx, filter)
		if err != nil {
			return store.Task{}, fmt.Errorf("deploys of template %d: %w", tpl.ID, err)
		}
		for _, t := range page.Items {
			if t.BuildTaskID != nil && *t.BuildTaskID == build.ID && t.UserID == nil && t.ScheduleID == nil && t.IntegrationID == nil {
				return store.Task{}, nil
			}
		}
		if filter.After = page.Next; filter.After == "" {
			break
		}
	}
	circle, err := inChain(ctx, tx, build, tpl.ID)
	if err != nil {
		return store.Task{}, err
	}
	if circle {
		r.By.broken = refuse("build_template_id", "the templates deploy each other in a circle: end it, or switch autorun off")
	}
	return p.add(ctx, tx, r, veto)
}
