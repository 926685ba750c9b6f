package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func leaseCases() []testCase {
	return []testCase{
		{"a renewed lease lasts on and hears what was asked for", extends},
		{"leases that are not valid are gone", extendsGone},
		{"a renewed lease is reachable again", extendsReachable},
		{"an append stores all that a run tells of itself", appends},
		{"an append that was stored already is ignored", appendsOnce},
		{"stages and hosts are replaced, problems are added", replacesResults},
		{"a run cannot end itself by its output", appendStatus},
		{"at most fifty command lines are kept", manyCommands},
		{"every method is fenced against an older attempt", fences},
		{"lines of an older attempt are kept as late ones", lateLines},
		{"a late append is kept once", lateOnce},
		{"a lease of a task that is gone is not valid", leaseOfNothing},
	}
}

func (w *world) extend(t *testing.T, leases ...store.Lease) []store.Signal {
	t.Helper()
	signals, err := w.Queue().Extend(t.Context(), me, leases, ttl)
	require.NoError(t, err)
	require.Len(t, signals, len(leases))
	return signals
}

func extends(t *testing.T, w *world) {
	a, b := w.run(t), w.run(t)
	w.clock.advance(10 * time.Second)
	require.Equal(t, []store.Signal{{Lease: b.Lease}, {Lease: a.Lease}}, w.extend(t, b.Lease, a.Lease))
	held, err := w.Queue().Leases(t.Context())
	require.NoError(t, err)
	require.Len(t, held, 2)
	require.Equal(t, w.clock.Now().Add(ttl), held[0].Until)
	for _, level := range []store.StopLevel{store.StopGentle, store.StopForce, store.StopKill} {
		_, err = w.Tasks().Stop(t.Context(), w.project.ID, a.Task.ID, level, w.event("stop"))
		require.NoError(t, err)
		require.Equal(t, []store.Signal{{Lease: a.Lease, Stop: level}, {Lease: b.Lease}}, w.extend(t, a.Lease, b.Lease))
	}
	require.Empty(t, w.extend(t))
}

func extendsGone(t *testing.T, w *world) {
	good := w.run(t).Lease
	ended := w.bring(t, store.Success).lease
	waits := w.bring(t, store.WaitingConfirmation).lease
	wrong := []store.Lease{ended, waits}
	for _, change := range []func(*store.Lease){
		func(l *store.Lease) { l.ID = "invented" }, func(l *store.Lease) { l.ID = "" },
		func(l *store.Lease) { l.Attempt++ }, func(l *store.Lease) { l.TaskID = 1 << 40 },
		func(l *store.Lease) { l.ProjectID++ },
	} {
		l := good
		change(&l)
		wrong = append(wrong, l)
	}
	w.clock.advance(time.Second)
	for i, s := range w.extend(t, wrong...) {
		require.Equal(t, store.Signal{Lease: wrong[i], Gone: true}, s)
	}
	held, err := w.Queue().Leases(t.Context())
	require.NoError(t, err)
	require.Len(t, held, 1)
	require.Equal(t, w.clock.Now().Add(ttl-time.Second), held[0].Until)
}

func extendsReachable(t *testing.T, w *world) {
	c := w.run(t)
	w.clock.advance(ttl)
	w.expire(t, store.Expiry{Self: "other"})
	require.True(t, w.get(t, c.Task.ID).Unreachable)
	before := len(w.descriptions(t))
	require.False(t, w.extend(t, c.Lease)[0].Gone)
	require.False(t, w.get(t, c.Task.ID).Unreachable)
	require.Len(t, w.descriptions(t), before+1)
	w.extend(t, c.Lease)
	require.Len(t, w.descriptions(t), before+1)
}

func appends(t *testing.T, w *world) {
	c := w.run(t)
	start, end := w.clock.Now(), w.clock.Now().Add(time.Second)
	stage := store.Stage{Number: 1, Type: "play", Name: "all", Start: &start, End: &end, FirstLine: 0, LastLine: 1, Result: json.RawMessage(`{"ok":1}`)}
	host := store.AnsibleHost{Host: "web1", Changed: 1, Failed: 2, Ignored: 3, OK: 4, Rescued: 5, Skipped: 6, Unreachable: 7}
	problem := store.AnsibleError{Host: "web1", Task: "copy", Error: "no space", Line: 1}
	long := strings.Repeat("ü", 150)
	w.append(t, c.Lease, store.Append{
		Seq: 1, Status: store.Running, Lines: lines("one", "two"), Commit: &store.CommitInfo{Hash: "abc", Message: long},
		Commands: [][]string{{"ansible-playbook", "it's.yml"}, {"second"}}, Plan: json.RawMessage(`{"add":2}`),
		Stages: []store.Stage{stage}, Hosts: []store.AnsibleHost{host}, Problems: []store.AnsibleError{problem},
	})
	w.append(t, c.Lease, store.Append{Seq: 2, Commands: [][]string{{"third"}}})
	want := c.Task
	hash := "abc"
	want.Status, want.CommitHash, want.CommitMessage, want.LogLines, want.LogBytes = store.Running, &hash, long[:200], 2, 6
	got := w.get(t, c.Task.ID)
	require.JSONEq(t, `[["ansible-playbook","it's.yml"],["second"],["third"]]`, string(got.Command))
	require.JSONEq(t, `{"add":2}`, string(got.Plan))
	want.Command, want.Plan = got.Command, got.Plan
	require.Equal(t, want, got)
	w.requireResults(t, c.Task.ID, []store.Stage{stage}, []store.AnsibleHost{host}, []store.AnsibleError{problem})
}

// requireResults compares results without what the store has set, which it
// checks.
func (w *world) requireResults(t *testing.T, id int64, stages []store.Stage, hosts []store.AnsibleHost, problems []store.AnsibleError) {
	t.Helper()
	gotStages, err := w.Tasks().Stages(t.Context(), w.project.ID, id)
	require.NoError(t, err)
	for i, s := range gotStages {
		require.Positive(t, s.ID)
		require.Equal(t, []int64{id, w.project.ID}, []int64{s.TaskID, s.ProjectID})
		gotStages[i].ID, gotStages[i].TaskID, gotStages[i].ProjectID = 0, 0, 0
	}
	requireList(t, stages, gotStages)
	gotHosts, err := w.Tasks().Hosts(t.Context(), w.project.ID, id)
	require.NoError(t, err)
	for i, h := range gotHosts {
		require.Equal(t, []int64{id, w.project.ID}, []int64{h.TaskID, h.ProjectID})
		require.False(t, h.Created.IsZero())
		gotHosts[i].ID, gotHosts[i].TaskID, gotHosts[i].ProjectID, gotHosts[i].Created = 0, 0, 0, time.Time{}
	}
	requireList(t, hosts, gotHosts)
	gotProblems, err := w.Tasks().Problems(t.Context(), w.project.ID, id)
	require.NoError(t, err)
	for i, p := range gotProblems {
		require.Equal(t, []int64{id, w.project.ID}, []int64{p.TaskID, p.ProjectID})
		require.False(t, p.Created.IsZero())
		gotProblems[i].ID, gotProblems[i].TaskID, gotProblems[i].ProjectID, gotProblems[i].Created = 0, 0, 0, time.Time{}
	}
	requireList(t, problems, gotProblems)
}

// requireList takes no list for an empty one.
func requireList[T any](t *testing.T, want, got []T) {
	t.Helper()
	if len(want) == 0 {
		require.Empty(t, got)
		return
	}
	require.Equal(t, want, got)
}

func appendsOnce(t *testing.T, w *world) {
	c := w.run(t)
	a := store.Append{
		Seq: 1, Lines: lines("one"), Commands: [][]string{{"x"}}, Problems: []store.AnsibleError{{Host: "h", Error: "e"}},
		Hosts: []store.AnsibleHost{{Host: "h"}}, Stages: []store.Stage{{Number: 1}},
	}
	for range 3 {
		w.append(t, c.Lease, a)
	}
	b := a
	b.Seq = 2
	w.append(t, c.Lease, b)
	w.append(t, c.Lease, a)
	got := w.get(t, c.Task.ID)
	require.EqualValues(t, 2, got.LogLines)
	require.JSONEq(t, `[["x"],["x"]]`, string(got.Command))
	require.Equal(t, []string{"one", "one"}, texts(w.read(t, c.Task.ID, 0, 10).Lines))
	problem := store.AnsibleError{Host: "h", Error: "e"}
	w.requireResults(t, c.Task.ID, a.Stages, a.Hosts, []store.AnsibleError{problem, problem})
}

func replacesResults(t *testing.T, w *world) {
	c := w.run(t)
	w.append(t, c.Lease, store.Append{Seq: 1, Stages: []store.Stage{{Number: 2, Name: "b"}, {Number: 1, Name: "a"}}, Hosts: []store.AnsibleHost{{Host: "x", OK: 1}, {Host: "y"}}})
	w.append(t, c.Lease, store.Append{Seq: 2, Stages: []store.Stage{{Number: 1, Name: "a2", LastLine: 9}}, Hosts: []store.AnsibleHost{{Host: "x", OK: 5}}})
	w.requireResults(t, c.Task.ID,
		[]store.Stage{{Number: 1, Name: "a2", LastLine: 9}, {Number: 2, Name: "b"}},
		[]store.AnsibleHost{{Host: "x", OK: 5}, {Host: "y"}}, nil)
}

func appendStatus(t *testing.T, w *world) {
	c := w.run(t)
	for i, s := range []store.Status{store.Success, store.Failed, store.Stopped, store.Waiting, store.Confirmed, store.WaitingConfirmation, store.Stopping, "nonsense"} {
		err := w.Queue().Append(t.Context(), c.Lease, store.Append{Seq: int64(i + 1), Status: s})
		if err != nil {
			require.ErrorIs(t, err, store.ErrInvalid)
		}
		require.Equal(t, store.Starting, w.get(t, c.Task.ID).Status)
	}
	b := w.bring(t, store.Stopping)
	w.append(t, b.lease, store.Append{Seq: 2, Status: store.Running, Lines: lines("still here")})
	require.Equal(t, store.Stopping, w.get(t, b.task.ID).Status)
	require.EqualValues(t, 1, w.get(t, b.task.ID).LogLines)
	r := w.bring(t, store.Running)
	w.append(t, r.lease, store.Append{Seq: 2, Status: store.Starting})
	require.Equal(t, store.Running, w.get(t, r.task.ID).Status)
}

func manyCommands(t *testing.T, w *world) {
	c := w.run(t)
	for i := range 19 {
		n := fmt.Sprint(i)
		w.append(t, c.Lease, store.Append{Seq: int64(i + 1), Commands: [][]string{{"echo", n}, {"echo", n}, {"echo", n}}})
	}
	var commands [][]string
	require.NoError(t, json.Unmarshal(w.get(t, c.Task.ID).Command, &commands))
	require.Len(t, commands, 50)
	require.Equal(t, []string{"echo", "0"}, commands[0])
	require.Equal(t, []string{"echo", "16"}, commands[49])
}

// secondAttempt is a task that runs again, with the lease before.
func (w *world) secondAttempt(t *testing.T) (old, current store.Lease) {
	t.Helper()
	b := w.bring(t, store.Running, func(n *store.NewTask) { n.Task.MaxRetries = 1 })
	expired := w.expire(t, store.Expiry{Self: "other", Dead: []string{me}})
	require.Len(t, expired, 1)
	list := w.claim(t, func(r *store.ClaimRequest) { r.Tags, r.Owner = []string{b.tag}, "node-2" })
	require.Len(t, list, 1)
	return b.lease, list[0].Lease
}

func fences(t *testing.T, w *world) {
	old, current := w.secondAttempt(t)
	before := w.get(t, old.TaskID)
	a := store.Append{
		Seq: 9, Status: store.Running, Commit: &store.CommitInfo{Hash: "x"}, Commands: [][]string{{"x"}}, Plan: json.RawMessage(`{}`),
	}
	require.ErrorIs(t, w.Queue().Append(t.Context(), old, a), store.ErrLease)
	_, err := w.Queue().Finish(t.Context(), old, store.Finish{Status: store.Success, ExitCode: 3, Reason: "x"})
	require.ErrorIs(t, err, store.ErrLease)
	require.True(t, w.extend(t, old)[0].Gone)
	before.Late = true
	require.Equal(t, before, w.get(t, old.TaskID))
	w.append(t, current, store.Append{Seq: 1, Status: store.Running})
	require.Equal(t, store.Success, w.finish(t, current, store.Success).Status)
}

func lateLines(t *testing.T, w *world) {
	old, current := w.secondAttempt(t)
	w.append(t, current, store.Append{Seq: 1, Lines: lines("new")})
	events := len(w.descriptions(t))
	require.ErrorIs(t, w.Queue().Append(t.Context(), old, store.Append{Seq: 5, Lines: lines("late 1", "late 2")}), store.ErrLease)
	require.ErrorIs(t, w.Queue().Append(t.Context(), old, store.Append{Seq: 6, Lines: lines("late 3")}), store.ErrLease)
	w.append(t, current, store.Append{Seq: 2, Lines: lines("newer")})
	page := w.read(t, old.TaskID, 0, 10)
	require.Equal(t, []string{"new", "late 1", "late 2", "late 3", "newer"}, texts(page.Lines))
	for i, line := range page.Lines {
		require.EqualValues(t, i, line.Number)
		late := strings.HasPrefix(line.Text, "late")
		require.Equal(t, late, line.Late)
		require.Equal(t, map[bool]int{true: 1, false: 2}[late], line.Attempt)
	}
	task := w.get(t, old.TaskID)
	require.True(t, task.Late)
	require.EqualValues(t, 5, task.LogLines)
	require.Len(t, w.descriptions(t), events+1)
	require.Equal(t, []string{"late starting"}, w.outbox(t, old.TaskID))
}

func lateOnce(t *testing.T, w *world) {
	b := w.bring(t, store.Running)
	w.append(t, b.lease, store.Append{Seq: 2, Lines: lines("in time")})
	w.finish(t, b.lease, store.Success)
	late := store.Append{Seq: 3, Lines: lines("late")}
	for range 3 {
		require.ErrorIs(t, w.Queue().Append(t.Context(), b.lease, late), store.ErrLease)
	}
	_ = w.Queue().Append(t.Context(), b.lease, store.Append{Seq: 2, Lines: lines("in time")}) // accepted or not, it is stored
	require.Equal(t, []string{"in time", "late"}, texts(w.read(t, b.task.ID, 0, 10).Lines))
	require.Equal(t, store.Success, w.get(t, b.task.ID).Status)
}

func leaseOfNothing(t *testing.T, w *world) {
	b := w.bring(t, store.Success)
	require.NoError(t, w.Tasks().Delete(t.Context(), w.project.ID, b.task.ID))
	require.ErrorIs(t, w.Queue().Append(t.Context(), b.lease, store.Append{Seq: 9, Lines: lines("x")}), store.ErrLease)
	_, err := w.Queue().Finish(t.Context(), b.lease, store.Finish{Status: store.Success})
	require.ErrorIs(t, err, store.ErrLease)
	require.True(t, w.extend(t, b.lease)[0].Gone)
}
