package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// paramsAD binds the secret values of saved parameters to their row.
func paramsAD(t store.TaskParams) crypto.AD {
	return crypto.AD{Table: "task_params", ProjectID: t.ProjectID, ID: t.ID, Field: "secret"}
}

// SaveTaskParams stores the parameters of the schedule or integration that t
// names, in place of those it had. Secrets, a JSON object of texts, are sealed in
// place of those that are stored, but for the ones that KeepSecrets names, which
// stay as they are unless Secrets has them too. Where Secrets is empty and
// KeepSecrets is nil, all that are stored stay.
func (p *TaskPool) SaveTaskParams(ctx context.Context, tx store.Store, t store.TaskParams) (store.TaskParams, error) {
	table := tx.Integrations().TaskParams()
	owner := map[string]any{"schedule_id": t.ScheduleID, "integration_id": t.IntegrationID}
	old, err := table.List(ctx, t.ProjectID, store.Query{Where: owner})
	if err != nil {
		return t, fmt.Errorf("saved parameters: %w", err)
	}
	if len(old.Items) == 0 {
		row := t
		row.ID, row.Secret = 0, nil
		if row, err = table.Create(ctx, row); err != nil {
			return t, fmt.Errorf("save parameters: %w", err)
		}
		t.ID = row.ID
	} else {
		t.ID, t.Secret = old.Items[0].ID, old.Items[0].Secret
	}
	if t.Secrets != "" || t.KeepSecrets != nil {
		if t.Secret, err = p.sealAnswers(t); err != nil {
			return t, err
		}
	}
	if err := table.Update(ctx, t); err != nil {
		return t, fmt.Errorf("save parameters: %w", err)
	}
	t.Secret, t.Secrets, t.KeepSecrets = nil, "", nil
	return t, nil
}

// sealAnswers seals the secrets of saved parameters together with those of the
// stored ones that are to stay; nil where there are none.
func (p *TaskPool) sealAnswers(t store.TaskParams) (*string, error) {
	answers, err := job.ParseVariables(t.Secrets)
	if err != nil {
		return nil, refuse("secret", "is no JSON object of names and texts")
	}
	if err := p.keepAnswers(t, answers); err != nil {
		return nil, err
	}
	if len(answers) == 0 {
		return nil, nil
	}
	plain, err := json.Marshal(answers)
	if err != nil {
		return nil, fmt.Errorf("write saved parameters: %w", err)
	}
	sealed, err := p.cfg.Ring.Seal(plain, paramsAD(t))
	if err != nil {
		return nil, fmt.Errorf("seal saved parameters: %w", err)
	}
	return &sealed, nil
}

// keepAnswers adds the stored answers that are to stay.
func (p *TaskPool) keepAnswers(t store.TaskParams, answers map[string]any) error {
	if len(t.KeepSecrets) == 0 {
		return nil
	}
	stored, err := p.savedAnswers(t)
	if err != nil {
		return err
	}
	for _, name := range t.KeepSecrets {
		if _, ok := answers[name]; ok {
			continue
		}
		value, ok := stored[name]
		if !ok {
			return refuse("secret_keep", "no answer to %q is stored: send it as secret", name)
		}
		answers[name] = value
	}
	return nil
}

// savedAnswers are the secret answers that a row of saved parameters holds.
func (p *TaskPool) savedAnswers(t store.TaskParams) (map[string]any, error) {
	if t.Secret == nil {
		return nil, nil
	}
	plain, err := p.cfg.Ring.Open(*t.Secret, paramsAD(t))
	if err != nil {
		return nil, refuse("secret", "the saved values cannot be opened, enter them anew: %v", err)
	}
	answers, err := job.ParseVariables(string(plain))
	if err != nil {
		return nil, refuse("secret", "the saved values cannot be read, enter them anew")
	}
	return answers, nil
}

// SecretNames tells to which secret questions saved parameters hold an answer,
// in order. It is empty where the answers cannot be opened: they have to be
// entered anew.
func (p *TaskPool) SecretNames(t store.TaskParams) []string {
	answers, err := p.savedAnswers(t)
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(answers))
}

// applyParams fills a request with the saved parameters of an owner.
func (p *TaskPool) applyParams(ctx context.Context, r *AddRequest, owner map[string]any) error {
	page, err := p.st.Integrations().TaskParams().List(ctx, r.Task.ProjectID, store.Query{Where: owner})
	if err != nil {
		return fmt.Errorf("saved parameters: %w", err)
	}
	if len(page.Items) == 0 {
		return nil
	}
	saved := page.Items[0]
	t := &r.Task
	t.Environment, t.Arguments, t.GitBranch = saved.Environment, saved.Arguments, saved.GitBranch
	t.Message, t.InventoryID, t.Params = saved.Message, saved.InventoryID, saved.Params
	if saved.Secret != nil {
		plain, err := p.cfg.Ring.Open(*saved.Secret, paramsAD(saved))
		if err != nil {
			return refuse("secret", "the saved values cannot be opened, enter them anew: %v", err)
		}
		t.Secret = string(plain)
	}
	return nil
}

// RequestOf is the request that the saved parameters of an integration make,
// for whoever merges a webhook's values into it.
func (p *TaskPool) RequestOf(ctx context.Context, i store.Integration) (AddRequest, error) {
	r := AddRequest{
		Task: store.Task{ProjectID: i.ProjectID, TemplateID: i.TemplateID},
		By:   Caller{Saved: true, IntegrationID: i.ID},
	}
	err := p.applyParams(ctx, &r, map[string]any{"integration_id": i.ID})
	return r, err
}

// RunSchedule adds the task of a schedule now, beside its ticks.
func (p *TaskPool) RunSchedule(ctx context.Context, project, id int64, by Caller) (store.Task, error) {
	s, err := p.st.Schedules().Get(ctx, project, id)
	if err != nil {
		return store.Task{}, fmt.Errorf("schedule %d: %w", id, err)
	}
	r, err := p.scheduled(ctx, s)
	if err != nil {
		return store.Task{}, err
	}
	r.By.UserID, r.By.Username, r.By.keepErr = by.UserID, by.Username, false
	return p.AddTask(ctx, r)
}
