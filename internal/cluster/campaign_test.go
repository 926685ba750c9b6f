//go:build linux

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/internal/nodes"
	"github.com/alexandervashurin/semaphore/store"
)

// campaign is a series of kills while tasks are queued, run and stopped.
type campaign struct {
	tasks    int
	kills    int
	database int // every so many kills it is the database that dies; 0: never
	stops    int
	servers  bool // servers are killed
	runners  bool // runners are killed
	final    bool // a server and a runner die for good at the end
	script   func(*rand.Rand) script
	life     time.Duration // between two kills, at most
	patience time.Duration // for the last task, after the last kill

	random *rand.Rand
}

// run kills programs again and again and returns what there is to check.
func (c campaign) run(f *fleet, seed uint64) crash.Evidence {
	f.t.Helper()
	c.random = rand.New(rand.NewPCG(seed, 0))
	ctx, cancel := context.WithCancel(f.t.Context())
	var beside sync.WaitGroup
	beside.Go(func() { f.read(ctx) })
	watch := &lookout{seen: map[string]*sight{}}
	beside.Go(func() { watch.run(ctx, f) })
	defer beside.Wait()
	defer cancel()
	for i, m := range f.machines {
		if i > 0 && !m.runner {
			time.Sleep(starting) // so that the lookout tells them apart
		}
		m.start()
	}
	for _, m := range f.machines {
		m.serves()
	}
	first := c.tasks * 4 / 10
	c.add(f, first)
	each, stops := (c.tasks-first)/max(1, c.kills), c.stops
	for k := range c.kills {
		time.Sleep(time.Duration(c.random.Int64N(int64(c.life)))) // the moment is what is drawn
		c.add(f, each)
		if stops > 0 && c.random.IntN(c.kills-k) < stops {
			stops--
			c.stopOne(f)
		}
		if c.database > 0 && k%c.database == c.database-1 {
			f.killDatabase()
			continue
		}
		m := c.victim(f)
		m.kill()
		if c.random.IntN(2) == 0 {
			time.Sleep(time.Duration(c.random.Int64N(int64(time.Second)))) // the others go on without it
		}
		if !m.runner && c.random.IntN(4) == 0 {
			m.dir = f.t.TempDir() // what starts anew knows nothing of what died
		}
		m.start()
	}
	c.add(f, c.tasks-len(f.added))
	if c.final {
		for _, m := range []*machine{f.machines[0], f.machines[len(f.machines)-1]} {
			m.serves()
			c.awaitRunning(f, m.name, 3*time.Second)
			m.kill()
		}
	}
	since := time.Now()
	over := f.awaitEnd(since, c.patience)
	for i, m := range f.machines {
		if !c.final || i > 0 && i < len(f.machines)-1 {
			m.serves()
			m.stop()
		}
	}
	cancel()
	beside.Wait()
	shown, watched := watch.longest(f.lives)
	f.t.Logf("%d dead servers were watched: shown as gone after %v at most", watched, shown.Round(10*time.Millisecond))
	require.Less(f.t, shown, nodes.Dead+2*time.Second, "15 s, and what it takes to look")
	return f.evidence(since, over, c.patience)
}

func (c *campaign) add(f *fleet, n int) {
	f.t.Helper()
	for range n {
		f.add(f.templates[c.random.IntN(len(f.templates))], c.script(c.random))
	}
}

// victim is a machine that runs something, most of the time.
func (c *campaign) victim(f *fleet) *machine {
	f.t.Helper()
	mortal := map[string]*machine{}
	var names []string
	for _, m := range f.machines {
		if m.runner && c.runners || !m.runner && c.servers {
			mortal[m.name] = m
			names = append(names, m.name)
		}
	}
	if c.random.IntN(100) < 85 {
		for limit := time.Now().Add(3 * time.Second); time.Now().Before(limit); time.Sleep(2 * time.Millisecond) {
			var busy []*machine
			for _, name := range f.busy() {
				if m := mortal[name]; m != nil {
					busy = append(busy, m)
				}
			}
			if len(busy) > 0 {
				return busy[c.random.IntN(len(busy))]
			}
		}
	}
	return mortal[names[c.random.IntN(len(names))]]
}

// busy lists where scripts are between their start and their end, once for each.
func (f *fleet) busy() (names []string) {
	f.t.Helper()
	last := map[string]time.Time{} // kill there
	for _, k := range f.kills {
		last[k.Where] = k.At
	}
	for _, s := range crash.Spans(f.history()) {
		if !s.Over() && s.First.After(last[s.Where]) {
			names = append(names, s.Where)
		}
	}
	return names
}

// awaitRunning waits until something runs there, but not for ever: all may have
// ended.
func (c *campaign) awaitRunning(f *fleet, where string, limit time.Duration) {
	f.t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		for _, name := range f.busy() {
			if name == where {
				return
			}
		}
	}
}

// killDatabase restarts the database as a crash would.
func (f *fleet) killDatabase() {
	f.t.Helper()
	f.kills = append(f.kills, crash.Kill{At: time.Now(), Where: "database", Spare: true})
	f.pg.Kill(f.t)
	time.Sleep(300 * time.Millisecond) // it is away for a moment
	f.pg.Start(f.t)
}

// stopOne asks for the end of some task.
func (c *campaign) stopOne(f *fleet) {
	f.t.Helper()
	t := f.added[c.random.IntN(len(f.added))]
	f.mu.Lock()
	f.stopped[t.ID] = true
	f.mu.Unlock()
	if err := f.ask("POST", pathOf(t, "/stop"), map[string]any{}, nil); err != nil {
		require.True(f.t, errors.Is(err, errRefused), "%v", err)
	}
}

// summary tells in one line how a campaign went.
func summary(seed uint64, e crash.Evidence) string {
	counts := map[string]int{}
	retried, lines := 0, 0
	for _, r := range e.Tasks {
		word := string(r.Task.Status)
		if r.Task.Reason == store.LostReason {
			word = "cut off"
		}
		counts[word]++
		if r.Task.Attempt > 1 {
			retried++
		}
		lines += len(r.Output)
	}
	killed := map[string]int{}
	for _, k := range e.Kills {
		var kind string
		_, _ = fmt.Sscan(k.Where, &kind)
		killed[kind]++
	}
	return fmt.Sprintf("SEMAPHORE_SEED=%d: %d tasks: %d success, %d cut off, %d error, %d stopped, %d retried; %d lines; %d kills (%v), %d hit a script; all over %v after the last kill",
		seed, len(e.Tasks), counts["success"], counts["cut off"], counts["error"], counts["stopped"], retried, lines,
		len(e.Kills), killed, crash.Hits(e.Kills, e.Events), e.Over.Sub(e.LastStart).Round(time.Millisecond))
}
