//go:build linux

package cluster_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
)

// TestAServerThatStartsAgainDealsWithWhatItHeld long before that would be lost
// by time.
func TestAServerThatStartsAgainDealsWithWhatItHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Shared(t))
	once := w.a.run(w.template("gated.sh", nil))
	victim, survivor := w.host(once)
	victim.signal(syscall.SIGKILL)
	require.Equal(t, -1, victim.exit())
	require.Equal(t, store.Running, survivor.task(once).Status)

	begun := time.Now()
	again := (&server{w: w, dir: victim.dir, process: spawn(t, "semaphore", []string{"server", "--no-config", "--port", "0", "--data-dir", victim.dir}, w.env)}).serves()
	lost := survivor.becomes(once, store.Failed)
	took := time.Since(begun)
	t.Logf("ended %v after the start", took.Round(time.Millisecond))
	require.Less(t, took, 20*time.Second, "and not after ten minutes")
	require.Equal(t, store.LostReason, lost.Reason)
	require.Equal(t, 1, lost.Attempt)
	again.becomes(again.run(w.templateBy(again, "quick.sh", nil)), store.Success)
}
