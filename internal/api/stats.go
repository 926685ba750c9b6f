package api

import (
	"net/http"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// taskStat counts the tasks that were made on a day.
type taskStat struct {
	Date          string               `json:"date"`
	CountByStatus map[store.Status]int `json:"count_by_status"`
	AvgDuration   int64                `json:"avg_duration"` // seconds, of those that have run to their end

	seconds, ended int64
}

// stats counts tasks by day, oldest first. Without start it goes back a year.
func (s *Server) stats(c *call) error {
	f := store.TaskFilter{ProjectID: c.project.ID, Limit: 1000, Oldest: true}
	zone, err := c.zone()
	if err != nil {
		return err
	}
	if f.Since, err = c.day("start", zone); err != nil {
		return err
	}
	if f.Before, err = c.day("end", zone); err != nil {
		return err
	}
	if f.UserID, err = c.number("user_id", 0, 0, 1<<62); err != nil {
		return err
	}
	if f.Since.IsZero() {
		f.Since = s.cfg.Now().UTC().AddDate(-1, 0, 0)
	}
	if !f.Before.IsZero() {
		f.Before = f.Before.AddDate(0, 0, 1) // the last day counts
	}
	if c.r.PathValue("template") != "" {
		t, err := c.template()
		if err != nil {
			return err
		}
		f.TemplateID = t.ID
	}
	days := []*taskStat{}
	for {
		page, err := s.st.Tasks().List(c.ctx(), f)
		if err != nil {
			return err
		}
		for _, t := range page.Items {
			days = countTask(days, t.Task, zone)
		}
		if f.After = page.Next; f.After == "" {
			return c.json(http.StatusOK, days)
		}
	}
}

// countTask adds a task, which is not older than the ones before.
func countTask(days []*taskStat, t store.Task, zone *time.Location) []*taskStat {
	date := t.Created.In(zone).Format(time.DateOnly)
	if len(days) == 0 || days[len(days)-1].Date != date {
		days = append(days, &taskStat{Date: date, CountByStatus: map[store.Status]int{}})
	}
	day := days[len(days)-1]
	day.CountByStatus[t.Status]++
	if t.Start != nil && t.End != nil {
		day.seconds += int64(t.End.Sub(*t.Start) / time.Second)
		day.ended++
		day.AvgDuration = day.seconds / day.ended
	}
	return days
}

// zone reads whose days are meant: those of UTC if nothing is said.
func (c *call) zone() (*time.Location, error) {
	name := c.r.URL.Query().Get("timezone")
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, invalid("timezone", "%q is unknown: write one as Europe/Berlin", clip(name, 40))
	}
	return zone, nil
}

// day reads the beginning of a date of the query.
func (c *call) day(name string, zone *time.Location) (time.Time, error) {
	text := c.r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return t, invalid(name, "is %q: write a date as 2026-01-31", clip(text, 40))
	}
	return t, nil
}
