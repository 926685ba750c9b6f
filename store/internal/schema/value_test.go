package schema_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// fill sets all that a value holds, each to something else.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.UnixMilli(1_700_000_000_000 + int64(*n)).UTC()))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(fmt.Sprintf(`{"n": %d}`, *n))))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.String:
		v.SetString(fmt.Sprintf("ü %d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(*n % 256))
	default:
		v.SetInt(int64(*n))
	}
}

// blank makes an empty row, and full one whose stored fields are all set.
func blank(e *schema.Entity) reflect.Value { return reflect.New(e.Type).Elem() }

func full(e *schema.Entity) reflect.Value {
	row := blank(e)
	n := 0
	for i := range row.NumField() {
		if tag := e.Type.Field(i).Tag.Get("db"); tag != "" && tag != "-" {
			fill(row.Field(i), &n)
		}
	}
	return row
}

// through stores a row as it is read by a driver, and reads it.
func through(t *testing.T, e *schema.Entity, row reflect.Value, driver func(any) any) any {
	t.Helper()
	back := full(e) // nothing of it may stay
	for i := range e.Columns {
		c := &e.Columns[i]
		v, err := c.Value(row)
		require.NoError(t, err, c.Name)
		require.NoError(t, c.Set(back, driver(v)), c.Name)
	}
	return back.Interface()
}

// asItIs, asBytes and asNumbers are how drivers return what was stored.
func asItIs(v any) any { return v }

func asBytes(v any) any {
	if s, ok := v.(string); ok {
		return []byte(s)
	}
	return v
}

func asNumbers(v any) any {
	switch x := v.(type) {
	case bool:
		if x {
			return int64(1)
		}
		return int64(0)
	case int64:
		return float64(x)
	}
	return v
}

func TestRowsComeBackFromWhatIsStored(t *testing.T) {
	t.Parallel()
	for _, e := range schema.Entities() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			for _, row := range []reflect.Value{full(e), blank(e)} {
				for _, driver := range []func(any) any{asItIs, asBytes, asNumbers} {
					require.Equal(t, row.Interface(), through(t, e, row, driver))
				}
			}
		})
	}
}

func TestStoredValuesAreOfFewTypes(t *testing.T) {
	t.Parallel()
	for _, e := range schema.Entities() {
		row := full(e)
		for i := range e.Columns {
			v, err := e.Columns[i].Value(row)
			require.NoError(t, err)
			switch v.(type) {
			case int64, string, bool, []byte:
			default:
				t.Errorf("%s.%s is stored as %T", e.Name, e.Columns[i].Name, v)
			}
		}
	}
}

func TestStoredValuesOfAnotherTypeAreRefused(t *testing.T) {
	t.Parallel()
	e := schema.Of[store.Task]()
	for name, v := range map[string]any{"id": "1", "late": "true", "created": "now"} {
		c, err := e.Column(name)
		require.NoError(t, err)
		require.ErrorContains(t, c.Set(blank(e), v), name)
	}
	options, err := schema.Of[store.Template]().Column("options")
	require.NoError(t, err)
	require.ErrorContains(t, options.Set(blank(schema.Of[store.Template]()), "{"), "options")
}

func TestTheTablesFitTogether(t *testing.T) {
	t.Parallel()
	for _, e := range schema.Entities() {
		require.Same(t, e, schema.Named(e.Name))
		require.True(t, e.Has("id"), e.Name)
		named := append([]string{}, e.Sealed...)
		for _, set := range e.Unique {
			named = append(named, set...)
		}
		for _, name := range append(named, e.Scope, e.Search) {
			require.True(t, name == "" || e.Has(name), "%s.%s", e.Name, name)
		}
		for _, r := range schema.From(e.Name) {
			require.True(t, e.Has(r.Column), "%s.%s", e.Name, r.Column)
			require.NotNil(t, schema.Named(r.Target), r.Target)
			require.Contains(t, schema.To(r.Target), r)
		}
	}
	require.Nil(t, schema.Named("nonsense"))
	require.Nil(t, schema.ByKind(""))
	require.Panics(t, func() { schema.Of[int]() })
}
