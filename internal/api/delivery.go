package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/store"
)

// deliveryRoutes serve the log of deliveries. It shows addresses and what
// senders have sent, so that it is for those who manage integrations.
func (s *Server) deliveryRoutes() []route {
	const path = "/project/{project}/integrations/deliveries"
	return []route{
		{method: "GET", path: path, right: canManage, handle: s.listDeliveries},
		{method: "POST", path: path + "/{delivery}/replay", right: canManage, handle: s.replay},
	}
}

// listDeliveries lists the deliveries of a project, newest first, or shows the
// one that ?id= names with headers and body.
func (s *Server) listDeliveries(c *call) error {
	journal := s.cfg.Webhooks.deliveries.Journal()
	id, err := c.number("id", 0, 1, 1<<62)
	if err != nil {
		return err
	}
	if id != 0 {
		entry, err := journal.Get(c.ctx(), c.project.ID, id)
		if err != nil {
			return named(err, "delivery")
		}
		fillLists(&entry)
		return c.json(http.StatusOK, entry)
	}
	limit, err := c.number("limit", 200, 1, 1000)
	if err != nil {
		return err
	}
	list, err := journal.List(c.ctx(), c.project.ID, int(limit))
	if err != nil {
		return err
	}
	for i := range list {
		fillLists(&list[i])
	}
	return c.json(http.StatusOK, list)
}

// fillLists makes every list and object of an entry one.
func fillLists(e *hook.Entry) {
	if e.Integrations == nil {
		e.Integrations = []int64{}
	}
	if e.Header == nil {
		e.Header = http.Header{}
	}
	if e.Tasks == nil {
		e.Tasks = []int64{}
	}
}

type replayReply struct {
	Outcome string  `json:"outcome"`
	Tasks   []int64 `json:"tasks"`
}

// replay lets those integrations work on a delivery again that its sender had
// proven itself to.
func (s *Server) replay(c *call) error {
	id, err := c.id("delivery")
	if err != nil {
		return err
	}
	entry, err := s.cfg.Webhooks.deliveries.Journal().Get(c.ctx(), c.project.ID, id)
	if err != nil {
		return named(err, "delivery")
	}
	if len(entry.Integrations) == 0 {
		return answer(http.StatusBadRequest, "no integration let the sender of this delivery in: mend its secret, and let it send again")
	}
	req, err := entry.Request()
	if errors.Is(err, hook.ErrCut) {
		return answer(http.StatusBadRequest, err.Error())
	}
	if err != nil {
		return err
	}
	page, err := s.st.Integrations().List(c.ctx(), c.project.ID, store.Query{Where: map[string]any{"id": entry.Integrations}, Limit: -1})
	if err != nil {
		return err
	}
	if len(page.Items) == 0 {
		return answer(http.StatusBadRequest, "the integrations of this delivery are gone")
	}
	again := hook.Entry{ProjectID: c.project.ID, Alias: entry.Alias}
	for _, i := range page.Items {
		again.Integrations = append(again.Integrations, i.ID)
	}
	reply, err := s.cfg.Webhooks.deliveries.Do(c.ctx(), again, req, func(ctx context.Context) (hook.Answer, error) {
		return s.launch(ctx, page.Items, req, c.user.ID)
	})
	switch {
	case err != nil:
		return err
	case reply.Status >= http.StatusBadRequest:
		return answer(reply.Status, reply.Outcome)
	}
	return c.json(http.StatusOK, replayReply{reply.Outcome, append([]int64{}, reply.Tasks...)})
}
