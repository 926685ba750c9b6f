package pool

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool/internal/stage"
	"github.com/alexandervashurin/semaphore/store"
)

// results is what of a run's stages and hosts is stored already.
type results struct {
	stages map[int]stage.Stage
	hosts  map[string]stage.Host
}

// append turns a report into what is stored; run.mu is held.
func (run *leased) append(r job.Report, now time.Time) store.Append {
	a := store.Append{Seq: r.Seq, Commands: r.Commands}
	if len(r.Lines) > 0 {
		a.Lines = make([]store.LogLine, len(r.Lines))
		for i, line := range r.Lines {
			a.Lines[i] = store.LogLine{
				Number: run.next + int64(i), Attempt: run.task.Attempt, Time: line.Time, Stream: uint8(line.Stream),
				Partial: line.Partial, Truncated: line.Truncated, Masked: line.Masked, Text: line.Text,
			}
		}
	}
	if r.Seq > run.parsed { // one that is offered again has been parsed
		run.parsed = r.Seq
		run.parse(r.Status, a.Lines, now)
	}
	if r.Status != nil {
		switch r.Status.State {
		case job.Starting:
			a.Status = store.Starting
		case job.Running:
			a.Status = store.Running
		}
	}
	if c := r.Commit; c != nil {
		a.Commit = &store.CommitInfo{Hash: c.Hash, Message: cut(c.Message, 100)}
	}
	if r.Plan != nil {
		a.Plan, _ = json.Marshal(r.Plan) // strings and numbers only
	}
	if r.Prompt != nil {
		run.prompt = string(r.Prompt.Kind)
	}
	run.changes(&a)
	return a
}

// parse feeds the parser: a report tells of a phase before its lines. A parser
// that fails reads no more, and the output goes on.
func (run *leased) parse(s *job.Status, lines []store.LogLine, now time.Time) {
	defer func() {
		if r := recover(); r != nil {
			run.parser = stage.New("")
		}
	}()
	if s != nil {
		run.parser.Phase(string(s.Phase), now)
	}
	for _, l := range lines {
		run.parser.Line(stage.Line{Number: l.Number, Time: l.Time, System: l.Stream == uint8(job.System), Text: l.Text})
	}
}

// changes adds stages and hosts that the store does not have. The parser tells
// only once that there are some, so that is remembered until they are stored.
func (run *leased) changes(a *store.Append) {
	run.unsaved = run.unsaved || run.parser.Changed()
	if !run.unsaved {
		return
	}
	now := run.parser.Result()
	for _, s := range now.Stages {
		if old, ok := run.results.stages[s.Index]; !ok || !sameStage(old, s) {
			a.Stages = append(a.Stages, storedStage(s, run.stages))
		}
	}
	for _, h := range now.Hosts {
		if old, ok := run.results.hosts[h.Host]; !ok || old != h {
			a.Hosts = append(a.Hosts, store.AnsibleHost{
				Host: h.Host, OK: h.OK, Changed: h.Changed, Unreachable: h.Unreachable, Failed: h.Failed,
				Skipped: h.Skipped, Rescued: h.Rescued, Ignored: h.Ignored,
			})
		}
	}
}

func sameStage(a, b stage.Stage) bool {
	return a.Type == b.Type && a.Name == b.Name && a.Start.Equal(b.Start) && a.End.Equal(b.End) &&
		a.FirstLine == b.FirstLine && a.LastLine == b.LastLine && string(a.Result) == string(b.Result)
}

// storedStage is a stage as it is stored, behind those of earlier attempts.
func storedStage(s stage.Stage, behind int) store.Stage {
	row := store.Stage{Number: behind + s.Index, Type: s.Type, Name: cut(s.Name, 250), FirstLine: s.FirstLine, LastLine: s.LastLine, Result: s.Result}
	if !s.Start.IsZero() {
		row.Start = &s.Start
	}
	if !s.End.IsZero() {
		row.End = &s.End
	}
	return row
}

// nothingNew tells whether a report says only what is stored: another phase of
// the same state.
func (run *leased) nothingNew(a store.Append, r job.Report) bool {
	return len(a.Lines)+len(a.Commands)+len(a.Stages)+len(a.Hosts)+len(r.HostKeys) == 0 &&
		a.Commit == nil && a.Plan == nil && (a.Status == "" || a.Status == run.status)
}

// stored remembers what the store has taken, once per report.
func (run *leased) stored(a store.Append) {
	if a.Seq <= run.saved {
		return
	}
	run.saved, run.unsaved = a.Seq, false
	run.next += int64(len(a.Lines))
	if a.Status != "" {
		run.status = a.Status
	}
	if run.results.stages == nil {
		run.results.stages, run.results.hosts = map[int]stage.Stage{}, map[string]stage.Host{}
	}
	if len(a.Stages)+len(a.Hosts) == 0 {
		return
	}
	now := run.parser.Result()
	for _, s := range now.Stages {
		run.results.stages[s.Index] = s
	}
	for _, h := range now.Hosts {
		run.results.hosts[h.Host] = h
	}
}

// finish turns a result into the end of the lease.
func (run *leased) finish(res job.Result, now time.Time) store.Finish {
	f := store.Finish{Reason: cut(res.Message, 1000), ExitCode: res.ExitCode, Append: run.last(now)}
	switch res.Outcome {
	case job.Success:
		f.Status = store.Success
	case job.Stopped:
		f.Status = store.Stopped
		if res.Cause == job.CauseShutdown && run.task.MaxRetries >= run.task.Attempt {
			f.Status, f.Reason = store.Waiting, "handed back: server shut down"
		}
	case job.Held:
		f.Status, f.Prompt = store.WaitingConfirmation, run.prompt
		if run.confirm > 0 {
			until := now.Add(run.confirm)
			f.ConfirmBefore = &until
		}
	default:
		f.Status = store.Failed
		// The tool was ended for the sake of another attempt: there has to be one,
		// though the lease was not lost after all.
		if res.Cause == job.CauseLost && run.task.MaxRetries >= run.task.Attempt {
			f.Status, f.Reason = store.Waiting, "handed back: its worker could not be reached"
		}
	}
	f.Events = []store.Event{taskEvent(run.task, endWords(f))}
	return f
}

func endWords(f store.Finish) string {
	switch f.Status {
	case store.WaitingConfirmation:
		return "waits for confirmation"
	case store.Waiting:
		return "was handed back"
	case store.Failed:
		return strings.TrimSuffix("ended as error: "+f.Reason, ": ")
	default:
		return "ended as " + string(f.Status)
	}
}

// last is what the parser knows at the end: open stages are closed, and errors,
// some of which a later line may have forgiven, are final.
func (run *leased) last(now time.Time) *store.Append {
	var a store.Append
	run.parser.Close(now)
	run.changes(&a)
	for _, e := range run.parser.Result().Errors {
		a.Problems = append(a.Problems, store.AnsibleError{Host: e.Host, Task: e.Task, Error: e.Text, Line: e.Line})
	}
	return &a
}

// keyType is the first word of a public key.
func keyType(key string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(key), " ")
	return word
}
