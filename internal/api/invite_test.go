package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/store"
)

func TestInvitations(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true, api: func(c *api.Config) { c.Settings.InvitesEnabled, c.Settings.InviteType = true, "both" }}, func(t *testing.T, w *world) {
		const path = "/project/{p}/invites"
		a := w.created("invite", "owner", path, `{"user_id":{stranger},"role":"guest"}`)
		require.Contains(t, a.Body, `"status":"pending"`)
		require.Contains(t, a.Body, w.fill(`"inviter_user":{"id":{owner},"username":"owner","name":"OWNER"}`))
		byMail := w.created("mail", "owner", path, `{"email":"Admin@example.org","role":"manager"}`)
		_, token, ok := strings.Cut(byMail.Body, "/accept-invite?token=")
		require.True(t, ok)
		token, _, _ = strings.Cut(token, `"`)
		require.NotContains(t, w.dump(), token)
		w.play([]scenario{
			{name: "are listed without their links", method: "GET", path: path, status: 200, contains: []string{`"id":{invite}`, `"id":{mail}`}, lacks: []string{"url", "token"}},
			{name: "one is shown", method: "GET", path: path + "/{invite}", status: 200, contains: []string{`"username":"stranger"`}},
			{name: "not to a manager", as: "manager", method: "GET", path: path, status: 403},
			{name: "not in another project", as: "stranger", method: "GET", path: "/project/{q}/invites/{invite}", status: 404},
			{name: "nor deleted there", as: "stranger", method: "DELETE", path: "/project/{q}/invites/{invite}", status: 404},
			{name: "not twice", method: "POST", path: path, body: `{"user_id":{stranger},"role":"guest"}`, status: 409},
			{name: "not a member", method: "POST", path: path, body: `{"user_id":{guest},"role":"guest"}`, status: 409},
			{name: "not an unknown user", method: "POST", path: path, body: `{"user_id":9999,"role":"guest"}`, status: 400},
			{name: "not as nothing", method: "POST", path: path, body: `{"user_id":{admin},"role":"king"}`, status: 400},
			{name: "not nobody", method: "POST", path: path, body: `{"role":"guest"}`, status: 400},
			{name: "not what is no address", method: "POST", path: path, body: `{"email":"x","role":"guest"}`, status: 400},
			{name: "not by a manager", as: "manager", method: "POST", path: path, body: `{"user_id":{admin},"role":"guest"}`, status: 403},
			{name: "the invited one sees his", as: "stranger", method: "GET", path: "/invites", status: 200, contains: []string{`"project_name":"first"`}, lacks: []string{"admin@example.org"}},
			{name: "others do not", as: "guest", method: "GET", path: "/invites", status: 200, contains: []string{"[]"}},
			{name: "not accepted by others", as: "guest", method: "POST", path: "/invites/accept", body: `{"id":{invite}}`, status: 404},
			{name: "not accepted by others with the link", as: "guest", method: "POST", path: "/invites/accept", body: `{"token":"` + token + `"}`, status: 404},
			{name: "one by mail not without the link", as: "admin", method: "POST", path: "/invites/accept", body: `{"id":{mail}}`, status: 404},
			{name: "accepted by the link", as: "admin", method: "POST", path: "/invites/accept", body: `{"token":"` + token + `"}`, status: 200, contains: []string{`{"project_id":{p}}`}},
			{name: "once", as: "admin", method: "POST", path: "/invites/accept", body: `{"token":"` + token + `"}`, status: 404},
			{name: "declined", as: "stranger", method: "POST", path: "/invites/decline", body: `{"id":{invite}}`, status: 204},
			{name: "and over", as: "stranger", method: "POST", path: "/invites/accept", body: `{"id":{invite}}`, status: 404},
			{name: "asked again", method: "POST", path: path, body: `{"user_id":{stranger},"role":"task_runner"}`, status: 201, after: func(t *testing.T, w *world, a answer) {
				var row store.Invite
				a.decode(t, &row)
				w.ids["again"] = row.ID
			}},
			{name: "accepted by the one it names", as: "stranger", method: "POST", path: "/invites/accept", body: `{"id":{again}}`, status: 200},
			{name: "who is a member now", as: "stranger", method: "GET", path: "/project/{p}/role", status: 200, contains: []string{`"role":"task_runner"`}},
			{name: "deleted", method: "DELETE", path: path + "/{again}", status: 204},
			{name: "and gone", method: "GET", path: path + "/{again}", status: 404},
		})
		require.Contains(t, eventTexts(t, w), `User "stranger" joined the project as task_runner`)
	})
}

func TestInvitationsExpire(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := newWorld(t, options{idle: true, api: func(c *api.Config) {
		c.Settings.InvitesEnabled = true
		c.Now = func() time.Time { return now }
	}})
	w.created("invite", "owner", "/project/{p}/invites", `{"user_id":{stranger},"role":"guest"}`)
	now = now.Add(8 * 24 * time.Hour)
	w.play([]scenario{
		{name: "and cannot be accepted", as: "stranger", method: "POST", path: "/invites/accept", body: `{"id":{invite}}`, status: 404},
		{name: "and show it", method: "GET", path: "/project/{p}/invites", status: 200, contains: []string{`"status":"expired"`}},
		{name: "not by mail where only names are allowed", method: "POST", path: "/project/{p}/invites", body: `{"email":"a@b.org","role":"guest"}`, status: 400},
	})
}

func TestInvitationsAreOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	w.play([]scenario{{name: "where the configuration says so", method: "POST", path: "/project/{p}/invites", body: `{"user_id":{stranger},"role":"guest"}`, status: 400, contains: []string{"teams.invites_enabled"}}})
	stranger := w.ids["stranger"]
	row, err := w.st.Projects().Invites().Create(t.Context(), store.Invite{ProjectID: w.ids["p"], UserID: &stranger, Role: "guest", Status: "pending", Token: "x", InviterUserID: w.ids["owner"], Created: time.Now()})
	require.NoError(t, err)
	w.ids["invite"] = row.ID
	w.play([]scenario{
		{name: "one from before is not offered", as: "stranger", method: "GET", path: "/invites", status: 200, contains: []string{"[]"}},
		{name: "nor accepted", as: "stranger", method: "POST", path: "/invites/accept", body: `{"id":{invite}}`, status: 404},
		{name: "and members are added", method: "POST", path: "/project/{p}/users", body: `{"user_id":{stranger},"role":"guest"}`, status: 204},
	})
}

func TestMembersAreInvitedAndNotAdded(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true, api: func(c *api.Config) { c.Settings.InvitesEnabled = true }}, func(_ *testing.T, w *world) {
		w.play([]scenario{
			{name: "by an owner", method: "POST", path: "/project/{p}/users", body: `{"user_id":{stranger},"role":"guest"}`, status: 403, contains: []string{"invitation"}},
			{name: "who is no member by that", as: "stranger", method: "GET", path: "/project/{p}", status: 404},
			{name: "an administrator adds", as: "admin", method: "POST", path: "/project/{p}/users", body: `{"user_id":{stranger},"role":"guest"}`, status: 204},
		})
	})
}
