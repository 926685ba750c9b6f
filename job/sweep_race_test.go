package job_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestASweepTakesNoRunThatBegins sweeps without a pause while runs begin, as a
// program does that shares its directory with another one.
func TestASweepTakesNoRunThatBegins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := directory(t, files{"run.sh": "echo hello"})
	done := make(chan struct{})
	var sweeping sync.WaitGroup
	sweeping.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				_, _ = b.local.Sweep(t.Context())
			}
		}
	})
	for range 50 {
		require.Contains(t, b.ok(b.spec("bash", "run.sh", dir)).Output(), "hello")
	}
	close(done)
	sweeping.Wait()
}
