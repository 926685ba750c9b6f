package foreign

import (
	"encoding/json"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

func (r *reader) readTemplates() error {
	return r.walk("project__template", "template", func(it *item) {
		if !it.placed("project__template") {
			return
		}
		t := it.template()
		if !r.within("project__repository", t.RepositoryID, t.ProjectID) {
			delete(r.owner["project__template"], t.ID)
			it.refuse("needs repository %d, which does not exist in the project", t.RepositoryID)
			return
		}
		it.templateText(&t)
		it.survey(&t)
		it.oldVault(&t)
		n, note := len(r.rows.Templates), it.note
		r.rows.Templates = append(r.rows.Templates, t)
		r.later = append(r.later, func() {
			t := &r.rows.Templates[n]
			if t.BuildTemplateID != nil && !r.within("project__template", *t.BuildTemplateID, t.ProjectID) {
				t.BuildTemplateID, t.Autorun = nil, false
				note.Field, note.Reason = "build_template_id", "named a template that does not exist in the project: it names none, choose one"
				r.rep.changed("template", note)
			}
		})
	})
}

// template is the row as far as it can be taken as it is. A checkout stays from
// one task to the next, and processes that scripts leave behind live on: so it
// was.
func (it *item) template() store.Template {
	t := store.Template{
		ID: it.note.ID, ProjectID: it.note.Project, Name: it.text("name"), App: it.text("app"), Playbook: it.text("playbook"),
		InventoryID: it.ref("inventory_id", "project__inventory"), RepositoryID: it.number("repository_id"),
		EnvironmentID: it.ref("environment_id", "project__environment"), ViewID: it.ref("view_id", "project__view"),
		Arguments: it.filled("arguments"), GitBranch: it.filled("git_branch"), Description: it.filled("description"),
		AllowOverrideArgs: it.flag("allow_override_args_in_task"), AllowOverrideBranch: it.flag("allow_override_branch_in_task"),
		AllowParallelTasks: it.flag("allow_parallel_tasks"), Type: store.TemplateType(it.text("type")), StartVersion: it.filled("start_version"),
		BuildTemplateID: it.id("build_template_id"), Autorun: it.flag("autorun"), SuppressSuccessAlerts: it.flag("suppress_success_alerts"),
		RunnerTag: it.filled("runner_tag"), Tasks: it.small("tasks"), SurveyVars: []store.SurveyVar{},
		Options: store.TemplateOptions{Workspace: "keep"},
	}
	if t.App == "" {
		t.App = "ansible"
	}
	switch t.App {
	case "ansible", "terraform", "tofu", "terragrunt", "pulumi":
	default:
		t.Options.KeepBackground = true
	}
	return t
}

// templateText looks at what has to be one of several values, or JSON.
func (it *item) templateText(t *store.Template) {
	switch t.Type {
	case store.TemplateTask, store.TemplateBuild, store.TemplateDeploy:
	default:
		it.change("type", "was %q: it is a plain task", t.Type)
		t.Type = store.TemplateTask
	}
	if t.Arguments != nil && !json.Valid([]byte(*t.Arguments)) {
		it.change("arguments", "is kept, but is no JSON: tasks fail until it is corrected")
	}
	var bad bool
	if t.TaskParams, bad = it.json("task_params"); bad {
		it.change("task_params", "was no JSON: there are none")
	}
}

// survey reads the survey variables. A default of a secret one is left out: it
// would be a secret in clear.
func (it *item) survey(t *store.Template) {
	text, bad := it.json("survey_vars")
	if text != nil && text[0] == '"' { // a text that holds the list
		var inner string
		if json.Unmarshal(text, &inner) == nil {
			text = json.RawMessage(inner)
		}
	}
	if bad || len(text) > 0 && json.Unmarshal(text, &t.SurveyVars) != nil {
		it.change("survey_vars", "was no list of variables: there are none")
		t.SurveyVars = []store.SurveyVar{}
	}
	for i, v := range t.SurveyVars {
		if v.Type == store.SurveySecret && v.DefaultValue != "" {
			t.SurveyVars[i].DefaultValue = ""
			it.change("survey_vars", "the default of the secret variable %s is left out: keep it as a secret of the variable group", v.Name)
		}
	}
}

// oldVault reads the column in which earlier versions had the one vault key.
func (it *item) oldVault(t *store.Template) {
	key := it.ref("vault_key_id", "access_key")
	if key == nil {
		return
	}
	id, project, name := t.ID, t.ProjectID, t.Name
	it.r.later = append(it.r.later, func() {
		for _, v := range it.r.rows.Vaults {
			if v.TemplateID == id {
				return
			}
		}
		it.r.rows.Vaults = append(it.r.rows.Vaults, store.TemplateVault{
			ID: it.r.fresh("project__template_vault"), ProjectID: project, TemplateID: id, VaultKeyID: key, Type: "password",
		})
		it.r.rep.kept("template_vault")
		it.r.rep.changed("template", Note{ID: id, Project: project, Name: name, Field: "vault_key_id", Reason: "is the template's vault now"})
	})
}

func (r *reader) readVaults() error {
	taken := map[string]bool{}
	return r.walk("project__template_vault", "template_vault", func(it *item) {
		template := it.number("template_id")
		if project, ok := r.owner["project__template"][template]; ok {
			it.note.Project = project
		}
		if !it.placed("project__template_vault") {
			return
		}
		v := store.TemplateVault{
			ID: it.note.ID, ProjectID: it.note.Project, TemplateID: template, VaultKeyID: it.ref("vault_key_id", "access_key"),
			Name: it.filled("name"), Type: it.text("type"), Script: it.filled("script"),
		}
		if v.Type == "" {
			v.Type = "password"
		}
		if !r.knows("project__template", template) {
			it.refuse("belongs to template %d, which does not exist", template)
			return
		}
		same := it.text("template_id") + " " + it.text("vault_key_id") + " " + strings.ToLower(it.text("name"))
		if v.VaultKeyID != nil && v.Name != nil && taken[same] {
			it.refuse("the template has the same one already")
			return
		}
		taken[same] = true
		r.rows.Vaults = append(r.rows.Vaults, v)
	})
}

func (r *reader) readTemplateRoles() error {
	taken := map[string]bool{}
	return r.walk("project__template_role", "template_role", func(it *item) {
		template, slug := it.number("template_id"), it.text("role_slug")
		it.note.Name = slug
		if project, ok := r.owner["project__template"][template]; ok {
			it.note.Project = project
		}
		if !it.placed("project__template_role") {
			return
		}
		same := it.text("template_id") + " " + strings.ToLower(slug)
		switch {
		case !r.knows("project__template", template):
			it.refuse("is about template %d, which does not exist", template)
		case !r.roles[strings.ToLower(slug)] && (slug == "" || !builtIn(slug)):
			it.refuse("there is no such role")
		case taken[same]:
			it.refuse("the template has the same one already")
		default:
			taken[same] = true
			r.rows.TemplateRoles = append(r.rows.TemplateRoles, store.TemplateRole{
				ID: it.note.ID, RoleSlug: slug, TemplateID: template, ProjectID: it.note.Project, Permissions: it.number("permissions") & 15,
			})
		}
	})
}
