package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

func queryCases() []testCase {
	return []testCase{
		{"pages are complete and stable for every column to sort by", eachTable(pages)},
		{"rows that come and go between two pages move no others", pagesUnderChange},
		{"text is sorted without regard to case", sortsText},
		{"where chooses by value, by several values and by none", where},
		{"search finds parts of the name in letters of either case", search},
		{"search and where take every character as it is", literal},
		{"an empty list is no nil", emptyList},
		{"a query that cannot be answered is refused", refusedQueries},
		{"a page holds 200 rows unless told otherwise", limits},
	}
}

// pages walks through a table by each column, up and down, with equal values
// and without values.
func pages(t *testing.T, w *world, tab table) {
	e := tab.entity()
	var scope int64
	for i := range 7 {
		row := w.full(t, e)
		if i >= 4 { // equal and missing values
			row = w.row(t, e)
			if e.Nullable {
				mustSet(e, row, column{"project_id", w.project.ID})
			}
		}
		scope = scopeOf(e, w.add(t, tab, row))
	}
	all, _, err := tab.list(t.Context(), w.Store, scope, store.Query{Limit: -1})
	require.NoError(t, err)
	var want []int64
	for _, row := range all {
		want = append(want, schema.ID(row))
	}
	require.IsIncreasing(t, append([]int64{0}, want...))
	for _, c := range e.Columns {
		if c.Type == schema.JSON || c.Type == schema.Blob {
			continue
		}
		up := w.walk(t, tab, scope, store.Query{Sort: c.Name, Limit: 2})
		require.ElementsMatch(t, want, up, c.Name)
		down := w.walk(t, tab, scope, store.Query{Sort: c.Name, Limit: 3, Desc: true})
		slices.Reverse(down)
		require.Equal(t, up, down, c.Name)
	}
}

// walk returns the ids of all pages.
func (w *world) walk(t *testing.T, tab table, scope int64, q store.Query) []int64 {
	t.Helper()
	var ids []int64
	for {
		rows, next, err := tab.list(t.Context(), w.Store, scope, q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(rows), q.Limit)
		for _, row := range rows {
			ids = append(ids, schema.ID(row))
		}
		if next == "" {
			return ids
		}
		require.Len(t, rows, q.Limit)
		require.LessOrEqual(t, len(ids), 1000, "pages without end")
		q.After = next
	}
}

func (w *world) view(t *testing.T, title string, position int) store.View {
	t.Helper()
	v, err := w.Views().Create(t.Context(), store.View{ProjectID: w.project.ID, Title: title, Position: position})
	require.NoError(t, err)
	return v
}

func pagesUnderChange(t *testing.T, w *world) {
	var first []store.View
	for i := range 9 {
		first = append(first, w.view(t, fmt.Sprintf("view %d", i), i%3))
	}
	for _, desc := range []bool{false, true} {
		q := store.Query{Sort: "position", Desc: desc, Limit: 2}
		seen := map[int64]int{}
		gone := first[4]
		for turn := 0; ; turn++ {
			page, err := w.Views().List(t.Context(), w.project.ID, q)
			require.NoError(t, err)
			for _, v := range page.Items {
				seen[v.ID]++
			}
			if page.Next == "" {
				break
			}
			w.view(t, "new", turn%3)
			if turn == 1 && !desc {
				require.NoError(t, w.Views().Delete(t.Context(), w.project.ID, gone.ID))
			}
			q.After = page.Next
			require.Less(t, turn, 50)
		}
		for _, v := range first {
			if v.ID != gone.ID {
				require.Equalf(t, 1, seen[v.ID], "view %d", v.ID)
			}
		}
		require.LessOrEqual(t, seen[gone.ID], 1)
	}
}

func sortsText(t *testing.T, w *world) {
	for _, title := range []string{"beta", "Alpha", "ALPHA 2", "Gamma", "alpha"} {
		w.view(t, title, 0)
	}
	page, err := w.Views().List(t.Context(), w.project.ID, store.Query{Sort: "title"})
	require.NoError(t, err)
	var titles []string
	for _, v := range page.Items {
		titles = append(titles, v.Title)
	}
	require.Equal(t, []string{"Alpha", "alpha", "ALPHA 2", "beta", "Gamma"}, titles)
}

func where(t *testing.T, w *world) {
	filter := "f"
	at := w.clock.Now().Add(time.Hour)
	a := w.view(t, "a", 1)
	b := w.view(t, "b", 2)
	b.Filter, b.Hidden = &filter, true
	require.NoError(t, w.Views().Update(t.Context(), b))
	c := w.view(t, "c", 3)
	for _, tc := range []struct {
		name  string
		where map[string]any
		want  []int64
	}{
		{"a text", map[string]any{"title": "b"}, []int64{b.ID}},
		{"a number", map[string]any{"position": 3}, []int64{c.ID}},
		{"a truth", map[string]any{"hidden": true}, []int64{b.ID}},
		{"no value", map[string]any{"filter": nil}, []int64{a.ID, c.ID}},
		{"a pointer", map[string]any{"filter": &filter}, []int64{b.ID}},
		{"one of several", map[string]any{"position": []int{1, 3, 9}}, []int64{a.ID, c.ID}},
		{"one of several texts", map[string]any{"title": []string{"a", "b"}}, []int64{a.ID, b.ID}},
		{"one of none", map[string]any{"title": []string{}}, nil},
		{"two conditions", map[string]any{"title": []string{"a", "b"}, "hidden": false}, []int64{a.ID}},
	} {
		page, err := w.Views().List(t.Context(), w.project.ID, store.Query{Where: tc.where})
		require.NoError(t, err, tc.name)
		var ids []int64
		for _, v := range page.Items {
			ids = append(ids, v.ID)
		}
		require.Equal(t, tc.want, ids, tc.name)
		n, err := w.Views().Count(t.Context(), w.project.ID, store.Query{Where: tc.where, Limit: 1})
		require.NoError(t, err)
		require.Equal(t, len(tc.want), n, tc.name)
	}
	s, err := w.Schedules().Create(t.Context(), store.Schedule{ProjectID: w.project.ID, TemplateID: w.template.ID, RunAt: &at})
	require.NoError(t, err)
	page, err := w.Schedules().List(t.Context(), w.project.ID, store.Query{Where: map[string]any{"run_at": at}})
	require.NoError(t, err)
	require.Equal(t, []store.Schedule{s}, page.Items)
}

func (w *world) found(t *testing.T, search string) []string {
	t.Helper()
	page, err := w.Views().List(t.Context(), w.project.ID, store.Query{Search: search})
	require.NoError(t, err)
	titles := []string{}
	for _, v := range page.Items {
		titles = append(titles, v.Title)
	}
	n, err := w.Views().Count(t.Context(), w.project.ID, store.Query{Search: search})
	require.NoError(t, err)
	require.Len(t, titles, n)
	return titles
}

func search(t *testing.T, w *world) {
	for _, title := range []string{"Web server", "database", "WEBLATE"} {
		w.view(t, title, 0)
	}
	require.Equal(t, []string{"Web server", "WEBLATE"}, w.found(t, "web"))
	require.Equal(t, []string{"Web server", "WEBLATE"}, w.found(t, "WEB"))
	require.Equal(t, []string{"database"}, w.found(t, "tabas"))
	require.Empty(t, w.found(t, "nothing"))
	_, err := w.Users().Create(t.Context(), store.User{Username: "searched", Email: "s@example.com"})
	require.NoError(t, err)
	page, err := w.Users().List(t.Context(), 0, store.Query{Search: "SEARCH"})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
}

func literal(t *testing.T, w *world) {
	texts := []string{"100%", "a_b", "axb", `back\slash`, "it's", `"quoted"`, "[abc]", "a*b", "$1", "?", "--"}
	for _, text := range texts {
		w.view(t, text, 0)
	}
	for _, text := range texts {
		require.Equal(t, []string{text}, w.found(t, text))
		page, err := w.Views().List(t.Context(), w.project.ID, store.Query{Where: map[string]any{"title": text}})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
	}
	require.Equal(t, []string{"100%"}, w.found(t, "%"))
	require.Equal(t, []string{"a_b"}, w.found(t, "_"))
}

func emptyList(t *testing.T, w *world) {
	page, err := w.Views().List(t.Context(), w.project.ID, store.Query{})
	require.NoError(t, err)
	require.NotNil(t, page.Items)
	require.Empty(t, page.Items)
	require.Empty(t, page.Next)
}

func refusedQueries(t *testing.T, w *world) {
	w.view(t, "a", 1)
	w.view(t, "b", 1)
	page, err := w.Views().List(t.Context(), w.project.ID, store.Query{Limit: 1})
	require.NoError(t, err)
	for name, q := range map[string]store.Query{
		"a column that is not there":   {Sort: "nothing"},
		"a condition on no column":     {Where: map[string]any{"1=1; --": 1}},
		"a limit beyond the most":      {Limit: 1001},
		"a negative limit":             {Limit: -2},
		"a cursor that is none":        {After: "nonsense"},
		"the cursor of another order":  {After: page.Next, Sort: "title"},
		"a value of another kind":      {Where: map[string]any{"position": "x"}},
		"a cursor with something else": {After: strings.Repeat("A", 5000)},
	} {
		_, err := w.Views().List(t.Context(), w.project.ID, q)
		var bad *store.QueryError
		require.ErrorAs(t, err, &bad, name)
		require.ErrorIs(t, err, store.ErrInvalid, name)
	}
	_, err = w.Users().Sessions().List(t.Context(), 1, store.Query{Search: "x"})
	require.ErrorIs(t, err, store.ErrInvalid)
}

func limits(t *testing.T, w *world) {
	for i := range 205 {
		w.view(t, "v", i)
	}
	page, err := w.Views().List(t.Context(), w.project.ID, store.Query{})
	require.NoError(t, err)
	require.Len(t, page.Items, 200)
	page, err = w.Views().List(t.Context(), w.project.ID, store.Query{After: page.Next})
	require.NoError(t, err)
	require.Len(t, page.Items, 5)
	require.Empty(t, page.Next)
	page, err = w.Views().List(t.Context(), w.project.ID, store.Query{Limit: -1})
	require.NoError(t, err)
	require.Len(t, page.Items, 205)
	page, err = w.Views().List(t.Context(), w.project.ID, store.Query{Limit: 205})
	require.NoError(t, err)
	require.Empty(t, page.Next)
}
