package api

import (
	"net/http"

	"github.com/alexandervashurin/semaphore/store"
)

// namedSchedule is a schedule as lists show it.
type namedSchedule struct {
	store.Schedule
	TemplateName string `json:"tpl_name"`
}

// listSchedules lists the schedules that go by the clock alone, and with
// with_commits those that watch a repository too, without their parameters.
func (s *Server) listSchedules(c *call) error {
	q, err := c.query([]string{"id", "name"}, true)
	if err != nil {
		return err
	}
	if !c.flag("with_commits", false) {
		q.Where = map[string]any{"repository_id": nil}
	}
	page, err := s.st.Schedules().List(c.ctx(), c.project.ID, q)
	if err != nil {
		return err
	}
	list, err := c.nameSchedules(page.Items)
	if err != nil {
		return err
	}
	return c.page(list, page.Next)
}

// watchersOfTemplate lists the schedules of a template that watch a repository.
func (s *Server) watchersOfTemplate(c *call) error {
	t, err := c.template()
	if err != nil {
		return err
	}
	page, err := s.st.Schedules().List(c.ctx(), c.project.ID, store.Query{Where: map[string]any{"template_id": t.ID}, Limit: -1})
	if err != nil {
		return err
	}
	list := []namedSchedule{}
	for _, r := range page.Items {
		if r.RepositoryID != nil {
			list = append(list, namedSchedule{r, t.Name})
		}
	}
	return c.json(http.StatusOK, list)
}

// nameSchedules adds the names of templates.
func (c *call) nameSchedules(rows []store.Schedule) ([]namedSchedule, error) {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.TemplateID
	}
	names := map[int64]string{}
	if len(ids) > 0 {
		page, err := c.s.st.Templates().List(c.ctx(), c.project.ID, store.Query{Where: map[string]any{"id": ids}, Limit: -1})
		if err != nil {
			return nil, err
		}
		for _, t := range page.Items {
			names[t.ID] = t.Name
		}
	}
	list := make([]namedSchedule, len(rows))
	for i, r := range rows {
		list[i] = namedSchedule{r, names[r.TemplateID]}
	}
	return list, nil
}
