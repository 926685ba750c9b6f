package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// TestARunnerThatIsCutOffDoesNotGetWhatItLost lets the call of a runner hang that
// is not there any more. The task that it loses goes to one that is.
func TestARunnerThatIsCutOffDoesNotGetWhatItLost(t *testing.T) {
	t.Parallel()
	for name, lostAfter := range map[string]time.Duration{"soon": 20 * time.Second, "after the default time": 30 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newFarPool(t, store.TemplateOptions{MaxRetries: 1}, func(c *pool.Config) { c.LostAfterRetry = lostAfter })
				defer r.stop()
				r.add(t)
				cut, a := r.claim(t, "cut")
				heard(t, cut, a)
				time.Sleep(lostAfter / 6) // the longest time between two extensions
				hung := make(chan []job.Assignment, 1)
				go func() {
					list, _ := cut.Claim(t.Context(), pool.RunnerClaim{Free: 1, Held: []job.Lease{a.Lease}, Wait: job.RemotePoll})
					hung <- list
				}()
				time.Sleep(lostAfter - lostAfter/6 - time.Second)
				require.Empty(t, <-hung, "its last call is over")
				begun := time.Now()
				_, b := r.claim(t, "there")
				require.Equal(t, 2, b.Lease.Attempt)
				require.LessOrEqual(t, time.Since(begun), 3*time.Second)
			})
		})
	}
}
