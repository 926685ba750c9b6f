package crash_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/store"
)

// seed is drawn, or what SEMAPHORE_SEED says.
func seed(t *testing.T) uint64 {
	t.Helper()
	if text := os.Getenv("SEMAPHORE_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		return n
	}
	return uint64(rand.Uint32())
}

// TestKillsLoseNothing kills the program with 200 tasks in its queue: 15 times,
// and 200 times with SEMAPHORE_SOAK=1, a fresh database every 15.
func TestKillsLoseNothing(t *testing.T) {
	t.Parallel()
	rounds := 1
	if soak() {
		rounds = 14
	}
	kills, hits := 0, 0
	for range rounds {
		n := seed(t)
		b := newBench(t)
		e := campaign{
			tasks: 200, kills: 15, stops: 8, patience: time.Minute, life: 900 * time.Millisecond,
			script: func(r *rand.Rand) script {
				return script{lines: 2 + r.IntN(4), pause: 5 + r.IntN(20), tidy: r.IntN(30)}
			},
		}.run(b, n)
		faults := crash.Check(e)
		kills, hits = kills+len(e.Kills), hits+crash.Hits(e.Kills, e.Events)
		t.Log(summary(n, e))
		for _, f := range faults {
			t.Errorf("SEMAPHORE_SEED=%d: %v", n, f)
		}
	}
	t.Logf("%d kills, %d of them hit a running script", kills, hits)
}

// summary tells in one line how a campaign went.
func summary(seed uint64, e crash.Evidence) string {
	counts := map[string]int{}
	retried := 0
	for _, r := range e.Tasks {
		word := string(r.Task.Status)
		if r.Task.Reason == store.LostReason {
			word = "cut off"
		}
		counts[word]++
		if r.Task.Attempt > 1 {
			retried++
		}
	}
	return fmt.Sprintf("SEMAPHORE_SEED=%d: %d tasks: %d success, %d cut off, %d error, %d stopped, %d retried; %d kills, %d hit a script; all over %v after the last start",
		seed, len(e.Tasks), counts["success"], counts["cut off"], counts["error"], counts["stopped"], retried,
		len(e.Kills), crash.Hits(e.Kills, e.Events), e.Over.Sub(e.LastStart).Round(time.Millisecond))
}
