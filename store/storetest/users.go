package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func userCases() []testCase {
	return []testCase{
		{"a user is found by name or address in letters of either case", byLogin},
		{"a user's projects are those with a membership, by name", projectsOf},
		{"global roles and runners are those without a project", globalRows},
		{"options are set, replaced and deleted", options},
	}
}

func (w *world) user(t *testing.T, name, email string) store.User {
	t.Helper()
	u, err := w.Users().Create(t.Context(), store.User{Username: name, Name: "N " + name, Email: email, Password: "hash"})
	require.NoError(t, err)
	return u
}

func byLogin(t *testing.T, w *world) {
	alice, bob := w.user(t, "Alice", "alice@example.com"), w.user(t, "bob", "Bob@Example.com")
	for login, want := range map[string]store.User{"alice": alice, "ALICE": alice, "alice@example.com": alice, "bob@example.COM": bob} {
		got, err := w.Users().ByLogin(t.Context(), login)
		require.NoError(t, err)
		require.Equal(t, want, got, login)
	}
	for _, login := range []string{"", "al", "alice%", "alic_", "nobody"} {
		_, err := w.Users().ByLogin(t.Context(), login)
		require.ErrorIs(t, err, store.ErrNotFound, login)
	}
}

func projectsOf(t *testing.T, w *world) {
	u := w.user(t, "member", "m@example.com")
	var want []store.Project
	for _, name := range []string{"Zebra", "apple", "Berry"} {
		p, err := w.Projects().Create(t.Context(), store.Project{Name: name})
		require.NoError(t, err)
		_, err = w.Projects().Members().Create(t.Context(), store.Member{ProjectID: p.ID, UserID: u.ID, Role: "owner"})
		require.NoError(t, err)
		want = append(want, p)
	}
	got, err := w.Projects().Of(t.Context(), u.ID)
	require.NoError(t, err)
	require.Equal(t, []store.Project{want[1], want[2], want[0]}, got)
	none, err := w.Projects().Of(t.Context(), w.user(t, "stranger", "s@example.com").ID)
	require.NoError(t, err)
	require.Empty(t, none)
}

func globalRows(t *testing.T, w *world) {
	global, err := w.Runners().Create(t.Context(), store.Runner{Name: "global", TokenHash: "g"})
	require.NoError(t, err)
	own, err := w.Runners().Create(t.Context(), store.Runner{Name: "own", TokenHash: "o", ProjectID: &w.project.ID})
	require.NoError(t, err)
	for scope, want := range map[int64][]store.Runner{0: {global}, w.project.ID: {own}, store.AnyScope: {global, own}} {
		page, err := w.Runners().List(t.Context(), scope, store.Query{})
		require.NoError(t, err)
		require.Equal(t, want, page.Items)
	}
	_, err = w.Runners().Get(t.Context(), 0, own.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = w.Runners().Get(t.Context(), w.project.ID, global.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
	stolen := own
	stolen.ProjectID = nil
	require.ErrorIs(t, w.Runners().Update(t.Context(), stolen), store.ErrNotFound)
}

func options(t *testing.T, w *world) {
	o := w.Options()
	all, err := o.All(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
	require.NoError(t, o.Set(t.Context(), "a.b", "1"))
	require.NoError(t, o.Set(t.Context(), "it's", awkward[0]))
	require.NoError(t, o.Set(t.Context(), "a.b", "2"))
	all, err = o.All(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a.b": "2", "it's": awkward[0]}, all)
	all["c"] = "3"
	require.NoError(t, o.Set(t.Context(), "a.b", ""))
	require.NoError(t, o.Set(t.Context(), "never", ""))
	all, err = o.All(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"it's": awkward[0]}, all)
}
