package foreign

import (
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

func (r *reader) readIntegrations() error {
	return r.walk("project__integration", "integration", func(it *item) {
		if !it.placed("project__integration") {
			return
		}
		i := store.Integration{
			ID: it.note.ID, ProjectID: it.note.Project, Name: it.text("name"), TemplateID: it.number("template_id"), AuthMethod: it.text("auth_method"),
			AuthSecretID: it.ref("auth_secret_id", "access_key"), AuthHeader: it.text("auth_header"), Searchable: it.flag("searchable"),
		}
		if i.AuthMethod == "none" { // the default of the old table, and the same as nothing
			i.AuthMethod = ""
		}
		if !r.within("project__template", i.TemplateID, i.ProjectID) {
			delete(r.owner["project__integration"], i.ID)
			it.refuse("starts template %d, which does not exist in the project", i.TemplateID)
			return
		}
		r.wants("integration", it, func(p *store.TaskParams) { p.IntegrationID = &i.ID })
		r.rows.Integrations = append(r.rows.Integrations, i)
	})
}

// part places a row that belongs to an integration and names it alone.
func (it *item) part(table string) (integration int64, ok bool) {
	integration = it.number("integration_id")
	project, known := it.r.owner["project__integration"][integration]
	if !known {
		it.refuse("belongs to integration %d, which does not exist", integration)
		return 0, false
	}
	it.note.Project = project
	return integration, it.placed(table)
}

func (r *reader) readMatchers() error {
	return r.walk("project__integration_matcher", "matcher", func(it *item) {
		if integration, ok := it.part("project__integration_matcher"); ok {
			r.rows.Matchers = append(r.rows.Matchers, store.IntegrationMatcher{
				ID: it.note.ID, ProjectID: it.note.Project, IntegrationID: integration, Name: it.text("name"), MatchType: it.text("match_type"),
				Method: it.text("method"), BodyDataType: it.text("body_data_type"), Key: it.text("key"), Value: it.text("value"),
			})
		}
	})
}

func (r *reader) readExtractors() error {
	return r.walk("project__integration_extract_value", "extractor", func(it *item) {
		if integration, ok := it.part("project__integration_extract_value"); ok {
			e := store.IntegrationExtractor{
				ID: it.note.ID, ProjectID: it.note.Project, IntegrationID: integration, Name: it.text("name"), ValueSource: it.text("value_source"),
				BodyDataType: it.text("body_data_type"), Key: it.text("key"), Variable: it.text("variable"), VariableType: it.text("variable_type"),
			}
			if e.VariableType == "" {
				e.VariableType = "environment"
			}
			r.rows.Extractors = append(r.rows.Extractors, e)
		}
	})
}

func (r *reader) readAliases() error {
	taken := map[string]bool{}
	return r.walk("project__integration_alias", "alias", func(it *item) {
		if !it.placed("project__integration_alias") {
			return
		}
		a := store.IntegrationAlias{ID: it.note.ID, ProjectID: it.note.Project, IntegrationID: it.id("integration_id"), Alias: it.text("alias")}
		switch {
		case a.IntegrationID != nil && !r.within("project__integration", *a.IntegrationID, a.ProjectID):
			// Without its integration it would start all of the project.
			it.refuse("is an address of integration %d, which does not exist in the project", *a.IntegrationID)
		case a.Alias == "" || taken[strings.ToLower(a.Alias)]:
			it.refuse("is the address of another one too")
		default:
			taken[strings.ToLower(a.Alias)] = true
			r.rows.Aliases = append(r.rows.Aliases, a)
		}
	})
}

func (r *reader) readTerraformAliases() error {
	taken := map[string]bool{}
	return r.walk("project__terraform_inventory_alias", "terraform_alias", func(it *item) {
		a := store.TerraformAlias{ProjectID: it.note.Project, InventoryID: it.number("inventory_id"), AuthKeyID: it.number("auth_key_id"), Alias: it.text("alias")}
		switch {
		case !r.within("project__inventory", a.InventoryID, a.ProjectID):
			it.refuse("is an address of workspace %d, which does not exist in the project", a.InventoryID)
		case !r.within("access_key", a.AuthKeyID, a.ProjectID):
			it.refuse("is guarded by key %d, which does not exist in the project", a.AuthKeyID)
		case a.Alias == "" || taken[strings.ToLower(a.Alias)]:
			it.refuse("is the address of another one too")
		default:
			taken[strings.ToLower(a.Alias)] = true
			a.ID = r.fresh("terraform_alias")
			r.rows.TerraformAliases = append(r.rows.TerraformAliases, a)
		}
	})
}
