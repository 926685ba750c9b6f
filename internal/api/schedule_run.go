package api

import (
	"context"
	"net/http"
	"time"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// cronInput is a schedule that is being written.
type cronInput struct {
	ID         int64              `json:"id"` // of the schedule that is changed, which @every counts from. Defaults to a new one.
	CronFormat string             `json:"cron_format"`
	Timezone   string             `json:"timezone"`
	Type       store.ScheduleType `json:"type"`
	RunAt      *string            `json:"run_at"`
	N          int                `json:"n"` // how many times to tell, up to 100. Defaults to 0, which has an empty reply.
}

// forecast is when a schedule would fire.
type forecast struct {
	Next     []time.Time `json:"next"`
	Timezone string      `json:"timezone"` // that the expression is read in
}

// validateSchedule tells whether a schedule could fire, and when it would next.
func (s *Server) validateSchedule(c *call) error {
	var in cronInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.N < 0 || in.N > 100 {
		return invalid("n", "is %d: give a number from 0 to 100", in.N)
	}
	r := store.Schedule{CronFormat: in.CronFormat, Timezone: in.Timezone, Type: in.Type, Active: true, Created: s.cfg.Now()}
	var err error
	if r.RunAt, err = timeOf("run_at", in.RunAt); err != nil {
		return err
	}
	if in.ID != 0 {
		old, err := s.st.Schedules().Get(c.ctx(), c.project.ID, in.ID)
		if err != nil {
			return named(err, "schedule")
		}
		r.Created = old.Created
	}
	if err := s.pool.CheckSchedule(r); err != nil {
		return cronError(err)
	}
	if in.N == 0 {
		return c.empty(http.StatusOK)
	}
	times, err := s.pool.NextRuns(r, s.cfg.Now(), in.N)
	if err != nil {
		return cronError(err)
	}
	zone, err := s.pool.ScheduleZone(r)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, forecast{times, zone.String()})
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
