package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// RunStage proves a store.Stager that is a store.Dumper too. It calls open once
// per test for a place that holds an empty database: each call of the function
// it returns opens that one anew. Open registers what closes them.
func RunStage(t *testing.T, open func(t *testing.T) (again func() store.Store)) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, w *stageWorld)
	}{
		{"rows, output and ids come back, and ids go on", stageKeeps},
		{"records that do not fit are refused, and nothing is seen of them", stageRefuses},
		{"references that lead nowhere are refused in the end", stageDangling},
		{"rows of an older schema are brought up to date", stageMigrates},
		{"a check leaves nothing", stageChecks},
		{"what somebody makes meanwhile is not lost", stageLosesNothing},
		{"a stage that is aborted leaves room for the next", stageAborts},
		{"a stage that is cancelled leaves room for the next", stageCancels},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, &stageWorld{open: open(t)})
		})
	}
}

type stageWorld struct{ open func() store.Store }

func (w *stageWorld) stage(t *testing.T, s store.Store, o store.StageOptions) store.Staging {
	t.Helper()
	stager, ok := store.As[store.Stager](s)
	require.True(t, ok, "the store is no store.Stager")
	g, err := stager.Stage(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.Abort()) })
	return g
}

// load loads rows of package store, and records.
func load(t *testing.T, g store.Staging, rows ...any) {
	t.Helper()
	for _, row := range rows {
		r, ok := row.(store.Record)
		if !ok {
			var err error
			r, err = g.Record(row)
			require.NoError(t, err)
		}
		require.NoError(t, g.Load(t.Context(), r))
	}
}

// rows are a task with all that it needs, in an order in which no reference
// leads backwards.
func stageRows() []any {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return []any{
		store.Task{ID: 9, ProjectID: 3, TemplateID: 7, Status: store.Success, LogLines: 2, LogBytes: 6, Created: at, Attempt: 1},
		store.Template{ID: 7, ProjectID: 3, Name: "t", RepositoryID: 5},
		store.Repository{ID: 5, ProjectID: 3, Name: "r", SSHKeyID: 4},
		store.AccessKey{ID: 4, ProjectID: 3, Name: "k", Type: store.KeyNone},
		store.Member{ID: 8, ProjectID: 3, UserID: 2, Role: "owner"},
		store.Project{ID: 3, Name: "p", Created: at},
		store.User{ID: 2, Username: "u", Email: "u@example.org", Created: at},
	}
}

func stageKeeps(t *testing.T, w *stageWorld) {
	g := w.stage(t, w.open(), store.StageOptions{})
	load(t, g, stageRows()...)
	lines, err := g.Lines(3, 9, 0, []store.LogLine{{Text: "one", Attempt: 1}, {Text: "two", Attempt: 1}})
	require.NoError(t, err)
	load(t, g, lines, sequenceOf("project", 70), sequenceOf("schedule", 5))
	require.NoError(t, g.Commit(t.Context()))
	require.NoError(t, g.Abort())
	s := w.open()
	page, err := s.Logs().Read(t.Context(), 3, 9, 0, 10)
	require.NoError(t, err)
	require.Len(t, page.Lines, 2)
	require.Equal(t, "two", page.Lines[1].Text)
	tpl, err := s.Templates().Get(t.Context(), 3, 7)
	require.NoError(t, err)
	require.Equal(t, "t", tpl.Name)
	p, err := s.Projects().Create(t.Context(), store.Project{Name: "next"})
	require.NoError(t, err)
	require.Equal(t, int64(71), p.ID, "behind the highest id that ever was")
	u, err := s.Users().Create(t.Context(), store.User{Username: "v", Email: "v"})
	require.NoError(t, err)
	require.Equal(t, int64(3), u.ID)
	stager, _ := store.As[store.Stager](s)
	_, err = stager.Stage(t.Context(), store.StageOptions{})
	require.ErrorIs(t, err, store.ErrNotEmpty)
}

func sequenceOf(table string, last int64) store.Record {
	return store.Record{Table: store.Sequences, Columns: []string{"name", "last"}, Values: []any{table, last}}
}

func stageRefuses(t *testing.T, w *stageWorld) {
	user := func(set ...any) store.Record {
		r := store.Record{
			Table:   "app_user",
			Columns: []string{"id", "created", "username", "name", "email", "admin", "external", "alert", "pro", "password"},
			Values:  []any{int64(5), int64(1), "u", "n", "e", false, false, false, false, "p"},
		}
		for i := 0; i < len(set); i += 2 {
			r.Set(set[i].(string), set[i+1])
		}
		return r
	}
	without := user()
	without.Columns, without.Values = without.Columns[:9], without.Values[:9]
	twice := user()
	twice.Columns = append([]string{"id", "id"}, twice.Columns[2:]...)
	for name, c := range map[string]struct {
		records []store.Record
		column  string
	}{
		"an unknown table":             {[]store.Record{{Table: "nonsense", Columns: []string{"id"}, Values: []any{int64(1)}}}, ""},
		"a table of the database's":    {[]store.Record{{Table: "semaphore_migration", Columns: []string{"id"}, Values: []any{int64(1)}}}, ""},
		"an unknown column":            {[]store.Record{{Table: "project", Columns: []string{`id" = 1; --`}, Values: []any{int64(1)}}}, `id" = 1; --`},
		"a column named twice":         {[]store.Record{twice}, "id"},
		"more columns than values":     {[]store.Record{{Table: "project", Columns: []string{"id", "name"}, Values: []any{int64(1)}}}, ""},
		"text for a number":            {[]store.Record{user("created", "now")}, "created"},
		"a number for text":            {[]store.Record{user("username", int64(1))}, "username"},
		"a number for a bool":          {[]store.Record{user("admin", int64(1))}, "admin"},
		"an id of zero":                {[]store.Record{user("id", int64(0))}, "id"},
		"no id":                        {[]store.Record{user("id", nil)}, "id"},
		"a row twice":                  {[]store.Record{user(), user("username", "other", "email", "other")}, "*"},
		"a name twice":                 {[]store.Record{user(), user("id", int64(6), "email", "other", "username", "U")}, "*"},
		"a missing value":              {[]store.Record{without}, "*"},
		"nothing where something must": {[]store.Record{user("username", nil)}, "*"},
		"a sequence of nothing":        {[]store.Record{sequenceOf("nonsense", 1)}, ""},
		"a sequence below zero":        {[]store.Record{sequenceOf("project", -1)}, ""},
		"JSON that is none": {[]store.Record{{Table: "template", Columns: []string{"id", "survey_vars"},
			Values: []any{int64(1), `{"a"`}}}, "survey_vars"},
		"JSON of another form": {[]store.Record{{Table: "template", Columns: []string{"id", "options"},
			Values: []any{int64(1), `[1]`}}}, "options"},
	} {
		s := w.open()
		g := w.stage(t, s, store.StageOptions{})
		var err error
		for _, r := range c.records {
			if err == nil {
				err = g.Load(t.Context(), r)
			}
		}
		if err == nil {
			err = g.Commit(t.Context())
		}
		var refused *store.RecordError
		require.ErrorAs(t, err, &refused, name)
		require.ErrorIs(t, err, store.ErrInvalid, name)
		if c.column != "*" {
			require.Equal(t, c.column, refused.Column, name)
		}
		require.NoError(t, g.Abort())
		require.Empty(t, Dump(t, w.open(), store.DumpOptions{})["app_user"], name)
	}
}

func stageDangling(t *testing.T, w *stageWorld) {
	for name, c := range map[string]struct {
		bad    any
		table  string
		column string
	}{
		"nobody":              {store.Member{ID: 80, ProjectID: 3, UserID: 77, Role: "owner"}, "member", "user_id"},
		"nothing":             {store.Repository{ID: 80, ProjectID: 3, Name: "x", SSHKeyID: 99}, "repository", "ssh_key_id"},
		"of another project":  {store.Repository{ID: 80, ProjectID: 4, Name: "x", SSHKeyID: 4}, "repository", "ssh_key_id"},
		"no project whatever": {store.AccessKey{ID: 80, ProjectID: 44, Name: "x"}, "access_key", "project_id"},
	} {
		g := w.stage(t, w.open(), store.StageOptions{})
		load(t, g, append(stageRows(), store.Project{ID: 4, Name: "other"}, c.bad)...)
		var refused *store.RecordError
		require.ErrorAs(t, g.Commit(t.Context()), &refused, name)
		require.Equal(t, c.table, refused.Table, name)
		require.Equal(t, c.column, refused.Column, name)
		require.NoError(t, g.Abort())
		require.Empty(t, Dump(t, w.open(), store.DumpOptions{})["project"], name)
	}
}

func stageMigrates(t *testing.T, w *stageWorld) {
	s := w.open()
	stager, _ := store.As[store.Stager](s)
	dumper, _ := store.As[store.Dumper](s)
	_, err := stager.Stage(t.Context(), store.StageOptions{Schema: dumper.Schema() + 1})
	require.ErrorIs(t, err, store.ErrNewer)
	_, err = stager.Stage(t.Context(), store.StageOptions{Schema: 7})
	require.ErrorIs(t, err, store.ErrInvalid)
	_, err = stager.Stage(t.Context(), store.StageOptions{Schema: -1})
	require.ErrorIs(t, err, store.ErrInvalid)

	g := w.stage(t, s, store.StageOptions{Schema: 4}) // runners have no host yet
	r, err := g.Record(store.Runner{ID: 5, Name: "old", TokenHash: "h"})
	require.NoError(t, err)
	require.Error(t, g.Load(t.Context(), r), "a column of a newer schema")
	require.NoError(t, g.Abort())

	g = w.stage(t, s, store.StageOptions{Schema: 4})
	old := store.Record{Table: r.Table}
	for i, name := range r.Columns {
		if name != "host" && name != "enroll_before" {
			old.Columns, old.Values = append(old.Columns, name), append(old.Values, r.Values[i])
		}
	}
	load(t, g, old)
	require.NoError(t, g.Commit(t.Context()))
	require.NoError(t, g.Abort())
	got, err := w.open().Runners().Get(t.Context(), 0, 5)
	require.NoError(t, err)
	require.Equal(t, "old", got.Name)
	require.Empty(t, got.Host)
}

func stageChecks(t *testing.T, w *stageWorld) {
	s := w.open()
	g := w.stage(t, s, store.StageOptions{Check: true})
	load(t, g, stageRows()...)
	require.NoError(t, g.Commit(t.Context()))
	require.NoError(t, g.Abort())
	require.Empty(t, Dump(t, s, store.DumpOptions{})["project"])

	g = w.stage(t, s, store.StageOptions{Check: true})
	load(t, g, store.AccessKey{ID: 80, ProjectID: 44, Name: "x"})
	require.ErrorIs(t, g.Commit(t.Context()), store.ErrInvalid)
}

func stageLosesNothing(t *testing.T, w *stageWorld) {
	s := w.open()
	g := w.stage(t, s, store.StageOptions{})
	load(t, g, stageRows()...)
	_, err := s.Users().Create(t.Context(), store.User{Username: "first", Email: "first"})
	require.NoError(t, err)
	require.ErrorIs(t, g.Commit(t.Context()), store.ErrNotEmpty)
	require.NoError(t, g.Abort())
	all := Dump(t, w.open(), store.DumpOptions{})
	require.Len(t, all["app_user"], 1)
	require.Equal(t, "first", all["app_user"][0]["username"])
	require.Empty(t, all["project"])
}

func stageAborts(t *testing.T, w *stageWorld) {
	g := w.stage(t, w.open(), store.StageOptions{})
	load(t, g, stageRows()...)
	require.NoError(t, g.Abort())
	require.Error(t, g.Commit(t.Context()))
	g = w.stage(t, w.open(), store.StageOptions{})
	load(t, g, stageRows()...)
	require.NoError(t, g.Commit(t.Context()))
	require.NoError(t, g.Abort())
	require.Len(t, Dump(t, w.open(), store.DumpOptions{})["project"], 1)
}

func stageCancels(t *testing.T, w *stageWorld) {
	s := w.open()
	stager, _ := store.As[store.Stager](s)
	ctx, cancel := context.WithCancel(t.Context())
	g, err := stager.Stage(ctx, store.StageOptions{})
	require.NoError(t, err)
	r, err := g.Record(store.Project{ID: 3, Name: "p"})
	require.NoError(t, err)
	require.NoError(t, g.Load(ctx, r))
	cancel()
	require.Error(t, g.Commit(ctx))
	require.NoError(t, g.Abort())
	stageAborts(t, w)
}
