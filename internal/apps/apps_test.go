package apps_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/internal/apps"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func find(t *testing.T, c *apps.Catalogue, id string) (api.App, bool) {
	t.Helper()
	list, err := c.List(t.Context())
	require.NoError(t, err)
	require.True(t, slices.IsSortedFunc(list, func(a, b api.App) int { return b.Priority - a.Priority }))
	i := slices.IndexFunc(list, func(a api.App) bool { return a.ID == id })
	if i < 0 {
		return api.App{}, false
	}
	return list[i], true
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	yes := true
	st := memory.New(memory.Config{})
	c := apps.New(st, map[string]config.AppSettings{"make": {Active: &yes, Path: "/usr/bin/make", Args: []string{"-s"}}})

	python, ok := find(t, c, "python")
	require.True(t, ok)
	require.False(t, python.Active, "python waits for an administrator")
	require.ErrorContains(t, c.Check(t.Context(), st, "python"), "switched off")
	require.ErrorContains(t, c.Check(t.Context(), st, "cobol"), "unknown")
	require.NoError(t, c.Check(t.Context(), st, "make"))

	python.Active = true
	require.NoError(t, c.Set(t.Context(), st, python))
	options, err := st.Options().All(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"apps.python.active": "true"}, options, "only what differs is stored")
	require.NoError(t, c.Check(t.Context(), st, "python"))

	require.NoError(t, c.Set(t.Context(), st, api.App{ID: "ruby", Active: true, Priority: 3, Title: "Ruby", Path: "/usr/bin/ruby", Args: []string{"-W0", "a b"}}))
	ruby, ok := find(t, c, "ruby")
	require.True(t, ok)
	require.Equal(t, []string{"-W0", "a b"}, ruby.Args)

	require.NoError(t, c.Delete(t.Context(), st, "ruby"))
	_, ok = find(t, c, "ruby")
	require.False(t, ok)
	require.NoError(t, c.Delete(t.Context(), st, "python"))
	require.Error(t, c.Check(t.Context(), st, "python"))
}
