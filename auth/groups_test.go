package auth_test

import (
	"bytes"
	"log/slog"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

// roleWorld is a store with projects and roles, and mappings that go by it.
type roleWorld struct {
	st    store.Store
	ids   map[string]int64
	log   *bytes.Buffer
	roles *auth.GroupRoles
}

func setupRoles(t *testing.T, st store.Store, mappings func(ids map[string]int64) []auth.GroupMapping) *roleWorld {
	t.Helper()
	w := &roleWorld{st: st, ids: map[string]int64{}, log: &bytes.Buffer{}}
	for _, name := range []string{"site", "shop", "twin"} {
		p, err := st.Projects().Create(t.Context(), store.Project{Name: name})
		require.NoError(t, err)
		w.ids[name] = p.ID
	}
	// A name that is the id of another project, and one that there is twice.
	for _, name := range []string{strconv.FormatInt(w.ids["site"], 10), "twin"} {
		_, err := st.Projects().Create(t.Context(), store.Project{Name: name})
		require.NoError(t, err)
	}
	shop := w.ids["shop"]
	_, err := st.Projects().Roles().Create(t.Context(), store.Role{Slug: "shop_only", Name: "Shop", ProjectID: &shop})
	require.NoError(t, err)
	_, err = st.Projects().Roles().Create(t.Context(), store.Role{Slug: "anywhere", Name: "Any"})
	require.NoError(t, err)
	w.roles, err = auth.NewGroupRoles(st, map[string][]auth.GroupMapping{"idp": mappings(w.ids)}, slog.New(slog.NewTextHandler(w.log, nil)))
	require.NoError(t, err)
	return w
}

func TestGroupMappingsGiveRights(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, test := range []struct {
		name     string
		mappings []auth.GroupMapping
		groups   []string
		admin    *bool
		projects map[string]string
		warns    string
	}{
		{"a member of the group", []auth.GroupMapping{{Group: "ops", Project: "site", Role: "manager"}}, []string{"ops"}, nil, map[string]string{"site": "manager"}, ""},
		{"nobody of the group", []auth.GroupMapping{{Group: "ops", Project: "site", Role: "manager"}}, []string{"dev"}, nil, map[string]string{"site": ""}, ""},
		{"somebody without groups", []auth.GroupMapping{{Group: "ops", Admin: true, Project: "site", Role: "owner"}}, nil, &no, map[string]string{"site": ""}, ""},
		{"an administrator", []auth.GroupMapping{{Group: "root", Admin: true}, {Group: "wheel", Admin: true}}, []string{"root"}, &yes, map[string]string{}, ""},
		{"nobody gives administration", []auth.GroupMapping{{Group: "ops", Project: "site", Role: "guest"}}, []string{"ops"}, nil, map[string]string{"site": "guest"}, ""},
		{"the first of two that fit", []auth.GroupMapping{{Group: "a", Project: "site", Role: "guest"}, {Group: "b", Project: "site", Role: "owner"}}, []string{"b", "a"}, nil, map[string]string{"site": "guest"}, ""},
		{"the second of two that fits", []auth.GroupMapping{{Group: "a", Project: "site", Role: "guest"}, {Group: "b", Project: "site", Role: "owner"}}, []string{"b"}, nil, map[string]string{"site": "owner"}, ""},
		{"the first fits and the second does not", []auth.GroupMapping{{Group: "a", Project: "site", Role: "guest"}, {Group: "b", Project: "site", Role: "owner"}}, []string{"a"}, nil, map[string]string{"site": "guest"}, ""},
		{"a project by id", []auth.GroupMapping{{Group: "ops", Project: "#site", Role: "guest"}}, []string{"ops"}, nil, map[string]string{"site": "guest"}, ""},
		{"a project that does not exist", []auth.GroupMapping{{Group: "ops", Project: "none", Role: "guest"}}, []string{"ops"}, nil, map[string]string{}, "no single project"},
		{"a name of two projects", []auth.GroupMapping{{Group: "ops", Project: "twin", Role: "guest"}}, []string{"ops"}, nil, map[string]string{}, "no single project"},
		{"a role that does not exist", []auth.GroupMapping{{Group: "ops", Project: "site", Role: "king"}}, []string{"ops"}, nil, map[string]string{}, "role that does not exist"},
		{"a role of this project", []auth.GroupMapping{{Group: "ops", Project: "shop", Role: "shop_only"}}, []string{"ops"}, nil, map[string]string{"shop": "shop_only"}, ""},
		{"a role of another project", []auth.GroupMapping{{Group: "ops", Project: "site", Role: "shop_only"}}, []string{"ops"}, nil, map[string]string{}, "role that does not exist"},
		{"a role of all projects", []auth.GroupMapping{{Group: "ops", Project: "site", Role: "anywhere"}}, []string{"ops"}, nil, map[string]string{"site": "anywhere"}, ""},
		{"a group in other case", []auth.GroupMapping{{Group: "ops", Project: "site", Role: "guest"}}, []string{"OPS"}, nil, map[string]string{"site": ""}, ""},
		{"a DN in other case", []auth.GroupMapping{{Group: "cn=ops,dc=x", Admin: true}}, []string{"CN=Ops, DC=X"}, &yes, map[string]string{}, ""},
		{"a longer DN", []auth.GroupMapping{{Group: "cn=ops,dc=x", Admin: true}}, []string{"cn=ops,dc=x,dc=y", "cn=ops", "cn=ops\\,dc=x"}, &no, map[string]string{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for name, open := range stores {
				w := setupRoles(t, open(t), func(ids map[string]int64) []auth.GroupMapping {
					list := append([]auth.GroupMapping{}, test.mappings...)
					for i := range list {
						if list[i].Project == "#site" {
							list[i].Project = strconv.FormatInt(ids["site"], 10)
						}
					}
					return list
				})
				grants, err := w.roles.Grants(t.Context(), auth.External{Source: "idp", Groups: test.groups})
				require.NoError(t, err, name)
				require.Equal(t, test.admin, grants.Admin, name)
				want := map[int64]string{}
				for project, role := range test.projects {
					want[w.ids[project]] = role
				}
				require.Equal(t, want, grants.Projects, name)
				require.Contains(t, w.log.String(), test.warns)
				require.Equal(t, test.warns == "", w.log.Len() == 0, w.log.String())

				grants, err = w.roles.Grants(t.Context(), auth.External{Source: "another", Groups: test.groups})
				require.NoError(t, err)
				require.Equal(t, auth.Grants{}, grants, "mappings of one provider mean nothing for another")
			}
		})
	}
}

func TestNewGroupRolesNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	_, err := auth.NewGroupRoles(nil, nil, nil)
	require.ErrorContains(t, err, "need a store")
	for contains, m := range map[string]auth.GroupMapping{
		"has no group":  {Admin: true},
		"only one":      {Group: "a", Project: "site"},
		"project and":   {Group: "a", Role: "guest", Admin: true},
		"gives nothing": {Group: "a"},
	} {
		_, err := auth.NewGroupRoles(w.st, map[string][]auth.GroupMapping{"idp": {m}}, nil)
		require.ErrorContains(t, err, contains)
	}
}
