package crash_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
)

// found are the rules that may tell of a mutant: one is enough.
var found = map[crash.Mutant][]crash.Rule{
	crash.NoOwner:       {crash.NothingLost},
	crash.NoFence:       {crash.EndIsTheEnd, crash.StatusIsTrue, crash.OutputIsWhole},
	crash.NoLimits:      {crash.LimitsHold},
	crash.NoFinishRetry: {crash.NothingLost, crash.StatusIsTrue},
	crash.NoStore:       {crash.OutputIsWhole},
	crash.RunAgain:      {crash.NothingTwice},
	crash.NoTreeKill:    {crash.EndIsTheEnd, crash.NoOverlap, crash.NothingLeft},
	crash.NoSweep:       {crash.EndIsTheEnd, crash.NoOverlap},
}

// TestEveryMutantIsFound proves the harness: the program without one of its
// safeguards is told from the program that has them all.
func TestEveryMutantIsFound(t *testing.T) {
	t.Parallel()
	short := campaign{tasks: 30, kills: 3, patience: 5 * time.Second, life: 300 * time.Millisecond, script: func(r *rand.Rand) script {
		return script{lines: 5 + r.IntN(3), pause: 60, tidy: 500 + r.IntN(300)}
	}}
	for _, mutant := range crash.Mutants() {
		t.Run(string(mutant), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(p *crash.Program) { p.Mutant = mutant })
			n := seed(t)
			var e crash.Evidence
			if mutant == crash.NoFence {
				e = twoNodes(b)
			} else {
				e = short.run(b, n)
			}
			rules := map[crash.Rule]int{}
			for _, f := range crash.Check(e) {
				if rules[f.Rule]++; rules[f.Rule] == 1 {
					t.Log(f)
				}
			}
			require.True(t, slices.ContainsFunc(found[mutant], func(r crash.Rule) bool { return rules[r] > 0 }),
				"SEMAPHORE_SEED=%d: the harness has not found it: %v", n, rules)
		})
	}
}

// TestTwoNodesAreFenced stops one of two programs that nobody keeps from working
// on one file, until the other has taken over: what the first one tells then
// changes nothing.
func TestTwoNodesAreFenced(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(p *crash.Program) { p.Mutant = crash.NoOwner })
	for _, f := range crash.Check(twoNodes(b)) {
		t.Error(f)
	}
}

// twoNodes stops a program while it runs a task that may be retried, and lets
// it go on while another one is at the second attempt.
func twoNodes(b *bench) crash.Evidence {
	b.t.Helper()
	b.program.LostAfterRetry = 2 * time.Second
	b.anew(true, func() {}) // the pool beside tells tasks so
	first := b.start()
	r := b.add(b.retry, script{lines: 5, pause: 60, again: 60})
	b.awaitEvent(r, 1, crash.Started)
	b.freeze(first)
	stopped := time.Now()
	second := b.start(func(p *crash.Program) { p.Dir += "-2" })
	b.awaitEvent(r, 2, crash.Started)
	b.kills = append(b.kills, crash.Kill{At: stopped}) // to the other node it is dead
	first.signal(syscall.SIGCONT)
	over := b.awaitEnd(time.Minute)
	for _, p := range []*process{first, second} {
		p.signal(syscall.SIGTERM)
	}
	for _, p := range []*process{first, second} {
		if err := p.wait(30 * time.Second); err != nil {
			b.t.Errorf("the program did not end well: %v\n%s", err, tail(p.errs))
		}
	}
	return b.evidence(over, time.Minute)
}

// freeze stops a program at a moment at which it does not hold the write lock of
// the file.
func (b *bench) freeze(p *process) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		p.signal(syscall.SIGSTOP)
		ctx, cancel := context.WithTimeout(b.t.Context(), time.Second)
		defer cancel()
		if b.st.Options().Set(ctx, "probe", "free") == nil {
			return true
		}
		p.signal(syscall.SIGCONT)
		return false
	}, 30*time.Second, 20*time.Millisecond)
}
