package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/store"
)

// join makes somebody a member of {p} whose role has the given bits.
func (w *world) join(name string, bits int64) {
	w.t.Helper()
	p := w.ids["p"]
	_, err := w.st.Projects().Roles().Create(w.t.Context(), store.Role{Slug: "of_" + name, Name: name, Permissions: bits, ProjectID: &p})
	require.NoError(w.t, err)
	_, err = w.st.Projects().Members().Create(w.t.Context(), store.Member{ProjectID: p, UserID: w.ids[name], Role: "of_" + name})
	require.NoError(w.t, err)
}

func TestMembers(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		const path = "/project/{p}/users"
		w.play([]scenario{
			{name: "are listed by name", as: "guest", method: "GET", path: path, status: 200, after: func(t *testing.T, w *world, a answer) {
				require.JSONEq(t, w.fill(`[{"id":{guest},"username":"guest","name":"GUEST","role":"guest"},{"id":{manager},"username":"manager","name":"MANAGER","role":"manager"},
					{"id":{owner},"username":"owner","name":"OWNER","role":"owner"},{"id":{task_runner},"username":"task_runner","name":"TASK_RUNNER","role":"task_runner"}]`), a.Body)
			}},
			{name: "or backwards", as: "guest", method: "GET", path: path + "?sort=role&order=desc", status: 200, after: func(t *testing.T, _ *world, a answer) {
				require.Contains(t, a.Body[:100], "task_runner")
			}},
			{name: "not by their passwords", as: "guest", method: "GET", path: path + "?sort=password", status: 400},
			{name: "not to strangers", as: "stranger", method: "GET", path: path, status: 404},
			{name: "not to nobody", as: "nobody", method: "GET", path: path, status: 401},
			{name: "one shows names alone", as: "guest", method: "GET", path: path + "/{owner}", status: 200, contains: []string{`"username":"owner"`, `"email":""`, `"role":"owner"`}, lacks: []string{"otpauth"}},
			{name: "and more to who manages them", method: "GET", path: path + "/{guest}", status: 200, contains: []string{`"email":"guest@example.org"`}},
			{name: "somebody else is none", method: "GET", path: path + "/{stranger}", status: 404},
			{name: "not added by a manager", as: "manager", method: "POST", path: path, body: `{"user_id":{stranger},"role":"guest"}`, status: 403},
			{name: "not with an unknown role", method: "POST", path: path, body: `{"user_id":{stranger},"role":"king"}`, status: 400, contains: []string{"role"}},
			{name: "not an unknown user", method: "POST", path: path, body: `{"user_id":9999,"role":"guest"}`, status: 400, contains: []string{"user_id"}},
			{name: "not twice", method: "POST", path: path, body: `{"user_id":{guest},"role":"manager"}`, status: 409},
			{name: "added", method: "POST", path: path, body: `{"user_id":{stranger},"role":"guest"}`, status: 204},
			{name: "who sees the project then", as: "stranger", method: "GET", path: path, status: 200},
			{name: "changed", method: "PUT", path: path + "/{stranger}", body: `{"role":"manager"}`, status: 204},
			{name: "not to an unknown role", method: "PUT", path: path + "/{stranger}", body: `{"role":""}`, status: 400},
			{name: "another user in the body", method: "PUT", path: path + "/{stranger}", body: `{"role":"guest","user_id":{guest}}`, status: 400},
			{name: "not by a manager", as: "manager", method: "PUT", path: path + "/{stranger}", body: `{"role":"guest"}`, status: 403},
			{name: "who is none cannot be changed", method: "PUT", path: path + "/{admin}", body: `{"role":"guest"}`, status: 404},
			{name: "removed", method: "DELETE", path: path + "/{stranger}", status: 204},
			{name: "once", method: "DELETE", path: path + "/{stranger}", status: 404},
			{name: "not by a manager", as: "manager", method: "DELETE", path: path + "/{guest}", status: 403},
			{name: "an owner does not demote himself", method: "PUT", path: path + "/{owner}", body: `{"role":"guest"}`, status: 400},
			{name: "nor remove himself", method: "DELETE", path: path + "/{owner}", status: 400},
			{name: "nor leave", method: "DELETE", path: "/project/{p}/me", status: 400},
			{name: "the last one stays, whoever asks", as: "admin", method: "DELETE", path: path + "/{owner}", status: 400, contains: []string{"last owner"}},
			{name: "and stays owner", as: "admin", method: "PUT", path: path + "/{owner}", body: `{"role":"guest"}`, status: 400},
			{name: "a second owner", method: "POST", path: path, body: `{"user_id":{admin},"role":"owner"}`, status: 204},
			{name: "may be removed", method: "DELETE", path: path + "/{admin}", status: 204},
			{name: "members may not leave by themselves", as: "guest", method: "DELETE", path: "/project/{p}/me", status: 403},
			{name: "who is none cannot leave", as: "admin", method: "DELETE", path: "/project/{p}/me", status: 400},
		})
		require.Contains(t, eventTexts(t, w), `User "stranger" added to the project as guest`)
	})
}

func TestMembersMayLeave(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true, api: func(c *api.Config) { c.Settings.MembersCanLeave = true }}, func(_ *testing.T, w *world) {
		w.play([]scenario{
			{name: "where that is allowed", as: "guest", method: "DELETE", path: "/project/{p}/me", status: 204},
			{name: "and are gone", as: "guest", method: "GET", path: "/project/{p}", status: 404},
			{name: "an owner may not", method: "DELETE", path: "/project/{p}/me", status: 400},
		})
	})
}

func TestWhoManagesMembersRaisesNobodyAboveHimself(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(_ *testing.T, w *world) {
		w.join("stranger", store.CanManageUsers|store.CanRunTasks)
		const users, roles = "/project/{p}/users", "/project/{p}/roles"
		w.play([]scenario{
			{name: "not himself", as: "stranger", method: "PUT", path: users + "/{stranger}", body: `{"role":"owner"}`, status: 403},
			{name: "not others", as: "stranger", method: "PUT", path: users + "/{guest}", body: `{"role":"manager"}`, status: 403},
			{name: "not who comes", as: "stranger", method: "POST", path: users, body: `{"user_id":{admin},"role":"owner"}`, status: 403},
			{name: "an owner is out of reach", as: "stranger", method: "PUT", path: users + "/{owner}", body: `{"role":"guest"}`, status: 403},
			{name: "a manager too", as: "stranger", method: "DELETE", path: users + "/{manager}", status: 403},
			{name: "not by his own role", as: "stranger", method: "PUT", path: roles + "/of_stranger", body: `{"name":"x","permissions":15}`, status: 403},
			{name: "not by a new role", as: "stranger", method: "POST", path: roles, body: `{"name":"x","permissions":15}`, status: 403},
			{name: "others up to what he may", as: "stranger", method: "PUT", path: users + "/{guest}", body: `{"role":"task_runner"}`, status: 204},
			{name: "by a role up to what he may", as: "stranger", method: "POST", path: roles, body: `{"name":"Boss of users","permissions":8}`, status: 201, contains: []string{`"slug":"boss_of_users"`}},
		})
	})
}

func TestRolesOfAProject(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		const path = "/project/{p}/roles"
		w.play([]scenario{
			{name: "there are none at first", as: "guest", method: "GET", path: path, status: 200, contains: []string{"[]"}},
			{name: "added", method: "POST", path: path, body: `{"name":"Deploy & run","permissions":1}`, status: 201, after: func(t *testing.T, w *world, a answer) {
				require.JSONEq(t, w.fill(`{"slug":"deploy_run","name":"Deploy & run","permissions":1,"project_id":{p}}`), a.Body)
			}},
			{name: "a second of that name", method: "POST", path: path, body: `{"name":"Deploy, run","permissions":0}`, status: 201, contains: []string{`"slug":"deploy_run_2"`}},
			{name: "one named as a built-in one", method: "POST", path: path, body: `{"name":"Owner"}`, status: 201, contains: []string{`"slug":"owner_2"`}},
			{name: "one without letters", method: "POST", path: path, body: `{"name":"Ёж","permissions":0}`, status: 201, contains: []string{`"slug":"role"`}},
			{name: "a slug of one's own", method: "POST", path: path, body: `{"slug":"ops","name":"Ops","permissions":5}`, status: 201},
			{name: "once", method: "POST", path: path, body: `{"slug":"ops","name":"Ops","permissions":5}`, status: 409},
			{name: "not that of a built-in one", method: "POST", path: path, body: `{"slug":"guest","name":"Guest","permissions":15}`, status: 400},
			{name: "not one of a path", method: "POST", path: path, body: `{"slug":"all","name":"All"}`, status: 400},
			{name: "not a strange one", method: "POST", path: path, body: `{"slug":"a/b","name":"x"}`, status: 400},
			{name: "not without a name", method: "POST", path: path, body: `{"slug":"x","permissions":1}`, status: 400},
			{name: "not with bits that are none", method: "POST", path: path, body: `{"name":"x","permissions":16}`, status: 400},
			{name: "not with less than none", method: "POST", path: path, body: `{"name":"x","permissions":-1}`, status: 400},
			{name: "not for another project", method: "POST", path: path, body: `{"name":"x","project_id":{q}}`, status: 400},
			{name: "not by a manager", as: "manager", method: "POST", path: path, body: `{"name":"x"}`, status: 403},
			{name: "one is shown", as: "guest", method: "GET", path: path + "/ops", status: 200, contains: []string{`"permissions":5`}},
			{name: "not to strangers", as: "stranger", method: "GET", path: path + "/ops", status: 404},
			{name: "not in another project", as: "stranger", method: "GET", path: "/project/{q}/roles/ops", status: 404},
			{name: "nor changed there", as: "stranger", method: "PUT", path: "/project/{q}/roles/ops", body: `{"name":"x"}`, status: 404},
			{name: "nor deleted there", as: "stranger", method: "DELETE", path: "/project/{q}/roles/ops", status: 404},
			{name: "nor given there", as: "stranger", method: "POST", path: "/project/{q}/users", body: `{"user_id":{guest},"role":"ops"}`, status: 400},
			{name: "given", method: "PUT", path: "/project/{p}/users/{guest}", body: `{"role":"ops"}`, status: 204},
			{name: "and takes effect", as: "guest", method: "GET", path: "/project/{p}/role", status: 200, contains: []string{`"permissions":5`}},
			{name: "changed by PUT", method: "PUT", path: path + "/ops", body: `{"slug":"ops","name":"Ops","permissions":1}`, status: 204},
			{name: "changed by POST", method: "POST", path: path + "/ops", body: `{"name":"Operators","permissions":0}`, status: 204},
			{name: "and takes effect at once", as: "guest", method: "GET", path: "/project/{p}/role", status: 200, contains: []string{`"permissions":0`}},
			{name: "not its slug", method: "PUT", path: path + "/ops", body: `{"slug":"op","name":"x"}`, status: 400},
			{name: "not deleted while somebody has it", method: "DELETE", path: path + "/ops", status: 400, contains: []string{`"inUse":true`}},
			{name: "deleted", method: "DELETE", path: path + "/deploy_run", status: 204},
			{name: "one that is not there", method: "GET", path: path + "/deploy_run", status: 404},
		})
		require.Contains(t, eventTexts(t, w), `Role "ops" updated`)
	})
}

func TestRolesOfAllProjects(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(_ *testing.T, w *world) {
		w.play([]scenario{
			{name: "are for administrators", method: "GET", path: "/roles", status: 403},
			{name: "not added by others", method: "POST", path: "/roles", body: `{"name":"x"}`, status: 403},
			{name: "there are none at first", as: "admin", method: "GET", path: "/roles", status: 200, contains: []string{"[]"}},
			{name: "a built-in one is replaced", as: "admin", method: "POST", path: "/roles", body: `{"slug":"guest","name":"Guest","permissions":1}`, status: 201},
			{name: "and takes effect", as: "guest", method: "GET", path: "/project/{p}/role", status: 200, contains: []string{`"permissions":1`}},
			{name: "the owner cannot be", as: "admin", method: "POST", path: "/roles", body: `{"slug":"owner","name":"Owner","permissions":0}`, status: 400},
			{name: "info lists them", as: "guest", method: "GET", path: "/info", status: 200, contains: []string{`"roles":[{"slug":"guest"`}},
			{name: "members see all that they may be", as: "guest", method: "GET", path: "/project/{p}/roles/all", status: 200, contains: []string{`"slug":"guest"`}},
			{name: "those of the project are other ones", as: "guest", method: "GET", path: "/project/{p}/roles", status: 200, lacks: []string{"guest"}},
			{name: "an owner does not change them", method: "PUT", path: "/project/{p}/roles/guest", body: `{"name":"x","permissions":15}`, status: 404},
			{name: "changed", as: "admin", method: "PUT", path: "/roles/guest", body: `{"name":"Visitor","permissions":0}`, status: 204},
			{name: "by POST too", as: "admin", method: "POST", path: "/roles/guest", body: `{"name":"Passer-by","permissions":0}`, status: 204},
			{name: "one is shown", as: "admin", method: "GET", path: "/roles/guest", status: 200, contains: []string{`"name":"Passer-by"`, `"permissions":0`}},
			{name: "deleted although members have it, for the built-in one comes back", as: "admin", method: "DELETE", path: "/roles/guest", status: 204},
			{name: "one that is not there", as: "admin", method: "DELETE", path: "/roles/guest", status: 404},
		})
	})
}
