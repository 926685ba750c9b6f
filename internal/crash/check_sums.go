package crash

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// limits walks over the moments at which scripts came and went.
func (c *checker) limits(spans []Span, known map[int64]Record) {
	type moment struct {
		at   time.Time
		by   int // 1: began, -1: was seen last
		task int64
	}
	var moments []moment
	for _, s := range spans {
		moments = append(moments, moment{s.First, 1, s.Task}, moment{s.Last, -1, s.Task})
	}
	slices.SortStableFunc(moments, func(a, b moment) int {
		if d := a.at.Compare(b.at); d != 0 {
			return d
		}
		return a.by - b.by
	})
	all, projects, templates := 0, map[int64]int{}, map[int64]int{}
	for _, m := range moments {
		r, ok := known[m.task]
		if !ok {
			c.report(NothingTwice, m.task, "ran, and nobody has added it")
			continue
		}
		project, template := r.Task.ProjectID, r.Task.TemplateID
		all += m.by
		projects[project] += m.by
		if r.Exclusive {
			templates[template] += m.by
		}
		if m.by < 0 {
			continue
		}
		at := m.at.Format("15:04:05.000000")
		if c.MaxParallel > 0 && all > c.MaxParallel {
			c.report(LimitsHold, m.task, "made %d at once of %d in all, at %s", all, c.MaxParallel, at)
		}
		if most := c.PerProject[project]; most > 0 && projects[project] > most {
			c.report(LimitsHold, m.task, "made %d at once of %d in project %d, at %s", projects[project], most, project, at)
		}
		if templates[template] > 1 {
			c.report(LimitsHold, m.task, "made %d at once of template %d, at %s", templates[template], template, at)
		}
	}
}

// Hits tells how many kills hit a script between its start and its end.
func Hits(kills []Kill, events []Event) int {
	hit := map[time.Time]bool{}
	over := map[attempt]time.Time{}
	for _, e := range events {
		if e.Kind == Ended || e.Kind == Aborted {
			over[attempt{e.Task, e.Attempt}] = e.At
		}
	}
	for _, s := range Spans(events) {
		end, ok := over[attempt{s.Task, s.Attempt}]
		for _, k := range kills { // only the first one of its program behind the start can have hit it
			if k.At.Before(s.First) || !k.Spare && k.Where != s.Where {
				continue
			}
			if !ok || end.After(k.At) {
				hit[k.At] = true
			}
			if !k.Spare {
				break
			}
		}
	}
	return len(hit)
}

func (c *checker) hits(spans []Span) {
	if hits := Hits(c.Kills, c.Events); float64(hits) < c.MinHits*float64(len(c.Kills)) {
		c.report(KillsHit, 0, "%d of %d hit one of %d runs", hits, len(c.Kills), len(spans))
	}
}

// output holds what is stored against what scripts print and readers saw.
func (c *checker) output(r Record, spans []Span) {
	printed := map[int]int{} // lines by attempt
	done := map[int]bool{}
	attempt := 0
	for i, l := range r.Output {
		if l.Number != int64(i) {
			c.report(OutputIsWhole, r.ID, "has line %d where line %d should be", l.Number, i)
			return
		}
		if l.Late { // kept, and marked as what came too late
			continue
		}
		if l.Attempt < attempt {
			c.report(OutputIsWhole, r.ID, "has line %d of attempt %d behind attempt %d", i, l.Attempt, attempt)
		}
		attempt = l.Attempt
		if !strings.HasPrefix(l.Text, "out ") {
			continue // told by the executor or by bash
		}
		want := fmt.Sprintf("out %d %d", l.Attempt, printed[l.Attempt]+1)
		switch {
		case l.Text == fmt.Sprintf("out %d done", l.Attempt) && !done[l.Attempt] && printed[l.Attempt] == r.lines(l.Attempt):
			done[l.Attempt] = true
		case l.Text == want && !done[l.Attempt] && printed[l.Attempt] < r.lines(l.Attempt):
			printed[l.Attempt]++
		default:
			c.report(OutputIsWhole, r.ID, "has %q where %q should be", l.Text, want)
			return
		}
	}
	if r.Task.Status == "success" && !done[r.Task.Attempt] {
		c.report(OutputIsWhole, r.ID, "has %d of %d lines of its last attempt", printed[r.Task.Attempt], r.lines(r.Task.Attempt))
	}
	if len(spans) == 0 && len(printed) > 0 {
		c.report(OutputIsWhole, r.ID, "has output and no run")
	}
	c.seen(r)
}

func (r Record) lines(attempt int) int {
	if attempt > 1 && r.Again > 0 {
		return r.Again
	}
	return r.Lines
}

// seen holds what a reader was given against what is stored.
func (c *checker) seen(r Record) {
	for i, l := range r.Seen {
		switch {
		case l.Number != int64(i):
			c.report(OutputIsWhole, r.ID, "showed line %d where line %d should be", l.Number, i)
			return
		case i >= len(r.Output):
			c.report(OutputIsWhole, r.ID, "showed %d lines and has kept %d", len(r.Seen), len(r.Output))
			return
		case r.Output[i].Text != l.Text || r.Output[i].Attempt != l.Attempt:
			c.report(OutputIsWhole, r.ID, "showed %q in line %d, where %q is kept", l.Text, i, r.Output[i].Text)
			return
		}
	}
}
