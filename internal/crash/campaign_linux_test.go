package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// campaign is a series of kills while tasks are queued, run and stopped.
type campaign struct {
	tasks    int
	kills    int
	stops    int
	script   func(*rand.Rand) script
	patience time.Duration // for the last task, after the last start
	life     time.Duration // of a program, at most, before it is killed
}

// run kills the program again and again and returns what there is to check.
func (c campaign) run(b *bench, seed uint64) crash.Evidence {
	b.t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	ctx, cancel := context.WithCancel(b.t.Context())
	var reading sync.WaitGroup
	reading.Go(func() { b.read(ctx) })
	defer reading.Wait()
	defer cancel()

	first := c.tasks * 6 / 10
	c.add(b, random, first)
	each, stops := (c.tasks-first)/c.kills, c.stops
	p := b.start()
	for k := range c.kills {
		time.Sleep(time.Duration(random.Int64N(int64(c.life)))) // the moment is what is drawn
		c.add(b, random, each)
		if stops > 0 && random.IntN(c.kills-k) < stops {
			stops--
			b.stopOne(random)
		}
		if random.IntN(100) < 85 {
			b.awaitRunning(5 * time.Second)
		}
		b.anew(random.IntN(2) == 0, func() {
			p.kill()
			p = b.start()
		})
	}
	c.add(b, random, c.tasks-len(b.records))
	over := b.awaitEnd(c.patience)
	p.signal(syscall.SIGTERM)
	if err := p.wait(30 * time.Second); err != nil {
		b.t.Errorf("the program did not end well: %v\n%s", err, tail(p.errs))
	}
	cancel()
	reading.Wait()
	return b.evidence(over, c.patience)
}

func (c campaign) add(b *bench, random *rand.Rand, n int) {
	for range n {
		tpl := []store.Template{b.parallel, b.exclusive, b.retry, b.other}[random.IntN(4)]
		b.add(tpl, c.script(random))
	}
}

// anew calls f, during which nobody else has the file open where closed is set:
// the journal is then recovered by the next program.
func (b *bench) anew(closed bool, f func()) {
	b.beside.Lock()
	defer b.beside.Unlock()
	if closed {
		require.NoError(b.t, b.st.Close())
	}
	f()
	if closed {
		b.open()
	}
}

// stopOne asks for the end of some task.
func (b *bench) stopOne(random *rand.Rand) {
	r := b.records[random.IntN(len(b.records))]
	if random.IntN(2) == 0 { // one that runs, if there is one
		for _, s := range crash.Spans(b.events()) {
			if !s.Over() {
				r = b.record(s.Task)
			}
		}
	}
	if _, err := b.pool.StopTask(b.t.Context(), r.Task.ProjectID, r.ID, false, pool.Caller{}); err == nil {
		r.Stopped = true
	} else {
		require.ErrorIs(b.t, err, store.ErrState)
	}
}

func (b *bench) record(task int64) *crash.Record {
	for _, r := range b.records {
		if r.ID == task {
			return r
		}
	}
	b.t.Fatalf("nobody has added task %d", task)
	return nil
}

// awaitRunning waits until a script is between its start and its end, but not
// for ever: all may have ended.
func (b *bench) awaitRunning(limit time.Duration) {
	before := map[string]bool{} // attempts of killed programs that never said they were over
	if n := len(b.kills); n > 0 {
		for _, s := range crash.Spans(b.events()) {
			before[fmt.Sprint(s.Task, s.Attempt)] = s.First.Before(b.kills[n-1].At)
		}
	}
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, s := range crash.Spans(b.events()) {
			if !s.Over() && !before[fmt.Sprint(s.Task, s.Attempt)] {
				return
			}
		}
	}
}

// read follows the output of tasks that run, as a user beside the program does.
func (b *bench) read(ctx context.Context) {
	seen := map[int64][]store.LogLine{}
	running := store.TaskFilter{Statuses: []store.Status{store.Starting, store.Running, store.Stopping}}
	for ctx.Err() == nil {
		b.beside.RLock()
		page, err := b.st.Tasks().List(ctx, running)
		for _, t := range page.Items {
			got, readErr := b.pool.Output(ctx, t.ProjectID, t.ID, int64(len(seen[t.ID])), 1000)
			if err = readErr; err != nil {
				break
			}
			seen[t.ID] = append(seen[t.ID], got.Lines...)
		}
		b.beside.RUnlock()
		if err != nil && ctx.Err() == nil {
			b.t.Errorf("read beside the program: %v", err)
			return
		}
		time.Sleep(10 * time.Millisecond) // how often somebody looks
	}
	b.beside.Lock()
	defer b.beside.Unlock()
	for _, r := range b.records {
		r.Seen = seen[r.ID]
	}
}

// awaitEnd waits until all tasks have ended, or patience ends.
func (b *bench) awaitEnd(patience time.Duration) time.Time {
	b.t.Helper()
	for {
		counts, err := b.st.Tasks().Counts(b.t.Context(), store.TaskFilter{})
		require.NoError(b.t, err)
		open := 0
		for status, n := range counts {
			if !status.Finished() {
				open += n
			}
		}
		if open == 0 || time.Since(b.started) > patience {
			return time.Now()
		}
		time.Sleep(5 * time.Millisecond) // how often somebody looks
	}
}

// evidence gathers what is known once the program has ended.
func (b *bench) evidence(over time.Time, patience time.Duration) crash.Evidence {
	b.t.Helper()
	e := crash.Evidence{
		Events: b.events(), Kills: b.kills, LastStart: b.started, Over: over, Patience: patience,
		MaxParallel: maxParallel, PerProject: map[int64]int{b.parallel.ProjectID: perProject}, MinHits: 0.5,
	}
	for _, r := range b.records {
		var err error
		r.Task, err = b.st.Tasks().Get(b.t.Context(), r.Task.ProjectID, r.ID)
		if err != nil {
			require.ErrorIs(b.t, err, store.ErrNotFound)
		}
		page, err := b.st.Logs().Read(b.t.Context(), b.projectOf(r), r.ID, 0, 100000)
		require.NoError(b.t, err)
		r.Output = page.Lines
		e.Tasks = append(e.Tasks, *r)
	}
	for _, pid := range b.left() {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		e.Left = append(e.Left, fmt.Sprintf("%d %s", pid, strings.ReplaceAll(string(line), "\x00", " ")))
	}
	return e
}

func (b *bench) projectOf(r *crash.Record) int64 {
	if r.Task.ProjectID != 0 {
		return r.Task.ProjectID
	}
	return b.parallel.ProjectID
}
