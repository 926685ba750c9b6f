//go:build linux

package cluster_test

import (
	"database/sql"
	"fmt"
	"hash/fnv"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
)

// scenario is what programs without a safeguard are put through.
type scenario struct {
	mutant mutant
	rules  []crash.Rule // that may tell of it: one is enough
	play   func(f *fleet, m mutant)
}

func scenarios() []scenario {
	return []scenario{
		{mutant: noFence, rules: []crash.Rule{crash.EndIsTheEnd, crash.StatusIsTrue, crash.OutputIsWhole}, play: suspended},
		{mutant: noLock, rules: []crash.Rule{crash.LimitsHold}, play: crowded},
		{mutant: noFinishRetry, rules: []crash.Rule{crash.NothingTwice, crash.StatusIsTrue}, play: unanswered},
		{mutant: noTreeKill, rules: []crash.Rule{crash.EndIsTheEnd, crash.NoOverlap, crash.NothingLeft}, play: restarted},
		{mutant: noStop, rules: []crash.Rule{crash.NoOverlap}, play: cutOff},
		{mutant: noRedelivery, rules: []crash.Rule{crash.OutputIsWhole}, play: away},
	}
}

// TestEveryMutantIsFound proves the harness: programs without one of their
// safeguards are told from programs that have them all.
func TestEveryMutantIsFound(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		t.Run(string(s.mutant), func(t *testing.T) {
			t.Parallel()
			var found []crash.Rule
			for _, fault := range s.faults(t, s.mutant) {
				if !slices.Contains(found, fault.Rule) {
					t.Log(fault)
					found = append(found, fault.Rule)
				}
			}
			require.True(t, slices.ContainsFunc(s.rules, func(r crash.Rule) bool { return slices.Contains(found, r) }),
				"the harness has not found it: %v", found)
		})
		if !soak() {
			continue
		}
		t.Run("but for "+string(s.mutant)+" nothing is wrong", func(t *testing.T) {
			t.Parallel()
			for _, fault := range s.faults(t, complete) {
				t.Error(fault)
			}
		})
	}
}

func (s scenario) faults(t *testing.T, m mutant) []crash.Fault {
	t.Helper()
	f := newFleet(t, pgtest.Shared(t))
	s.play(f, m)
	since := time.Now()
	over := f.awaitEnd(since, 20*time.Second)
	for _, at := range f.machines {
		at.stop()
	}
	return crash.Check(f.evidence(since, over, 20*time.Second))
}

// retrying makes a template whose tasks may be tried again.
func (f *fleet) retrying(tag string) store.Template {
	f.t.Helper()
	return f.template("one", tag, store.Template{Name: "retry", AllowParallelTasks: true, Options: store.TemplateOptions{MaxRetries: 3}})
}

// altered makes machines for programs of this test: servers, or runners of the
// tag. A mutant of the one kind is a complete program of the other.
func (f *fleet) altered(m mutant, servers, runners int) (s, r []*machine) {
	f.t.Helper()
	for i := range servers {
		at := f.server(fmt.Sprintf("server %d", i+1))
		at.mutant = m
		s = append(s, at)
	}
	for i := range runners {
		at := f.runnerOf(fmt.Sprintf("runner %d", i+1), tag)
		at.mutant = m
		r = append(r, at)
	}
	return s, r
}

// suspended stops a server while it runs a task, and lets it go on while another
// one is at the second attempt.
func suspended(f *fleet, m mutant) {
	servers, _ := f.altered(m, 2, 0)
	f.lostAfter = 10 * time.Second // longer than the first attempt's script
	servers[0].start().serves()
	db := f.open()
	require.NoError(f.t, db.PingContext(f.t.Context()))
	task := f.add(f.retrying(""), script{lines: 40, pause: 200, again: 20})
	f.awaitEvent(task, 1, crash.Started)
	f.suspend(servers[0], db)
	servers[1].start().serves()
	f.awaitEvent(task, 2, crash.Started)
	servers[0].process.signal(syscall.SIGCONT)
}

// suspend stops a program at a moment at which none of its transactions is open.
func (f *fleet) suspend(m *machine, db *sql.DB) {
	f.t.Helper()
	eventually(f.t, func() bool {
		at := time.Now()
		m.process.signal(syscall.SIGSTOP)
		time.Sleep(50 * time.Millisecond) // what is on its way to the database
		var open int
		require.NoError(f.t, db.QueryRowContext(f.t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`).Scan(&open))
		if open == 0 {
			f.kills = append(f.kills, crash.Kill{At: at, Where: m.name}) // to the others it is dead
			return true
		}
		m.process.signal(syscall.SIGCONT)
		time.Sleep(100 * time.Millisecond) // else it never gets to the end of that transaction
		return false
	}, "%s is to have no transaction open", m.name)
}

func (f *fleet) open() *sql.DB {
	f.t.Helper()
	db, err := sql.Open("pgx", f.database.String())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { require.NoError(f.t, db.Close()) })
	return db
}

// crowded lets several servers claim at the same moments. The mutant's sessions
// have a lock for claims that locks nothing and lets all go on at one time.
func crowded(f *fleet, m mutant) {
	servers, _ := f.altered(complete, 4, 0)
	f.maxParallel = 2
	if m == noLock {
		h := fnv.New64a()
		_, _ = h.Write([]byte("semaphore/semaphore_go/claim"))
		_, err := f.open().ExecContext(f.t.Context(), fmt.Sprintf(`CREATE SCHEMA mutant;
			CREATE FUNCTION mutant.pg_advisory_xact_lock(key bigint) RETURNS void LANGUAGE plpgsql AS $$
			BEGIN IF key <> %d THEN PERFORM pg_catalog.pg_advisory_xact_lock(key);
			ELSE PERFORM pg_sleep(0.1 - extract(epoch FROM clock_timestamp())::numeric %% 0.1); END IF; END $$`, int64(h.Sum64())))
		require.NoError(f.t, err)
		f.searchPath = "mutant,pg_catalog"
	}
	for _, at := range servers {
		at.start().serves()
	}
	f.mixed()
	for i := range 24 {
		f.add(f.templates[i%4], script{lines: 4, pause: 300}) // those of servers
	}
}

// away takes the servers away from a runner while its task prints.
func away(f *fleet, m mutant) {
	servers, runners := f.altered(complete, 1, 1)
	runners[0].mutant = m
	servers[0].start().serves()
	runners[0].start().serves()
	long := f.add(f.retrying(tag), script{lines: 40, pause: 300})
	f.awaitEvent(long, 1, crash.Started)
	runners[0].way.set(weather{refuse: true})
	time.Sleep(1500 * time.Millisecond) // while it prints
	runners[0].way.set(fair)
}

// unanswered loses the first call that tells how a task of a runner has ended.
func unanswered(f *fleet, m mutant) {
	servers, runners := f.altered(complete, 1, 1)
	runners[0].mutant = m
	servers[0].start().serves()
	runners[0].start().serves()
	runners[0].way.set(weather{there: true, back: true, breaks: "/v1/finish "})
	f.add(f.retrying(tag), script{lines: 3, pause: 100})
	eventually(f.t, func() bool { return runners[0].way.broken() > 0 }, "a result is to be offered")
	runners[0].way.set(fair)
}

// restarted kills a runner and starts it again.
func restarted(f *fleet, m mutant) {
	servers, runners := f.altered(complete, 1, 1)
	runners[0].mutant = m
	servers[0].start().serves()
	runners[0].start().serves()
	task := f.add(f.retrying(tag), script{lines: 300, pause: 40, again: 60}) // the first one is seen beside the second
	f.awaitEvent(task, 1, crash.Started)
	runners[0].kill()
	runners[0].start()
}

// cutOff cuts a runner off for longer than it takes until another attempt
// begins.
func cutOff(f *fleet, m mutant) {
	cutOffBy(f, m, func(runner, _ *machine) (cut, mend func()) {
		return func() { runner.way.set(weather{}) }, func() { runner.way.set(fair) }
	})
}

// cutOffBy is cutOff by what connect tells, once it has connected a runner with
// a server.
func cutOffBy(f *fleet, m mutant, connect func(runner, server *machine) (cut, mend func())) {
	servers, runners := f.altered(complete, 1, 2)
	runners[0].mutant = m
	f.lostAfter = 8 * time.Second
	servers[0].start().serves()
	f.capacity = 1
	cut, mend := connect(runners[0], servers[0])
	runners[0].start().serves()
	task := f.add(f.retrying(tag), script{lines: 120, pause: 500, again: 8})
	f.awaitEvent(task, 1, crash.Started)
	runners[1].start().serves()
	f.kills = append(f.kills, crash.Kill{At: time.Now(), Where: runners[0].name}) // to the others it is dead
	cut()
	f.awaitEvent(task, 2, crash.Ended) // by then the first one, had it not stopped, was seen at work beside it
	mend()
}
