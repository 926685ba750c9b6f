// Package store is the vocabulary that everything shares: the rows of the
// domain, the interfaces of a store, and its errors. It needs the standard
// library only.
//
// Backends are store/memory (the fake for tests), store/sqlite and
// store/postgres; store/open chooses one by URL. storetest.Run proves a
// backend of your own. To replace one table, embed a Store and override the
// accessor; override InTx too, so that the Store inside a transaction is
// wrapped as well. Such a decorator has a method Unwrap() Store that returns
// what it wraps: by it [As] finds the optional interfaces, [Owned], [Listener],
// [Dumper] and [Stager], of the store beneath. [Versioned] speaks for a whole
// store, so that of one beneath is left alone.
//
// Scopes. A row belongs to a project, to a user (sessions, tokens, second
// factors) or to nobody (users, projects). The scope argument of [Table] is
// the id of that owner, 0 for rows that belong to nobody. A row of another
// scope does not exist: it is [ErrNotFound].
package store

import "context"

// Store is a database. It is safe for concurrent use. Accessors are cheap and
// may be called for every use.
type Store interface {
	Users() UserStore
	Projects() ProjectStore
	Keys() Table[AccessKey]
	SecretStorages() Table[SecretStorage]
	Repositories() Table[Repository]
	Inventories() Table[Inventory]
	Environments() Table[Environment]
	Views() Table[View]
	Templates() TemplateStore
	Integrations() IntegrationStore
	Schedules() ScheduleStore
	Runners() Table[Runner] // scope 0: the global ones
	Options() OptionStore
	Events() EventStore

	Tasks() TaskStore         // tasks as people see them
	Queue() TaskQueue         // tasks as workers see them
	Logs() LogStore           // their output
	Artifacts() ArtifactStore // Terraform states and run bundles
	Sealed() SealedStore      // every sealed value, for the rotation of keys

	// References lists what refers to a row of a project and would be in the way
	// of its deletion or lose its reference.
	References(ctx context.Context, kind Kind, project, id int64) (References, error)

	// InTx calls f with a Store whose methods share one transaction. It commits
	// when f returns nil and rolls back on an error or a panic. Inside f only
	// the given Store is to be used; InTx of that one joins the transaction.
	InTx(ctx context.Context, f func(ctx context.Context, tx Store) error) error

	// Close releases the store. It may be called again.
	Close() error
}

// Table serves one kind of row. Rows are values: neither side keeps or changes
// what the other has given.
//
// Errors: [ErrNotFound] for a row that is not there or not in this scope,
// *[ConflictError] for a value that has to be unique, *[ReferenceError] for a
// reference to a row that does not exist in the project, *[InUseError] for the
// deletion of a row that others need, *[QueryError] for a query that cannot be
// answered. Nothing is changed on an error, but by a Delete that goes in steps.
type Table[T any] interface {
	Get(ctx context.Context, scope, id int64) (T, error)
	// List returns the rows of a scope; [AnyScope] those of all.
	List(ctx context.Context, scope int64, q Query) (Page[T], error)
	// Count tells how many rows List would return over all pages.
	Count(ctx context.Context, scope int64, q Query) (int, error)
	// Create stores a row and returns it with its new id. Ids are never reused.
	// A row that carries an id keeps it where that is free: imports need that.
	Create(ctx context.Context, row T) (T, error)
	// Update replaces the row of the same id and scope, but for Created.
	Update(ctx context.Context, row T) error
	// Delete removes a row with all that belongs to it. Outside of InTx a store
	// may do so in steps where there is much of it, so that nobody waits for long:
	// finished tasks and their output first, and references of tasks and events
	// to the row, which is checked before and removed last. An error on the way,
	// or a reason against it that came up meanwhile, leaves the row without what
	// the steps have taken; Delete again goes on. Inside InTx it is done as a
	// whole or not at all.
	Delete(ctx context.Context, scope, id int64) error
}

// AnyScope lists over all scopes.
const AnyScope int64 = -1

// Query chooses, sorts and pages.
type Query struct {
	// Where holds column names (those of the JSON) and the values they must have:
	// a value, nil for no value, or a slice for one of several.
	Where map[string]any
	// Search keeps rows whose name (title, username) contains the text, letters
	// of either case.
	Search string
	// Sort is the column to sort by. Defaults to "id". Text is compared without
	// regard to case.
	Sort string
	Desc bool
	// After is the Next of the page before.
	After string
	// Limit is the size of a page. Defaults to 200, at most 1000; -1 means all.
	Limit int
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T    // never nil
	Next  string // give it as After for the page that follows; "" for the last one
}

// UserStore serves users and what belongs to them. Sessions, tokens, second
// factors and codes are scoped by the user's id.
type UserStore interface {
	Table[User]
	// ByLogin finds a user by name or e-mail address, without regard to case.
	ByLogin(ctx context.Context, login string) (User, error)
	Sessions() Table[Session]
	Tokens() Table[APIToken]
	SecondFactors() Table[TOTP]
	OneTimeCodes() Table[EmailOTP]
}

// ProjectStore serves projects and who may do what in them.
type ProjectStore interface {
	Table[Project]
	// Of lists the projects that a user is a member of, by name.
	Of(ctx context.Context, user int64) ([]Project, error)
	Members() Table[Member]
	Roles() Table[Role] // scope 0: roles of every project
	Invites() Table[Invite]
	KnownHosts() Table[KnownHost]
}

// TemplateStore serves templates and what belongs to them.
type TemplateStore interface {
	Table[Template]
	Vaults() Table[TemplateVault]
	Roles() Table[TemplateRole]
}

// IntegrationStore serves webhooks and what belongs to them.
type IntegrationStore interface {
	Table[Integration]
	Matchers() Table[IntegrationMatcher]
	Extractors() Table[IntegrationExtractor]
	Aliases() Table[IntegrationAlias]
	// TaskParams are the saved parameters of integrations and schedules.
	TaskParams() Table[TaskParams]
}

// OptionStore keeps settings by name.
type OptionStore interface {
	All(ctx context.Context) (map[string]string, error)
	// Set stores a value; an empty one deletes the option.
	Set(ctx context.Context, key, value string) error
}

// EventStore is the audit log. Events are added in the transaction of what
// they record, and never changed.
type EventStore interface {
	Add(ctx context.Context, e Event) error
	// List returns events, newest first; scope [AnyScope] means all, 0 those
	// without a project.
	List(ctx context.Context, scope int64, q Query) (Page[Event], error)
	// Purge deletes at most limit events older than before and tells how many.
	Purge(ctx context.Context, before int64, limit int) (int, error)
}

// SealedStore walks over all sealed values, whatever table they are in.
type SealedStore interface {
	// List returns at most limit values behind the cursor, and the next cursor,
	// "" at the end.
	List(ctx context.Context, after string, limit int) (values []SealedValue, next string, err error)
	// Replace stores sealed in place of v, if the value is still v's.
	Replace(ctx context.Context, v SealedValue, sealed string) (bool, error)
}

// SealedValue is one sealed value and the row that it is bound to.
type SealedValue struct {
	Table     string
	ProjectID int64
	ID        int64
	Field     string
	Value     string
}

// Listener is an optional interface of a Store: wake-ups from other processes.
// They are hints; polling is the guarantee.
type Listener interface {
	// Listen calls f for each notice until ctx ends.
	Listen(ctx context.Context, f func(Notice)) error
}

// Notice tells that something about a task changed.
type Notice struct {
	Kind      string `json:"kind"` // added, changed, output, stop
	ProjectID int64  `json:"project_id"`
	TaskID    int64  `json:"task_id"`
}

// Versioned is an optional interface of a Store that can tell whether anything
// was changed.
type Versioned interface {
	// Version returns a number that differs from the one before whenever a change
	// was committed in between, by whatever process. What is read afterwards is at
	// least as new as the number. It is false where the store cannot tell.
	Version(ctx context.Context) (uint64, bool)
}

// Owned is an optional interface of a Store that only one pool may work on at a
// time, as a file database is.
type Owned interface {
	// Own takes the store for this process, or fails with an [OwnedError] that
	// names the holder. Whoever held it before is proven dead.
	Own(ctx context.Context) (release func() error, err error)
}
