package api_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		p, q, guest, key := w.ids["p"], w.ids["q"], w.ids["guest"], w.ids["key"]
		add := func(text string, project, user, object *int64, kind store.EventType) {
			require.NoError(t, w.st.Events().Add(t.Context(), store.Event{ProjectID: project, UserID: user, ObjectID: object, ObjectType: kind, Description: text, Created: w.users["guest"].Created}))
		}
		add("of p", &p, &guest, &key, store.EventKey)
		add("of q", &q, nil, nil, store.EventKey)
		add("of nothing", nil, nil, nil, store.EventOption)
		add("of guest", nil, &guest, &guest, store.EventUser)
		w.play([]scenario{
			{name: "of a project name everything", as: "guest", method: "GET", path: "/project/{p}/events", status: 200, after: func(t *testing.T, _ *world, a answer) {
				require.Equal(t, []string{"created", "description", "integration_id", "object_id", "object_name", "object_type", "project_id", "project_name", "user_id", "username"}, keys(t, a.Body[1:len(a.Body)-2]))
				require.Contains(t, a.Body, `"object_name":"key","project_name":"first","username":"guest"`)
			}, lacks: []string{"of q", "of nothing", "of guest"}},
			{name: "of a project, the last", as: "guest", method: "GET", path: "/project/{p}/events/last", status: 200, contains: []string{"of p"}, lacks: []string{"of q"}},
			{name: "of another project", as: "guest", method: "GET", path: "/project/{q}/events", status: 404},
			{name: "of one's projects and oneself", as: "guest", method: "GET", path: "/events", status: 200, contains: []string{"of p", "of guest"}, lacks: []string{"of q", "of nothing"}},
			{name: "of one's projects and oneself, the last", as: "stranger", method: "GET", path: "/events/last", status: 200, contains: []string{"of q"}, lacks: []string{"of p", "of nothing", "of guest"}},
			{name: "all, for administrators", as: "admin", method: "GET", path: "/events", status: 200, contains: []string{"of p", "of q", "of nothing", "of guest"}},
			{name: "not for nobody", as: "nobody", method: "GET", path: "/events", status: 401},
			{name: "a limit that is none", as: "admin", method: "GET", path: "/events?limit=x", status: 400},
			{name: "a cursor that is none", as: "guest", method: "GET", path: "/events?after=x", status: 400},
			{name: "a cursor that is none in a project", as: "guest", method: "GET", path: "/project/{p}/events?after=x", status: 400},
		})
		require.NoError(t, w.st.Projects().Delete(t.Context(), 0, q))
		require.NotContains(t, w.do("guest", "GET", "/events", "").Body, "of q", "an event that lost its project is not everybody's")
	})
}

func TestEventsArePaged(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		p, guest := w.ids["p"], w.ids["guest"]
		var want []string
		for i := range 23 {
			e := store.Event{ObjectType: store.EventKey, Description: fmt.Sprint("event ", i), Created: w.users["guest"].Created}
			switch {
			case i%5 == 0 || i > 18:
				e.UserID = &guest
			case i%7 == 3:
				e.ProjectID = ptr(w.ids["q"])
			default:
				e.ProjectID = &p
			}
			require.NoError(t, w.st.Events().Add(t.Context(), e))
			if e.ProjectID == nil || *e.ProjectID == p {
				want = append([]string{e.Description}, want...)
			}
		}
		for _, size := range []int{1, 2, 3, 7, 20, 100} {
			var got []string
			next := ""
			for range 100 {
				a := w.do("guest", "GET", fmt.Sprintf("/events?limit=%d&after=%s", size, url.QueryEscape(next)), "")
				require.Equal(t, 200, a.Status, a.Body)
				var page []store.Event
				a.decode(t, &page)
				require.LessOrEqual(t, len(page), size)
				for _, e := range page {
					got = append(got, e.Description)
				}
				if next = a.Header.Get("X-Next-Cursor"); next == "" {
					break
				}
			}
			require.Equal(t, want, got, "pages of %d", size)
		}
	})
}
