package memory

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

type queue struct{ s *Store }

func (q queue) Claim(ctx context.Context, r store.ClaimRequest) (list []store.Claimed, err error) {
	if r.Owner == "" {
		return nil, fmt.Errorf("claim without an owner: %w", store.ErrInvalid)
	}
	err = q.s.write(ctx, func(st *state) error {
		list, err = st.claim(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// trust binds a runner of a project to that project, and each to its limit.
func (st *state) trust(r *store.ClaimRequest) error {
	if r.RunnerID == nil {
		return nil
	}
	e := st.cat.byName["runner"]
	rec, ok := st.rows(e).get(*r.RunnerID)
	if !ok {
		return &store.ReferenceError{Table: "task", Column: "runner_id"}
	}
	if limit := int(e.int(rec, "max_parallel_tasks")); limit > 0 {
		r.Max = min(r.Max, limit-st.leasedBy(*r.RunnerID))
	}
	project := e.owner(rec)
	switch {
	case project == 0:
	case r.ProjectID != nil && *r.ProjectID != project:
		r.Max = 0
	default:
		r.ProjectID = &project
	}
	return nil
}

// leasedBy counts what a runner has.
func (st *state) leasedBy(runner int64) (n int) {
	e := st.cat.task
	for id := range st.open.all(false) {
		rec, _ := st.rows(e).get(id)
		if store.Status(e.text(rec, "status")).Leased() && e.int(rec, "runner_id") == runner {
			n++
		}
	}
	return n
}

func (st *state) claim(r store.ClaimRequest) ([]store.Claimed, error) {
	if err := st.trust(&r); err != nil {
		return nil, err
	}
	e := st.cat.task
	crowd := st.crowd()
	var list []store.Claimed
	for id := range st.open.all(false) {
		if len(list) >= r.Max {
			break
		}
		rec, _ := st.rows(e).get(id)
		switch {
		case !store.Status(e.text(rec, "status")).Claimable(),
			r.ProjectID != nil && e.int(rec, "project_id") != *r.ProjectID,
			!slices.Contains(r.Tags, e.text(rec, "runner_tag")):
			continue
		}
		if reason, _ := crowd.blocked(id, rec, r.MaxParallel); reason != "" {
			continue
		}
		c, err := st.take(rec, r)
		if err != nil {
			return nil, err
		}
		crowd.add(id, rec, store.Starting)
		list = append(list, c)
	}
	return list, nil
}

// take gives a task to who asked.
func (st *state) take(rec record, r store.ClaimRequest) (store.Claimed, error) {
	t, err := load[store.Task](st.cat.task, rec)
	if err != nil {
		return store.Claimed{}, err
	}
	w := st.edit(t.ID)
	resume := t.Status == store.Confirmed
	if !resume {
		t.Prompt = ""
	}
	t.Status, t.Reason, t.ExitCode = store.Starting, "", 0
	t.Attempt++
	t.Owner, t.RunnerID = r.Owner, r.RunnerID
	t.Unreachable, t.StopLevel, t.ConfirmBefore = false, store.StopNone, nil
	if t.Start == nil {
		t.Start = &st.at
	}
	w.lease = rand.Text()
	w.renewed, w.until = st.at, st.at.Add(r.TTL)
	w.attempts[t.Attempt] = attempt{lease: w.lease, resumed: resume}
	if err := st.save(t, w); err != nil {
		return store.Claimed{}, err
	}
	st.notice(noticeChanged, t)
	if t, err = st.task(t.ProjectID, t.ID); err != nil {
		return store.Claimed{}, err
	}
	return store.Claimed{
		Lease: leaseOf(t, w), Task: t, Snapshot: slices.Clone(w.snapshot), Secrets: slices.Clone(w.secrets),
		Resume: resume, NextSeq: 1,
	}, nil
}

func leaseOf(t store.Task, w *work) store.Lease {
	return store.Lease{ID: w.lease, TaskID: t.ID, ProjectID: t.ProjectID, Attempt: t.Attempt}
}
