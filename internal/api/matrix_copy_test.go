package api_test

import (
	"database/sql"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// mold is a matrix that others are copied from, since copying a file is much
// faster than making everything.
type mold struct {
	once sync.Once
	file []byte
	m    *matrix
	hook *api.Webhooks
}

var matrixMold mold

// copyMatrix returns a matrix of its own on SQLite.
func copyMatrix(t *testing.T, change ...func(*api.Config)) *matrix {
	matrixMold.once.Do(func() { matrixMold.fill(t) })
	from := &matrixMold
	require.NotEmpty(t, from.file, "the mold was not filled: see the test that did it")
	path := filepath.Join(t.TempDir(), "semaphore.db")
	require.NoError(t, os.WriteFile(path, from.file, 0o600))
	o := matrixOptions(t, append([]func(*api.Config){func(c *api.Config) { c.Webhooks = from.hook }}, change...)...)
	o.ring = from.m.ring
	w := assemble(t, o, func(t *testing.T) (store.Store, func() string) { return openFile(t, path) })
	w.users, w.tokens, w.ids = maps.Clone(from.m.users), maps.Clone(from.m.tokens), maps.Clone(from.m.ids)
	m := &matrix{world: w, vars: maps.Clone(from.m.vars), headers: maps.Clone(from.m.headers), totp: from.m.totp, path: path}
	m.passcodes()
	m.watch = m.writes(t)
	return m
}

// fill makes the mold. The copy of the file is whole while the store is open.
func (o *mold) fill(t *testing.T) {
	var path string
	o.hook = api.NewWebhooks(time.Now)
	m := newMatrix(t, func(t *testing.T) (store.Store, func() string) {
		data, err := freshFile()
		require.NoError(t, err)
		path = filepath.Join(t.TempDir(), "semaphore.db")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return openFile(t, path)
	}, func(c *api.Config) { c.Webhooks = o.hook })
	db, err := sql.Open("sqlite", fileURI(path))
	require.NoError(t, err)
	defer db.Close()
	whole := filepath.Join(t.TempDir(), "whole.db")
	_, err = db.ExecContext(t.Context(), "VACUUM INTO ?", whole)
	require.NoError(t, err)
	o.m = m
	o.file, err = os.ReadFile(whole)
	require.NoError(t, err)
}

func openFile(t *testing.T, path string) (store.Store, func() string) {
	st, err := sqlite.Open(t.Context(), path, sqlite.Config{Log: quiet()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return st, func() string { return dumpSQLite(t, path) }
}

// passcodes computes the codes that are good now.
func (m *matrix) passcodes() {
	for name, url := range m.totp {
		m.vars[name] = code(m.t, url, 0)
	}
}

// snapshot is the database as it is, for unchanged.
func (m *matrix) snapshot() string {
	if m.watch != nil {
		m.watched = m.watch()
	}
	return m.dump()
}

// thinned are fewer of some values while the race detector watches.
func thinned[T any](list []T) []T {
	if !raced {
		return list
	}
	var few []T
	for i := 0; i < len(list); i += 6 {
		few = append(few, list[i])
	}
	return few
}

// unchanged checks that the database is as it was, and shows what is not.
func (m *matrix) unchanged(t *testing.T, before string) {
	t.Helper()
	if m.watch != nil && m.watch() == m.watched {
		return
	}
	after := m.dump()
	if after == before {
		return
	}
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	gone := slices.DeleteFunc(slices.Clone(was), func(row string) bool { return slices.Contains(is, row) })
	come := slices.DeleteFunc(slices.Clone(is), func(row string) bool { return slices.Contains(was, row) })
	require.Fail(t, "the database has changed", "was:\n%s\nis:\n%s", strings.Join(gone, "\n"), strings.Join(come, "\n"))
}
