package storetest

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

func tableCases() []testCase {
	return []testCase{
		{"a row with every column filled comes back as it was given", eachTable(comesBack)},
		{"a row without optional values comes back as it was given", eachTable(comesBackBare)},
		{"an update replaces a row but for the time of its creation", eachTable(updates)},
		{"text comes back whatever it says", eachTable(keepsText)},
		{"rows of another scope do not exist", eachTable(scopes)},
		{"a row that is not there is not found", eachTable(missing)},
		{"ids are never given twice", eachTable(neverReuses)},
		{"a row keeps an id that is free", eachTable(keepsID)},
		{"what has to be unique is, without regard to case", eachTable(unique)},
		{"rows are values that nobody shares", eachTable(doesNotAlias)},
		{"nothing is done for a context that has ended", eachTable(cancelled)},
		{"a row without a time of creation gets the time of the clock", createdNow},
	}
}

func eachTable(check func(t *testing.T, w *world, tab table)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		for _, tab := range tables() {
			t.Run(tab.entity().Name, func(t *testing.T) { check(t, w, tab) })
		}
	}
}

func (w *world) add(t *testing.T, tab table, row reflect.Value) reflect.Value {
	t.Helper()
	made, err := tab.create(t.Context(), w.Store, row)
	require.NoError(t, err)
	return made
}

// stored reads a row of the scope that the given one has.
func (w *world) stored(t *testing.T, tab table, row reflect.Value) any {
	t.Helper()
	got, err := tab.get(t.Context(), w.Store, scopeOf(tab.entity(), row), schema.ID(row))
	require.NoError(t, err)
	return got.Interface()
}

func comesBack(t *testing.T, w *world, tab table) {
	roundTrip(t, w, tab, w.full(t, tab.entity()))
}

func comesBackBare(t *testing.T, w *world, tab table) {
	row := w.row(t, tab.entity())
	if tab.entity().Has("created") {
		mustSet(tab.entity(), row, column{"created", w.clock.Now().UnixMilli()})
	}
	roundTrip(t, w, tab, row)
}

func roundTrip(t *testing.T, w *world, tab table, row reflect.Value) {
	t.Helper()
	made := w.add(t, tab, copyOf(row))
	require.Positive(t, schema.ID(made))
	schema.SetID(row, schema.ID(made))
	require.Equal(t, row.Interface(), made.Interface())
	require.Equal(t, row.Interface(), w.stored(t, tab, row))
	rows, _, err := tab.list(t.Context(), w.Store, scopeOf(tab.entity(), row), store.Query{Where: map[string]any{"id": schema.ID(row)}})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, row.Interface(), rows[0].Interface())
}

func updates(t *testing.T, w *world, tab table) {
	e := tab.entity()
	made := w.add(t, tab, w.row(t, e))
	row := w.full(t, e)
	schema.SetID(row, schema.ID(made))
	if e.Scope != "" && !e.Nullable {
		mustSet(e, row, column{e.Scope, valueOf(e, made, e.Scope)})
	} else if e.Nullable {
		mustSet(e, row, column{"project_id", w.project.ID})
	}
	require.NoError(t, tab.update(t.Context(), w.Store, copyOf(row)))
	if e.Has("created") {
		mustSet(e, row, column{"created", valueOf(e, made, "created")})
	}
	require.Equal(t, row.Interface(), w.stored(t, tab, row))
}

// awkward are texts that have broken stores.
var awkward = []string{
	`'); DROP TABLE project; --`, `" OR ""="`, `\`, `%`, `_`, `$1`, `?`, "\t", "two\nlines", "\r\n", ` leading and trailing `,
	"Grüße, 世界 🦀", "a\u0300", strings.Repeat("long ", 2000), `{"json": [1]}`, "/* */", "NULL", "0", "",
}

func keepsText(t *testing.T, w *world, tab table) {
	e := tab.entity()
	made := w.add(t, tab, w.row(t, e))
	for _, text := range awkward {
		row := copyOf(made)
		for _, c := range e.Columns {
			if c.Type == schema.Text {
				mustSet(e, row, column{c.Name, text})
			}
		}
		require.NoError(t, tab.update(t.Context(), w.Store, row))
		require.Equal(t, row.Interface(), w.stored(t, tab, row))
	}
}

func scopes(t *testing.T, w *world, tab table) {
	e := tab.entity()
	if e.Scope == "" {
		return
	}
	row := w.add(t, tab, w.full(t, e))
	other := w.neighbour(t)
	foreign := other.add(t, tab, other.full(t, e))
	scope, id := scopeOf(e, foreign), schema.ID(row)
	require.NotEqual(t, scope, scopeOf(e, row))

	_, err := tab.get(t.Context(), w.Store, scope, id)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, tab.remove(t.Context(), w.Store, scope, id), store.ErrNotFound)
	stolen := other.full(t, e)
	schema.SetID(stolen, id)
	mustSet(e, stolen, column{e.Scope, scope})
	require.ErrorIs(t, tab.update(t.Context(), w.Store, stolen), store.ErrNotFound)
	require.Equal(t, row.Interface(), w.stored(t, tab, row))

	rows, _, err := tab.list(t.Context(), w.Store, scope, store.Query{Where: map[string]any{"id": id}})
	require.NoError(t, err)
	require.Empty(t, rows)
	rows, _, err = tab.list(t.Context(), w.Store, store.AnyScope, store.Query{Where: map[string]any{"id": []int64{id, schema.ID(foreign)}}})
	require.NoError(t, err)
	require.Len(t, rows, 2)
	n, err := tab.count(t.Context(), w.Store, scope, store.Query{Where: map[string]any{"id": []int64{id, schema.ID(foreign)}}})
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func missing(t *testing.T, w *world, tab table) {
	e := tab.entity()
	row := w.full(t, e)
	schema.SetID(row, 1<<40)
	scope := scopeOf(e, row)
	_, err := tab.get(t.Context(), w.Store, scope, 1<<40)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, tab.update(t.Context(), w.Store, row), store.ErrNotFound)
	require.ErrorIs(t, tab.remove(t.Context(), w.Store, scope, 1<<40), store.ErrNotFound)
}

func neverReuses(t *testing.T, w *world, tab table) {
	e := tab.entity()
	first := w.add(t, tab, w.row(t, e))
	require.NoError(t, tab.remove(t.Context(), w.Store, scopeOf(e, first), schema.ID(first)))
	_, err := tab.get(t.Context(), w.Store, scopeOf(e, first), schema.ID(first))
	require.ErrorIs(t, err, store.ErrNotFound)
	require.Greater(t, schema.ID(w.add(t, tab, w.row(t, e))), schema.ID(first))
}

func keepsID(t *testing.T, w *world, tab table) {
	e := tab.entity()
	row := w.row(t, e)
	schema.SetID(row, 5000)
	require.EqualValues(t, 5000, schema.ID(w.add(t, tab, row)))
	again := w.row(t, e)
	schema.SetID(again, 5000)
	_, err := tab.create(t.Context(), w.Store, again)
	require.ErrorIs(t, err, store.ErrConflict)
	require.Greater(t, schema.ID(w.add(t, tab, w.row(t, e))), int64(5000))
}

func unique(t *testing.T, w *world, tab table) {
	e := tab.entity()
	for _, set := range e.Unique {
		first, second := w.add(t, tab, w.full(t, e)), w.full(t, e)
		for _, name := range set {
			v := valueOf(e, first, name)
			if v == nil { // the set is another kind of row's
				mustSet(e, first, column{name, w.create(t, "integration")})
				mustSet(e, first, column{"schedule_id", nil})
				require.NoError(t, tab.update(t.Context(), w.Store, first))
				mustSet(e, second, column{"schedule_id", nil})
				v = valueOf(e, first, name)
			}
			if text, ok := v.(string); ok {
				v = strings.ToUpper(text)
			}
			mustSet(e, second, column{name, v})
		}
		_, err := tab.create(t.Context(), w.Store, second)
		var conflict *store.ConflictError
		require.ErrorAsf(t, err, &conflict, "%v", set)
		require.Equal(t, e.Name, conflict.Table)
		require.Contains(t, set, conflict.Column)
		require.Equal(t, first.Interface(), w.stored(t, tab, first))

		third := w.add(t, tab, w.full(t, e))
		if e.Scope != "" && valueOf(e, third, e.Scope) != valueOf(e, first, e.Scope) {
			continue // rows of one scope cannot be compared
		}
		schema.SetID(second, schema.ID(third))
		require.ErrorIs(t, tab.update(t.Context(), w.Store, second), store.ErrConflict)
		require.Equal(t, third.Interface(), w.stored(t, tab, third))
	}
}

func doesNotAlias(t *testing.T, w *world, tab table) {
	e := tab.entity()
	given := w.full(t, e)
	made := w.add(t, tab, given)
	before := w.stored(t, tab, made)
	scramble(given)
	require.Equal(t, before, w.stored(t, tab, made))
	spoilt := copyOf(made)
	scramble(spoilt)
	got, err := tab.get(t.Context(), w.Store, scopeOf(e, rowOf(before)), schema.ID(made))
	require.NoError(t, err)
	scramble(got)
	rows, _, err := tab.list(t.Context(), w.Store, store.AnyScope, store.Query{Limit: -1})
	require.NoError(t, err)
	for _, row := range rows {
		scramble(row)
	}
	require.Equal(t, before, w.stored(t, tab, rowOf(before)))
}

// rowOf makes a row of a value whose type is not known.
func rowOf(v any) reflect.Value {
	row := reflect.New(reflect.TypeOf(v)).Elem()
	row.Set(reflect.ValueOf(v))
	return row
}

// scramble changes everything that a row points to.
func scramble(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				scramble(v.Field(i))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			v.Elem().SetZero()
		}
	case reflect.Slice:
		for i := range v.Len() {
			scramble(v.Index(i))
			v.Index(i).SetZero()
		}
	}
}

func cancelled(t *testing.T, w *world, tab table) {
	e := tab.entity()
	made, row := w.add(t, tab, w.full(t, e)), w.full(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before, err := tab.count(t.Context(), w.Store, store.AnyScope, store.Query{})
	require.NoError(t, err)
	_, err = tab.get(ctx, w.Store, scopeOf(e, made), schema.ID(made))
	require.ErrorIs(t, err, context.Canceled)
	_, err = tab.create(ctx, w.Store, row)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, tab.remove(ctx, w.Store, scopeOf(e, made), schema.ID(made)), context.Canceled)
	after, err := tab.count(t.Context(), w.Store, store.AnyScope, store.Query{})
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func createdNow(t *testing.T, w *world) {
	p, err := w.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	require.Equal(t, w.clock.Now(), p.Created)
	got, err := w.Projects().Get(t.Context(), 0, p.ID)
	require.NoError(t, err)
	require.Equal(t, p, got)
}
