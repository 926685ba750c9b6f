package storetest

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func concurrencyCases() []testCase {
	return []testCase{
		{"many claimers get each task once and exceed no limit", manyClaimers},
		{"many who claim for one runner exceed its limit never", manyOfARunner},
		{"builds made at once have consecutive versions", manyBuilds},
		{"nodes that fire at once make one task", manyFires},
		{"many appenders lose no line", manyAppenders},
		{"one of many answers is the first", manyAnswers},
	}
}

// together runs f in so many goroutines and returns their errors.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errs
}

// board counts what runs at the same time.
type board struct {
	mu        sync.Mutex
	freed     *sync.Cond
	left      int
	turn      int // rises whenever a slot may be free
	seen      map[int64]int
	running   int
	projects  map[int64]int
	templates map[int64]int
	most      int
	faults    []string
}

func newBoard(tasks int) *board {
	b := &board{left: tasks, seen: map[int64]int{}, projects: map[int64]int{}, templates: map[int64]int{}}
	b.freed = sync.NewCond(&b.mu)
	return b
}

func (b *board) start(task store.Task, projectLimit, globalLimit int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen[task.ID]++
	b.running++
	b.projects[task.ProjectID]++
	b.templates[task.TemplateID]++
	b.most = max(b.most, b.running)
	if b.seen[task.ID] > 1 || b.running > globalLimit || b.projects[task.ProjectID] > projectLimit ||
		!task.Parallel && b.templates[task.TemplateID] > 1 {
		b.faults = append(b.faults, "task "+strconv.FormatInt(task.ID, 10))
	}
}

// manyOfARunner is servers that a runner asks at the same time.
func manyOfARunner(t *testing.T, w *world) {
	const claimers, limit = 8, 3
	runner, err := w.Runners().Create(t.Context(), store.Runner{Name: "busy", TokenHash: w.unique("hash"), MaxParallelTasks: limit})
	require.NoError(t, err)
	for range 2 * claimers {
		w.task(t)
	}
	var mu sync.Mutex
	var got []store.Claimed
	for _, err := range together(claimers, func(i int) error {
		list, err := w.Queue().Claim(t.Context(), store.ClaimRequest{Owner: strconv.Itoa(i), RunnerID: &runner.ID, Tags: []string{""}, Max: 2, TTL: ttl})
		mu.Lock()
		defer mu.Unlock()
		got = append(got, list...)
		return err
	}) {
		require.NoError(t, err)
	}
	require.Len(t, got, limit)
}

// ends counts a task out just before it gives its slot back.
func (b *board) ends(task store.Task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running--
	b.projects[task.ProjectID]--
	b.templates[task.TemplateID]--
}

func (b *board) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left--
	b.turn++
	b.freed.Broadcast()
}

// look returns the turn to wait for the end of, and whether there is work left.
func (b *board) look() (turn int, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.turn, b.left > 0
}

func (b *board) wait(turn int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.turn == turn && b.left > 0 {
		b.freed.Wait()
	}
}

// abort lets everybody go home.
func (b *board) abort() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = 0
	b.freed.Broadcast()
}

func manyClaimers(t *testing.T, w *world) {
	const claimers, tasks, global, perProject = 16, 400, 7, 4
	worlds := []*world{w, w.neighbour(t), w.neighbour(t)}
	for i := range tasks {
		in := worlds[i%3]
		in.project.MaxParallelTasks = perProject
		if i < 3 {
			require.NoError(t, w.Projects().Update(t.Context(), in.project))
		}
		if i%5 == 0 {
			in.task(t, alone, of(in.newTemplate(t)))
		}
		if i%5 == 0 {
			continue
		}
		in.task(t, func(n *store.NewTask) { n.Task.Parallel = i%2 == 0 || i > 20 })
	}
	b := newBoard(tasks)
	errs := together(claimers, func(i int) error {
		err := w.claimer(t, b, i, perProject, global)
		if err != nil {
			b.abort()
		}
		return err
	})
	require.NoError(t, errors.Join(errs...))
	require.Empty(t, b.faults)
	require.Len(t, b.seen, tasks)
	require.Greater(t, b.most, 1, "nothing ran at the same time")
	counts, err := w.Tasks().Counts(t.Context(), store.TaskFilter{})
	require.NoError(t, err)
	require.Equal(t, map[store.Status]int{store.Success: tasks}, counts)
}

func (w *world) claimer(t *testing.T, b *board, i, projectLimit, globalLimit int) error {
	q := w.Queue()
	for {
		turn, more := b.look()
		if !more {
			return nil
		}
		list, err := q.Claim(t.Context(), store.ClaimRequest{
			Owner: "claimer " + strconv.Itoa(i), Tags: []string{""}, Max: 1 + i%3, TTL: ttl, MaxParallel: globalLimit,
		})
		if err != nil {
			return err
		}
		for _, c := range list {
			b.start(c.Task, projectLimit, globalLimit)
		}
		for _, c := range list {
			if err := q.Append(t.Context(), c.Lease, store.Append{Seq: 1, Status: store.Running}); err != nil {
				return err
			}
			b.ends(c.Task)
			if _, err := q.Finish(t.Context(), c.Lease, store.Finish{Status: store.Success}); err != nil {
				return err
			}
			b.done()
		}
		if len(list) == 0 {
			b.wait(turn)
		}
	}
}

func manyBuilds(t *testing.T, w *world) {
	const n = 20
	got := make([]int, n)
	errs := together(n, func(i int) error {
		task, err := w.Tasks().Create(t.Context(), w.newTask(func(n *store.NewTask) { n.NextVersion, n.StartVersion = true, "1" }))
		if err != nil {
			return err
		}
		got[i], err = strconv.Atoi(*task.Version)
		return err
	})
	require.NoError(t, errors.Join(errs...))
	slices.Sort(got)
	for i, version := range got {
		require.Equal(t, i+1, version)
	}
	tpl, err := w.Templates().Get(t.Context(), w.project.ID, w.template.ID)
	require.NoError(t, err)
	require.Equal(t, n, tpl.Tasks)
}

func manyFires(t *testing.T, w *world) {
	tick := w.clock.Now()
	s := w.schedule(t, at(tick))
	next := tick.Add(ttl)
	fires := make([]store.NewTask, 10)
	for i := range fires {
		fires[i] = w.newTask(firedBy(s, tick, &store.ScheduleFire{Prev: &tick, Advance: store.Advance{NextRun: &next, LastRun: &tick}}))
		fires[i].Events = []store.Event{w.event("fired")}
	}
	errs := together(len(fires), func(i int) error {
		_, err := w.Tasks().Create(t.Context(), fires[i])
		return err
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.Truef(t, errors.Is(err, store.ErrMoved) || errors.Is(err, store.ErrConflict), "%v", err)
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, w.total(t, "task"))
	require.Equal(t, []string{"fired"}, w.descriptions(t))
}

func manyAppenders(t *testing.T, w *world) {
	const appenders, each = 8, 25
	claimed := make([]store.Claimed, appenders)
	for i := range claimed {
		claimed[i] = w.run(t)
	}
	errs := together(appenders, func(i int) error {
		for seq := range int64(each) {
			a := store.Append{Seq: seq + 1, Lines: lines(strconv.FormatInt(seq, 10))}
			if err := w.Queue().Append(t.Context(), claimed[i].Lease, a); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, errors.Join(errs...))
	for _, c := range claimed {
		page := w.read(t, c.Task.ID, 0, 1000)
		require.EqualValues(t, each, page.Total)
		for i, line := range page.Lines {
			require.Equal(t, strconv.Itoa(i), line.Text)
		}
	}
}

func manyAnswers(t *testing.T, w *world) {
	b := w.bring(t, store.WaitingConfirmation)
	errs := together(12, func(i int) error {
		ask := w.Tasks().Confirm
		if i%2 == 0 {
			ask = w.Tasks().Reject
		}
		_, err := ask(t.Context(), w.project.ID, b.task.ID, w.event("answer"))
		return err
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, store.ErrState)
	}
	require.Equal(t, 1, won)
	require.Equal(t, []string{"answer"}, w.descriptions(t))
}
