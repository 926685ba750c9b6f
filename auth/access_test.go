package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

var verbs = []auth.Verb{auth.VerbRead, auth.VerbRun, auth.VerbUpdate, auth.VerbManage, auth.VerbUsers}

func TestBuiltinRolesMayDoWhatTheyMayDo(t *testing.T) {
	t.Parallel()
	may := map[string][]auth.Verb{
		"owner":       verbs,
		"manager":     {auth.VerbRead, auth.VerbRun, auth.VerbManage},
		"task_runner": {auth.VerbRead, auth.VerbRun},
		"guest":       {auth.VerbRead},
	}
	bits := map[string]int64{"owner": 15, "manager": 5, "task_runner": 1, "guest": 0}
	require.Len(t, auth.Builtin(), len(may))
	for _, role := range auth.Builtin() {
		require.Equal(t, bits[role.Slug], role.Permissions, role.Slug)
		a := auth.Access{Bits: role.Permissions}
		for _, v := range verbs {
			require.Equal(t, contains(may[role.Slug], v), a.Can(v), "%s %s", role.Slug, v)
		}
		require.False(t, a.Can("anything else"))
	}
}

func contains(list []auth.Verb, v auth.Verb) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// place is a project with a member.
func (w *world) project(t *testing.T, name string, member int64, role string) store.Project {
	t.Helper()
	p, err := w.st.Projects().Create(t.Context(), store.Project{Name: name})
	require.NoError(t, err)
	_, err = w.st.Projects().Members().Create(t.Context(), store.Member{ProjectID: p.ID, UserID: member, Role: role})
	require.NoError(t, err)
	return p
}

func TestAccess(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		root := w.user(t, store.User{Username: "root", Email: "root@example.com", Admin: true})
		a := w.project(t, "a", w.alice.ID, "guest")
		b := w.project(t, "b", w.alice.ID, "deployer")
		for _, r := range []store.Role{
			{Slug: "deployer", Name: "Deployer", Permissions: 3, ProjectID: &b.ID},
			{Slug: "auditor", Name: "Auditor", Permissions: 8 | 64},
			{Slug: "task_runner", Name: "Less", Permissions: 0, ProjectID: &b.ID},
		} {
			_, err := w.st.Projects().Roles().Create(t.Context(), r)
			require.NoError(t, err)
		}
		give := func(p store.Project, role string) {
			page, err := w.st.Projects().Members().List(t.Context(), p.ID, store.Query{})
			require.NoError(t, err)
			page.Items[0].Role = role
			require.NoError(t, w.st.Projects().Members().Update(t.Context(), page.Items[0]))
		}
		for _, test := range []struct {
			p    store.Project
			role string
			bits int64
		}{
			{a, "owner", 15}, {a, "manager", 5}, {a, "guest", 0}, {a, "no such role", 0}, {a, "", 0},
			{b, "deployer", 3},
			{a, "deployer", 0}, // a role of another project
			{a, "auditor", 8},  // a role of all projects, without bits that mean nothing
			{b, "task_runner", 0}, {a, "task_runner", 1},
			{a, "OWNER", 0},
		} {
			give(test.p, test.role)
			got, err := w.Access(t.Context(), w.alice, test.p.ID)
			require.NoError(t, err)
			require.Equal(t, auth.Access{Role: test.role, Bits: test.bits, Member: true}, got)
		}
		got, err := w.Access(t.Context(), root, a.ID)
		require.NoError(t, err)
		require.Equal(t, auth.Access{Bits: 15, Admin: true}, got)
		bob := w.user(t, store.User{Username: "bob", Email: "bob@example.com"})
		got, err = w.Access(t.Context(), bob, a.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
		require.Zero(t, got)
		_, err = w.Access(t.Context(), w.alice, 999)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestATemplateGivesARoleRightsOfItsOwn(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		p := w.project(t, "a", w.alice.ID, "guest")
		key, err := w.st.Keys().Create(t.Context(), store.AccessKey{Name: "k", Type: "none", ProjectID: p.ID})
		require.NoError(t, err)
		repo, err := w.st.Repositories().Create(t.Context(), store.Repository{Name: "r", ProjectID: p.ID, SSHKeyID: key.ID, GitURL: "https://example.com/r.git"})
		require.NoError(t, err)
		var ids []int64
		for _, name := range []string{"one", "two"} {
			tpl, err := w.st.Templates().Create(t.Context(), store.Template{Name: name, ProjectID: p.ID, RepositoryID: repo.ID, Playbook: "x.sh", App: "bash"})
			require.NoError(t, err)
			ids = append(ids, tpl.ID)
		}
		for _, r := range []store.TemplateRole{
			{RoleSlug: "guest", TemplateID: ids[0], ProjectID: p.ID, Permissions: 15},
			{RoleSlug: "owner", TemplateID: ids[1], ProjectID: p.ID, Permissions: 5},
		} {
			_, err := w.st.Templates().Roles().Create(t.Context(), r)
			require.NoError(t, err)
		}
		a, err := w.Access(t.Context(), w.alice, p.ID)
		require.NoError(t, err)
		for _, test := range []struct {
			name         string
			access       auth.Access
			project, tpl int64
			want         int64
		}{
			{"to run and to manage, no more", a, p.ID, ids[0], 5},
			{"for that role only", a, p.ID, ids[1], 0},
			{"in that project only", a, p.ID + 1, ids[0], 0},
			{"an administrator has all", auth.Access{Admin: true, Bits: 15}, p.ID, ids[0], 15},
			{"nobody has nothing", auth.Access{}, p.ID, ids[0], 0},
			{"what the project gives stays", auth.Access{Role: "guest", Bits: 8}, p.ID, ids[0], 13},
		} {
			got, err := w.TemplateBits(t.Context(), test.access, test.project, test.tpl)
			require.NoError(t, err)
			require.Equal(t, test.want, got, test.name)
		}
	})
}
