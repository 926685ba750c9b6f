package storetest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

func referenceCases() []testCase {
	return []testCase{
		{"no row refers to one that is not there", eachRelation(refusesMissing)},
		{"no row refers to one of another project", eachRelation(refusesForeign)},
		{"a deletion deals with every referrer", eachRelation(deletes)},
		{"references lists what a deletion would meet", eachRelation(listsReferrers)},
		{"a key that a variable group owns and an inventory uses stays", ownedKeyInUse},
		{"a project goes with all that is in it", deletesProject},
		{"a template or project with unfinished tasks stays", staysWhileUnfinished},
		{"references of a row that is not there are not found", noReferences},
	}
}

// served are the relations whose referrers are made by one call. Results of
// tasks come with the output, and a task's runner with its claim.
func served() []schema.Relation {
	return slices.DeleteFunc(slices.Clone(schema.Relations), func(r schema.Relation) bool {
		return r.Column == "runner_id" || slices.Contains([]string{"task_stage", "task_ansible_host", "task_ansible_error"}, r.Table)
	})
}

func eachRelation(check func(t *testing.T, w *world, r schema.Relation)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		for _, r := range served() {
			t.Run(r.Table+"."+r.Column+" to "+r.Target, func(t *testing.T) { check(t, w, r) })
		}
	}
}

// tryCreate makes a row of any table.
func (w *world) tryCreate(t *testing.T, name string, set ...column) error {
	t.Helper()
	switch name {
	case "task":
		_, err := w.Tasks().Create(t.Context(), w.finishedTask(set...))
		return err
	case "event":
		return w.Events().Add(t.Context(), w.row(t, schema.Named(name), set...).Interface().(store.Event))
	}
	tab := tableNamed(name)
	_, err := tab.create(t.Context(), w.Store, w.row(t, tab.entity(), set...))
	return err
}

// total counts the rows of a table in all scopes.
func (w *world) total(t *testing.T, name string) int {
	t.Helper()
	switch name {
	case "task":
		counts, err := w.Tasks().Counts(t.Context(), store.TaskFilter{})
		require.NoError(t, err)
		n := 0
		for _, c := range counts {
			n += c
		}
		return n
	case "event":
		page, err := w.Events().List(t.Context(), store.AnyScope, store.Query{Limit: -1})
		require.NoError(t, err)
		return len(page.Items)
	}
	n, err := tableNamed(name).count(t.Context(), w.Store, store.AnyScope, store.Query{})
	require.NoError(t, err)
	return n
}

func (w *world) refuses(t *testing.T, r schema.Relation, id int64) {
	t.Helper()
	w.row(t, schema.Named(r.Table)) // makes what the row needs
	before := w.total(t, r.Table)
	var bad *store.ReferenceError
	require.ErrorAs(t, w.tryCreate(t, r.Table, column{r.Column, id}), &bad)
	require.ErrorIs(t, bad, store.ErrInvalid)
	require.Equal(t, r.Table, bad.Table)
	require.Equal(t, before, w.total(t, r.Table))
	if r.Table == "task" || r.Table == "event" || r.Column == schema.Named(r.Table).Scope {
		return
	}
	tab := tableNamed(r.Table)
	row := w.add(t, tab, w.row(t, tab.entity()))
	changed := copyOf(row)
	mustSet(tab.entity(), changed, column{r.Column, id})
	require.ErrorIs(t, tab.update(t.Context(), w.Store, changed), store.ErrInvalid)
	require.Equal(t, row.Interface(), w.stored(t, tab, row))
}

func refusesMissing(t *testing.T, w *world, r schema.Relation) { w.refuses(t, r, 1<<40) }

func refusesForeign(t *testing.T, w *world, r schema.Relation) {
	if r.Global {
		return
	}
	w.refuses(t, r, w.neighbour(t).id(t, r.Target))
}

// victim makes a row to be deleted, with a world around it.
func (w *world) victim(t *testing.T, target string) (*world, int64) {
	t.Helper()
	in := w.neighbour(t)
	if target == "project" {
		return in, in.project.ID
	}
	return in, in.create(t, target)
}

func (w *world) remove(t *testing.T, name string, id int64) error {
	t.Helper()
	if name == "task" {
		return w.Tasks().Delete(t.Context(), w.project.ID, id)
	}
	tab := tableNamed(name)
	scope := int64(0)
	if tab.entity().Scope == "project_id" {
		scope = w.project.ID
	}
	return tab.remove(t.Context(), w.Store, scope, id)
}

// peek returns a column of a row, wherever the row is.
func (w *world) peek(t *testing.T, name, col string, id int64) (value any, found bool) {
	t.Helper()
	switch name {
	case "task":
		page, err := w.Tasks().List(t.Context(), store.TaskFilter{Limit: 1000})
		require.NoError(t, err)
		for _, task := range page.Items {
			if task.ID == id {
				return valueOf(schema.Of[store.Task](), asRow(task.Task), col), true
			}
		}
		return nil, false
	case "event":
		page, err := w.Events().List(t.Context(), store.AnyScope, store.Query{Where: map[string]any{"id": id}})
		require.NoError(t, err)
		if len(page.Items) == 0 {
			return nil, false
		}
		return valueOf(schema.Of[store.Event](), asRow(page.Items[0]), col), true
	}
	tab := tableNamed(name)
	rows, _, err := tab.list(t.Context(), w.Store, store.AnyScope, store.Query{Where: map[string]any{"id": id}})
	require.NoError(t, err)
	if len(rows) == 0 {
		return nil, false
	}
	return valueOf(tab.entity(), rows[0], col), true
}

func deletes(t *testing.T, w *world, r schema.Relation) {
	in, target := w.victim(t, r.Target)
	referrer := in.create(t, r.Table, column{r.Column, target})
	bystander := in.neighbour(t).create(t, r.Table)
	err := in.remove(t, r.Target, target)
	_, there := in.peek(t, r.Target, "id", target)
	value, left := in.peek(t, r.Table, r.Column, referrer)
	switch r.OnDelete {
	case schema.Restrict:
		var used *store.InUseError
		require.ErrorAs(t, err, &used)
		require.ErrorIs(t, err, store.ErrInUse)
		require.Equal(t, r.Target, used.Table)
		require.False(t, used.References.Empty())
		require.True(t, there)
		require.Equal(t, target, value)
		return
	case schema.Cascade:
		require.NoError(t, err)
		require.False(t, left)
	case schema.Nullify:
		require.NoError(t, err)
		require.True(t, left)
		require.Nil(t, value)
	}
	require.False(t, there)
	_, left = in.peek(t, r.Table, "id", bystander)
	require.True(t, left)
}

// filedUnder names the tables that people see in place of others.
var filedUnder = map[string]string{"template_vault": "template_id", "terraform_alias": "inventory_id", "task_params": "schedule_id"}

func listsReferrers(t *testing.T, w *world, r schema.Relation) {
	kind := schema.Named(r.Target).Kind
	if kind == "" || r.OnDelete == schema.Cascade || r.Target == "project" {
		return
	}
	in, target := w.victim(t, r.Target)
	set := []column{{r.Column, target}}
	table, id := r.Table, int64(0)
	if col, ok := filedUnder[r.Table]; ok {
		for _, up := range schema.From(r.Table) {
			if up.Column == col {
				table, id = up.Target, in.create(t, up.Target)
				set = append(set, column{col, id})
			}
		}
	}
	referrer := in.create(t, r.Table, set...)
	if id == 0 {
		id = referrer
	}
	refs, err := in.References(t.Context(), kind, in.project.ID, target)
	require.NoError(t, err)
	name, _ := in.peek(t, table, "id", id)
	if schema.Named(table).Has("name") {
		name, _ = in.peek(t, table, "name", id)
	}
	text, _ := name.(string)
	var want store.References
	schema.AddReferrer(&want, table, store.Referrer{ID: id, Name: text})
	requireReferences(t, want, refs)
}

func requireReferences(t *testing.T, want, got store.References) {
	t.Helper()
	require.ElementsMatch(t, want.Templates, got.Templates)
	require.ElementsMatch(t, want.Inventories, got.Inventories)
	require.ElementsMatch(t, want.Repositories, got.Repositories)
	require.ElementsMatch(t, want.Integrations, got.Integrations)
	require.ElementsMatch(t, want.Schedules, got.Schedules)
	require.ElementsMatch(t, want.AccessKeys, got.AccessKeys)
}

func ownedKeyInUse(t *testing.T, w *world) {
	environment := w.create(t, "environment")
	key := w.create(t, "access_key", column{"environment_id", environment})
	inventory := w.create(t, "inventory", column{"ssh_key_id", key})
	err := w.remove(t, "environment", environment)
	require.ErrorIs(t, err, store.ErrInUse)
	_, there := w.peek(t, "access_key", "id", key)
	require.True(t, there)
	require.NoError(t, w.remove(t, "inventory", inventory))
	require.NoError(t, w.remove(t, "environment", environment))
	_, there = w.peek(t, "access_key", "id", key)
	require.False(t, there)
}

func deletesProject(t *testing.T, w *world) {
	in := w.neighbour(t)
	for _, tab := range tables() {
		if e := tab.entity(); e.Scope == "project_id" {
			in.add(t, tab, in.full(t, e))
		}
	}
	in.create(t, "task")
	before := map[string]int{}
	for _, tab := range tables() {
		before[tab.entity().Name] = w.total(t, tab.entity().Name)
	}
	require.NoError(t, w.Projects().Delete(t.Context(), 0, in.project.ID))
	for _, tab := range tables() {
		e := tab.entity()
		if e.Scope != "project_id" {
			continue
		}
		n, err := tab.count(t.Context(), w.Store, in.project.ID, store.Query{})
		require.NoError(t, err)
		require.Zero(t, n, e.Name)
		require.Less(t, w.total(t, e.Name), before[e.Name], e.Name)
	}
	counts, err := w.Tasks().Counts(t.Context(), store.TaskFilter{ProjectID: in.project.ID})
	require.NoError(t, err)
	require.Empty(t, counts)
	_, err = w.Templates().Get(t.Context(), w.project.ID, w.template.ID)
	require.NoError(t, err)
}

func staysWhileUnfinished(t *testing.T, w *world) {
	for _, s := range store.Statuses() {
		if s.Finished() || s == store.Rejected {
			continue
		}
		in := w.neighbour(t)
		b := in.bring(t, s)
		err := in.Templates().Delete(t.Context(), in.project.ID, in.template.ID)
		require.ErrorIsf(t, err, store.ErrState, "template with a task that is %s", s)
		require.ErrorIs(t, in.Projects().Delete(t.Context(), 0, in.project.ID), store.ErrState)
		require.Equal(t, s, in.get(t, b.task.ID).Status)
	}
	in := w.neighbour(t)
	in.bring(t, store.Success)
	require.NoError(t, in.Templates().Delete(t.Context(), in.project.ID, in.template.ID))
}

func noReferences(t *testing.T, w *world) {
	_, err := w.References(t.Context(), store.KindKey, w.project.ID, 1<<40)
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = w.References(t.Context(), store.KindKey, w.project.ID, w.neighbour(t).id(t, "access_key"))
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = w.References(t.Context(), "nothing", w.project.ID, 1)
	require.ErrorIs(t, err, store.ErrInvalid)
	refs, err := w.References(t.Context(), store.KindView, w.project.ID, w.id(t, "view"))
	require.NoError(t, err)
	require.True(t, refs.Empty())
}
