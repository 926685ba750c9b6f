package storetest

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// clock is a time that only the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

// Now returns the time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a store with a project and one row of every kind that tests need.
type world struct {
	store.Store
	clock    *clock
	project  store.Project
	template store.Template
	made     map[string]int64 // by table
	counter  *int
}

func newWorld(t testing.TB, s store.Store, c *clock) *world {
	t.Helper()
	return fixture(t, &world{Store: s, clock: c, counter: new(int)})
}

// neighbour is another project in the same store.
func (w *world) neighbour(t testing.TB) *world {
	t.Helper()
	return fixture(t, &world{Store: w.Store, clock: w.clock, counter: w.counter})
}

// fixture makes a project with key, repository, inventory, environment and
// template.
func fixture(t testing.TB, w *world) *world {
	t.Helper()
	var err error
	w.made = map[string]int64{}
	w.project, err = w.Projects().Create(t.Context(), store.Project{Name: w.unique("project")})
	require.NoError(t, err)
	w.made["project"] = w.project.ID
	inventory, environment := w.id(t, "inventory"), w.id(t, "environment")
	w.template, err = w.Templates().Create(t.Context(), store.Template{
		ProjectID: w.project.ID, Name: w.unique("template"), App: "ansible", Playbook: "site.yml",
		RepositoryID: w.id(t, "repository"), InventoryID: &inventory, EnvironmentID: &environment,
	})
	require.NoError(t, err)
	w.made["template"] = w.template.ID
	return w
}

func (w *world) number() int { *w.counter++; return *w.counter }

func (w *world) unique(name string) string { return fmt.Sprintf("%s-%d", name, w.number()) }

// id returns a row of this project and table, which is made when it is asked
// for first.
func (w *world) id(t testing.TB, table string) int64 {
	t.Helper()
	if w.made[table] == 0 {
		w.made[table] = w.create(t, table)
	}
	return w.made[table]
}

// create makes a row with as few references as can be, and returns its id.
func (w *world) create(t testing.TB, table string, set ...column) int64 {
	t.Helper()
	switch table {
	case "task":
		task, err := w.Tasks().Create(t.Context(), w.finishedTask(set...))
		require.NoError(t, err)
		return task.ID
	case "event":
		description := w.unique("event")
		row := w.row(t, schema.Named(table), append(set, column{"description", description})...)
		require.NoError(t, w.Events().Add(t.Context(), row.Interface().(store.Event)))
		page, err := w.Events().List(t.Context(), store.AnyScope, store.Query{Where: map[string]any{"description": description}})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		return page.Items[0].ID
	}
	tab := tableNamed(table)
	row, err := tab.create(t.Context(), w.Store, w.row(t, tab.entity(), set...))
	require.NoErrorf(t, err, "create %s", table)
	return schema.ID(row)
}

// finishedTask is a task that may be deleted.
func (w *world) finishedTask(set ...column) store.NewTask {
	task := store.Task{ProjectID: w.project.ID, TemplateID: w.template.ID, Status: store.Failed, Message: w.unique("task")}
	for _, c := range set {
		mustSet(schema.Named("task"), reflect.ValueOf(&task).Elem(), c)
	}
	return store.NewTask{Task: task}
}

// column is a column with the value that is stored in it.
type column struct {
	name  string
	value any
}

func mustSet(e *schema.Entity, row reflect.Value, c column) {
	col, err := e.Column(c.name)
	if err == nil {
		err = col.Set(row, c.value)
	}
	if err != nil {
		panic(err)
	}
}

// row makes a row that can be created: what must not be empty is filled.
func (w *world) row(t testing.TB, e *schema.Entity, set ...column) reflect.Value {
	t.Helper()
	row := reflect.New(e.Type).Elem()
	if e.Has("project_id") {
		mustSet(e, row, column{"project_id", w.project.ID})
	}
	for _, r := range schema.From(e.Name) {
		if col, _ := e.Column(r.Column); !col.Null && r.Column != "project_id" {
			mustSet(e, row, column{r.Column, w.target(t, e, r)})
		}
	}
	for _, c := range e.Columns {
		if c.Type == schema.Text && !c.Null {
			mustSet(e, row, column{c.Name, w.unique(c.Name)})
		}
	}
	if e.Name == "invite" {
		mustSet(e, row, column{"email", w.unique("email")})
	}
	for _, c := range set {
		mustSet(e, row, c)
	}
	return row
}

// target returns what a reference may lead to: a new row where several
// referrers of one are not allowed.
func (w *world) target(t testing.TB, e *schema.Entity, r schema.Relation) int64 {
	t.Helper()
	for _, set := range e.Unique {
		if set[len(set)-1] == r.Column {
			return w.create(t, r.Target)
		}
	}
	return w.id(t, r.Target)
}

// full makes a row with every column filled.
func (w *world) full(t testing.TB, e *schema.Entity) reflect.Value {
	t.Helper()
	row := w.row(t, e)
	for _, c := range e.Columns {
		n := int64(w.number())
		switch {
		case c.Name == "id" || c.Name == "project_id":
		case c.Type == schema.Text:
			mustSet(e, row, column{c.Name, w.unique("A " + c.Name)})
		case c.Type == schema.Bool:
			mustSet(e, row, column{c.Name, true})
		case c.Type == schema.Time:
			mustSet(e, row, column{c.Name, w.clock.Now().UnixMilli() + n*1001})
		case c.Type == schema.JSON:
			mustSet(e, row, column{c.Name, sample(c.Name, n)})
		case c.Type == schema.Int:
			mustSet(e, row, column{c.Name, n})
		}
	}
	for _, r := range schema.From(e.Name) {
		if r.Column != "project_id" {
			mustSet(e, row, column{r.Column, w.target(t, e, r)})
		}
	}
	switch e.Name {
	case "task_params": // one owner
		mustSet(e, row, column{"integration_id", nil})
	case "project": // the storage would be another project's
		mustSet(e, row, column{"default_secret_storage_id", nil})
	case "template":
		mustSet(e, row, column{"tasks", int64(0)})
	}
	return row
}

// sample is a JSON value for a column.
func sample(name string, n int64) string {
	switch name {
	case "survey_vars":
		return fmt.Sprintf(`[{"name":"v%d","title":"t","type":"enum","values":[{"name":"a","value":"b"}]}]`, n)
	case "scopes":
		return `["read","tasks"]`
	case "options":
		return fmt.Sprintf(`{"workspace":"keep","max_retries":%d,"submodules":false,"retention":{"days":3}}`, n)
	case "retention":
		return fmt.Sprintf(`{"days":%d,"tasks":2,"bytes":3}`, n)
	default:
		return fmt.Sprintf(`{"n":%d}`, n)
	}
}
