//go:build linux

package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
)

func soak() bool { return os.Getenv("SEMAPHORE_SOAK") != "" }

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

// TestKillsOfAnythingLoseNothing kills servers, runners and the database under
// load: a few times, and 200 times with SEMAPHORE_SOAK=1, a fresh fleet every 20.
func TestKillsOfAnythingLoseNothing(t *testing.T) {
	t.Parallel()
	rounds, c := 1, campaign{
		tasks: 60, kills: 12, database: 6, stops: 4, servers: true, runners: true, final: true,
		life: 1500 * time.Millisecond, patience: time.Minute, script: mixedScript,
	}
	if soak() {
		rounds, c.kills, c.tasks = 10, 18, 120
	}
	kills, hits, tasks, lines := 0, 0, 0, 0
	for range rounds {
		n := seed(t)
		f := newFleet(t, pgtest.Own(t))
		for i := range 3 {
			f.server(fmt.Sprintf("server %d", i+1))
		}
		for i := range 3 {
			f.runnerOf(fmt.Sprintf("runner %d", i+1), tag)
		}
		f.mixed()
		e := c.run(f, n)
		e.MinHits = 0.5
		for _, fault := range crash.Check(e) {
			t.Errorf("SEMAPHORE_SEED=%d: %v", n, fault)
		}
		t.Log(summary(n, e))
		kills, hits, tasks = kills+len(e.Kills), hits+crash.Hits(e.Kills, e.Events), tasks+len(e.Tasks)
		for _, r := range e.Tasks {
			lines += len(r.Output)
		}
	}
	t.Logf("%d kills, %d of them hit a running script; %d tasks, %d lines", kills, hits, tasks, lines)
}

// mixedScript is short, or takes two to five seconds.
func mixedScript(r *rand.Rand) script {
	if r.IntN(4) == 0 {
		return script{lines: 10 + r.IntN(6), pause: 600, tidy: r.IntN(300)}
	}
	return script{lines: 2 + r.IntN(4), pause: 50 + r.IntN(100), tidy: r.IntN(100)}
}
