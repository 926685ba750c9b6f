package pool_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// playbook is the output of a run with one failure.
var playbook = []string{
	"PLAY [web] *********************************************************************",
	"", "TASK [install] *****************************************************************",
	"ok: [web1]",
	`fatal: [web2]: FAILED! => {"changed": false, "msg": "no package"}`,
	"", "PLAY RECAP *********************************************************************",
	"web1                       : ok=1    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0",
	"web2                       : ok=0    changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0",
}

// findings are what was read out of a task's output, without times.
type findings struct {
	stages   []store.Stage
	hosts    []store.AnsibleHost
	problems []store.AnsibleError
}

func found(t *testing.T, p *pooltest.Pool, task store.Task) findings {
	t.Helper()
	var f findings
	var err error
	tasks := p.Store().Tasks()
	f.stages, err = tasks.Stages(t.Context(), task.ProjectID, task.ID)
	require.NoError(t, err)
	f.hosts, err = tasks.Hosts(t.Context(), task.ProjectID, task.ID)
	require.NoError(t, err)
	f.problems, err = tasks.Problems(t.Context(), task.ProjectID, task.ID)
	require.NoError(t, err)
	for i := range f.stages {
		require.NotNil(t, f.stages[i].Start)
		require.NotNil(t, f.stages[i].End, "%s %s is closed", f.stages[i].Type, f.stages[i].Name)
		f.stages[i].ID, f.stages[i].Start, f.stages[i].End = 0, nil, nil
	}
	for i := range f.hosts {
		f.hosts[i].ID, f.hosts[i].Created = 0, task.Created
	}
	for i := range f.problems {
		f.problems[i].ID, f.problems[i].Created = 0, task.Created
	}
	return f
}

func TestWhatAPlaybookSays(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, st store.Store) (findings, []string) {
		t.Helper()
		p := pooltest.New(t, pooltest.Options{Store: st, Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Lines: playbook, ExitCode: 2} }})
		task := p.Await(p.Add(p.Template(store.Template{App: "ansible", Playbook: "site.yml"})), store.Failed)
		return found(t, p, task), p.Log(task)
	}
	synctest.Test(t, func(t *testing.T) {
		f, _ := run(t, newStore())
		types := map[string]string{}
		for _, s := range f.stages {
			types[s.Type] = s.Name
		}
		require.Equal(t, "web", types["play"])
		require.Equal(t, "install", types["task"])
		require.Contains(t, types, "print_result")
		require.Len(t, f.hosts, 2)
		require.Equal(t, 1, f.hosts[1].Failed)
		require.Len(t, f.problems, 1)
		require.Equal(t, []string{"web2", "install", "no package"}, []string{f.problems[0].Host, f.problems[0].Task, f.problems[0].Error})

		busy := &busyStore{Store: newStore(), seen: map[int64]bool{}}
		again, log := run(t, busy)
		require.Equal(t, f, again, "a store that is busy loses nothing of it")
		require.Equal(t, playbook, log)
		require.NotZero(t, busy.failed)
	})
}

// busyStore is busy at the first try of every report, and of the end.
type busyStore struct {
	store.Store
	mu     sync.Mutex
	seen   map[int64]bool
	failed int
}

func (b *busyStore) Queue() store.TaskQueue { return busyQueue{b.Store.Queue(), b} }

func (b *busyStore) first(seq int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen[seq] {
		return false
	}
	b.seen[seq] = true
	b.failed++
	return true
}

type busyQueue struct {
	store.TaskQueue
	b *busyStore
}

func (q busyQueue) Append(ctx context.Context, l store.Lease, a store.Append) error {
	if q.b.first(a.Seq) {
		return store.ErrBusy
	}
	return q.TaskQueue.Append(ctx, l, a)
}

func (q busyQueue) Finish(ctx context.Context, l store.Lease, f store.Finish) (store.Task, error) {
	if q.b.first(-1) {
		return store.Task{}, store.ErrBusy
	}
	return q.TaskQueue.Finish(ctx, l, f)
}

func TestStagesOfASecondAttemptFollowThoseOfTheFirst(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{Script: planned})
	task := p.Await(p.Add(p.Template(store.Template{App: "terraform", Playbook: "infra"})), store.WaitingConfirmation)
	first := found(t, p, task).stages
	require.NotEmpty(t, first)
	_, err := p.Confirm(t.Context(), task.ProjectID, task.ID, pool.Caller{})
	require.NoError(t, err)
	task = p.Await(task, store.Success)
	both := found(t, p, task).stages
	require.Equal(t, first, both[:len(first)])
	require.Len(t, both, 2*len(first))
	for i, s := range both {
		require.Equal(t, i, s.Number)
	}
	require.Equal(t, int64(1), both[len(first)].FirstLine, "behind the lines of the first")
}
