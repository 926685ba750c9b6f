//go:build linux

package cluster_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
)

// storm is something that a network does for a while.
type storm struct {
	name  string
	again bool // another attempt has to begin, where it is allowed
	mild  bool // a runner has to keep what it runs
	rage  func(m *machine, length time.Duration)
}

// held is a storm of one weather.
func held(w weather) func(*machine, time.Duration) {
	return func(m *machine, length time.Duration) {
		m.way.set(w)
		time.Sleep(length) // the storm
		m.way.set(fair)
	}
}

func storms() []storm {
	return []storm{
		{name: "cut both ways", again: true, rage: held(weather{})},
		{name: "requests are lost", again: true, rage: held(weather{back: true})},
		{name: "replies are lost", rage: held(weather{there: true})},
		{name: "all takes two seconds", mild: true, rage: held(weather{there: true, back: true, delay: 2 * time.Second})},
		{name: "comes and goes", rage: func(m *machine, length time.Duration) {
			for end := time.Now().Add(length); time.Now().Before(end); {
				m.way.set(weather{refuse: true})
				time.Sleep(700 * time.Millisecond) // a part of the storm
				m.way.set(fair)
				time.Sleep(900 * time.Millisecond)
			}
		}},
	}
}

// front is a place where a storm rages: between a machine that runs two tasks
// and what it works for. Another machine may take what the first one loses.
type front struct {
	storm
	victim, spare *machine
	plain, retry  store.Task
}

// weatherFronts runs tasks at every front, lets the storms rage for a while and
// checks what has become of the tasks.
func weatherFronts(f *fleet, fronts []*front, length time.Duration) {
	f.t.Helper()
	seconds := int(length.Seconds())
	for _, a := range fronts {
		plain := f.template("plain", a.name, store.Template{Name: "plain " + a.name, AllowParallelTasks: true})
		retry := f.template("retry", a.name, store.Template{Name: "retry " + a.name, AllowParallelTasks: true, Options: store.TemplateOptions{MaxRetries: 2}})
		a.victim.start().serves()
		// Pauses are half a second on average.
		a.plain = f.add(plain, script{lines: 2*seconds + 20, pause: 999, tidy: 500})
		a.retry = f.add(retry, script{lines: 2*seconds + 20, pause: 999, tidy: 500, again: 5})
	}
	for _, a := range fronts {
		f.awaitEvent(a.plain, 1, crash.Started)
		f.awaitEvent(a.retry, 1, crash.Started)
		a.spare.start()
	}
	for _, a := range fronts {
		a.spare.serves()
	}
	var raging sync.WaitGroup
	begun := time.Now()
	for _, a := range fronts {
		f.kills = append(f.kills, crash.Kill{At: time.Now(), Where: a.victim.name}) // to the others it is dead
		raging.Go(func() { a.rage(a.victim, length) })
	}
	raging.Wait()
	since := time.Now()
	over := f.awaitEnd(since, patience)
	for _, m := range f.machines {
		m.stop()
	}
	e := f.evidence(since, over, patience)
	for _, fault := range crash.Check(e) {
		f.t.Error(fault)
	}
	for _, a := range fronts {
		plain, retry := f.task(a.plain), f.task(a.retry)
		f.t.Logf("%s: without retries %s in attempt %d; with them %s in attempt %d (%d late lines)%s", a.name,
			plain.Status, plain.Attempt, retry.Status, retry.Attempt, late(e, retry.ID), began(e, retry.ID, begun))
		require.Equal(f.t, store.Success, plain.Status, "%s: %s", a.name, plain.Reason)
		require.Equal(f.t, 1, plain.Attempt, a.name)
		require.Equal(f.t, store.Success, retry.Status, "%s: %s", a.name, retry.Reason)
		if a.again {
			require.Equal(f.t, 2, retry.Attempt, a.name)
		}
		if a.mild && a.victim.runner {
			require.Equal(f.t, 1, retry.Attempt, a.name)
		}
		if a.again && a.victim.runner {
			require.Equal(f.t, a.spare.name, where(e, retry.ID, 2), "%s: who is cut off does not get what it lost", a.name)
			require.NotZero(f.t, late(e, retry.ID), "%s: what the first attempt told afterwards is kept as late", a.name)
			require.True(f.t, f.noted(retry, "late"), "%s: with an event", a.name)
		}
	}
}

// noted tells whether an event of a task has a word.
func (f *fleet) noted(t store.Task, word string) bool {
	f.t.Helper()
	page, err := f.st.Events().List(f.t.Context(), t.ProjectID, store.Query{Limit: -1})
	require.NoError(f.t, err)
	for _, e := range page.Items {
		if e.ObjectID != nil && *e.ObjectID == t.ID && strings.Contains(e.Description, word) {
			return true
		}
	}
	return false
}

// began tells when the attempts of a task began and were seen last.
func began(e crash.Evidence, task int64, since time.Time) (text string) {
	for _, s := range crash.Spans(e.Events) {
		if s.Task == task {
			text += fmt.Sprintf(", attempt %d from %v to %v", s.Attempt, s.First.Sub(since).Round(100*time.Millisecond), s.Last.Sub(since).Round(100*time.Millisecond))
		}
	}
	return text
}

// where tells who has run an attempt.
func where(e crash.Evidence, task int64, attempt int) string {
	for _, s := range crash.Spans(e.Events) {
		if s.Task == task && s.Attempt == attempt {
			return s.Where
		}
	}
	return "nobody"
}

// late counts the lines of a task that came too late.
func late(e crash.Evidence, task int64) (n int) {
	for _, r := range e.Tasks {
		if r.ID != task {
			continue
		}
		for _, l := range r.Output {
			if l.Late {
				n++
			}
		}
	}
	return n
}

// TestARunnerThatIsCutOffRunsNothingTwice cuts runners off from all servers for
// longer than it takes until another attempt begins.
func TestARunnerThatIsCutOffRunsNothingTwice(t *testing.T) {
	t.Parallel()
	f := newFleet(t, pgtest.Shared(t), "SEMAPHORE_LOST_AFTER_SEC=600", "SEMAPHORE_MAX_PARALLEL_TASKS=0")
	f.maxParallel, f.capacity = 0, 3 // one more than both tasks: calls for another one hang when they are cut off
	for _, name := range []string{"server 1", "server 2"} {
		f.server(name).start().serves()
	}
	var fronts []*front
	for _, s := range storms() {
		fronts = append(fronts, &front{storm: s, victim: f.runnerOf(s.name+" 1", s.name), spare: f.runnerOf(s.name+" 2", s.name)})
	}
	weatherFronts(f, fronts, 30*time.Second)
}

// TestAServerThatIsCutOffRunsNothingTwice cuts servers off from the database.
// They are programs on the library, so that leases are short. Each storm has a
// database of its own: who is cut off in the middle of a transaction holds the
// others up.
func TestAServerThatIsCutOffRunsNothingTwice(t *testing.T) {
	t.Parallel()
	for _, s := range storms() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, pgtest.Shared(t))
			f.maxParallel, f.ttl, f.lostAfter = 0, 3*time.Second, 10*time.Second
			a := &front{storm: s, victim: f.server(s.name + " 1"), spare: f.server(s.name + " 2")}
			for _, m := range []*machine{a.victim, a.spare} {
				m.mutant, f.tags[m.name] = complete, s.name
			}
			weatherFronts(f, []*front{a}, 18*time.Second)
		})
	}
}
