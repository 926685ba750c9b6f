// Package schema describes the tables of a store once for every backend: their
// columns, read off the db tags of the rows, their scopes, what has to be
// unique, and what refers to what.
package schema

import (
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/alexandervashurin/semaphore/store"
)

// Entity describes the rows of one table.
type Entity struct {
	Name     string     // of the SQL table
	Kind     store.Kind // "" where nobody asks for references
	Scope    string     // column of the owner, "" for none
	Nullable bool       // scope 0 stands for rows without an owner
	Search   string     // column that Query.Search looks into
	Unique   [][]string // column sets that are unique, text without regard to case
	Sealed   []string   // columns that hold sealed values
	Columns  []Column
	Type     reflect.Type
}

// Column is one column.
type Column struct {
	Name string // as in SQL
	JSON string // as on the wire, "" where it is not there
	Type ColumnType
	Null bool // the field is a pointer, or raw JSON or bytes that may be nil

	index []int
}

// ColumnType says how a value is stored.
type ColumnType int

// The types.
const (
	Int  ColumnType = iota // integers and durations
	Text                   // strings
	Bool
	Time // milliseconds since 1970
	JSON // text
	Blob
)

// entities are the tables that [store.Table] serves, and the tasks.
var entities = []Entity{
	{Name: "app_user", Kind: store.KindUser, Search: "username", Unique: [][]string{{"username"}, {"email"}}, Type: typeOf[store.User]()},
	{Name: "session", Scope: "user_id", Type: typeOf[store.Session]()},
	{Name: "api_token", Scope: "user_id", Search: "name", Unique: [][]string{{"hash"}}, Type: typeOf[store.APIToken]()},
	{Name: "totp", Scope: "user_id", Unique: [][]string{{"user_id"}}, Sealed: []string{"url"}, Type: typeOf[store.TOTP]()},
	{Name: "email_otp", Scope: "user_id", Type: typeOf[store.EmailOTP]()},
	{Name: "project", Kind: store.KindProject, Search: "name", Type: typeOf[store.Project]()},
	{Name: "member", Scope: "project_id", Unique: [][]string{{"project_id", "user_id"}}, Type: typeOf[store.Member]()},
	{Name: "role", Scope: "project_id", Nullable: true, Search: "name", Unique: [][]string{{"slug"}}, Type: typeOf[store.Role]()},
	{Name: "invite", Scope: "project_id", Unique: [][]string{{"token"}, {"project_id", "user_id"}, {"project_id", "email"}}, Type: typeOf[store.Invite]()},
	{Name: "known_host", Scope: "project_id", Search: "host", Unique: [][]string{{"project_id", "host", "key_type"}}, Type: typeOf[store.KnownHost]()},
	{Name: "access_key", Kind: store.KindKey, Scope: "project_id", Search: "name", Sealed: []string{"secret"}, Type: typeOf[store.AccessKey]()},
	{Name: "secret_storage", Kind: store.KindSecretStorage, Scope: "project_id", Search: "name", Type: typeOf[store.SecretStorage]()},
	{Name: "repository", Kind: store.KindRepository, Scope: "project_id", Search: "name", Type: typeOf[store.Repository]()},
	{Name: "inventory", Kind: store.KindInventory, Scope: "project_id", Search: "name", Type: typeOf[store.Inventory]()},
	{Name: "environment", Kind: store.KindEnvironment, Scope: "project_id", Search: "name", Type: typeOf[store.Environment]()},
	{Name: "view", Kind: store.KindView, Scope: "project_id", Search: "title", Type: typeOf[store.View]()},
	{Name: "template", Kind: store.KindTemplate, Scope: "project_id", Search: "name", Type: typeOf[store.Template]()},
	{Name: "template_vault", Scope: "project_id", Unique: [][]string{{"template_id", "vault_key_id", "name"}}, Type: typeOf[store.TemplateVault]()},
	{Name: "template_role", Scope: "project_id", Unique: [][]string{{"template_id", "role_slug"}}, Type: typeOf[store.TemplateRole]()},
	{Name: "integration", Kind: store.KindIntegration, Scope: "project_id", Search: "name", Type: typeOf[store.Integration]()},
	{Name: "integration_matcher", Scope: "project_id", Search: "name", Type: typeOf[store.IntegrationMatcher]()},
	{Name: "integration_extractor", Scope: "project_id", Search: "name", Type: typeOf[store.IntegrationExtractor]()},
	{Name: "integration_alias", Scope: "project_id", Unique: [][]string{{"alias"}}, Type: typeOf[store.IntegrationAlias]()},
	{Name: "task_params", Scope: "project_id", Unique: [][]string{{"schedule_id"}, {"integration_id"}}, Sealed: []string{"secret"}, Type: typeOf[store.TaskParams]()},
	{Name: "schedule", Kind: store.KindSchedule, Scope: "project_id", Search: "name", Type: typeOf[store.Schedule]()},
	{Name: "runner", Scope: "project_id", Nullable: true, Search: "name", Unique: [][]string{{"token_hash"}}, Type: typeOf[store.Runner]()},
	{Name: "event", Scope: "project_id", Nullable: true, Search: "description", Type: typeOf[store.Event]()},
	{Name: "terraform_alias", Scope: "project_id", Unique: [][]string{{"alias"}}, Type: typeOf[store.TerraformAlias]()},
	{Name: "task", Kind: store.KindTask, Scope: "project_id", Search: "message", Unique: [][]string{{"schedule_id", "fire_time"}}, Type: typeOf[store.Task]()},
	{Name: "task_stage", Scope: "project_id", Unique: [][]string{{"task_id", "number"}}, Type: typeOf[store.Stage]()},
	{Name: "task_ansible_host", Scope: "project_id", Unique: [][]string{{"task_id", "host"}}, Type: typeOf[store.AnsibleHost]()},
	{Name: "task_ansible_error", Scope: "project_id", Type: typeOf[store.AnsibleError]()},
}

// Entities lists all tables, with their columns.
var Entities = sync.OnceValue(func() []*Entity {
	list := make([]*Entity, len(entities))
	for i := range entities {
		e := entities[i]
		e.Columns = columns(e.Type, nil)
		list[i] = &e
	}
	return list
})

// Of returns the table of a row type. Asking for a type that has none is a
// mistake of the program.
func Of[T any]() *Entity {
	t := typeOf[T]()
	for _, e := range Entities() {
		if e.Type == t {
			return e
		}
	}
	panic("schema: no table for " + t.String())
}

// Named returns the table of that name, or nil.
func Named(name string) *Entity {
	i := slices.IndexFunc(Entities(), func(e *Entity) bool { return e.Name == name })
	if i < 0 {
		return nil
	}
	return Entities()[i]
}

// ByKind returns the table of that kind, or nil.
func ByKind(kind store.Kind) *Entity {
	i := slices.IndexFunc(Entities(), func(e *Entity) bool { return e.Kind == kind && kind != "" })
	if i < 0 {
		return nil
	}
	return Entities()[i]
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// Column finds a column by its SQL name or the name on the wire.
func (e *Entity) Column(name string) (*Column, error) {
	for i := range e.Columns {
		if e.Columns[i].Name == name {
			return &e.Columns[i], nil
		}
	}
	for i := range e.Columns {
		if e.Columns[i].JSON == name && name != "" {
			return &e.Columns[i], nil
		}
	}
	return nil, &store.QueryError{Reason: fmt.Sprintf("%s has no column %q", e.Name, name)}
}

// Has tells whether there is a column of that SQL name.
func (e *Entity) Has(name string) bool {
	return slices.ContainsFunc(e.Columns, func(c Column) bool { return c.Name == name })
}
