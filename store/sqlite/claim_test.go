package sqlite_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// TestClaimsAreThoseOfTheModel drives a long queue on a file and in memory with
// the same steps, and wants the same tasks claimed, so that what is beyond the
// oldest ones is chosen as well as those.
func TestClaimsAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	for range 2 {
		seed := rand.Uint64()
		t.Run("", func(t *testing.T) {
			t.Parallel()
			t.Logf("seed %d", seed)
			q := twins{real: setup(t), model: memory.New(memory.Config{}), random: rand.New(rand.NewPCG(seed, 0))}
			q.build(t)
			for range 150 {
				q.step(t)
			}
		})
	}
}

// twins are a store and its model with the same rows.
type twins struct {
	real, model store.Store
	random      *rand.Rand
	templates   []store.Template
	running     []store.Claimed // of the store
	shadows     []store.Claimed // of the model
	unconfirmed []store.Task
}

var tags = []string{"", "a", "b"}

func (q *twins) both(f func(s store.Store)) {
	f(q.real)
	f(q.model)
}

func (q *twins) build(t *testing.T) {
	limits := []int{0, 3, 8}
	for i := range limits {
		var p store.Project
		var err error
		q.both(func(s store.Store) {
			p, err = s.Projects().Create(t.Context(), store.Project{Name: "p", MaxParallelTasks: limits[i]})
			require.NoError(t, err)
		})
		for n := range 6 {
			var tpl store.Template
			q.both(func(s store.Store) { tpl = templateIn(t, s, p.ID, n%2 == 0) })
			q.templates = append(q.templates, tpl)
		}
	}
	for range 300 {
		q.add(t)
	}
}

// add prefers few templates, so that many tasks of one template stand in line.
func (q *twins) add(t *testing.T) {
	tpl := q.templates[min(q.random.IntN(len(q.templates)), q.random.IntN(len(q.templates)))]
	task := store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, RunnerTag: tags[q.random.IntN(len(tags))]}
	task.Parallel = tpl.AllowParallelTasks && q.random.IntN(8) > 0
	q.both(func(s store.Store) {
		_, err := s.Tasks().Create(t.Context(), store.NewTask{Task: task})
		require.NoError(t, err)
	})
}

func (q *twins) step(t *testing.T) {
	switch q.random.IntN(5) {
	case 0:
		q.add(t)
	case 1, 2:
		q.claim(t)
	case 3:
		q.finish(t)
	case 4:
		if len(q.unconfirmed) > 0 {
			task := q.unconfirmed[0]
			q.unconfirmed = q.unconfirmed[1:]
			q.both(func(s store.Store) {
				_, err := s.Tasks().Confirm(t.Context(), task.ProjectID, task.ID, store.Event{})
				require.NoError(t, err)
			})
		}
	}
	q.place(t)
}

func (q *twins) claim(t *testing.T) {
	r := store.ClaimRequest{Owner: "me", TTL: time.Hour, Max: 1 + q.random.IntN(4)}
	for _, tag := range tags {
		if q.random.IntN(2) == 0 {
			r.Tags = append(r.Tags, tag)
		}
	}
	if q.random.IntN(4) == 0 {
		r.ProjectID = &q.templates[q.random.IntN(len(q.templates))].ProjectID
	}
	if q.random.IntN(3) == 0 {
		r.MaxParallel = 1 + q.random.IntN(20)
	}
	got, err := q.real.Queue().Claim(t.Context(), r)
	require.NoError(t, err)
	want, err := q.model.Queue().Claim(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, claimedIDs(want), claimedIDs(got), "%+v", r)
	q.running, q.shadows = append(q.running, got...), append(q.shadows, want...)
}

func claimedIDs(list []store.Claimed) []int64 {
	ids := []int64{}
	for _, c := range list {
		ids = append(ids, c.Task.ID)
	}
	return ids
}

func (q *twins) finish(t *testing.T) {
	if len(q.running) == 0 {
		return
	}
	i := q.random.IntN(len(q.running))
	f := store.Finish{Status: store.Success}
	switch q.random.IntN(4) {
	case 0:
		f.Status = store.WaitingConfirmation
	case 1:
		f.Status = store.Waiting
	}
	task, err := q.real.Queue().Finish(t.Context(), q.running[i].Lease, f)
	require.NoError(t, err)
	_, err = q.model.Queue().Finish(t.Context(), q.shadows[i].Lease, f)
	require.NoError(t, err)
	if f.Status == store.WaitingConfirmation {
		q.unconfirmed = append(q.unconfirmed, task)
	}
	q.running = append(q.running[:i:i], q.running[i+1:]...)
	q.shadows = append(q.shadows[:i:i], q.shadows[i+1:]...)
}

func (q *twins) place(t *testing.T) {
	id, project := 1+q.random.Int64N(300), q.templates[q.random.IntN(len(q.templates))].ProjectID
	want, err := q.model.Tasks().Place(t.Context(), project, id, 5)
	got, fault := q.real.Tasks().Place(t.Context(), project, id, 5)
	require.Equal(t, err == nil, fault == nil)
	require.Equal(t, want, got)
}

func TestARunnerOfAProjectGetsItsTasksOnly(t *testing.T) {
	t.Parallel()
	s := setup(t)
	mine, other := template(t, s, true), template(t, s, true)
	runner, err := s.Runners().Create(t.Context(), store.Runner{ProjectID: &mine.ProjectID, TokenHash: "x"})
	require.NoError(t, err)
	add(t, s, other)
	task := add(t, s, mine)
	ask := store.ClaimRequest{Owner: "me", RunnerID: &runner.ID, Tags: []string{""}, Max: 9, TTL: time.Minute, ProjectID: &other.ProjectID}
	list, err := s.Queue().Claim(t.Context(), ask)
	require.NoError(t, err)
	require.Empty(t, list)
	ask.ProjectID = nil
	list, err = s.Queue().Claim(t.Context(), ask)
	require.NoError(t, err)
	require.Equal(t, []int64{task.ID}, claimedIDs(list))
	require.Equal(t, &runner.ID, list[0].Task.RunnerID)
}
