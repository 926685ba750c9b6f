package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// savedParamsInput is what a client says about the parameters that an
// integration or a schedule starts its tasks with.
type savedParamsInput struct {
	Environment string          `json:"environment"`
	Arguments   *string         `json:"arguments"`
	GitBranch   *string         `json:"git_branch"`
	Message     string          `json:"message"`
	Version     *string         `json:"version"`
	InventoryID *int64          `json:"inventory_id"`
	Params      json.RawMessage `json:"params"`

	// Secret survey values, as a JSON object of names and texts. They take the
	// place of those that are stored, but for the ones of secret_keep. Where it is
	// empty and secret_keep is not sent, all that are stored stay.
	Secrets string `json:"secret"`
	// SecretKeep names stored secret values that stay as they are; secret_names of
	// a reply lists what there is.
	SecretKeep []string `json:"secret_keep"`
}

// row checks the parameters and makes a row of them, without an owner.
func (in *savedParamsInput) row(ctx context.Context, tx store.Store, project int64) (store.TaskParams, error) {
	t := store.TaskParams{
		ProjectID: project, Environment: in.Environment, Arguments: filled(in.Arguments), GitBranch: filled(in.GitBranch),
		Message: in.Message, Version: filled(in.Version), InventoryID: in.InventoryID, Params: in.Params, Secrets: in.Secrets, KeepSecrets: in.SecretKeep,
	}
	if err := checkSavedVariables(in.Environment); err != nil {
		return t, err
	}
	if t.Arguments != nil && !json.Valid([]byte(*t.Arguments)) {
		return t, invalid("task_params.arguments", "is no JSON: write [\"--flag\"]")
	}
	if t.GitBranch != nil {
		if err := job.CheckRef(*t.GitBranch); err != nil {
			return t, refit("task_params.git_branch", err)
		}
	}
	if len(t.Message) > 1000 {
		return t, invalid("task_params.message", "is longer than 1000 bytes")
	}
	var params map[string]any
	if len(t.Params) > 0 && json.Unmarshal(t.Params, &params) != nil {
		return t, invalid("task_params.params", "is no JSON object")
	}
	if params == nil {
		t.Params = nil
	}
	if in.InventoryID == nil {
		return t, nil
	}
	_, err := tx.Inventories().Get(ctx, project, *in.InventoryID)
	if errors.Is(err, store.ErrNotFound) {
		return t, invalid("task_params.inventory_id", "is no inventory of this project")
	}
	return t, err
}

// saveParams stores the parameters of an owner.
func (c *call) saveParams(ctx context.Context, tx store.Store, t store.TaskParams) error {
	_, err := c.s.pool.SaveTaskParams(ctx, tx, t)
	var f *job.FieldError
	if errors.As(err, &f) && f.Field == "secret_keep" {
		return refit("task_params.secret_keep", err)
	}
	return err
}

// checkSavedVariables checks variables that tasks are to get.
func checkSavedVariables(text string) error {
	const field = "task_params.environment"
	if checkDepth([]byte(text)) != nil {
		return invalid(field, "nests deeper than %d levels", depthLimit)
	}
	vars, err := job.ParseVariables(text)
	if err != nil {
		return invalid(field, "is no JSON object of variables: write {\"name\": value}")
	}
	for name := range vars {
		if job.ReservedName(name) {
			return invalid(field, "%q is a reserved name: choose another one", clip(name, 100))
		}
	}
	return nil
}

// paramsOf finds the saved parameters of owners by their ids; column is
// integration_id or schedule_id. Guests see the names of variables.
func (c *call) paramsOf(column string, ids []int64, owner func(store.TaskParams) *int64) (map[int64]*store.TaskParams, error) {
	page, err := c.s.st.Integrations().TaskParams().List(c.ctx(), c.project.ID, store.Query{Where: map[string]any{column: ids}, Limit: -1})
	if err != nil {
		return nil, fmt.Errorf("saved parameters: %w", err)
	}
	found := make(map[int64]*store.TaskParams, len(page.Items))
	for i := range page.Items {
		t := &page.Items[i]
		t.SecretNames = c.s.pool.SecretNames(*t)
		t.Secret, t.Secrets = nil, ""
		if !c.seesValues() && t.Environment != "" {
			t.Environment = namesOnly(t.Environment)
		}
		if id := owner(*t); id != nil {
			found[*id] = t
		}
	}
	return found, nil
}
