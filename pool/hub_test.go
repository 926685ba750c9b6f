package pool_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// writer is an executor that writes numbered lines in bursts.
type writer struct {
	lines, burst int
	pause        time.Duration // between bursts
}

func (w writer) Run(ctx context.Context, _ *job.Spec, sink job.Sink) error {
	calm := context.WithoutCancel(ctx)
	for n := 0; n < w.lines; n += w.burst {
		var lines []job.Line
		for i := n; i < min(n+w.burst, w.lines); i++ {
			lines = append(lines, job.Line{Time: time.Now(), Text: fmt.Sprint(i)})
		}
		if err := sink.Lines(calm, lines); err != nil {
			return err
		}
		if w.pause > 0 {
			time.Sleep(w.pause)
		}
	}
	return nil
}

// TestFollowersMissNothing reads 20,000 lines at random speeds, some so slow
// that they are cut again and again.
func TestFollowersMissNothing(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const lines = 20000
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.New(t, pooltest.Options{Executor: writer{lines: lines, burst: 20, pause: 40 * time.Millisecond}})
		task := p.Add(p.Template(store.Template{}))
		ended := make(chan error)
		readers := 12
		for i := range readers {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			from := int64(random.IntN(2) * random.IntN(lines))
			go func() { ended <- follow(t.Context(), p, task, from, lines, random) }()
		}
		for range readers {
			require.NoError(t, <-ended)
		}
	})
}

// follow reads a task's output with pauses, resuming now and then.
func follow(ctx context.Context, p *pooltest.Pool, task store.Task, next, lines int64, random *rand.Rand) error {
	slow := time.Duration(random.IntN(40)) * time.Millisecond
	for next < lines {
		for line, err := range p.Follow(ctx, task.ProjectID, task.ID, next) {
			switch {
			case err != nil:
				return err
			case line.Number != next || line.Text != fmt.Sprint(next):
				return fmt.Errorf("line %d (%q) came in place of %d", line.Number, line.Text, next)
			}
			next++
			switch random.IntN(1000) {
			case 0:
				time.Sleep(slow * 1000)
			case 1, 2, 3:
				time.Sleep(slow)
			}
			if random.IntN(5000) == 0 {
				break // comes back later
			}
		}
	}
	return nil
}

func TestASlowSubscriberIsCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.New(t, pooltest.Options{Executor: writer{lines: 2000, burst: 1, pause: time.Second}})
		task := p.Add(p.Template(store.Template{}))
		slow := p.Subscribe(pool.Topic{})
		defer slow.Close()
		require.NoError(t, slow.Err())
		p.Await(task, store.Success) // nobody waits for the slow one
		n := 0
		for range slow.C {
			n++
		}
		require.Equal(t, 256, n, "what was kept for it is bounded")
		require.ErrorIs(t, slow.Err(), pool.ErrSlow)
		slow.Close()
		require.ErrorIs(t, slow.Err(), pool.ErrSlow)
	})
}

func TestTopics(t *testing.T) {
	t.Parallel()
	p := pooltest.New(t, pooltest.Options{Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Lines: []string{"x"}} }})
	tpl := p.Template(store.Template{})
	first := p.Await(p.Add(tpl), store.Success)
	second := first.ID + 1
	subs := map[string]*pool.Subscription{
		"everything":  p.Subscribe(pool.Topic{}),
		"the project": p.Subscribe(pool.Topic{ProjectID: p.Project.ID}),
		"the task":    p.Subscribe(pool.Topic{TaskID: second}),
		"its states":  p.Subscribe(pool.Topic{ProjectID: p.Project.ID, TaskID: second, NoLines: true}),
		"another":     p.Subscribe(pool.Topic{ProjectID: p.Project.ID, TaskID: first.ID}),
		"elsewhere":   p.Subscribe(pool.Topic{ProjectID: p.Project.ID + 1}),
	}
	task := p.Await(p.Add(tpl), store.Success)
	require.Equal(t, second, task.ID)
	for name, sub := range subs {
		var states []store.Status
		lines := 0
		last := func() store.Status {
			if len(states) == 0 {
				return ""
			}
			return states[len(states)-1]
		}
		for len(sub.C) > 0 || name != "another" && name != "elsewhere" && last() != store.Success {
			m := <-sub.C
			require.Equal(t, task.ID, m.TaskID)
			require.Equal(t, task.ProjectID, m.ProjectID)
			if lines += len(m.Lines); m.Task != nil {
				states = append(states, m.Task.Status)
			}
		}
		sub.Close()
		sub.Close()
		require.NoError(t, sub.Err())
		switch name {
		case "another", "elsewhere":
			require.Empty(t, states)
		case "its states":
			require.Zero(t, lines)
		default:
			require.Equal(t, 1, lines)
			require.Equal(t, store.Waiting, states[0])
		}
	}
}

func TestFollowEnds(t *testing.T) {
	t.Parallel()
	t.Run("at once for a task that has ended", func(t *testing.T) {
		t.Parallel()
		p := pooltest.New(t, pooltest.Options{Executor: writer{lines: 2500, burst: 500}})
		task := p.Await(p.Add(p.Template(store.Template{})), store.Success)
		n := int64(2400)
		for line, err := range p.Follow(t.Context(), task.ProjectID, task.ID, n) {
			require.NoError(t, err)
			require.Equal(t, n, line.Number)
			n++
		}
		require.EqualValues(t, 2500, n)
	})
	t.Run("with the cause of its context", func(t *testing.T) {
		t.Parallel()
		p := pooltest.New(t, pooltest.Options{Idle: true})
		task := p.Add(p.Template(store.Template{}))
		why := errors.New("the window was closed")
		for _, wait := range []bool{true, false} {
			ctx, cancel := context.WithCancelCause(t.Context())
			if wait {
				time.AfterFunc(5*time.Millisecond, func() { cancel(why) })
			} else {
				cancel(why)
			}
			for _, err := range p.Follow(ctx, task.ProjectID, task.ID, 0) {
				require.ErrorIs(t, err, why)
			}
			_, err := p.Wait(ctx, task.ProjectID, task.ID)
			require.ErrorIs(t, err, why)
		}
	})
	t.Run("with an error for a task that is not there", func(t *testing.T) {
		t.Parallel()
		p := pooltest.New(t, pooltest.Options{Idle: true})
		for _, err := range p.Follow(t.Context(), p.Project.ID, 4711, 0) {
			require.ErrorIs(t, err, store.ErrNotFound)
		}
		_, err := p.Wait(t.Context(), p.Project.ID, 4711)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
	t.Run("with the task's end in another process", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Idle: true})
			task := p.Add(p.Template(store.Template{}))
			other := pooltest.New(t, pooltest.Options{Store: p.Store(), Executor: writer{lines: 10, burst: 1, pause: time.Second}})
			n := int64(0)
			for line, err := range p.Follow(t.Context(), task.ProjectID, task.ID, 0) {
				require.NoError(t, err)
				require.Equal(t, n, line.Number)
				n++
			}
			require.EqualValues(t, 10, n)
			other.Await(task, store.Success)
		})
	})
}

// TestFollowersCostLittle holds what a thousand of them keep.
func TestFollowersCostLittle(t *testing.T) {
	p := pooltest.New(t, pooltest.Options{Idle: true})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var subs []*pool.Subscription
	for range 1000 {
		subs = append(subs, p.Subscribe(pool.Topic{}))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for _, sub := range subs {
		sub.Close()
	}
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(32<<20))
}
