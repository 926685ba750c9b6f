package export

import (
	"github.com/alexandervashurin/semaphore/store"
)

func (p *projector) addTemplates(list []store.Template, own []BackupName) {
	vaults, roles := map[int64]List[BackupVault]{}, map[int64]List[BackupTemplateRole]{}
	for _, v := range rows(p, p.st.Templates().Vaults()) {
		vaults[v.TemplateID] = append(vaults[v.TemplateID], BackupVault{Name: v.Name, Type: v.Type, Script: v.Script, VaultKey: p.keys.of(v.VaultKeyID)})
	}
	bySlug := map[string]string{}
	for _, r := range p.b.Roles {
		bySlug[r.Own.Slug] = r.Name
	}
	for _, r := range rows(p, p.st.Templates().Roles()) {
		role := BackupTemplateRole{Role: r.RoleSlug, IsGlobal: true, Permissions: r.Permissions}
		if name, ok := bySlug[r.RoleSlug]; ok {
			role.Role, role.IsGlobal = name, false
		}
		roles[r.TemplateID] = append(roles[r.TemplateID], role)
	}
	for i, r := range list {
		t := p.template(r, own[i])
		t.Vaults, t.Roles = vaults[r.ID], roles[r.ID]
		p.b.Templates = append(p.b.Templates, t)
	}
}

func (p *projector) template(r store.Template, own BackupName) BackupTemplate {
	t := BackupTemplate{
		Name: p.templates[r.ID], Playbook: r.Playbook, Arguments: r.Arguments, AllowOverrideArgs: r.AllowOverrideArgs, Description: r.Description,
		Type: r.Type, StartVersion: r.StartVersion, Autorun: r.Autorun, GitBranch: r.GitBranch, SuppressSuccessAlerts: r.SuppressSuccessAlerts,
		App: r.App, TaskParams: Object(r.TaskParams), RunnerTag: r.RunnerTag, AllowOverrideBranch: r.AllowOverrideBranch, AllowParallelTasks: r.AllowParallelTasks,
		Inventory: p.inventories.of(r.InventoryID), Repository: p.repositories[r.RepositoryID], Environment: p.environments.of(r.EnvironmentID),
		BuildTemplate: p.templates.of(r.BuildTemplateID), View: p.views.of(r.ViewID),
		Own: BackupTemplateOwn{BackupName: own, Options: r.Options},
	}
	for _, v := range r.SurveyVars {
		if v.Type == store.SurveySecret && v.DefaultValue != "" {
			v.DefaultValue = ""
			t.Own.SecretDefaults = append(t.Own.SecretDefaults, v.Name)
		}
		t.SurveyVars = append(t.SurveyVars, BackupSurveyVar{
			Name: v.Name, Title: v.Title, Required: v.Required, Type: v.Type, Description: v.Description, Values: v.Values, DefaultValue: v.DefaultValue,
		})
	}
	return t
}

func (p *projector) addIntegrations(params savedParams) {
	matchers, extractors, aliases := map[int64]List[BackupMatcher]{}, map[int64]List[BackupExtractor]{}, map[int64]List[string]{}
	for _, m := range rows(p, p.st.Integrations().Matchers()) {
		matchers[m.IntegrationID] = append(matchers[m.IntegrationID], BackupMatcher{Name: m.Name, MatchType: m.MatchType, Method: m.Method, BodyDataType: m.BodyDataType, Key: m.Key, Value: m.Value})
	}
	for _, e := range rows(p, p.st.Integrations().Extractors()) {
		extractors[e.IntegrationID] = append(extractors[e.IntegrationID], BackupExtractor{
			Name: e.Name, ValueSource: e.ValueSource, BodyDataType: e.BodyDataType, Key: e.Key, Variable: e.Variable, VariableType: e.VariableType,
		})
	}
	for _, a := range rows(p, p.st.Integrations().Aliases()) {
		if a.IntegrationID == nil {
			p.b.IntegrationAliases = append(p.b.IntegrationAliases, a.Alias)
			continue
		}
		aliases[*a.IntegrationID] = append(aliases[*a.IntegrationID], a.Alias)
	}
	list := rows(p, p.st.Integrations())
	called, own := name("integration", list, func(r *store.Integration) int64 { return r.ID }, func(r *store.Integration) string { return r.Name })
	for i, r := range list {
		p.b.Integrations = append(p.b.Integrations, BackupIntegration{
			Name: called[r.ID], AuthMethod: r.AuthMethod, AuthHeader: r.AuthHeader, Searchable: r.Searchable, TaskParams: params.integrations[r.ID],
			Aliases: aliases[r.ID], Matchers: matchers[r.ID], ExtractValues: extractors[r.ID],
			Template: p.templates[r.TemplateID], AuthSecret: p.keys.of(r.AuthSecretID), Own: own[i],
		})
	}
}

func (p *projector) addSchedules(params savedParams) {
	list := rows(p, p.st.Schedules())
	n := newNamer("schedule")
	for _, r := range list {
		s := BackupSchedule{
			CronFormat: r.CronFormat, Name: r.Name, Active: r.Active, Type: r.Type, DeleteAfterRun: r.DeleteAfterRun,
			TaskParams: params.schedules[r.ID], Template: p.templates[r.TemplateID], CheckableRepository: p.repositories.of(r.RepositoryID),
			Own: BackupScheduleOwn{RunAt: r.RunAt, Created: r.Created, Timezone: r.Timezone, Overlap: r.Overlap, Missed: r.Missed, MissedSeconds: r.MissedSeconds},
		}
		if r.Name != "" { // nobody refers to a schedule, so that it may go without
			s.Name, s.Own.Name = n.name(r.ID, r.Name)
		}
		if r.RunAt != nil {
			s.RunAt = &BackupTime{Time: *r.RunAt}
		}
		if s.TaskParams == nil {
			s.TaskParams = &BackupParams{}
		}
		p.b.Schedules = append(p.b.Schedules, s)
	}
}
