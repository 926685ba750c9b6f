package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/store"
)

func TestATokenThatIsBoundToAProjectSeesNoOther(t *testing.T) {
	t.Parallel()
	o := options{idle: true, api: func(c *api.Config) { c.Settings.InvitesEnabled = true }}
	backends(t, o, func(t *testing.T, w *world) {
		_, err := w.st.Projects().Members().Create(t.Context(), store.Member{ProjectID: w.ids["q"], UserID: w.ids["guest"], Role: "guest"})
		require.NoError(t, err)
		w.created("third", "admin", "/projects", `{"name":"third"}`)
		w.created("in p", "owner", "/project/{p}/views", `{"title":"view of the first"}`)
		w.created("in q", "stranger", "/project/{q}/views", `{"title":"view of the second"}`)
		w.created("to p", "owner", "/project/{p}/invites", `{"user_id":{stranger},"role":"guest"}`)
		for _, who := range []string{"guest", "admin", "stranger"} {
			scopes := []string{"read", w.fill("project:{p}")}
			token, _, err := w.auth.NewToken(t.Context(), w.ids[who], auth.TokenOptions{Scopes: scopes})
			require.NoError(t, err)
			w.tokens["bound "+who] = token
		}
		other, _, err := w.auth.NewToken(t.Context(), w.ids["stranger"], auth.TokenOptions{Scopes: []string{"read", w.fill("project:{q}")}})
		require.NoError(t, err)
		w.tokens["elsewhere"] = other
		w.play([]scenario{
			{name: "of a member: projects", as: "bound guest", method: "GET", path: "/projects", status: 200, contains: []string{`"name":"first"`}, lacks: []string{"second", "third"}},
			{name: "of a member: events", as: "bound guest", method: "GET", path: "/events", status: 200, contains: []string{"view of the first"}, lacks: []string{"view of the second"}},
			{name: "of an administrator: projects", as: "bound admin", method: "GET", path: "/projects", status: 200, contains: []string{`"name":"first"`}, lacks: []string{"second", "third"}},
			{name: "of an administrator: last events", as: "bound admin", method: "GET", path: "/events/last", status: 200, contains: []string{"view of the first"}, lacks: []string{"view of the second", "third"}},
			{name: "of nobody there: projects", as: "bound stranger", method: "GET", path: "/projects", status: 200, contains: []string{"[]"}},
			{name: "of nobody there: events", as: "bound stranger", method: "GET", path: "/events", status: 200, contains: []string{"[]"}},
			{name: "invitations to it", as: "bound stranger", method: "GET", path: "/invites", status: 200, contains: []string{`"project_name":"first"`}},
			{name: "and to no other", as: "elsewhere", method: "GET", path: "/invites", status: 200, contains: []string{"[]"}},
			{name: "a free token sees all", as: "guest", method: "GET", path: "/events", status: 200, contains: []string{"view of the first", "view of the second"}},
		})
	})
}
