package crash

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Rule names what a fault breaks.
type Rule string

// The rules.
const (
	NothingLost   Rule = "nothing is lost"            // every task ends, and in time
	NothingTwice  Rule = "nothing runs twice"         // one run per attempt, another attempt only after a kill
	NoOverlap     Rule = "attempts never overlap"     // one is over before the next begins
	LimitsHold    Rule = "limits hold"                // at any moment
	EndIsTheEnd   Rule = "nothing outlives its end"   // a task that has ended does nothing any more
	StatusIsTrue  Rule = "the status is true"         // success means that the script came to its end
	OutputIsWhole Rule = "output is whole"            // and what was seen once stays
	NothingLeft   Rule = "no process is left"         // of any run
	KillsHit      Rule = "half of the kills must hit" // a running script
)

// Fault is a rule that was broken.
type Fault struct {
	Rule Rule
	Task int64 // 0: of none in particular
	Text string
}

func (f Fault) String() string {
	if f.Task == 0 {
		return fmt.Sprintf("%s: %s", f.Rule, f.Text)
	}
	return fmt.Sprintf("%s: task %d %s", f.Rule, f.Task, f.Text)
}

// Evidence is what is known when all is over. All times are of one clock.
type Evidence struct {
	Tasks     []Record
	Events    []Event
	Kills     []Kill
	LastStart time.Time // of the program
	Over      time.Time // when the last task had ended, or nobody waited any longer
	Patience  time.Duration
	Left      []string // processes that were left, by name

	MaxParallel int           // of all tasks; 0: no limit
	PerProject  map[int64]int // by project
	MinHits     float64       // share of the kills that have to hit
}

// Record is a task and what became of it.
type Record struct {
	Task      store.Task      // as it is in the end; its ID is 0 if it is gone
	ID        int64           // as it was added
	Exclusive bool            // its template allows one at a time
	Stopped   bool            // somebody asked for a stop
	Lines     int             // that the script prints
	Again     int             // that it prints in later attempts
	Seen      []store.LogLine // what a reader was given while the task ran
	Output    []store.LogLine // what is stored in the end
}

// Kill is a death without warning.
type Kill struct {
	At    time.Time
	Where string // the program, where there are several
	Spare bool   // it ends no task: what died is not what runs them
}

// of tells whether the kill ended what ran there; nobody knows of a task that
// never began where it was.
func (k Kill) of(where string) bool { return !k.Spare && (where == "" || k.Where == where) }

// clockSlack is what rounding to milliseconds may hide.
const clockSlack = 2 * time.Millisecond

// Check returns every fault that the evidence shows.
func Check(e Evidence) []Fault {
	c := &checker{Evidence: e, spans: map[int64][]Span{}}
	slices.SortStableFunc(c.Events, func(a, b Event) int { return a.At.Compare(b.At) })
	all := Spans(c.Events)
	for _, s := range all {
		c.spans[s.Task] = append(c.spans[s.Task], s)
	}
	known := map[int64]Record{}
	for _, r := range e.Tasks {
		known[r.ID] = r
		spans := c.spans[r.ID]
		slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.Attempt, b.Attempt) })
		if c.found(r) {
			c.runs(r, spans)
			c.status(r, spans)
			c.output(r, spans)
		}
	}
	c.limits(all, known)
	c.hits(all)
	if waited := e.Over.Sub(e.LastStart); waited > e.Patience {
		c.report(NothingLost, 0, "the last task ended %v after the last start, not within %v", waited, e.Patience)
	}
	for _, name := range e.Left {
		c.report(NothingLeft, 0, "%s", name)
	}
	return c.faults
}

type checker struct {
	Evidence
	spans  map[int64][]Span // by task, in order of the attempts
	faults []Fault
}

func (c *checker) report(rule Rule, task int64, format string, args ...any) {
	c.faults = append(c.faults, Fault{rule, task, fmt.Sprintf(format, args...)})
}

// found tells whether the task has ended at all.
func (c *checker) found(r Record) bool {
	switch {
	case r.Task.ID == 0:
		c.report(NothingLost, r.ID, "is gone")
	case !r.Task.Status.Finished() || r.Task.End == nil:
		c.report(NothingLost, r.ID, "is still %s", r.Task.Status)
	default:
		return true
	}
	return false
}

// nextKill is the first kill there between two times.
func (c *checker) nextKill(where string, after, before time.Time) (time.Time, bool) {
	for _, k := range c.Kills {
		if k.of(where) && k.At.After(after) && k.At.Before(before) {
			return k.At, true
		}
	}
	return after, false
}

// killed tells whether the program was killed in that time.
func (c *checker) killed(where string, from, to time.Time) bool {
	return slices.ContainsFunc(c.Kills, func(k Kill) bool { return k.of(where) && !k.At.Before(from) && !k.At.After(to) })
}

// lastPlace is where the last attempt ran, "" where that never began.
func lastPlace(t store.Task, spans []Span) string {
	if n := len(spans); n > 0 && spans[n-1].Attempt == t.Attempt {
		return spans[n-1].Where
	}
	return ""
}

// runs looks at the runs of a task beside each other.
func (c *checker) runs(r Record, spans []Span) {
	var kill time.Time // that ended the attempt before
	if r.Task.Start != nil {
		kill = r.Task.Start.Add(-clockSlack)
	}
	for i, s := range spans {
		if s.Started > 1 || s.Ended > 1 {
			c.report(NothingTwice, r.ID, "ran %d times in attempt %d", max(s.Started, s.Ended), s.Attempt)
		}
		// An attempt that was handed back before it began counts as one and is no run.
		if i > r.Task.MaxRetries || s.Attempt > r.Task.Attempt {
			c.report(NothingTwice, r.ID, "ran in attempt %d of %d, as run %d of the %d that are allowed: %s", s.Attempt, r.Task.Attempt, i+1, r.Task.MaxRetries+1, places(spans))
		}
		if end := r.Task.End.Add(clockSlack); s.Last.After(end) {
			c.report(EndIsTheEnd, r.ID, "was at work %v after its end", s.Last.Sub(end))
		}
		if i == 0 {
			continue
		}
		before := spans[i-1]
		if !before.Last.Before(s.First) {
			c.report(NoOverlap, r.ID, "was at work in attempt %d for %v after attempt %d had begun", before.Attempt, before.Last.Sub(s.First), s.Attempt)
		}
		var found bool
		if kill, found = c.nextKill(before.Where, kill, s.First); !found {
			c.report(NothingTwice, r.ID, "began attempt %d although nothing was killed", s.Attempt)
		}
	}
}

// places tells when and where a task ran.
func places(spans []Span) (text string) {
	for _, s := range spans {
		text += fmt.Sprintf("; attempt %d %s from %s to %s", s.Attempt, s.Where, s.First.Format("15:04:05.000"), s.Last.Format("15:04:05.000"))
	}
	return strings.TrimPrefix(text, "; ")
}

// status holds the state of a task against its runs.
func (c *checker) status(r Record, spans []Span) {
	t := r.Task
	switch t.Status {
	case store.Success:
		if len(spans) == 0 {
			c.report(StatusIsTrue, r.ID, "succeeded without a run")
			return
		}
		if last := spans[len(spans)-1]; last.Attempt != t.Attempt || last.Ended != 1 || last.Aborted > 0 {
			c.report(StatusIsTrue, r.ID, "succeeded in attempt %d: the last one that ran is %d, and ended %d times", t.Attempt, last.Attempt, last.Ended)
		}
	case store.Stopped:
		if !r.Stopped {
			c.report(StatusIsTrue, r.ID, "was stopped, which nobody asked for: %s", t.Reason)
		}
	default:
		switch {
		case t.Reason != store.LostReason:
			c.report(StatusIsTrue, r.ID, "ended as error: %s", t.Reason)
		case t.Start == nil || !c.killed(lastPlace(t, spans), t.Start.Add(-clockSlack), t.End.Add(clockSlack)):
			c.report(StatusIsTrue, r.ID, "was lost although nothing was killed while it ran")
		case t.Attempt <= t.MaxRetries:
			c.report(NothingLost, r.ID, "was given up in attempt %d, %d being allowed", t.Attempt, t.MaxRetries+1)
		}
	}
}
