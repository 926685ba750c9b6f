package storetest

import (
	"context"
	"reflect"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// table is a store.Table whatever its rows are; a row is an addressable struct.
type table interface {
	entity() *schema.Entity
	get(ctx context.Context, s store.Store, scope, id int64) (reflect.Value, error)
	list(ctx context.Context, s store.Store, scope int64, q store.Query) (rows []reflect.Value, next string, err error)
	count(ctx context.Context, s store.Store, scope int64, q store.Query) (int, error)
	create(ctx context.Context, s store.Store, row reflect.Value) (reflect.Value, error)
	update(ctx context.Context, s store.Store, row reflect.Value) error
	remove(ctx context.Context, s store.Store, scope, id int64) error
}

type typed[T any] struct {
	of func(store.Store) store.Table[T]
}

func tables() []table {
	return []table{
		typed[store.User]{func(s store.Store) store.Table[store.User] { return s.Users() }},
		typed[store.Session]{func(s store.Store) store.Table[store.Session] { return s.Users().Sessions() }},
		typed[store.APIToken]{func(s store.Store) store.Table[store.APIToken] { return s.Users().Tokens() }},
		typed[store.TOTP]{func(s store.Store) store.Table[store.TOTP] { return s.Users().SecondFactors() }},
		typed[store.EmailOTP]{func(s store.Store) store.Table[store.EmailOTP] { return s.Users().OneTimeCodes() }},
		typed[store.Project]{func(s store.Store) store.Table[store.Project] { return s.Projects() }},
		typed[store.Member]{func(s store.Store) store.Table[store.Member] { return s.Projects().Members() }},
		typed[store.Role]{func(s store.Store) store.Table[store.Role] { return s.Projects().Roles() }},
		typed[store.Invite]{func(s store.Store) store.Table[store.Invite] { return s.Projects().Invites() }},
		typed[store.KnownHost]{func(s store.Store) store.Table[store.KnownHost] { return s.Projects().KnownHosts() }},
		typed[store.AccessKey]{store.Store.Keys},
		typed[store.SecretStorage]{store.Store.SecretStorages},
		typed[store.Repository]{store.Store.Repositories},
		typed[store.Inventory]{store.Store.Inventories},
		typed[store.Environment]{store.Store.Environments},
		typed[store.View]{store.Store.Views},
		typed[store.Template]{func(s store.Store) store.Table[store.Template] { return s.Templates() }},
		typed[store.TemplateVault]{func(s store.Store) store.Table[store.TemplateVault] { return s.Templates().Vaults() }},
		typed[store.TemplateRole]{func(s store.Store) store.Table[store.TemplateRole] { return s.Templates().Roles() }},
		typed[store.Integration]{func(s store.Store) store.Table[store.Integration] { return s.Integrations() }},
		typed[store.IntegrationMatcher]{func(s store.Store) store.Table[store.IntegrationMatcher] { return s.Integrations().Matchers() }},
		typed[store.IntegrationExtractor]{func(s store.Store) store.Table[store.IntegrationExtractor] { return s.Integrations().Extractors() }},
		typed[store.IntegrationAlias]{func(s store.Store) store.Table[store.IntegrationAlias] { return s.Integrations().Aliases() }},
		typed[store.TaskParams]{func(s store.Store) store.Table[store.TaskParams] { return s.Integrations().TaskParams() }},
		typed[store.Schedule]{func(s store.Store) store.Table[store.Schedule] { return s.Schedules() }},
		typed[store.Runner]{store.Store.Runners},
		typed[store.TerraformAlias]{func(s store.Store) store.Table[store.TerraformAlias] { return s.Artifacts().TerraformAliases() }},
	}
}

func tableNamed(name string) table {
	for _, t := range tables() {
		if t.entity().Name == name {
			return t
		}
	}
	panic("storetest: no table " + name)
}

func (typed[T]) entity() *schema.Entity { return schema.Of[T]() }

func asRow[T any](v T) reflect.Value { return reflect.ValueOf(&v).Elem() }

func (x typed[T]) get(ctx context.Context, s store.Store, scope, id int64) (reflect.Value, error) {
	v, err := x.of(s).Get(ctx, scope, id)
	return asRow(v), err
}

func (x typed[T]) list(ctx context.Context, s store.Store, scope int64, q store.Query) (rows []reflect.Value, next string, err error) {
	page, err := x.of(s).List(ctx, scope, q)
	for _, v := range page.Items {
		rows = append(rows, asRow(v))
	}
	return rows, page.Next, err
}

func (x typed[T]) count(ctx context.Context, s store.Store, scope int64, q store.Query) (int, error) {
	return x.of(s).Count(ctx, scope, q)
}

func (x typed[T]) create(ctx context.Context, s store.Store, row reflect.Value) (reflect.Value, error) {
	v, err := x.of(s).Create(ctx, row.Interface().(T))
	return asRow(v), err
}

func (x typed[T]) update(ctx context.Context, s store.Store, row reflect.Value) error {
	return x.of(s).Update(ctx, row.Interface().(T))
}

func (x typed[T]) remove(ctx context.Context, s store.Store, scope, id int64) error {
	return x.of(s).Delete(ctx, scope, id)
}

// scopeOf returns the owner of a row.
func scopeOf(e *schema.Entity, row reflect.Value) int64 {
	if e.Scope == "" {
		return 0
	}
	n, _ := valueOf(e, row, e.Scope).(int64)
	return n
}

// valueOf returns what is stored of a column.
func valueOf(e *schema.Entity, row reflect.Value, name string) any {
	col, err := e.Column(name)
	if err != nil {
		panic(err)
	}
	v, err := col.Value(row)
	if err != nil {
		panic(err)
	}
	return v
}

// copyOf is a copy of a row that shares its pointers.
func copyOf(row reflect.Value) reflect.Value {
	c := reflect.New(row.Type()).Elem()
	c.Set(row)
	return c
}
