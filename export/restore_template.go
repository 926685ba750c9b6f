package export

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

// addTemplates stores templates; which build they deploy follows when all are
// there.
func (r *restorer) addTemplates() {
	n := r.renamer("template")
	for i := range r.b.Templates {
		t := &r.b.Templates[i]
		row := store.Template{
			ProjectID: r.project.ID, Name: n.name(i, t.Name, t.Own.BackupName), App: t.App, Playbook: t.Playbook,
			InventoryID: id(r.ix.inventories, r.inventories, t.Inventory), RepositoryID: must(r.ix.repositories, r.repositories, t.Repository),
			EnvironmentID: id(r.ix.environments, r.environments, t.Environment), ViewID: id(r.ix.views, r.views, t.View),
			Arguments: t.Arguments, GitBranch: nonEmpty(t.GitBranch), Description: t.Description, RunnerTag: nonEmpty(t.RunnerTag),
			AllowOverrideArgs: t.AllowOverrideArgs, AllowOverrideBranch: t.AllowOverrideBranch, AllowParallelTasks: t.AllowParallelTasks,
			Type: t.Type, StartVersion: t.StartVersion, Autorun: t.Autorun, SuppressSuccessAlerts: t.SuppressSuccessAlerts,
			SurveyVars: survey(t.SurveyVars), TaskParams: json.RawMessage(t.TaskParams), Options: t.Own.Options,
		}
		if row.App == "" { // files from before there were others
			row.App = "ansible"
		}
		if r.foreign() {
			asBefore(&row)
		}
		row = add(r, r.st.Templates(), object("template", t.Name), row)
		r.templates = append(r.templates, row.ID)
		r.vaults(t, row.ID)
		r.templateRoles(t, row.ID)
		for _, v := range t.SurveyVars {
			if v.Type == store.SurveySecret && v.DefaultValue != "" {
				r.note("the secret variable %q of template %q has a default, which lies there in clear: keep it as a secret of the variable group", clip(v.Name, 100), clip(t.Name, 100))
			}
		}
		for _, v := range t.Own.SecretDefaults {
			r.note("the secret variable %q of template %q had a default, which backups leave out: enter it anew, best in the variable group", clip(v, 100), clip(t.Name, 100))
		}
	}
}

// asBefore lets a template of Semaphore UI go on as it did there: with a
// checkout that stays, unless its tasks run side by side, and for scripts with
// what they leave running.
func asBefore(t *store.Template) {
	if !t.AllowParallelTasks {
		t.Options.Workspace = "keep"
	}
	if slices.Contains([]string{"bash", "python", "powershell"}, t.App) {
		t.Options.KeepBackground = true
	}
}

func survey(vars BackupSurvey) []store.SurveyVar {
	var list []store.SurveyVar
	for _, v := range vars {
		list = append(list, store.SurveyVar{
			Name: v.Name, Title: v.Title, Required: v.Required, Type: v.Type, Description: v.Description, Values: slice(v.Values), DefaultValue: v.DefaultValue,
		})
	}
	return list
}

func (r *restorer) vaults(t *BackupTemplate, template int64) {
	list := t.Vaults
	if filled(t.VaultKey) && len(list) == 0 {
		list = List[BackupVault]{{VaultKey: t.VaultKey}}
	}
	for _, v := range list {
		if v.Type == "" {
			v.Type = "password"
		}
		add(r, r.st.Templates().Vaults(), "vault password of "+object("template", t.Name), store.TemplateVault{
			ProjectID: r.project.ID, TemplateID: template, VaultKeyID: id(r.ix.keys, r.keys, v.VaultKey), Name: nonEmpty(v.Name), Type: v.Type, Script: v.Script,
		})
	}
}

// linkTemplates stores what could not be said before all templates were there.
func (r *restorer) linkTemplates() {
	for i, t := range r.b.Templates {
		build := id(r.ix.templates, r.templates, t.BuildTemplate)
		if build == nil || r.err != nil {
			continue
		}
		row, err := r.st.Templates().Get(r.ctx, r.project.ID, r.templates[i])
		if err != nil {
			r.err = fmt.Errorf("restore %s: %w", object("template", t.Name), err)
			return
		}
		row.BuildTemplateID = build
		update(r, r.st.Templates(), object("template", t.Name), row)
	}
	for i, inv := range r.b.Inventories {
		owner := id(r.ix.templates, r.templates, inv.Own.Template)
		if owner == nil || r.err != nil {
			continue
		}
		row, err := r.st.Inventories().Get(r.ctx, r.project.ID, r.inventories[i])
		if err != nil {
			r.err = fmt.Errorf("restore %s: %w", object("inventory", inv.Name), err)
			return
		}
		row.TemplateID = owner
		update(r, r.st.Inventories(), object("inventory", inv.Name), row)
	}
}
