// Package memory is a store in the memory of the process: the fake for tests of
// whatever works on a store, and a base for backends of your own. It keeps to
// every rule that the SQL stores keep to, links no SQL driver, and starts no
// goroutine, so that it works inside testing/synctest bubbles.
//
// Readers never wait: they see what was committed last. Writers go one after
// another, a transaction being one of them.
package memory

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Config is the configuration of a Store. The zero value is usable.
type Config struct {
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Store is a store.Store, a store.Owned and a store.Listener. Each one made by
// New has data of its own.
type Store struct {
	*database
	tx *transaction // nil outside of one
}

// database is what a Store shares with the Stores of its transactions.
type database struct {
	cat  *catalog
	now  func() time.Time
	lock chan struct{}         // holds a value while somebody writes
	last atomic.Pointer[state] // committed

	mu    sync.Mutex
	owned bool
	ears  map[*ear]struct{}
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Owned    = (*Store)(nil)
	_ store.Listener = (*Store)(nil)
)

// New returns an empty store.
func New(cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	db := &database{cat: newCatalog(), now: cfg.Now, lock: make(chan struct{}, 1), ears: map[*ear]struct{}{}}
	db.last.Store(newState(db.cat))
	return &Store{database: db}
}

// Close does nothing: what nobody refers to any more is gone.
func (s *Store) Close() error { return nil }

// Users returns the users.
func (s *Store) Users() store.UserStore { return users{tableOf[store.User](s)} }

// Projects returns the projects.
func (s *Store) Projects() store.ProjectStore { return projects{tableOf[store.Project](s)} }

// Keys returns the access keys.
func (s *Store) Keys() store.Table[store.AccessKey] { return tableOf[store.AccessKey](s) }

// SecretStorages returns the secret storages.
func (s *Store) SecretStorages() store.Table[store.SecretStorage] {
	return tableOf[store.SecretStorage](s)
}

// Repositories returns the repositories.
func (s *Store) Repositories() store.Table[store.Repository] { return tableOf[store.Repository](s) }

// Inventories returns the inventories.
func (s *Store) Inventories() store.Table[store.Inventory] { return tableOf[store.Inventory](s) }

// Environments returns the variable groups.
func (s *Store) Environments() store.Table[store.Environment] { return tableOf[store.Environment](s) }

// Views returns the views.
func (s *Store) Views() store.Table[store.View] { return tableOf[store.View](s) }

// Templates returns the templates.
func (s *Store) Templates() store.TemplateStore { return templates{tableOf[store.Template](s)} }

// Integrations returns the integrations.
func (s *Store) Integrations() store.IntegrationStore {
	return integrations{tableOf[store.Integration](s)}
}

// Schedules returns the schedules.
func (s *Store) Schedules() store.ScheduleStore { return schedules{tableOf[store.Schedule](s)} }

// Runners returns the runners.
func (s *Store) Runners() store.Table[store.Runner] { return tableOf[store.Runner](s) }

// Options returns the settings.
func (s *Store) Options() store.OptionStore { return options{s} }

// Events returns the audit log.
func (s *Store) Events() store.EventStore { return events{tableOf[store.Event](s)} }

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
