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
	var err error
	if f.Since, err = c.day("start"); err != nil {
		return err
	}
	if f.Before, err = c.day("end"); err != nil {
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
			days = countTask(days, t.Task)
		}
		if f.After = page.Next; f.After == "" {
			return c.json(http.StatusOK, days)
		}
	}
}

// countTask adds a task, which is not older than the ones before.
func countTask(days []*taskStat, t store.Task) []*taskStat {
	date := t.Created.UTC().Format(time.DateOnly)
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

// day reads a date of the query.
func (c *call) day(name string) (time.Time, error) {
	text := c.r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, invalid(name, "is %q: write a date as 2026-01-31", clip(text, 40))
	}
	return t, nil
}
