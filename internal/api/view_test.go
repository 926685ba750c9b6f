package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestViews(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.created("tools", "manager", "/project/{p}/views", `{"title":"Tools","position":3,"project_id":{p},"unknown":1}`)
		w.play([]scenario{
			{name: "are listed by position", as: "guest", method: "GET", path: "/project/{p}/views", status: 200, contains: []string{`"title":"Tools"`, `"title":"All"`}},
			{name: "one is shown", as: "guest", method: "GET", path: "/project/{p}/views/{tools}", status: 200, contains: []string{`"position":3`}},
			{name: "a slash at the end does not matter", method: "GET", path: "/project/{p}/views/", status: 200},
			{name: "a guest may not add one", as: "guest", method: "POST", path: "/project/{p}/views", body: `{"title":"x"}`, status: 403},
			{name: "a stranger sees no project", as: "stranger", method: "GET", path: "/project/{p}/views", status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: "/project/{p}/views", status: 401},
			{name: "a title is needed", method: "POST", path: "/project/{p}/views", body: `{"title":""}`, status: 400, contains: []string{"title"}},
			{name: "a project of the body that differs is refused", method: "POST", path: "/project/{p}/views", body: `{"title":"x","project_id":{q}}`, status: 400},
			{name: "one of another project does not exist", method: "PUT", path: "/project/{p}/views/{q_view}", body: `{"title":"x"}`, status: 404},
			{name: "a wrong type is named", method: "POST", path: "/project/{p}/views", body: `{"title":7}`, status: 400, contains: []string{"title", "a string"}},
			{name: "garbage behind is refused", method: "POST", path: "/project/{p}/views", body: `{"title":"x"} y`, status: 400},
			{name: "positions are set together", method: "POST", path: "/project/{p}/views/positions", body: `{"{tools}":0,"{view}":1}`, status: 204},
			{name: "positions of another project change nothing", method: "POST", path: "/project/{p}/views/positions", body: `{"{tools}":9,"{q_view}":9}`, status: 404},
			{name: "an id that is no number", method: "GET", path: "/project/{p}/views/x", status: 400},
			{name: "another method is not allowed", method: "DELETE", path: "/project/{p}/views", status: 405},
			{name: "an unknown route is no page", method: "GET", path: "/nothing", status: 404},
			{name: "one is replaced", method: "PUT", path: "/project/{p}/views/{tools}", body: `{"id":{tools},"project_id":{p},"title":"Tool box"}`, status: 204},
			{name: "one is deleted", method: "DELETE", path: "/project/{p}/views/{tools}", status: 204},
			{name: "and gone", method: "GET", path: "/project/{p}/views/{tools}", status: 404},
		})
		a := w.do("owner", "HEAD", "/project/{p}/views", "")
		require.Equal(t, 200, a.Status)
	})
}
