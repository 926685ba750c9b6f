package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/alexandervashurin/semaphore/store"
)

type viewInput struct {
	rowIDs
	Title       string  `json:"title"`
	Position    int     `json:"position"`
	Type        string  `json:"type"`
	Hidden      bool    `json:"hidden"`
	Filter      *string `json:"filter"`
	SortColumn  *string `json:"sort_column"`
	SortReverse bool    `json:"sort_reverse"`
}

func (s *Server) viewRoutes() []route {
	views := resource[store.View, viewInput]{
		noun: "view", path: "views", kind: "", event: store.EventView,
		table: func(st store.Store) store.Table[store.View] { return st.Views() },
		sorts: []string{"position", "title"},
		ids:   func(v *store.View) (*int64, *int64) { return &v.ID, &v.ProjectID },
		label: func(v *store.View) string { return v.Title },
		read:  readView,
	}
	return append(views.routes(),
		route{method: "POST", path: "/project/{project}/views/positions", right: canManage, handle: s.moveViews},
		route{method: "GET", path: "/project/{project}/views/{view}/templates", right: member, handle: s.templatesOfView, cached: true},
	)
}

func readView(_ context.Context, _ *call, _ store.Store, in *viewInput, v *store.View) error {
	if err := checkName("title", in.Title); err != nil {
		return err
	}
	switch {
	case in.Title == "":
		return invalid("title", "is empty: name the view")
	case in.Type != "" && in.Type != "all":
		return invalid("type", "is %q: use all or nothing", clip(in.Type, 40))
	}
	v.Title, v.Position, v.Type, v.Hidden = in.Title, in.Position, in.Type, in.Hidden
	v.SortColumn, v.SortReverse = in.SortColumn, in.SortReverse
	return nil
}

// moveViews sets the positions of several views: {"<id>": position}.
func (s *Server) moveViews(c *call) error {
	var in map[string]int
	if err := c.decode(&in); err != nil {
		return err
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		for text, position := range in {
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return invalid("id", "%q is no number", clip(text, 40))
			}
			v, err := tx.Views().Get(ctx, c.project.ID, id)
			if err != nil {
				return named(err, "view")
			}
			v.Position = position
			if err := tx.Views().Update(ctx, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
