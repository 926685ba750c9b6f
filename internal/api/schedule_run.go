package api

import (
	"context"
	"net/http"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

type cronInput struct {
	CronFormat string `json:"cron_format"`
	Timezone   string `json:"timezone"`
}

// validateSchedule tells whether a schedule could fire.
func (s *Server) validateSchedule(c *call) error {
	var in cronInput
	if err := c.decode(&in); err != nil {
		return err
	}
	err := s.pool.CheckSchedule(store.Schedule{CronFormat: in.CronFormat, Timezone: in.Timezone, Created: s.cfg.Now()})
	if err != nil {
		return cronError(err)
	}
	return c.empty(http.StatusOK)
}

// scheduleOf finds the schedule of the path.
func (c *call) scheduleOf(ctx context.Context, st store.Store) (store.Schedule, error) {
	id, err := c.id("schedule")
	if err != nil {
		return store.Schedule{}, err
	}
	r, err := st.Schedules().Get(ctx, c.project.ID, id)
	return r, named(err, "schedule")
}

type switchInput struct {
	Active *bool `json:"active"`
}

// switchSchedule switches a schedule on or off. Ticks of the time that it was
// off are not made up for.
func (s *Server) switchSchedule(c *call) error {
	var in switchInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Active == nil {
		return invalid("active", "is missing: send true or false")
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		r, err := c.scheduleOf(ctx, tx)
		if err != nil {
			return err
		}
		r.Active = *in.Active
		if err := c.plan(&r); err != nil {
			return err
		}
		if err := tx.Schedules().Update(ctx, r); err != nil {
			return err
		}
		word := "switched off"
		if r.Active {
			word = "switched on"
		}
		return c.record(ctx, tx, store.EventSchedule, r.ID, "Schedule %q %s", r.Name, word)
	})
	if err != nil {
		return err
	}
	s.pool.Wake()
	return c.empty(http.StatusNoContent)
}

// nextRuns lists the next times at which a schedule fires, or would if it were
// active.
func (s *Server) nextRuns(c *call) error {
	n, err := c.number("n", 5, 1, 100)
	if err != nil {
		return err
	}
	r, err := c.scheduleOf(c.ctx(), s.st)
	if err != nil {
		return err
	}
	times, err := s.pool.NextRuns(r, s.cfg.Now(), int(n))
	if err != nil {
		return cronError(err)
	}
	for i := range times {
		times[i] = times[i].UTC()
	}
	return list(c, times)
}

// runSchedule adds the task of a schedule now.
func (s *Server) runSchedule(c *call) error {
	r, err := c.scheduleOf(c.ctx(), s.st)
	if err != nil {
		return err
	}
	if err := c.needTemplate(r.TemplateID); err != nil {
		return err
	}
	t, err := s.pool.RunSchedule(c.ctx(), c.project.ID, r.ID, pool.Caller{UserID: c.user.ID, Username: c.user.Username})
	if err != nil {
		return err
	}
	t.Secret = "{}"
	c.hideValues(&t)
	return c.json(http.StatusCreated, t)
}
