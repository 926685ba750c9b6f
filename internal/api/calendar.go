package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

const (
	calendarDays  = 45      // at most in one reply
	calendarTicks = 200_000 // that are counted for one reply, a fraction of a second's work
	calendarADay  = 2_000   // that are counted of one schedule on one day
	calendarTasks = 5_000   // of the days gone that are looked at
)

// calendarReply is what a calendar shows.
type calendarReply struct {
	Runs    []calendarRun `json:"runs"`    // by day, and by time within it
	Partial bool          `json:"partial"` // there is more of the days gone than was looked at
}

// calendarRun is what a schedule does, or has done, on one day.
type calendarRun struct {
	Date         string    `json:"date"` // in the asked time zone
	ScheduleID   int64     `json:"schedule_id"`
	Name         string    `json:"name"` // of the schedule, "" for one that is gone or has none
	TemplateID   int64     `json:"template_id"`
	TemplateName string    `json:"tpl_name"`
	Count        int       `json:"count"`
	First        time.Time `json:"first"`
	Last         time.Time `json:"last"`
	// EverySeconds is the time between two runs, where it is the same all day.
	EverySeconds int64 `json:"every_seconds,omitempty"`
	// More tells that there are more runs than were counted.
	More bool `json:"more,omitempty"`
	// Statuses counts the tasks by their state; runs to come have none.
	Statuses map[store.Status]int `json:"statuses,omitempty"`
	TaskID   int64                `json:"task_id,omitempty"` // of the newest task
}

// calendar tells day by day when schedules fire, and what became of the tasks
// that they started.
func (s *Server) calendar(c *call) error {
	zone, err := c.zone()
	if err != nil {
		return err
	}
	from, err := c.day("from", zone)
	if err != nil {
		return err
	}
	days, err := c.number("days", 7, 1, calendarDays)
	if err != nil {
		return err
	}
	if from.IsZero() {
		from = s.cfg.Now().In(zone)
	}
	m := calendarMaker{call: c, zone: zone, now: s.cfg.Now(), ticks: calendarTicks, reply: calendarReply{Runs: []calendarRun{}}}
	for i := range int(days) + 1 {
		m.starts = append(m.starts, time.Date(from.Year(), from.Month(), from.Day()+i, 0, 0, 0, 0, zone))
	}
	for _, step := range []func(context.Context) error{m.gone, m.coming} {
		if err := step(c.ctx()); err != nil {
			return err
		}
	}
	slices.SortStableFunc(m.reply.Runs, func(a, b calendarRun) int {
		return cmp.Or(cmp.Compare(a.Date, b.Date), a.First.Compare(b.First), cmp.Compare(a.ScheduleID, b.ScheduleID))
	})
	return c.json(http.StatusOK, m.reply)
}

// calendarMaker gathers a calendar. It lives for one request.
type calendarMaker struct {
	call   *call
	zone   *time.Location
	now    time.Time
	starts []time.Time // of the days, and the end of the last one
	ticks  int         // how many may still be counted
	reply  calendarReply
}

func (m *calendarMaker) date(t time.Time) string { return t.In(m.zone).Format(time.DateOnly) }

// gone adds the tasks that schedules have started, from the newest on: where
// there are too many, it is the first days that lack some.
func (m *calendarMaker) gone(ctx context.Context) error {
	end := m.starts[len(m.starts)-1]
	if m.starts[0].After(m.now) {
		return nil
	}
	f := store.TaskFilter{ProjectID: m.call.project.ID, Since: m.starts[0], Before: end, Limit: 1000}
	type dayOf struct {
		date     string
		schedule int64
	}
	index := map[dayOf]int{}
	for seen := 0; ; {
		page, err := m.call.s.st.Tasks().List(ctx, f)
		if err != nil {
			return err
		}
		for _, t := range page.Items {
			if t.ScheduleID == nil {
				continue
			}
			key := dayOf{m.date(t.Created), *t.ScheduleID}
			i, ok := index[key]
			if !ok {
				i = len(m.reply.Runs)
				index[key] = i
				m.reply.Runs = append(m.reply.Runs, calendarRun{
					Date: key.date, ScheduleID: key.schedule, TemplateID: t.TemplateID, TemplateName: t.TemplateName,
					Last: t.Created, TaskID: t.ID, Statuses: map[store.Status]int{},
				})
			}
			run := &m.reply.Runs[i]
			run.Count, run.First = run.Count+1, t.Created
			run.Statuses[t.Status]++
		}
		if f.After = page.Next; f.After == "" {
			return nil
		}
		if seen += len(page.Items); seen >= calendarTasks {
			m.reply.Partial = true
			return nil
		}
	}
}

// coming names the runs gone, and adds those to come.
func (m *calendarMaker) coming(ctx context.Context) error {
	page, err := m.call.s.st.Schedules().List(ctx, m.call.project.ID, store.Query{Limit: -1})
	if err != nil {
		return err
	}
	named, err := m.call.nameSchedules(page.Items)
	if err != nil {
		return err
	}
	names := make(map[int64]string, len(named))
	for _, r := range named {
		names[r.ID] = r.Name
	}
	for i := range m.reply.Runs {
		m.reply.Runs[i].Name = names[m.reply.Runs[i].ScheduleID]
	}
	for _, r := range named {
		if !r.Active || r.RepositoryID != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		m.schedule(r)
	}
	return nil
}

// schedule adds the runs of one schedule, a line for each day that has some.
func (m *calendarMaker) schedule(r namedSchedule) {
	var next time.Time
	for i, start := range m.starts[:len(m.starts)-1] {
		end := m.starts[i+1]
		if !end.After(m.now) || !next.Before(end) {
			continue
		}
		after := start.Add(-1)
		if m.now.After(after) {
			after = m.now
		}
		run := calendarRun{Date: m.date(start), ScheduleID: r.ID, Name: r.Name, TemplateID: r.TemplateID, TemplateName: r.TemplateName}
		if next = m.count(&run, r.Schedule, after, end); run.Count > 0 {
			m.reply.Runs = append(m.reply.Runs, run)
		}
		if next.IsZero() {
			return
		}
	}
}

// count counts the runs between two moments. It returns one of those behind, zero
// where there are none any more; a schedule that cannot be read has none.
func (m *calendarMaker) count(run *calendarRun, r store.Schedule, after, end time.Time) (next time.Time) {
	ticks, err := m.call.s.pool.Ticks(r, after)
	if err != nil {
		return time.Time{}
	}
	even := true
	for tick := range ticks {
		m.ticks--
		if !tick.Before(end) {
			next = tick
			break
		}
		if run.Count > 0 && (m.ticks <= 0 || run.Count >= calendarADay) {
			run.More, next = true, tick
			break
		}
		if gap := int64(tick.Sub(run.Last) / time.Second); run.Count == 1 {
			run.EverySeconds = gap
		} else if run.Count > 1 && gap != run.EverySeconds {
			even = false
		}
		if run.Count == 0 {
			run.First = tick
		}
		run.Count, run.Last = run.Count+1, tick
	}
	if !even || run.Count < 3 {
		run.EverySeconds = 0
	}
	return next
}
