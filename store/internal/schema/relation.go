package schema

import "github.com/alexandervashurin/semaphore/store"

// OnDelete says what becomes of a referrer when its target is deleted.
type OnDelete int

// What may become of it.
const (
	Restrict OnDelete = iota // the deletion is refused
	Cascade                  // it is deleted too
	Nullify                  // it loses the reference, in the same transaction
)

// Relation is a reference from one table to another. Unless Global, both rows
// have the same project_id, which the database enforces by a foreign key over
// both columns.
type Relation struct {
	Table    string
	Column   string
	Target   string
	OnDelete OnDelete
	Global   bool
}

// Relations lists every reference. SQL declares those that restrict or cascade;
// those that nullify are restricting there, and backends nullify them before
// they delete, because SET NULL over two columns would take the project too.
var Relations = []Relation{
	{Table: "session", Column: "user_id", Target: "app_user", OnDelete: Cascade, Global: true},
	{Table: "api_token", Column: "user_id", Target: "app_user", OnDelete: Cascade, Global: true},
	{Table: "totp", Column: "user_id", Target: "app_user", OnDelete: Cascade, Global: true},
	{Table: "email_otp", Column: "user_id", Target: "app_user", OnDelete: Cascade, Global: true},
	{Table: "member", Column: "user_id", Target: "app_user", OnDelete: Cascade, Global: true},
	{Table: "invite", Column: "user_id", Target: "app_user", OnDelete: Cascade, Global: true},
	{Table: "invite", Column: "inviter_user_id", Target: "app_user", OnDelete: Cascade, Global: true},
	{Table: "task", Column: "user_id", Target: "app_user", OnDelete: Nullify, Global: true},
	{Table: "event", Column: "user_id", Target: "app_user", OnDelete: Nullify, Global: true},

	{Table: "member", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "role", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "invite", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "known_host", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "access_key", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "secret_storage", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "repository", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "inventory", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "environment", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "view", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "template", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "integration", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "schedule", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "task_params", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "integration_alias", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "runner", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "task", Column: "project_id", Target: "project", OnDelete: Cascade, Global: true},
	{Table: "event", Column: "project_id", Target: "project", OnDelete: Nullify, Global: true},

	{Table: "project", Column: "default_secret_storage_id", Target: "secret_storage", OnDelete: Nullify, Global: true},
	{Table: "environment", Column: "secret_storage_id", Target: "secret_storage", OnDelete: Restrict},
	{Table: "access_key", Column: "source_storage_id", Target: "secret_storage", OnDelete: Restrict},
	{Table: "access_key", Column: "storage_id", Target: "secret_storage", OnDelete: Cascade},
	{Table: "access_key", Column: "environment_id", Target: "environment", OnDelete: Cascade},

	{Table: "repository", Column: "ssh_key_id", Target: "access_key", OnDelete: Restrict},
	{Table: "inventory", Column: "ssh_key_id", Target: "access_key", OnDelete: Restrict},
	{Table: "inventory", Column: "become_key_id", Target: "access_key", OnDelete: Restrict},
	{Table: "template_vault", Column: "vault_key_id", Target: "access_key", OnDelete: Restrict},
	{Table: "integration", Column: "auth_secret_id", Target: "access_key", OnDelete: Nullify},
	{Table: "terraform_alias", Column: "auth_key_id", Target: "access_key", OnDelete: Restrict},

	{Table: "template", Column: "repository_id", Target: "repository", OnDelete: Restrict},
	{Table: "inventory", Column: "repository_id", Target: "repository", OnDelete: Nullify},
	{Table: "schedule", Column: "repository_id", Target: "repository", OnDelete: Restrict},

	{Table: "template", Column: "inventory_id", Target: "inventory", OnDelete: Restrict},
	{Table: "task", Column: "inventory_id", Target: "inventory", OnDelete: Nullify},
	{Table: "task_params", Column: "inventory_id", Target: "inventory", OnDelete: Nullify},
	{Table: "terraform_alias", Column: "inventory_id", Target: "inventory", OnDelete: Cascade},

	{Table: "template", Column: "environment_id", Target: "environment", OnDelete: Restrict},
	{Table: "template", Column: "view_id", Target: "view", OnDelete: Nullify},

	{Table: "template", Column: "build_template_id", Target: "template", OnDelete: Restrict},
	{Table: "inventory", Column: "template_id", Target: "template", OnDelete: Nullify},
	{Table: "template_vault", Column: "template_id", Target: "template", OnDelete: Cascade},
	{Table: "template_role", Column: "template_id", Target: "template", OnDelete: Cascade},
	{Table: "schedule", Column: "template_id", Target: "template", OnDelete: Cascade},
	{Table: "integration", Column: "template_id", Target: "template", OnDelete: Cascade},
	{Table: "task", Column: "template_id", Target: "template", OnDelete: Cascade},

	{Table: "integration_matcher", Column: "integration_id", Target: "integration", OnDelete: Cascade},
	{Table: "integration_extractor", Column: "integration_id", Target: "integration", OnDelete: Cascade},
	{Table: "integration_alias", Column: "integration_id", Target: "integration", OnDelete: Cascade},
	{Table: "task_params", Column: "integration_id", Target: "integration", OnDelete: Cascade},
	{Table: "task_params", Column: "schedule_id", Target: "schedule", OnDelete: Cascade},
	{Table: "task", Column: "integration_id", Target: "integration", OnDelete: Nullify},
	{Table: "event", Column: "integration_id", Target: "integration", OnDelete: Nullify, Global: true},
	{Table: "task", Column: "schedule_id", Target: "schedule", OnDelete: Nullify},
	{Table: "task", Column: "runner_id", Target: "runner", OnDelete: Nullify, Global: true},

	{Table: "task", Column: "build_task_id", Target: "task", OnDelete: Nullify},
	{Table: "task_stage", Column: "task_id", Target: "task", OnDelete: Cascade},
	{Table: "task_ansible_host", Column: "task_id", Target: "task", OnDelete: Cascade},
	{Table: "task_ansible_error", Column: "task_id", Target: "task", OnDelete: Cascade},
}

// To lists the relations that point to a table.
func To(table string) []Relation {
	var list []Relation
	for _, r := range Relations {
		if r.Target == table {
			list = append(list, r)
		}
	}
	return list
}

// From lists the relations of a table.
func From(table string) []Relation {
	var list []Relation
	for _, r := range Relations {
		if r.Table == table {
			list = append(list, r)
		}
	}
	return list
}

// AddReferrer files a referrer under its kind. Those of tables that people do
// not see as objects of their own are filed under what they belong to, by the
// caller.
func AddReferrer(refs *store.References, table string, r store.Referrer) {
	switch table {
	case "template":
		refs.Templates = append(refs.Templates, r)
	case "inventory":
		refs.Inventories = append(refs.Inventories, r)
	case "repository":
		refs.Repositories = append(refs.Repositories, r)
	case "integration":
		refs.Integrations = append(refs.Integrations, r)
	case "schedule":
		refs.Schedules = append(refs.Schedules, r)
	case "environment", "secret_storage":
		r.Kind = store.Kind(table)
		refs.AccessKeys = append(refs.AccessKeys, r)
	case "access_key":
		refs.AccessKeys = append(refs.AccessKeys, r)
	}
}
