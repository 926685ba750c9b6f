// Package sqlstore is a store.Store over database/sql: the SQL text that all
// SQL stores share. A store brings an [Engine], which runs transactions, and a
// [Dialect] with what its database does differently.
//
// The text keeps to what SQLite and PostgreSQL have in common: $1 placeholders,
// RETURNING, ON CONFLICT, times as integer milliseconds since 1970, booleans as
// BOOLEAN. Every statement names the project where there is one.
package sqlstore

import (
	"fmt"
	"reflect"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// Store is a store.Store.
type Store struct {
	*core
	tx *conn // nil outside of a transaction
}

// core is what a Store shares with the Stores of its transactions.
type core struct {
	engine  Engine
	dialect Dialect
	now     func() time.Time
	tables  map[string]*meta
	types   map[reflect.Type]*meta
}

var _ store.Store = (*Store)(nil)

// New returns a Store on a migrated database. Now defaults to time.Now.
func New(engine Engine, dialect Dialect, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	c := &core{engine: engine, dialect: dialect, now: now, tables: map[string]*meta{}, types: map[reflect.Type]*meta{}}
	for _, e := range schema.Entities() {
		m := newMeta(e)
		c.tables[e.Name], c.types[e.Type] = m, m
	}
	return &Store{core: c}
}

// On returns a Store within a transaction that its caller commits or rolls back.
// Its Get locks no rows.
func (s *Store) On(tx Querier) *Store { return s.in(conn{tx, &s.dialect, &unit{host: true}}) }

// Close closes the database. On a Store of a transaction it does nothing.
func (s *Store) Close() error {
	if s.tx != nil {
		return nil
	}
	if err := s.engine.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// Users returns the users.
func (s *Store) Users() store.UserStore { return users{of[store.User](s)} }

// Projects returns the projects.
func (s *Store) Projects() store.ProjectStore { return projects{of[store.Project](s)} }

// Keys returns the access keys.
func (s *Store) Keys() store.Table[store.AccessKey] { return of[store.AccessKey](s) }

// SecretStorages returns the secret storages.
func (s *Store) SecretStorages() store.Table[store.SecretStorage] { return of[store.SecretStorage](s) }

// Repositories returns the repositories.
func (s *Store) Repositories() store.Table[store.Repository] { return of[store.Repository](s) }

// Inventories returns the inventories.
func (s *Store) Inventories() store.Table[store.Inventory] { return of[store.Inventory](s) }

// Environments returns the variable groups.
func (s *Store) Environments() store.Table[store.Environment] { return of[store.Environment](s) }

// Views returns the views.
func (s *Store) Views() store.Table[store.View] { return of[store.View](s) }

// Templates returns the templates.
func (s *Store) Templates() store.TemplateStore { return templates{of[store.Template](s)} }

// Integrations returns the integrations.
func (s *Store) Integrations() store.IntegrationStore { return integrations{of[store.Integration](s)} }

// Schedules returns the schedules.
func (s *Store) Schedules() store.ScheduleStore { return schedules{of[store.Schedule](s)} }

// Runners returns the runners.
func (s *Store) Runners() store.Table[store.Runner] { return of[store.Runner](s) }

// Options returns the settings.
func (s *Store) Options() store.OptionStore { return options{s} }

// Events returns the audit log.
func (s *Store) Events() store.EventStore { return events{of[store.Event](s)} }

// Tasks returns the tasks as people see them.
func (s *Store) Tasks() store.TaskStore { return tasks{s} }

// Queue returns the tasks as workers see them.
func (s *Store) Queue() store.TaskQueue { return queue{s} }

// Logs returns the output of tasks.
func (s *Store) Logs() store.LogStore { return logs{s} }

// Artifacts returns Terraform states and run bundles.
func (s *Store) Artifacts() store.ArtifactStore { return artifacts{s} }

// Sealed returns all sealed values.
func (s *Store) Sealed() store.SealedStore { return sealed{s} }
