package api_test

import (
	"testing"

	"github.com/alexandervashurin/semaphore/internal/api"
)

func TestAnInvitationIsWorthWhatItsAuthorMayDo(t *testing.T) {
	t.Parallel()
	o := options{idle: true, api: func(c *api.Config) { c.Settings.InvitesEnabled = true }}
	backends(t, o, func(_ *testing.T, w *world) {
		w.play([]scenario{{name: "another owner", as: "admin", method: "PUT", path: "/project/{p}/users/{manager}", body: `{"role":"owner"}`, status: 204}})
		w.created("invite", "manager", "/project/{p}/invites", `{"user_id":{stranger},"role":"owner"}`)
		const accept, by = "/invites/accept", `{"id":{invite}}`
		w.play([]scenario{
			{name: "he becomes a guest", method: "PUT", path: "/project/{p}/users/{manager}", body: `{"role":"guest"}`, status: 204},
			{name: "who invites nobody", as: "stranger", method: "POST", path: accept, body: by, status: 400, contains: []string{"whoever invited you"}},
			{name: "he leaves", method: "DELETE", path: "/project/{p}/users/{manager}", status: 204},
			{name: "and his invitation with him", as: "stranger", method: "POST", path: accept, body: by, status: 400, contains: []string{"whoever invited you"}},
			{name: "he comes back as an owner", as: "admin", method: "POST", path: "/project/{p}/users", body: `{"user_id":{manager},"role":"owner"}`, status: 204},
			{name: "and it is good again", as: "stranger", method: "POST", path: accept, body: by, status: 200},
			{name: "for what it says", as: "stranger", method: "GET", path: "/project/{p}/role", status: 200, contains: []string{`"role":"owner"`}},
		})
	})
}
