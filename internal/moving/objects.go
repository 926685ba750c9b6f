package moving

import (
	"encoding/json"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func (c checker) repositories() {
	for _, r := range c.Rows.Repositories {
		o := object{"repository", r.ID, r.ProjectID, r.Name}
		if dir, local := foreign.LocalPath(r.GitURL); local {
			if !below(dir, c.Config.Dirs.ReposPath) {
				c.add("local-repository", o, dir+" is not below dirs.repos_path")
			}
			continue
		}
		if err := job.CheckRepositoryURL(r.GitURL); err != nil {
			c.add("repository-url", o, err.Error())
		}
	}
}

// below tells whether a path is one of the roots, or below.
func below(name string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		rel, err := filepath.Rel(filepath.Clean(root), filepath.Clean(name))
		return err == nil && filepath.IsLocal(rel)
	})
}

// path looks at a path in a repository.
func (c checker) path(o object, what, name string) {
	switch {
	case name == "":
	case path.IsAbs(name):
		if !below(name, c.Config.Dirs.AllowedPaths) {
			c.add("absolute-path", o, what+" "+name+" is not below dirs.allowed_paths")
		}
	case !filepath.IsLocal(filepath.FromSlash(name)):
		c.add("outside-path", o, what+" "+name+" leads out of the repository")
	}
}

func (c checker) inventories() {
	for _, i := range c.Rows.Inventories {
		if i.Type == store.InventoryFile {
			c.path(object{"inventory", i.ID, i.ProjectID, i.Name}, "the inventory", i.Inventory)
		}
	}
	for _, v := range c.Rows.Vaults {
		if v.Script != nil {
			c.path(object{"template_vault", v.ID, v.ProjectID, ""}, "the vault script", *v.Script)
		}
	}
}

func (c checker) templates() {
	cfg := *c.Config
	cfg.ApplyOptions(c.Rows.Options, &c.Loaded)
	active, paths := map[string]bool{}, map[string]string{}
	for _, a := range cfg.Apps(func(program string) bool { _, err := c.LookPath(program); return err == nil }) {
		active[a.ID], paths[a.ID] = a.Active, a.Path
	}
	git := false
	missing := map[string]bool{}
	for _, t := range c.Rows.Templates {
		o := object{"template", t.ID, t.ProjectID, t.Name}
		c.path(o, "the playbook", t.Playbook)
		git = git || t.RunnerTag == nil
		on, known := active[t.App]
		switch {
		case !known:
			c.add("app-unknown", o, "there is no app "+t.App)
		case t.RunnerTag != nil: // its programs are on the runner
		case c.lacks(t.App, paths[t.App]):
			missing[t.App] = true
		case !on:
			c.add("app-inactive", o, "the app "+t.App+" is switched off")
		}
		c.survey(o, t)
	}
	for _, app := range slices.Sorted(maps.Keys(missing)) {
		c.add("tool-missing", object{kind: "app", name: app}, "its program is not on this machine")
	}
	if _, err := c.LookPath("git"); git && err != nil && c.Config.GitClient != "go_git" {
		c.add("tool-missing", object{kind: "program", name: "git"}, "it is not on this machine")
	}
}

// programs of the built-in apps.
func program(app string) string {
	switch app {
	case "ansible":
		return "ansible-playbook"
	case "python":
		return "python3"
	case "powershell":
		return "pwsh"
	}
	return app
}

// lacks tells whether the program of an app is not there.
func (c checker) lacks(app, configured string) bool {
	name := configured
	if name == "" {
		name = program(app)
	}
	_, err := c.LookPath(name)
	return err != nil
}

func (c checker) survey(o object, t store.Template) {
	for _, v := range t.SurveyVars {
		if job.ReservedName(v.Name) {
			c.add("reserved-variable", o, "its survey asks for "+v.Name)
		}
	}
	switch t.App {
	case "ansible", "terraform", "tofu", "terragrunt":
		return
	}
	if _, ok := byID(c.Rows.Environments, environmentID, t.EnvironmentID); !ok || t.Options.SecretArgs {
		return
	}
	for _, k := range c.Rows.Keys {
		if k.Owner == store.OwnerVariable && k.EnvironmentID != nil && *k.EnvironmentID == *t.EnvironmentID {
			c.add("secret-argument", o, "the secret "+k.Name+" was an argument")
		}
	}
}

// names lists the members of a JSON object.
func names(text string) []string {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(members))
}

func (c checker) variables() {
	for _, e := range c.Rows.Environments {
		o := object{"environment", e.ID, e.ProjectID, e.Name}
		if e.Env == nil {
			continue
		}
		for _, name := range names(*e.Env) {
			if strings.HasPrefix(strings.ToUpper(name), "SEMAPHORE_") {
				c.add("own-variable", o, "it sets "+name)
			}
		}
	}
	for _, p := range c.Rows.TaskParams {
		o := object{"schedule", 0, p.ProjectID, ""}
		if p.ScheduleID != nil {
			o.id = *p.ScheduleID
		} else if p.IntegrationID != nil {
			o.kind, o.id = "integration", *p.IntegrationID
		}
		for _, name := range names(p.Environment) {
			if job.ReservedName(name) {
				c.add("reserved-variable", o, "its parameters set "+name)
			}
		}
	}
	for _, e := range c.Rows.Extractors {
		if e.VariableType == "environment" && job.ReservedName(e.Variable) {
			c.add("reserved-variable", object{"integration", e.IntegrationID, e.ProjectID, ""}, "it fills "+e.Variable)
		}
	}
}

func (c checker) keys() {
	for _, k := range c.Rows.Keys {
		if k.SourceStorageType == nil || k.SourceStorageKey == nil {
			continue
		}
		o, at := object{"key", k.ID, k.ProjectID, k.Name}, *k.SourceStorageKey
		switch *k.SourceStorageType {
		case "env":
			if prefix := c.Config.EnvSecretPrefix; prefix == "" || !strings.HasPrefix(at, prefix) {
				c.add("env-secret", o, "it is the variable "+at)
			}
		case "file":
			if dir := c.Config.Dirs.SecretsPath; dir == "" || !below(at, []string{dir}) {
				c.add("file-secret", o, at+" is not below dirs.secrets_path")
			}
		}
	}
}

func (c checker) integrations() {
	for _, i := range c.Rows.Integrations {
		o := object{"integration", i.ID, i.ProjectID, i.Name}
		switch {
		case i.AuthMethod == "":
			c.add("webhook-open", o, "")
		case i.AuthSecretID == nil:
			c.add("webhook-secret", o, "its method "+i.AuthMethod+" has no secret")
		}
		given := map[string]bool{}
		for _, e := range c.Rows.Extractors {
			if e.IntegrationID == i.ID && e.VariableType == "environment" {
				given[e.Variable] = true
			}
		}
		for _, params := range c.Rows.TaskParams {
			if params.IntegrationID != nil && *params.IntegrationID == i.ID {
				give(given, params)
			}
		}
		c.required(o, i.TemplateID, given)
	}
}

// give notes which variables saved parameters give. What is sealed may be any.
func give(given map[string]bool, p store.TaskParams) {
	for _, name := range names(p.Environment) {
		given[name] = true
	}
	given[""] = given[""] || p.Secret != nil
}

// required looks for variables that nobody is there to be asked for.
func (c checker) required(o object, template int64, given map[string]bool) {
	t, _ := byID(c.Rows.Templates, templateID, &template)
	for _, v := range t.SurveyVars {
		if v.Required && v.DefaultValue == "" && !given[v.Name] && (v.Type != store.SurveySecret || !given[""]) {
			c.add("survey-required", o, "the survey of its template requires "+v.Name)
		}
	}
}

// schedules asks the pool, which nothing runs in.
func (c checker) schedules() {
	ring, err := crypto.NewRing(crypto.GenerateKey())
	if err != nil {
		return
	}
	p, err := pool.New(memory.New(memory.Config{}), pool.Config{Ring: ring})
	if err != nil {
		return
	}
	for _, s := range c.Rows.Schedules {
		if !s.Active {
			continue
		}
		o := object{"schedule", s.ID, s.ProjectID, s.Name}
		if err := p.CheckSchedule(s); err != nil {
			c.add("schedule-invalid", o, err.Error())
		}
		given := map[string]bool{}
		for _, params := range c.Rows.TaskParams {
			if params.ScheduleID != nil && *params.ScheduleID == s.ID {
				give(given, params)
			}
		}
		c.required(o, s.TemplateID, given)
	}
}

// states looks for what old checkouts hold.
func (c checker) states() {
	if c.Checkouts == "" {
		return
	}
	for _, found := range c.Rows.CheckoutStates(c.Checkouts) {
		o := object{"template", found.Template, found.Project, "workspace " + found.Workspace}
		if found.Locked {
			c.add("state-locked", o, "")
			continue
		}
		c.add("state-local", o, "")
	}
}
