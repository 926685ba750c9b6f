package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/alexandervashurin/semaphore/store"
)

// templateInput is what a client says about a template.
type templateInput struct {
	rowIDs
	Name                  string             `json:"name"`
	App                   string             `json:"app"`
	Playbook              string             `json:"playbook"`
	InventoryID           *int64             `json:"inventory_id"`
	RepositoryID          int64              `json:"repository_id"`
	EnvironmentID         *int64             `json:"environment_id"`
	Arguments             *string            `json:"arguments"`
	GitBranch             *string            `json:"git_branch"`
	Description           *string            `json:"description"`
	AllowOverrideArgs     bool               `json:"allow_override_args_in_task"`
	AllowOverrideBranch   bool               `json:"allow_override_branch_in_task"`
	AllowParallelTasks    bool               `json:"allow_parallel_tasks"`
	Type                  store.TemplateType `json:"type"`
	StartVersion          *string            `json:"start_version"`
	BuildTemplateID       *int64             `json:"build_template_id"`
	Autorun               bool               `json:"autorun"`
	ViewID                *int64             `json:"view_id"`
	SurveyVars            []store.SurveyVar  `json:"survey_vars"`
	SuppressSuccessAlerts bool               `json:"suppress_success_alerts"`
	TaskParams            json.RawMessage    `json:"task_params"`
	RunnerTag             *string            `json:"runner_tag"`
	Vaults                []vaultInput       `json:"vaults"`

	Options *store.TemplateOptions `json:"options"` // stays where it is not sent
}

func (s *Server) templates() resource[store.Template, templateInput] {
	return resource[store.Template, templateInput]{
		noun: "template", path: "templates", param: "template", kind: store.KindTemplate, event: store.EventTemplate,
		table:   func(st store.Store) store.Table[store.Template] { return st.Templates() },
		sorts:   []string{"name", "playbook", "app", "type", "id"},
		anySort: true,
		ids:     func(t *store.Template) (*int64, *int64) { return &t.ID, &t.ProjectID },
		label:   func(t *store.Template) string { return t.Name },
		where:   templatesWanted,
		read:    readTemplate,
		saved:   saveTemplateParts,
		show:    showTemplates,
	}
}

func (s *Server) templateRoutes() []route {
	templates := s.templates()
	all, one := "/project/{project}/templates", "/project/{project}/templates/{template}"
	list := []route{
		{method: "GET", path: all, right: member, handle: templates.list, cached: true},
		{method: "POST", path: all, right: canManage, handle: templates.post},
		{method: "GET", path: one, right: member, handle: templates.get},
		{method: "PUT", path: one, right: canManage, handle: templates.put},
		{method: "DELETE", path: one, right: canManage, handle: func(c *call) error { return removeTemplate(c, templates) }},
		{method: "GET", path: one + "/refs", right: member, handle: templates.refs},
		{method: "PUT", path: one + "/description", right: canManage, handle: s.describeTemplate},
		{method: "POST", path: one + "/stop_all_tasks", right: canManage, handle: s.stopTemplate},
	}
	list = append(list, s.workspaceRoutes()...)
	return append(list, s.permRoutes()...)
}

// templatesWanted reads the filter of the list.
func templatesWanted(c *call) (map[string]any, error) {
	if app := c.r.URL.Query().Get("app"); app != "" {
		return map[string]any{"app": app}, nil
	}
	return nil, nil
}

// templatesOfView lists the templates of a view, in its order. The view of type
// all has every template.
func (s *Server) templatesOfView(c *call) error {
	id, err := c.id("view")
	if err != nil {
		return err
	}
	view, err := s.st.Views().Get(c.ctx(), c.project.ID, id)
	if err != nil {
		return named(err, "view")
	}
	templates := s.templates()
	q, err := c.query(templates.sorts, true)
	if err != nil {
		return err
	}
	if c.r.URL.Query().Get("sort") == "" && view.SortColumn != nil {
		for _, column := range templates.sorts {
			if column == *view.SortColumn {
				q.Sort, q.Desc = column, view.SortReverse
			}
		}
	}
	if q.Where, err = templatesWanted(c); err != nil {
		return err
	}
	if view.Type != "all" {
		if q.Where == nil {
			q.Where = map[string]any{}
		}
		q.Where["view_id"] = view.ID
	}
	page, err := s.st.Templates().List(c.ctx(), c.project.ID, q)
	if err != nil {
		return err
	}
	if err := showTemplates(c, page.Items, false); err != nil {
		return err
	}
	return c.page(page.Items, page.Next)
}

// showTemplates fills in newest tasks and rights: what the caller's role may do
// beside the rights in the project, and of a single one all that the caller may
// do. A single one has its vaults too.
func showTemplates(c *call, rows []store.Template, single bool) error {
	for i := range rows {
		hideSurveyDefaults(&rows[i])
	}
	if single {
		return showTemplate(c, &rows[0])
	}
	last, err := c.s.st.Tasks().Last(c.ctx(), c.project.ID, 1)
	if err != nil {
		return err
	}
	byTemplate := map[int64]*store.TaskWithTemplate{}
	for i := range last {
		c.hideValues(&last[i].Task)
		byTemplate[last[i].TemplateID] = &last[i]
	}
	roles, err := c.s.st.Templates().Roles().List(c.ctx(), c.project.ID, store.Query{Where: map[string]any{"role_slug": c.access.Role}, Limit: -1})
	if err != nil {
		return err
	}
	bits := map[int64]*int64{}
	for i, r := range roles.Items {
		bits[r.TemplateID] = &roles.Items[i].Permissions
	}
	for i := range rows {
		rows[i].LastTask, rows[i].Permissions = byTemplate[rows[i].ID], bits[rows[i].ID]
	}
	return nil
}

func showTemplate(c *call, t *store.Template) error {
	vaults, err := c.s.st.Templates().Vaults().List(c.ctx(), c.project.ID, store.Query{Where: map[string]any{"template_id": t.ID}, Limit: -1})
	if err != nil {
		return err
	}
	t.Vaults = vaults.Items
	bits, err := c.s.auth.TemplateBits(c.ctx(), c.access, c.project.ID, t.ID)
	if err != nil {
		return err
	}
	t.Permissions = &bits
	last, err := c.s.st.Tasks().List(c.ctx(), store.TaskFilter{ProjectID: c.project.ID, TemplateID: t.ID, Limit: 1})
	if err != nil {
		return err
	}
	if len(last.Items) > 0 {
		c.hideValues(&last.Items[0].Task)
		t.LastTask = &last.Items[0]
	}
	return nil
}

// removeTemplate says what is in the way where tasks have not ended.
func removeTemplate(c *call, templates resource[store.Template, templateInput]) error {
	err := templates.remove(c)
	if errors.Is(err, store.ErrState) {
		return answer(http.StatusBadRequest, "the template has tasks that have not ended: stop them first")
	}
	return err
}

type descriptionInput struct {
	Description *string `json:"description"`
}

// describeTemplate sets the description alone.
func (s *Server) describeTemplate(c *call) error {
	var in descriptionInput
	if err := c.decode(&in); err != nil {
		return err
	}
	return c.changeTemplate("description of template %q changed", func(_ context.Context, _ store.Store, t *store.Template) error {
		t.Description = in.Description
		return nil
	})
}

// changeTemplate changes the template of the path in a transaction, with an
// event whose text names the template.
func (c *call) changeTemplate(event string, change func(ctx context.Context, tx store.Store, t *store.Template) error) error {
	id, err := c.id("template")
	if err != nil {
		return err
	}
	err = c.inTx(func(ctx context.Context, tx store.Store) error {
		t, err := tx.Templates().Get(ctx, c.project.ID, id)
		if err != nil {
			return named(err, "template")
		}
		if err := change(ctx, tx, &t); err != nil {
			return err
		}
		if err := tx.Templates().Update(ctx, t); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventTemplate, id, event, t.Name)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// stopTemplate stops all tasks of a template.
func (s *Server) stopTemplate(c *call) error {
	var in stopInput
	if err := c.decodeOptional(&in); err != nil {
		return err
	}
	t, err := c.template()
	if err != nil {
		return err
	}
	if _, err := s.pool.StopTemplate(c.ctx(), c.project.ID, t.ID, in.Force, c.caller()); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// template returns the template of the path.
func (c *call) template() (store.Template, error) {
	id, err := c.id("template")
	if err != nil {
		return store.Template{}, err
	}
	t, err := c.s.st.Templates().Get(c.ctx(), c.project.ID, id)
	return t, named(err, "template")
}
