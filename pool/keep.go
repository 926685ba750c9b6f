package pool

import (
	"context"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Figures of the upkeep. Each step is short, and others go first.
const (
	compactEvery   = time.Minute
	retentionEvery = 10 * time.Minute
	purgeStep      = 20
	upkeepPause    = 5 * time.Millisecond
)

// compact packs the output of tasks.
func (p *TaskPool) compact(ctx context.Context) error {
	return each(ctx, compactEvery, p.tidy, func(ctx context.Context) error {
		for ctx.Err() == nil {
			more, err := p.st.Logs().Compact(ctx)
			if err != nil {
				return fmt.Errorf("compact logs: %w", err)
			}
			if !more {
				return nil
			}
			sleep(ctx, upkeepPause)
		}
		return nil
	})
}

// retain deletes finished tasks that no rule keeps any more.
func (p *TaskPool) retain(ctx context.Context) error {
	return each(ctx, retentionEvery, nil, p.purge)
}

// purge goes over all projects and the templates that have a rule of their own.
func (p *TaskPool) purge(ctx context.Context) error {
	projects, err := p.st.Projects().List(ctx, 0, store.Query{Limit: -1})
	if err != nil {
		return fmt.Errorf("projects to clean up: %w", err)
	}
	for _, project := range projects.Items {
		keep := project.Retention
		if keep == (store.Retention{}) {
			keep = p.cfg.Retention
		}
		if err := p.purgeRule(ctx, store.PurgeRule{ProjectID: project.ID}, keep); err != nil {
			return err
		}
		templates, err := p.st.Templates().List(ctx, project.ID, store.Query{Limit: -1})
		if err != nil {
			return fmt.Errorf("templates to clean up: %w", err)
		}
		for _, t := range templates.Items {
			if err := p.purgeRule(ctx, store.PurgeRule{ProjectID: project.ID, TemplateID: t.ID}, t.Options.Retention); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *TaskPool) purgeRule(ctx context.Context, r store.PurgeRule, keep store.Retention) error {
	if keep == (store.Retention{}) {
		return nil
	}
	r.Keep, r.KeepBytes = keep.Tasks, keep.Bytes
	if keep.Days > 0 {
		r.Before = p.cfg.Now().Add(-time.Duration(keep.Days) * 24 * time.Hour)
	}
	for ctx.Err() == nil {
		n, err := p.st.Tasks().Purge(ctx, r, purgeStep)
		if err != nil {
			return fmt.Errorf("clean up project %d: %w", r.ProjectID, err)
		}
		if n < purgeStep {
			return nil
		}
		sleep(ctx, upkeepPause)
	}
	return nil
}

// Purge applies the rules of retention now.
func (p *TaskPool) Purge(ctx context.Context) error { return p.purge(ctx) }
