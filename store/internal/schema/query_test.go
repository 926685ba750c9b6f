package schema_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

func where(name string, v any) store.Query { return store.Query{Where: map[string]any{name: v}} }

func TestQueriesThatCannotBeAnsweredAreRefused(t *testing.T) {
	t.Parallel()
	tasks, sessions := schema.Of[store.Task](), schema.Of[store.Session]()
	byMessage := schema.Cursor{Value: "a", ID: 1, Sort: "message"}.Encode()
	for name, tc := range map[string]struct {
		e *schema.Entity
		q store.Query
	}{
		"sorted by an unknown column":     {tasks, store.Query{Sort: "id; DROP TABLE task"}},
		"sorted by no one's column":       {tasks, store.Query{Sort: "snapshot"}},
		"sorted by JSON":                  {tasks, store.Query{Sort: "params"}},
		"an unknown column":               {tasks, where("nonsense", 1)},
		"a column without a name":         {tasks, where("", 1)},
		"a field that is not stored":      {tasks, where("limit", "x")},
		"a limit beyond all":              {tasks, store.Query{Limit: schema.MaxLimit + 1}},
		"a negative limit":                {tasks, store.Query{Limit: -2}},
		"a search of what has no name":    {sessions, store.Query{Search: "x"}},
		"text for a number":               {tasks, where("id", "1")},
		"a number for text":               {tasks, where("message", 1)},
		"a number for a bool":             {tasks, where("late", 1)},
		"a time for text":                 {tasks, where("message", time.Now())},
		"a struct":                        {tasks, where("id", store.Task{})},
		"one wrong value of several":      {tasks, where("id", []any{int64(1), "2"})},
		"a JSON column":                   {tasks, where("params", "{}")},
		"a cursor that is none":           {tasks, store.Query{After: "!"}},
		"a cursor without JSON":           {tasks, store.Query{After: "AAAA"}},
		"a cursor of another order":       {tasks, store.Query{After: byMessage}},
		"a cursor with text for a number": {tasks, store.Query{After: schema.Cursor{Value: "a", Sort: "id"}.Encode()}},
		"a cursor with a number for text": {tasks, store.Query{Sort: "message", After: schema.Cursor{Value: 1, Sort: "message"}.Encode()}},
		"a cursor with a bool for a time": {tasks, store.Query{Sort: "created", After: schema.Cursor{Value: true, Sort: "created"}.Encode()}},
		"a cursor with a list":            {tasks, store.Query{After: schema.Cursor{Value: []int{1}, Sort: "id"}.Encode()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tc.e.Prepare(tc.q)
			var refused *store.QueryError
			require.ErrorAs(t, err, &refused)
			require.ErrorIs(t, err, store.ErrInvalid)
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for given, want := range map[int]int{0: schema.DefaultLimit, 1: 1, schema.MaxLimit: schema.MaxLimit, -1: -1} {
		p, err := schema.Of[store.Task]().Prepare(store.Query{Limit: given})
		require.NoError(t, err)
		require.Equal(t, want, p.Limit)
		require.Equal(t, "id", p.Sort.Name)
		require.Nil(t, p.After)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_123)
	number := int64(7)
	for name, tc := range map[string]struct {
		column string
		given  any
		want   schema.Cond
	}{
		"nil is no value":             {"user_id", nil, schema.Cond{Null: true}},
		"a nil pointer is no value":   {"user_id", (*int64)(nil), schema.Cond{Null: true}},
		"a pointer is its value":      {"user_id", &number, schema.Cond{Values: []any{number}}},
		"any integer":                 {"id", 7, schema.Cond{Values: []any{number}}},
		"any text":                    {"status", store.Waiting, schema.Cond{Values: []any{"waiting"}}},
		"a bool":                      {"late", true, schema.Cond{Values: []any{true}}},
		"a time":                      {"created", now, schema.Cond{Values: []any{now.UnixMilli()}}},
		"milliseconds for a time":     {"created", number, schema.Cond{Values: []any{number}}},
		"one of several":              {"status", []store.Status{"a", "b"}, schema.Cond{Values: []any{"a", "b"}}},
		"one of several of no type":   {"id", []any{7, int64(8), &number}, schema.Cond{Values: []any{number, int64(8), number}}},
		"one of none matches nothing": {"id", []int64{}, schema.Cond{}},
		"a nil slice matches nothing": {"id", []int64(nil), schema.Cond{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := schema.Of[store.Task]().Prepare(where(tc.column, tc.given))
			require.NoError(t, err)
			require.Len(t, p.Conds, 1)
			tc.want.Column = p.Conds[0].Column
			require.Equal(t, tc.want, p.Conds[0])
		})
	}
}

func TestColumnsHaveTwoNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"first_line", "start_output_id"} {
		c, err := schema.Of[store.Stage]().Column(name)
		require.NoError(t, err)
		require.Equal(t, "first_line", c.Name)
	}
	c, err := schema.Of[store.APIToken]().Column("id")
	require.NoError(t, err)
	require.Equal(t, schema.Int, c.Type, "the name in SQL goes before the one on the wire")
}

func TestACursorComesBack(t *testing.T) {
	t.Parallel()
	for sort, values := range map[string][]any{
		"id": {int64(1)}, "message": {"", "ü\x00"}, "late": {true, false}, "created": {int64(1_700_000_000_123)},
		"user_id": {nil, int64(7)}, "end": {nil, int64(5)},
	} {
		for _, v := range values {
			want := schema.Cursor{Value: v, ID: 9, Sort: sort}
			p, err := schema.Of[store.Task]().Prepare(store.Query{Sort: sort, After: want.Encode()})
			require.NoError(t, err)
			require.Equal(t, &want, p.After)
		}
	}
}
