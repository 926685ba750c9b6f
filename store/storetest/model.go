package storetest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func modelCases() []testCase {
	return []testCase{
		{"whatever happens in whatever order, tasks do what the model says", followsModel},
	}
}

// model is what a task is to be like after what has happened to it.
type model struct {
	status  store.Status
	attempt int
	level   store.StopLevel
	retries int
	leases  []store.Lease
	ended   map[string]bool // leases that were finished in time
	resumed bool            // by its last lease
	tag     string
	id      int64
}

// lease picks the last lease, or any.
func (m *model) lease(random *rand.Rand) (l store.Lease, valid bool) {
	if len(m.leases) == 0 {
		return store.Lease{TaskID: m.id, ID: "none", Attempt: 1}, false
	}
	i := len(m.leases) - 1
	if random.IntN(4) == 0 {
		i = random.IntN(len(m.leases))
	}
	return m.leases[i], m.status.Leased() && i == len(m.leases)-1
}

// followsModel lets random things happen to a few tasks and holds each one
// against its model afterwards.
func followsModel(t *testing.T, w *world) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	var models []*model
	for range 6 {
		m := &model{status: store.Waiting, retries: random.IntN(3), tag: w.unique("tag"), ended: map[string]bool{}}
		m.id = w.task(t, tagged(m.tag), func(n *store.NewTask) {
			n.Task.MaxRetries, n.Task.LostAfter = m.retries, time.Minute.Milliseconds()
		}).ID
		models = append(models, m)
	}
	moves := []func(*testing.T, *world, *model, *rand.Rand){
		moveClaim, moveClaim, moveAppend, moveFinish, moveFinish, moveStop, moveConfirm, moveReject, moveExpire,
	}
	for step := range 400 {
		m := models[random.IntN(len(models))]
		before := m.status
		move := random.IntN(len(moves))
		moves[move](t, w, m, random)
		got := w.get(t, m.id)
		require.Equalf(t, m.status, got.Status, "seed %d, step %d, move %d, was %s", seed, step, move, before)
		require.Equal(t, m.attempt, got.Attempt)
		require.Equal(t, m.level, got.StopLevel)
		require.Equal(t, got.Status.Finished(), got.End != nil)
		require.Equal(t, got.Status.Leased(), got.Owner != "")
		if before.Finished() {
			require.Equal(t, before, got.Status)
		}
		if m.status.Finished() && random.IntN(3) == 0 {
			*m = model{status: store.Waiting, tag: w.unique("tag"), ended: map[string]bool{}}
			m.id = w.task(t, tagged(m.tag)).ID
		}
	}
}

func moveClaim(t *testing.T, w *world, m *model, _ *rand.Rand) {
	list := w.claim(t, func(r *store.ClaimRequest) { r.Tags = []string{m.tag} })
	if !m.status.Claimable() {
		require.Empty(t, list)
		return
	}
	require.Equal(t, []int64{m.id}, ids(list))
	require.Equal(t, m.status == store.Confirmed, list[0].Resume)
	m.resumed = list[0].Resume
	m.status, m.level = store.Starting, store.StopNone
	m.attempt++
	m.leases = append(m.leases, list[0].Lease)
}

func moveAppend(t *testing.T, w *world, m *model, random *rand.Rand) {
	l, valid := m.lease(random)
	l.ProjectID = w.project.ID
	err := w.Queue().Append(t.Context(), l, store.Append{Seq: int64(w.number()), Status: store.Running, Lines: lines("x")})
	if !valid {
		require.ErrorIs(t, err, store.ErrLease)
		return
	}
	require.NoError(t, err)
	if m.status == store.Starting {
		m.status = store.Running
	}
}

func moveFinish(t *testing.T, w *world, m *model, random *rand.Rand) {
	l, valid := m.lease(random)
	l.ProjectID = w.project.ID
	ends := []store.Status{store.Success, store.Failed, store.Stopped, store.WaitingConfirmation, store.WaitingConfirmation, store.Waiting, store.Confirmed}
	s := ends[random.IntN(len(ends))]
	_, err := w.Queue().Finish(t.Context(), l, store.Finish{Status: s})
	switch {
	case valid && s == store.Confirmed && !m.resumed:
		require.ErrorIs(t, err, store.ErrInvalid)
	case valid:
		require.NoError(t, err)
		m.ended[l.ID] = true
		if m.status == store.Stopping && !s.Finished() {
			s = store.Stopped
		}
		m.status = s
	case m.ended[l.ID]:
		// The same result again: a store remembers at least the last one.
		if err != nil {
			require.ErrorIs(t, err, store.ErrLease)
		}
	default:
		require.ErrorIs(t, err, store.ErrLease)
	}
}

func moveStop(t *testing.T, w *world, m *model, random *rand.Rand) {
	level := []store.StopLevel{store.StopGentle, store.StopForce, store.StopKill}[random.IntN(3)]
	_, err := w.Tasks().Stop(t.Context(), w.project.ID, m.id, level, w.event("stop"))
	if m.status.Finished() {
		require.ErrorIs(t, err, store.ErrState)
		return
	}
	require.NoError(t, err)
	if level.Rank() > m.level.Rank() {
		m.level = level
	}
	if m.status.Leased() {
		m.status = store.Stopping
		return
	}
	m.status = store.Stopped
}

func (w *world) moveAnswer(t *testing.T, m *model, to store.Status, ask func(context.Context, int64, int64, store.Event) (store.Task, error)) {
	t.Helper()
	_, err := ask(t.Context(), w.project.ID, m.id, w.event("answer"))
	if m.status != store.WaitingConfirmation {
		require.ErrorIs(t, err, store.ErrState)
		return
	}
	require.NoError(t, err)
	m.status = to
}

func moveConfirm(t *testing.T, w *world, m *model, _ *rand.Rand) {
	w.moveAnswer(t, m, store.Confirmed, w.Tasks().Confirm)
}

func moveReject(t *testing.T, w *world, m *model, _ *rand.Rand) {
	w.moveAnswer(t, m, store.Failed, w.Tasks().Reject)
}

// moveExpire loses the worker of one task: all others are spared.
func moveExpire(t *testing.T, w *world, m *model, _ *rand.Rand) {
	var spare []int64
	held, err := w.Queue().Leases(t.Context())
	require.NoError(t, err)
	for _, h := range held {
		if h.Lease.TaskID != m.id {
			spare = append(spare, h.Lease.TaskID)
		}
	}
	_, err = w.Queue().Expire(t.Context(), store.Expiry{Self: "other", Dead: []string{me}, Spare: spare})
	require.NoError(t, err)
	switch {
	case !m.status.Leased():
	case m.status == store.Stopping:
		m.status = store.Stopped
	case m.attempt <= m.retries:
		m.status = store.Waiting
	default:
		m.status = store.Failed
	}
}
