package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func claimCases() []testCase {
	return []testCase{
		{"the oldest goes first, at most as many as asked for", claimsInOrder},
		{"a claimed task starts with a lease of its own", claimStarts},
		{"a claim names its owner", claimNeedsOwner},
		{"only tasks with the asked tags are given", claimsByTag},
		{"only tasks of the asked project are given", claimsByProject},
		{"one task of a template runs at a time", excludes},
		{"tasks of a template run together where both allow it", parallel},
		{"a project's runner gets tasks of that project only", claimsForARunner},
		{"a project's limit is kept", projectLimit},
		{"a runner's limit is kept, whoever claims for it", runnerLimit},
		{"the limit of the pool is kept", globalLimit},
		{"a blocked task blocks no other", noHeadOfLine},
		{"a plan that waits keeps the template and no slot", waitingPlan},
		{"a confirmed task goes on with its attempt's log and plan", resumes},
		{"a confirmed task is not held up by those that wait", confirmedAmongOthers},
		{"another attempt starts clean of the stop before", nextAttempt},
		{"place tells what a task waits for", places},
		{"place names no task of another project", placeOfOthers},
	}
}

func claimsInOrder(t *testing.T, w *world) {
	var want []int64
	for range 5 {
		want = append(want, w.task(t).ID)
	}
	require.Empty(t, w.claim(t, func(r *store.ClaimRequest) { r.Max = 0 }))
	require.Equal(t, want[:2], ids(w.claim(t, func(r *store.ClaimRequest) { r.Max = 2 })))
	require.Equal(t, want[2:], ids(w.claim(t)))
	require.Empty(t, w.claim(t))
}

func claimStarts(t *testing.T, w *world) {
	one, two := w.task(t), w.task(t)
	runner := w.id(t, "runner")
	w.clock.advance(time.Minute)
	list := w.claim(t, func(r *store.ClaimRequest) { r.RunnerID = &runner })
	require.Len(t, list, 2)
	c := list[0]
	require.Equal(t, store.Lease{ID: c.Lease.ID, TaskID: one.ID, ProjectID: w.project.ID, Attempt: 1}, c.Lease)
	require.NotEmpty(t, c.Lease.ID)
	require.NotEqual(t, c.Lease.ID, list[1].Lease.ID)
	require.False(t, c.Resume)
	require.EqualValues(t, 1, c.NextSeq)
	require.Equal(t, []byte("snapshot"), c.Snapshot)
	require.Equal(t, []byte("sealed"), c.Secrets)
	now := w.clock.Now()
	one.Status, one.Attempt, one.Start, one.RunnerID, one.Owner = store.Starting, 1, &now, &runner, me
	require.Equal(t, one, c.Task)
	require.Equal(t, one, w.get(t, one.ID))
	held, err := w.Queue().Leases(t.Context())
	require.NoError(t, err)
	require.Equal(t, []store.HeldLease{
		{Lease: c.Lease, Owner: me, RunnerID: &runner, Until: now.Add(ttl)},
		{Lease: list[1].Lease, Owner: me, RunnerID: &runner, Until: now.Add(ttl)},
	}, held)
	require.Equal(t, two.ID, list[1].Task.ID)
}

func claimNeedsOwner(t *testing.T, w *world) {
	w.task(t)
	_, err := w.Queue().Claim(t.Context(), store.ClaimRequest{Tags: []string{""}, Max: 1, TTL: ttl})
	require.ErrorIs(t, err, store.ErrInvalid)
}

func claimsByTag(t *testing.T, w *world) {
	plain, gpu, arm := w.task(t), w.task(t, tagged("gpu")), w.task(t, tagged("arm"))
	tags := func(tags ...string) func(*store.ClaimRequest) {
		return func(r *store.ClaimRequest) { r.Tags = tags }
	}
	require.Empty(t, w.claim(t, tags()))
	require.Empty(t, w.claim(t, tags("GPU", "x")))
	require.Equal(t, []int64{gpu.ID}, ids(w.claim(t, tags("gpu"))))
	require.Equal(t, []int64{plain.ID, arm.ID}, ids(w.claim(t, tags("arm", "", "gpu"))))
}

func claimsByProject(t *testing.T, w *world) {
	other := w.neighbour(t)
	mine, theirs := w.task(t), other.task(t)
	require.Equal(t, []int64{theirs.ID}, ids(w.claim(t, func(r *store.ClaimRequest) { r.ProjectID = &other.project.ID })))
	require.Equal(t, []int64{mine.ID}, ids(w.claim(t)))
}

func claimsForARunner(t *testing.T, w *world) {
	other := w.neighbour(t)
	mine, theirs := w.task(t), other.task(t)
	own, err := w.Runners().Create(t.Context(), store.Runner{Name: "own", TokenHash: w.unique("hash"), ProjectID: &other.project.ID})
	require.NoError(t, err)
	unknown := own.ID + 1000
	_, err = w.Queue().Claim(t.Context(), store.ClaimRequest{Owner: me, Tags: []string{""}, Max: 1, TTL: ttl, RunnerID: &unknown})
	require.ErrorIs(t, err, store.ErrInvalid)
	require.Empty(t, w.claim(t, func(r *store.ClaimRequest) { r.RunnerID, r.ProjectID = &own.ID, &w.project.ID }))
	require.Equal(t, []int64{theirs.ID}, ids(w.claim(t, func(r *store.ClaimRequest) { r.RunnerID = &own.ID })))
	require.Equal(t, []int64{mine.ID}, ids(w.claim(t)))
}

func excludes(t *testing.T, w *world) {
	tpl := w.newTemplate(t)
	first, second := w.task(t, alone), w.task(t, alone)
	other := w.task(t, alone, of(tpl))
	list := w.claim(t)
	require.Equal(t, []int64{first.ID, other.ID}, ids(list))
	require.Empty(t, w.claim(t))
	w.append(t, list[0].Lease, store.Append{Seq: 1, Status: store.Running})
	require.Empty(t, w.claim(t))
	w.finish(t, list[0].Lease, store.Success)
	require.Equal(t, []int64{second.ID}, ids(w.claim(t)))
}

func parallel(t *testing.T, w *world) {
	a, b := w.task(t), w.task(t)
	single := w.task(t, alone)
	list := w.claim(t)
	require.Equal(t, []int64{a.ID, b.ID}, ids(list))
	w.finish(t, list[0].Lease, store.Success)
	require.Empty(t, w.claim(t))
	w.finish(t, list[1].Lease, store.Success)
	c := w.task(t)
	require.Equal(t, []int64{single.ID}, ids(w.claim(t)))
	require.Equal(t, store.Waiting, w.get(t, c.ID).Status)
}

func projectLimit(t *testing.T, w *world) {
	w.project.MaxParallelTasks = 2
	require.NoError(t, w.Projects().Update(t.Context(), w.project))
	other := w.neighbour(t)
	a, b, c := w.task(t), w.task(t), w.task(t)
	d := other.task(t)
	list := w.claim(t)
	require.Equal(t, []int64{a.ID, b.ID, d.ID}, ids(list))
	w.finish(t, list[1].Lease, store.Failed)
	require.Equal(t, []int64{c.ID}, ids(w.claim(t)))
}

func runnerLimit(t *testing.T, w *world) {
	runner := func(most int) int64 {
		row, err := w.Runners().Create(t.Context(), store.Runner{Name: w.unique("runner"), TokenHash: w.unique("hash"), MaxParallelTasks: most})
		require.NoError(t, err)
		return row.ID
	}
	by := func(id int64, owner string) func(*store.ClaimRequest) {
		return func(r *store.ClaimRequest) { r.RunnerID, r.Owner = &id, owner }
	}
	two, free := runner(2), runner(0)
	var made []int64
	for range 6 {
		made = append(made, w.task(t).ID)
	}
	one := func(r *store.ClaimRequest) { r.Max = 1 }
	first := w.claim(t, by(two, "a"), one)
	require.Equal(t, made[:1], ids(first))
	second := w.claim(t, by(two, "b"))
	require.Equal(t, made[1:2], ids(second), "as many as there is room for")
	require.Empty(t, w.claim(t, by(two, "a")))
	require.Equal(t, made[2:3], ids(w.claim(t, one)), "others have limits of their own")
	w.finish(t, first[0].Lease, store.Success)
	require.Equal(t, made[3:4], ids(w.claim(t, by(two, "c"))))
	require.Equal(t, made[4:], ids(w.claim(t, by(free, "d"))), "0 is no limit")
}

func globalLimit(t *testing.T, w *world) {
	most := func(r *store.ClaimRequest) { r.MaxParallel = 3 }
	other := w.neighbour(t)
	first := w.bring(t, store.Stopping)
	a, b, c := w.task(t), other.task(t), w.task(t)
	require.Equal(t, []int64{a.ID, b.ID}, ids(w.claim(t, most)))
	require.Empty(t, w.claim(t, most))
	w.finish(t, first.lease, store.Stopped)
	require.Equal(t, []int64{c.ID}, ids(w.claim(t, most)))
}

func noHeadOfLine(t *testing.T, w *world) {
	w.project.MaxParallelTasks = 1
	require.NoError(t, w.Projects().Update(t.Context(), w.project))
	w.run(t)
	for range 3 {
		w.task(t)
	}
	other := w.neighbour(t)
	tpl := other.newTemplate(t)
	running, _ := other.run(t, alone), other.task(t, alone)
	free := other.task(t, alone, of(tpl))
	require.Equal(t, []int64{free.ID}, ids(w.claim(t, func(r *store.ClaimRequest) { r.Max = 1 })))
	require.Equal(t, store.Starting, other.get(t, running.Task.ID).Status)
}

func waitingPlan(t *testing.T, w *world) {
	w.project.MaxParallelTasks = 1
	require.NoError(t, w.Projects().Update(t.Context(), w.project))
	tpl := w.newTemplate(t)
	w.bring(t, store.WaitingConfirmation, alone)
	w.task(t, alone)
	free := w.task(t, alone, of(tpl))
	list := w.claim(t, func(r *store.ClaimRequest) { r.MaxParallel = 1 })
	require.Equal(t, []int64{free.ID}, ids(list))
	held, err := w.Queue().Leases(t.Context())
	require.NoError(t, err)
	require.Len(t, held, 1)
}

func resumes(t *testing.T, w *world) {
	c := w.run(t, alone)
	w.append(t, c.Lease, store.Append{Seq: 1, Status: store.Running, Plan: []byte(`{"add":1}`), Lines: lines("planned")})
	_, err := w.Queue().Finish(t.Context(), c.Lease, store.Finish{Status: store.WaitingConfirmation, Prompt: "apply"})
	require.NoError(t, err)
	_, err = w.Tasks().Confirm(t.Context(), w.project.ID, c.Task.ID, w.event("confirmed"))
	require.NoError(t, err)
	started := *w.get(t, c.Task.ID).Start
	w.clock.advance(time.Minute)
	list := w.claim(t, func(r *store.ClaimRequest) { r.Tags = []string{c.Task.RunnerTag} })
	require.Len(t, list, 1)
	again := list[0]
	require.True(t, again.Resume)
	require.Equal(t, 2, again.Lease.Attempt)
	require.NotEqual(t, c.Lease.ID, again.Lease.ID)
	require.EqualValues(t, 1, again.NextSeq)
	require.Equal(t, "apply", again.Task.Prompt)
	require.JSONEq(t, `{"add":1}`, string(again.Task.Plan))
	require.Equal(t, started, *again.Task.Start)
	require.Equal(t, []byte("sealed"), again.Secrets)
	w.append(t, again.Lease, store.Append{Seq: 1, Lines: lines("applied")})
	page, err := w.Logs().Read(t.Context(), w.project.ID, c.Task.ID, 0, 10)
	require.NoError(t, err)
	require.Equal(t, []string{"planned", "applied"}, texts(page.Lines))
	require.Equal(t, []int{1, 2}, []int{page.Lines[0].Attempt, page.Lines[1].Attempt})
}

func confirmedAmongOthers(t *testing.T, w *world) {
	one := w.bring(t, store.Confirmed, alone)
	tpl := w.newTemplate(t)
	running := w.run(t, of(tpl))
	two := w.bring(t, store.Waiting, alone)
	list := w.claim(t, func(r *store.ClaimRequest) { r.Tags = []string{two.tag, one.tag} })
	require.Equal(t, []int64{one.task.ID}, ids(list))
	require.True(t, list[0].Resume)
	require.Equal(t, store.Starting, w.get(t, running.Task.ID).Status)
}

func nextAttempt(t *testing.T, w *world) {
	b := w.bring(t, store.Starting)
	start := *b.task.Start
	w.clock.advance(time.Minute)
	w.finish(t, b.lease, store.Waiting)
	list := w.claim(t, func(r *store.ClaimRequest) { r.Tags, r.Owner = []string{b.tag}, "node-2" })
	require.Len(t, list, 1)
	got := list[0].Task
	require.Equal(t, 2, got.Attempt)
	require.Equal(t, start, *got.Start)
	require.Equal(t, "node-2", got.Owner)
	require.Equal(t, store.StopNone, got.StopLevel)
	require.False(t, got.Unreachable)
	require.False(t, list[0].Resume)
}

func places(t *testing.T, w *world) {
	w.project.MaxParallelTasks = 2
	require.NoError(t, w.Projects().Update(t.Context(), w.project))
	tpl := w.newTemplate(t)
	running := w.bring(t, store.Running, alone)
	first, second := w.task(t, alone), w.task(t, alone, of(tpl))
	place := func(id int64, most int) store.Place {
		p, err := w.Tasks().Place(t.Context(), w.project.ID, id, most)
		require.NoError(t, err)
		return p
	}
	require.Equal(t, store.Place{}, place(running.task.ID, 0))
	require.Equal(t, store.Place{Position: 1, Reason: store.WaitTemplate, Tasks: []int64{running.task.ID}}, place(first.ID, 0))
	free := place(second.ID, 0)
	require.Equal(t, 2, free.Position)
	require.Contains(t, []store.WaitReason{"", store.WaitWorker}, free.Reason)
	require.Equal(t, store.WaitGlobal, place(second.ID, 1).Reason)
	w.run(t, of(w.newTemplate(t)))
	full := place(second.ID, 0)
	require.Equal(t, store.WaitProject, full.Reason)
	require.Contains(t, full.Tasks, running.task.ID)
	plan := w.neighbour(t)
	b := plan.bring(t, store.WaitingConfirmation)
	p, err := w.Tasks().Place(t.Context(), plan.project.ID, b.task.ID, 0)
	require.NoError(t, err)
	require.Equal(t, store.Place{Reason: store.WaitConfirmation}, p)
	require.False(t, slices.Contains(full.Tasks, b.task.ID))
}

func placeOfOthers(t *testing.T, w *world) {
	other := w.neighbour(t)
	other.run(t)
	waiting := w.task(t)
	place := func() store.Place {
		p, err := w.Tasks().Place(t.Context(), w.project.ID, waiting.ID, 1)
		require.NoError(t, err)
		return p
	}
	require.Equal(t, store.Place{Position: 1, Reason: store.WaitGlobal}, place())
	mine := w.run(t)
	require.Equal(t, store.Place{Position: 1, Reason: store.WaitGlobal, Tasks: []int64{mine.Task.ID}}, place())
}
