package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/store"
)

// integrationInput is what a client says about an integration.
type integrationInput struct {
	rowIDs
	Name         string            `json:"name"`
	TemplateID   int64             `json:"template_id"`
	AuthMethod   string            `json:"auth_method"`
	AuthSecretID *int64            `json:"auth_secret_id"`
	AuthHeader   string            `json:"auth_header"`
	Searchable   bool              `json:"searchable"`
	TaskParams   *savedParamsInput `json:"task_params"`
}

func (s *Server) integrationRoutes() []route {
	integrations := resource[store.Integration, integrationInput]{
		noun: "integration", path: "integrations", event: store.EventIntegration,
		table: func(st store.Store) store.Table[store.Integration] { return st.Integrations() },
		sorts: []string{"name"},
		ids:   func(i *store.Integration) (*int64, *int64) { return &i.ID, &i.ProjectID },
		label: func(i *store.Integration) string { return i.Name },
		read:  readIntegration,
		saved: saveIntegrationParams,
		show:  showIntegrations,
	}
	const one = "/project/{project}/integrations/{integration}"
	return slices.Concat(integrations.routes(), s.matcherRoutes(), s.extractorRoutes(), s.aliasRoutes(), s.deliveryRoutes(),
		[]route{{method: "GET", path: one + "/refs", right: member, handle: s.integrationRefs}})
}

func readIntegration(ctx context.Context, _ *call, tx store.Store, in *integrationInput, i *store.Integration) error {
	i.Name, i.TemplateID, i.AuthMethod = in.Name, in.TemplateID, in.AuthMethod
	i.AuthSecretID, i.AuthHeader, i.Searchable = in.AuthSecretID, in.AuthHeader, in.Searchable
	if i.AuthMethod == "none" {
		i.AuthMethod = hook.MethodNone
	}
	if err := checkName("name", i.Name); err != nil {
		return err
	}
	if err := hook.Validate(*i); err != nil {
		return err
	}
	if i.AuthSecretID == nil {
		return nil
	}
	key, err := tx.Keys().Get(ctx, i.ProjectID, *i.AuthSecretID)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && key.Owner != store.OwnerShared:
		return invalid("auth_secret_id", "is no key of this project")
	case err != nil:
		return err
	case key.Type != store.KeyLoginPassword && i.AuthMethod != hook.MethodNone:
		return invalid("auth_secret_id", "key %q is of type %s: choose one of type login_password", key.Name, key.Type)
	}
	return nil
}

// saveIntegrationParams stores the parameters of the tasks of an integration,
// or forgets them where the body has none.
func saveIntegrationParams(ctx context.Context, c *call, tx store.Store, in *integrationInput, i *store.Integration) error {
	if in.TaskParams == nil {
		table := tx.Integrations().TaskParams()
		old, err := table.List(ctx, i.ProjectID, store.Query{Where: map[string]any{"integration_id": i.ID}})
		if err != nil {
			return fmt.Errorf("saved parameters: %w", err)
		}
		for _, t := range old.Items {
			if err := table.Delete(ctx, i.ProjectID, t.ID); err != nil {
				return err
			}
		}
		return nil
	}
	t, err := in.TaskParams.row(ctx, tx, i.ProjectID)
	if err != nil {
		return err
	}
	t.IntegrationID = &i.ID
	return c.saveParams(ctx, tx, t)
}

func showIntegrations(c *call, rows []store.Integration, _ bool) error {
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	params, err := c.paramsOf("integration_id", ids, func(t store.TaskParams) *int64 { return t.IntegrationID })
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].TaskParams = params[rows[i].ID]
	}
	return nil
}

// integrationOf finds the integration of the path.
func (c *call) integrationOf(ctx context.Context, st store.Store) (store.Integration, error) {
	id, err := c.id("integration")
	if err != nil {
		return store.Integration{}, err
	}
	row, err := st.Integrations().Get(ctx, c.project.ID, id)
	return row, named(err, "integration")
}

// integrationRefsReply has nothing in it, in the shape that clients expect.
type integrationRefsReply struct {
	Matchers []store.Referrer `json:"matchers"`
	Values   []store.Referrer `json:"values"`
}

// integrationRefs tells that nothing is in the way of a deletion: matchers and
// values go along.
func (s *Server) integrationRefs(c *call) error {
	if _, err := c.integrationOf(c.ctx(), s.st); err != nil {
		return err
	}
	return c.json(http.StatusOK, integrationRefsReply{[]store.Referrer{}, []store.Referrer{}})
}
