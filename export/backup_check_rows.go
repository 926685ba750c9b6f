package export

import (
	"fmt"
	"strings"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// maxBackupText bounds texts that have no bound of their own.
const maxBackupText = 1 << 20

func (c *checker) storages() {
	for i := range c.b.SecretStorages {
		s := &c.b.SecretStorages[i]
		r := c.at("secret storage", i, s.Name)
		r.name("name", s.Name, s.Own.BackupName, 100, false)
		r.oneOf("type", s.Type, "local", "vault", "dvls")
		r.source("semaphore_go.source_storage_type", s.Own.SourceStorageType, "env", "file")
	}
}

func (r row) source(field string, kind *string, allowed ...string) {
	if kind != nil && *kind != "" {
		r.oneOf(field, *kind, allowed...)
	}
}

func (c *checker) roles() {
	for i := range c.b.Roles {
		role := &c.b.Roles[i]
		r := c.at("role", i, role.Name)
		r.name("name", role.Name, role.Own.BackupName, 100, false)
		r.bits(role.Permissions)
	}
}

const everyBit = store.CanRunTasks | store.CanUpdateProject | store.CanManageResources | store.CanManageUsers

func (r row) bits(permissions int64) {
	if permissions < 0 || permissions > everyBit {
		r.fail("permissions", "are %d: use a sum of 1 (run), 2 (update), 4 (manage) and 8 (users)", permissions)
	}
}

func (c *checker) environments() {
	for i := range c.b.Environments {
		e := &c.b.Environments[i]
		r := c.at("environment", i, e.Name)
		r.name("name", e.Name, e.Own.BackupName, 255, false)
		if _, err := job.ParseVariables(e.JSON); err != nil {
			r.fail("json", "is no JSON object of variables")
		}
		if e.Env != nil {
			if _, err := job.ParseEnvironment(*e.Env); err != nil {
				r.fail("env", "is no JSON object of texts, numbers and true or false")
			}
		}
		if e.SecretStorageKeyPrefix != nil {
			r.text("secret_storage_key_prefix", *e.SecretStorageKeyPrefix, 900)
		}
		r.refer("semaphore_go.secret_storage", e.Own.SecretStorage, c.ix.storages)
	}
}

func (c *checker) views() {
	for i := range c.b.Views {
		v := &c.b.Views[i]
		r := c.at("view", i, v.Title)
		r.name("title", v.Title, v.Own, 255, false)
		r.oneOf("type", v.Type, "", "all", "custom")
		r.texts(map[string]*string{"filter": v.Filter, "sort_column": v.SortColumn}, maxBackupText)
	}
}

func (c *checker) keys() {
	for i := range c.b.Keys {
		k := &c.b.Keys[i]
		r := c.at("key", i, k.Name)
		r.name("name", k.Name, k.Own.BackupName, 255, false)
		r.oneOf("type", string(k.Type), string(store.KeySSH), string(store.KeyLoginPassword), string(store.KeyNone), string(store.KeyString))
		r.oneOf("owner", string(k.Owner), "", string(store.OwnerEnvironment), string(store.OwnerVariable), string(store.OwnerVault))
		r.source("source_storage_type", k.SourceStorageType, "vault", "env", "file")
		r.texts(map[string]*string{"source_storage_key": k.SourceStorageKey}, 1000)
		r.refer("source_storage", k.SourceStorage, c.ix.storages)
		r.refer("storage", k.Storage, c.ix.storages)
		r.refer("semaphore_go.environment", k.Own.Environment, c.ix.environments)
		switch {
		case k.Own.Environment != nil && k.Owner != store.OwnerEnvironment && k.Owner != store.OwnerVariable:
			r.fail("owner", "is %q: a secret of a variable group is of environment or variable", k.Owner)
		case filled(k.Storage) && k.Owner != store.OwnerVault:
			r.fail("owner", "is %q: the token of a secret storage is of vault", k.Owner)
		}
		r.texts(map[string]*string{"semaphore_go.secret": k.Own.Secret}, maxBackupText)
	}
}

func filled(text *string) bool { return text != nil && *text != "" }

func (c *checker) repositories() {
	for i := range c.b.Repositories {
		repo := &c.b.Repositories[i]
		r := c.at("repository", i, repo.Name)
		r.name("name", repo.Name, repo.Own, 255, false)
		if err := job.CheckRepositoryURL(repo.GitURL); err != nil {
			r.fail("git_url", "%s", reason(err))
		}
		r.branch("git_branch", &repo.GitBranch)
		r.need("ssh_key", repo.SSHKey, c.ix.keys)
		r.key("ssh_key", &repo.SSHKey)
	}
}

// branch checks a name that git has to understand.
func (r row) branch(field string, name *string) {
	if !filled(name) {
		return
	}
	if err := job.CheckRef(*name); err != nil {
		r.fail(field, "%s", reason(err))
	}
}

func (c *checker) inventories() {
	for i := range c.b.Inventories {
		inv := &c.b.Inventories[i]
		r := c.at("inventory", i, inv.Name)
		r.name("name", inv.Name, inv.Own.BackupName, 255, false)
		r.oneOf("type", string(inv.Type), string(store.InventoryStatic), string(store.InventoryStaticYAML), string(store.InventoryFile),
			string(store.InventoryTerraform), string(store.InventoryTofu), string(store.InventoryTerragrunt))
		r.text("inventory", inv.Inventory, 16*maxBackupText)
		r.texts(map[string]*string{"runner_tag": inv.RunnerTag}, 255)
		r.key("ssh_key", inv.SSHKey)
		r.key("become_key", inv.BecomeKey)
		r.refer("semaphore_go.template", inv.Own.Template, c.ix.templates)
		r.refer("semaphore_go.repository", inv.Own.Repository, c.ix.repositories)
		r.oneOf("semaphore_go.host_keys", inv.Own.HostKeys, "", "off", "pin", "strict")
		if filled(inv.Own.Template) && !strings.HasSuffix(string(inv.Type), "-workspace") {
			r.fail("semaphore_go.template", "only a workspace belongs to a template: take it out")
		}
	}
}

func (c *checker) templates() {
	for i := range c.b.Templates {
		t := &c.b.Templates[i]
		r := c.at("template", i, t.Name)
		r.name("name", t.Name, t.Own.BackupName, 255, false)
		r.oneOf("type", string(t.Type), "", string(store.TemplateBuild), string(store.TemplateDeploy))
		r.text("app", t.App, 255)
		r.text("playbook", t.Playbook, 4096)
		r.texts(map[string]*string{"runner_tag": t.RunnerTag, "start_version": t.StartVersion}, 255)
		r.texts(map[string]*string{"description": t.Description, "arguments": t.Arguments}, maxBackupText)
		if filled(t.Arguments) {
			if _, err := job.ParseArgs(*t.Arguments); err != nil {
				r.fail("arguments", "%s", strings.TrimPrefix(err.Error(), "arguments: "))
			}
		}
		r.branch("git_branch", t.GitBranch)
		r.need("repository", t.Repository, c.ix.repositories)
		r.refer("inventory", t.Inventory, c.ix.inventories)
		r.refer("environment", t.Environment, c.ix.environments)
		r.refer("view", t.View, c.ix.views)
		r.refer("build_template", t.BuildTemplate, c.ix.templates)
		r.key("vault_key", t.VaultKey)
		r.survey(t.SurveyVars)
		r.vaults(t.Vaults)
		r.templateRoles(t.Roles)
		r.options(t.Own.Options)
	}
}

func (r row) survey(vars []BackupSurveyVar) {
	seen := map[string]bool{}
	for i, v := range vars {
		field := fmt.Sprintf("survey_vars[%d]", i)
		if v.Name == "" || seen[v.Name] {
			r.fail(field+".name", "%q is empty or there twice", clip(v.Name, 60))
		}
		seen[v.Name] = true
		r.oneOf(field+".type", string(v.Type), "", string(store.SurveyInt), string(store.SurveySecret), string(store.SurveyEnum))
	}
}

func (r row) vaults(list []BackupVault) {
	seen := map[string]bool{}
	for i, v := range list {
		field := fmt.Sprintf("vaults[%d]", i)
		r.oneOf(field+".type", v.Type, "", "password", "script")
		r.key(field+".vault_key", v.VaultKey)
		r.texts(map[string]*string{field + ".script": v.Script, field + ".name": v.Name}, 4096)
		id := strings.ToLower(text(v.Name)) + "\x00" + text(v.VaultKey)
		if filled(v.Name) && filled(v.VaultKey) && seen[id] {
			r.fail(field+".name", "is there twice: keep one")
		}
		seen[id] = true
	}
}

func (r row) templateRoles(list []BackupTemplateRole) {
	seen := map[BackupTemplateRole]bool{}
	for i, role := range list {
		field := fmt.Sprintf("roles[%d]", i)
		if !role.IsGlobal {
			r.need(field+".role", role.Role, r.c.ix.roles)
		}
		r.bits(role.Permissions)
		id := BackupTemplateRole{Role: role.Role, IsGlobal: role.IsGlobal}
		if role.IsGlobal {
			id.Role = strings.ToLower(role.Role)
		}
		if seen[id] {
			r.fail(field+".role", "%q is there twice: keep one", clip(role.Role, 60))
		}
		seen[id] = true
	}
}

func (r row) options(o store.TemplateOptions) {
	const field = "semaphore_go.options"
	r.oneOf(field+".workspace", o.Workspace, "", string(job.Fresh), string(job.Keep))
	r.number(field+".timeout_seconds", int64(o.TimeoutSeconds))
	r.number(field+".confirm_seconds", int64(o.ConfirmSeconds))
	r.number(field+".stop_grace_seconds", int64(o.StopGraceSeconds))
	r.number(field+".max_retries", int64(o.MaxRetries))
	r.number(field+".log_quota", o.LogQuota)
	r.number(field+".depth", int64(o.Depth))
	r.retention(field+".retention", o.Retention)
}
