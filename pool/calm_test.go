package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// TestWhoWasAwayLosesNobodysTask gives workers elsewhere the time to renew after
// a pool has started anew, or slept: they had nobody to renew with.
func TestWhoWasAwayLosesNobodysTask(t *testing.T) {
	t.Parallel()
	t.Run("after a start", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.New(t, pooltest.Options{Idle: true, Store: shared{newStore()}})
			task := p.Add(p.Template(store.Template{}))
			lease := claim(t, p.Store(), "elsewhere").Lease
			time.Sleep(time.Hour)
			p.Start()
			time.Sleep(5 * time.Second)
			_, err := p.Store().Queue().Extend(t.Context(), "elsewhere", []store.Lease{lease}, time.Hour)
			require.NoError(t, err)
			time.Sleep(5 * time.Minute)
			require.False(t, p.Await(task, store.Starting).Unreachable)
		})
	})
	t.Run("after a sleep, and then loses what stays silent", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var c clock
			p := pooltest.New(t, pooltest.Options{Idle: true, Store: shared{memory.New(memory.Config{Now: c.now})}, Config: pool.Config{Now: c.now}})
			p.Start()
			time.Sleep(time.Minute)
			other := "elsewhere" // a tag that this pool does not serve
			task := p.Add(p.Template(store.Template{RunnerTag: &other}))
			claimed, err := p.Store().Queue().Claim(t.Context(), store.ClaimRequest{Owner: other, Tags: []string{other}, Max: 1, TTL: 15 * time.Second})
			require.NoError(t, err)
			require.Len(t, claimed, 1)
			c.move(time.Hour)
			time.Sleep(10 * time.Second)
			require.Equal(t, store.Starting, p.Await(task, store.Starting).Status)
			time.Sleep(10 * time.Second)
			require.Equal(t, store.LostReason, p.Await(task, store.Failed).Reason)
		})
	})
}
