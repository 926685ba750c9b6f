package api

import (
	"context"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

const (
	allEvents  = 1000 // what a list of events holds where nothing else is asked for
	someEvents = 200
)

func (s *Server) listEvents(c *call) error        { return c.events(allEvents) }
func (s *Server) lastEvents(c *call) error        { return c.events(someEvents) }
func (s *Server) listProjectEvents(c *call) error { return c.projectEvents(allEvents) }
func (s *Server) lastProjectEvents(c *call) error { return c.projectEvents(someEvents) }

// projectEvents lists what happened in the project, newest first.
func (c *call) projectEvents(limit int) error {
	q, err := c.eventQuery(limit)
	if err != nil {
		return err
	}
	page, err := c.s.st.Events().List(c.ctx(), c.project.ID, q)
	if err != nil {
		return err
	}
	return c.showEvents(page)
}

// events lists what the caller may see: administrators everything, others what
// happened in their projects, and what they did outside of any. An event that
// has lost its project may have been of one that they never saw. A token that is
// bound to projects sees what happened in those.
func (c *call) events(limit int) error {
	q, err := c.eventQuery(limit)
	if err != nil {
		return err
	}
	bound := c.bound()
	if c.user.Admin {
		if bound != nil {
			q.Where = map[string]any{"project_id": bound}
		}
		page, err := c.s.st.Events().List(c.ctx(), store.AnyScope, q)
		if err != nil {
			return err
		}
		return c.showEvents(page)
	}
	projects, err := c.s.st.Projects().Of(c.ctx(), c.user.ID)
	if err != nil {
		return err
	}
	var lists []eventList
	if bound == nil {
		lists = append(lists, eventList{scope: 0, where: map[string]any{"user_id": c.user.ID}})
	}
	var ids []int64
	for _, p := range projects {
		if bound == nil || slices.Contains(bound, p.ID) {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) > 0 {
		lists = append(lists, eventList{scope: store.AnyScope, where: map[string]any{"project_id": ids}})
	}
	page, err := mergeEvents(c.ctx(), c.s.st, lists, q)
	if err != nil {
		return err
	}
	return c.showEvents(page)
}

func (c *call) eventQuery(limit int) (store.Query, error) {
	q, err := c.query(nil, true)
	if q.Limit < 0 || c.r.URL.Query().Get("limit") == "" {
		q.Limit = limit
	}
	q.Desc = false // newest first is the order of events
	return q, err
}

// eventList is one of several lists that are read as one.
type eventList struct {
	scope int64
	where map[string]any
}

// done stands for the cursor of a list that has been read to its end.
const done = "-"

// mergeEvents reads a page of several lists, newest first. The cursor is that
// of each list, joined by dots.
func mergeEvents(ctx context.Context, st store.Store, lists []eventList, q store.Query) (store.Page[store.Event], error) {
	cursors := make([]string, len(lists))
	if q.After != "" {
		if cursors = strings.Split(q.After, "."); len(cursors) != len(lists) {
			return store.Page[store.Event]{}, invalid("after", "is no cursor of this list: take the next of the page before")
		}
	}
	pages := make([]store.Page[store.Event], len(lists))
	for i, l := range lists {
		if cursors[i] == done {
			continue
		}
		var err error
		if pages[i], err = l.read(ctx, st, q, cursors[i], q.Limit); err != nil {
			return store.Page[store.Event]{}, err
		}
	}
	out, taken := newestFirst(pages, q.Limit)
	more := false
	for i, l := range lists {
		switch {
		case taken[i] < len(pages[i].Items) && taken[i] > 0:
			// The cursor behind what was taken is that of a page which ends there.
			part, err := l.read(ctx, st, q, cursors[i], taken[i])
			if err != nil {
				return store.Page[store.Event]{}, err
			}
			cursors[i], more = part.Next, true
		case taken[i] < len(pages[i].Items):
			more = true
		case pages[i].Next != "":
			cursors[i], more = pages[i].Next, true
		default:
			cursors[i] = done
		}
	}
	if more {
		out.Next = strings.Join(cursors, ".")
	}
	return out, nil
}

func (l eventList) read(ctx context.Context, st store.Store, q store.Query, after string, limit int) (store.Page[store.Event], error) {
	q.Where, q.After, q.Limit = l.where, after, limit
	return st.Events().List(ctx, l.scope, q)
}

// newestFirst takes the newest events of sorted pages, and tells how many of
// each.
func newestFirst(pages []store.Page[store.Event], limit int) (store.Page[store.Event], []int) {
	out, taken := store.Page[store.Event]{Items: []store.Event{}}, make([]int, len(pages))
	for len(out.Items) < limit {
		newest := -1
		for i, p := range pages {
			if taken[i] < len(p.Items) && (newest < 0 || p.Items[taken[i]].ID > pages[newest].Items[taken[newest]].ID) {
				newest = i
			}
		}
		if newest < 0 {
			break
		}
		out.Items = append(out.Items, pages[newest].Items[taken[newest]])
		taken[newest]++
	}
	return out, taken
}

// showEvents answers with events and the names of what they are about.
func (c *call) showEvents(page store.Page[store.Event]) error {
	if err := c.nameEvents(page.Items); err != nil {
		return err
	}
	return c.page(page.Items, page.Next)
}
