package store

// Kind names a table in questions about references.
type Kind string

// The kinds that others refer to.
const (
	KindProject       Kind = "project"
	KindUser          Kind = "user"
	KindKey           Kind = "key"
	KindSecretStorage Kind = "secret_storage"
	KindRepository    Kind = "repository"
	KindInventory     Kind = "inventory"
	KindEnvironment   Kind = "environment"
	KindView          Kind = "view"
	KindTemplate      Kind = "template"
	KindIntegration   Kind = "integration"
	KindSchedule      Kind = "schedule"
	KindTask          Kind = "task"
)

// Referrer is a row that refers to another one.
type Referrer struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	// Kind is what the row is where its list holds others too: variable groups
	// and secret storages are listed with the keys that they have.
	Kind Kind `json:"kind,omitempty"`
}

// References are the referrers of a row by their kind.
type References struct {
	Templates    []Referrer `json:"templates"`
	Inventories  []Referrer `json:"inventories"`
	Repositories []Referrer `json:"repositories"`
	Integrations []Referrer `json:"integrations"`
	Schedules    []Referrer `json:"schedules"`
	AccessKeys   []Referrer `json:"access_keys"`
}

// Empty tells whether nothing refers to the row.
func (r References) Empty() bool { return len(r.kinds()) == 0 }

func (r References) kinds() []string {
	var names []string
	for _, k := range []struct {
		name string
		list []Referrer
	}{
		{"templates", r.Templates}, {"inventories", r.Inventories}, {"repositories", r.Repositories},
		{"integrations", r.Integrations}, {"schedules", r.Schedules}, {"access keys", r.AccessKeys},
	} {
		if len(k.list) > 0 {
			names = append(names, k.name)
		}
	}
	return names
}
