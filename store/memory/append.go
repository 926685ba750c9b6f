package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

func (q queue) Append(ctx context.Context, l store.Lease, a store.Append) error {
	switch a.Status {
	case "", store.Starting, store.Running:
	default:
		return fmt.Errorf("a run cannot become %s by its output: %w", a.Status, store.ErrInvalid)
	}
	var late error
	err := q.s.write(ctx, func(st *state) error {
		t, w, valid, err := st.held(l)
		if err != nil {
			return err
		}
		if !valid {
			late = fmt.Errorf("append to task %d: %w", t.ID, store.ErrLease)
			return st.lateLines(t, w, l, a)
		}
		known := w.attempts[l.Attempt]
		if a.Seq <= known.seq {
			return nil
		}
		known.seq = a.Seq
		w.attempts[l.Attempt] = known
		if a.Status != "" && t.Status.CanBecome(a.Status) {
			t.Status = a.Status
			st.notice(noticeChanged, t)
		}
		if err := st.results(&t, w, a); err != nil {
			return err
		}
		addLines(&t, w, a.Lines, l.Attempt, false)
		return st.save(t, w)
	})
	return errors.Join(err, late)
}

// results stores what a run has told of itself beside its lines.
func (st *state) results(t *store.Task, w *work, a store.Append) error {
	if err := schema.Report(t, a); err != nil {
		return err
	}
	for _, s := range a.Stages {
		st.addStage(t, w, s)
	}
	for _, h := range a.Hosts {
		st.addHost(t, w, h)
	}
	w.problems = slices.Clip(w.problems)
	for _, p := range a.Problems {
		st.childID++
		p.ID, p.TaskID, p.ProjectID, p.Created = st.childID, t.ID, t.ProjectID, st.stamp(p.Created)
		w.problems = append(w.problems, p)
	}
	return nil
}

func (st *state) addStage(t *store.Task, w *work, s store.Stage) {
	st.childID++
	s = cloneStage(s)
	s.ID, s.TaskID, s.ProjectID = st.childID, t.ID, t.ProjectID
	same := func(old store.Stage) bool { return old.Number == s.Number }
	w.stages = upsert(w.stages, s, same, func(old store.Stage) store.Stage { s.ID = old.ID; return s })
}

func (st *state) addHost(t *store.Task, w *work, h store.AnsibleHost) {
	st.childID++
	h.ID, h.TaskID, h.ProjectID, h.Created = st.childID, t.ID, t.ProjectID, st.stamp(h.Created)
	same := func(old store.AnsibleHost) bool { return old.Host == h.Host }
	w.hosts = upsert(w.hosts, h, same, func(old store.AnsibleHost) store.AnsibleHost {
		h.ID, h.Created = old.ID, old.Created
		return h
	})
}

// stamp is a time as it is stored; the zero time becomes now.
func (st *state) stamp(t time.Time) time.Time {
	if t.IsZero() {
		return st.at
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

func cloneStage(s store.Stage) store.Stage {
	s.Start, s.End, s.Result = millisTime(s.Start), millisTime(s.End), slices.Clone(s.Result)
	return s
}

func millisTime(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	c := time.UnixMilli(t.UnixMilli()).UTC()
	return &c
}

// addLines numbers lines and adds them to a task's output.
func addLines(t *store.Task, w *work, lines []store.LogLine, attempt int, late bool) {
	for _, line := range lines {
		line.Number, line.Attempt, line.Late = int64(len(w.lines)), attempt, late
		line.Time = time.UnixMicro(line.Time.UnixMicro()).UTC()
		w.lines = append(w.lines, line)
		t.LogLines++
		t.LogBytes += int64(len(line.Text))
	}
}

// lateLines keeps what arrives after the end of its lease: the lines, and once
// per task an event and an entry of the outbox. A lease that the store never
// gave adds nothing.
func (st *state) lateLines(t store.Task, w *work, l store.Lease, a store.Append) error {
	known, ok := w.attempts[l.Attempt]
	if !ok || known.lease != l.ID || a.Seq <= known.seq {
		return nil
	}
	known.seq = a.Seq
	w.attempts[l.Attempt] = known
	addLines(&t, w, a.Lines, l.Attempt, true)
	if !t.Late {
		t.Late = true
		st.tell(store.OutboxLate, t)
		st.notice(noticeChanged, t)
		if err := st.event(t, "got late output of attempt %d", l.Attempt); err != nil {
			return err
		}
	}
	return st.save(t, w)
}
