package stage

import (
	"encoding/json"
	"slices"
	"time"
)

// The levels of nested stages; at most one stage is open in each.
const (
	levelPhase = iota
	levelPlay
	levelTask
	levels
)

// reserve is the part of MaxStages that plays and tasks leave to phases, so that
// the end of a long run is still seen.
const reserve = 16

// tracker gathers results within their bounds, for every parser.
type tracker struct {
	stages    []Stage
	hosts     []Host
	hostIndex map[string]int
	errors    []Error
	truncated bool
	changed   bool

	open    [levels]int // index + 1 of the open stage, 0 for none
	waiting bool        // the open phase has no line yet
	last    int64       // number of the latest line, -1 for none
}

// before has to be called for each line before it is parsed.
func (t *tracker) before(l Line) {
	if len(t.stages) == 0 {
		t.begin(levelPhase, Init, "", l)
	}
	if t.waiting {
		t.waiting = false
		if i := t.open[levelPhase]; i > 0 {
			t.stages[i-1].FirstLine = l.Number
			t.changed = true
		}
	}
}

// after has to be called for each line after it is parsed.
func (t *tracker) after(l Line) { t.last = l.Number }

// Phase opens the stage of a phase where it differs from the open one.
func (t *tracker) Phase(name string, at time.Time) {
	typ := ""
	switch name {
	case "prepare", "repository", "inventory", "requirements", "init":
		typ = Init
	case "plan":
		typ = Plan
	case "apply":
		typ = Apply
	case "run":
		typ = Running
	case "confirm", "finish":
		t.Close(at)
		return
	default:
		return
	}
	if t.phase() != typ {
		t.begin(levelPhase, typ, "", Line{Number: t.last + 1, Time: at})
		t.waiting = true
	}
}

// Close ends all stages.
func (t *tracker) Close(at time.Time) { t.end(levelPhase, at) }

// phase returns the type of the open phase, "" for none.
func (t *tracker) phase() string {
	if i := t.open[levelPhase]; i > 0 {
		return t.stages[i-1].Type
	}
	return ""
}

// begin opens a stage at a line and ends those of its level and below.
func (t *tracker) begin(level int, typ, name string, l Line) {
	t.end(level, l.Time)
	limit := MaxStages
	if level > levelPhase {
		limit -= reserve
	}
	if len(t.stages) >= limit {
		t.truncated = true
		return
	}
	t.stages = append(t.stages, Stage{
		Index: len(t.stages), Type: typ, Name: clean(name, MaxName),
		Start: l.Time, FirstLine: l.Number, LastLine: l.Number - 1,
	})
	t.open[level] = len(t.stages)
	t.changed = true
}

// end closes the stages of a level and below.
func (t *tracker) end(level int, at time.Time) {
	for ; level < levels; level++ {
		if i := t.open[level]; i > 0 {
			t.changed = true
			s := &t.stages[i-1]
			s.End = at
			s.LastLine = max(s.LastLine, t.last)
			t.open[level] = 0
		}
	}
	t.waiting = false
}

// setResult gives the open phase a result.
func (t *tracker) setResult(v any) {
	if i := t.open[levelPhase]; i > 0 {
		data, err := json.Marshal(v)
		if err == nil {
			t.stages[i-1].Result = data
			t.changed = true
		}
	}
}

// addError returns the error's index, or -1 where there is no room.
func (t *tracker) addError(e Error) int {
	t.changed = true
	if len(t.errors) >= MaxErrors {
		t.truncated = true
		return -1
	}
	t.errors = append(t.errors, Error{
		Host: clean(e.Host, MaxName), Task: clean(e.Task, MaxName), Text: clean(e.Text, MaxErrorText), Line: e.Line,
	})
	return len(t.errors) - 1
}

func (t *tracker) setHost(h Host) {
	t.changed = true
	h.Host = clean(h.Host, MaxName)
	if i, ok := t.hostIndex[h.Host]; ok {
		t.hosts[i] = h
		return
	}
	if len(t.hosts) >= MaxHosts {
		t.truncated = true
		return
	}
	if t.hostIndex == nil {
		t.hostIndex = map[string]int{}
	}
	t.hostIndex[h.Host] = len(t.hosts)
	t.hosts = append(t.hosts, h)
}

// Result returns copies.
func (t *tracker) Result() Results {
	t.changed = false
	r := Results{
		Stages: slices.Clone(t.stages), Hosts: slices.Clone(t.hosts), Errors: slices.Clone(t.errors), Truncated: t.truncated,
	}
	for _, i := range t.open {
		if i > 0 {
			r.Stages[i-1].LastLine = max(r.Stages[i-1].LastLine, t.last)
		}
	}
	return r
}

// Changed tells whether Result would differ.
func (t *tracker) Changed() bool { return t.changed }
