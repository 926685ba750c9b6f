package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

const (
	claimers   = 8
	claimLimit = 2
	claimTasks = 400
)

// TestLimitsHoldWithManyServers lets servers, each with connections of its own,
// claim at the same time; every task is claimed once.
func TestLimitsHoldWithManyServers(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	stores := make([]store.Store, claimers)
	for i := range stores {
		stores[i] = open(t, url, postgres.Config{})
	}
	over, claimed := rush(t, stores)
	require.Zero(t, over, "more than %d tasks ran", claimLimit)
	require.Equal(t, claimTasks, claimed)
}

// TestWithoutTheLockLimitsDoNotHold proves that the test above would notice.
func TestWithoutTheLockLimitsDoNotHold(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	stores := make([]store.Store, claimers)
	for i := range stores {
		s, err := postgres.OpenWithoutClaimLock(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		stores[i] = s
	}
	over := 0
	for round := 0; over == 0 && round < 3; round++ { // it is a matter of chance
		over, _ = rush(t, stores)
	}
	require.Positive(t, over)
}

// tagOf spreads tasks and servers, so that not all reach for the same row.
func tagOf(i int) string { return fmt.Sprint(i % 4) }

// rush claims and finishes tasks in parallel, and tells how often more ran than
// may, and how many were claimed.
func rush(t *testing.T, stores []store.Store) (over, claimed int) {
	t.Helper()
	tpl := template(t, stores[0], true)
	require.NoError(t, stores[0].InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		for i := range claimTasks {
			n := newTask(tpl)
			n.Task.RunnerTag = tagOf(i)
			if _, err := tx.Tasks().Create(ctx, n); err != nil {
				return err
			}
		}
		return nil
	}))
	var running, overs, all atomic.Int64
	var g errgroup.Group
	for i, s := range stores {
		g.Go(func() error {
			for all.Load() < claimTasks {
				list, err := s.Queue().Claim(t.Context(), store.ClaimRequest{
					Owner: fmt.Sprint("server ", i), Tags: []string{tagOf(i), tagOf(i + 1)}, Max: 1 + i%2,
					TTL: time.Minute, MaxParallel: claimLimit,
				})
				if err != nil {
					return err
				}
				all.Add(int64(len(list)))
				if running.Add(int64(len(list))) > claimLimit {
					overs.Add(1)
				}
				for _, c := range list {
					if err := s.Queue().Append(t.Context(), c.Lease, store.Append{Seq: 1, Status: store.Running}); err != nil {
						return err
					}
					running.Add(-1)
					if _, err := s.Queue().Finish(t.Context(), c.Lease, store.Finish{Status: store.Success}); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	return int(overs.Load()), int(all.Load())
}

// TestAClaimWaitsForTheOneBefore is the same without chance: the second claim
// counts what the first one has taken.
func TestAClaimWaitsForTheOneBefore(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	s, db := open(t, url, postgres.Config{}), rawDB(t, url)
	tpl := template(t, s, true)
	for range 4 {
		add(t, s, tpl)
	}
	ask := store.ClaimRequest{Owner: "me", Tags: []string{""}, Max: 4, TTL: time.Minute, MaxParallel: claimLimit}
	first, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	list, err := s.WithTx(first).Queue().Claim(t.Context(), ask)
	require.NoError(t, err)
	require.Len(t, list, claimLimit)
	second := make(chan int, 1)
	go func() {
		list, err := s.Queue().Claim(t.Context(), ask)
		if err != nil {
			t.Error(err)
		}
		second <- len(list)
	}()
	waitForLock(t, db)
	require.NoError(t, first.Commit())
	require.Zero(t, <-second)
}

// TestALeaseGoesByTheClockOfTheDatabase: the clocks of servers may differ.
func TestALeaseGoesByTheClockOfTheDatabase(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	s, db := open(t, url, postgres.Config{}), rawDB(t, url)
	now := func() (ms int64) {
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)").Scan(&ms))
		return ms
	}
	add(t, s, template(t, s, false))
	before := now()
	c := claim(t, s, 1)[0]
	_, err := s.Queue().Extend(t.Context(), "me", []store.Lease{c.Lease}, time.Hour)
	require.NoError(t, err)
	after := now()
	var until, renewed int64
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT lease_until, lease_renewed FROM semaphore_go.task").Scan(&until, &renewed))
	require.True(t, before <= renewed && renewed <= after)
	require.Equal(t, renewed+time.Hour.Milliseconds(), until)
	// Another server's clock would call it overdue, or see it in the future.
	_, err = db.ExecContext(t.Context(), "UPDATE semaphore_go.task SET lease_until = $1", after-1)
	require.NoError(t, err)
	list, err := s.Queue().Expire(t.Context(), store.Expiry{Self: "somebody else"})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, store.BecameUnreachable, list[0].Outcome)
}

// TestWhoRenewsMeanwhileIsNotLost: between the look at the leases and the end of
// a task its worker may be heard of, or report.
func TestWhoRenewsMeanwhileIsNotLost(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	s, db := open(t, url, postgres.Config{}), rawDB(t, url)
	add(t, s, template(t, s, false))
	c := claim(t, s, 1)[0]
	_, err := db.ExecContext(t.Context(), "UPDATE semaphore_go.task SET lease_renewed = 1, lease_until = 1")
	require.NoError(t, err)
	worker, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	in := s.WithTx(worker)
	_, err = in.Queue().Finish(t.Context(), c.Lease, store.Finish{Status: store.Success})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		list, err := s.Queue().Expire(t.Context(), store.Expiry{Self: "somebody else"})
		if err == nil && len(list) > 0 {
			err = fmt.Errorf("expired %v", list)
		}
		done <- err
	}()
	waitForLock(t, db)
	require.NoError(t, worker.Commit())
	require.NoError(t, <-done)
	task, err := s.Tasks().Get(t.Context(), c.Task.ProjectID, c.Task.ID)
	require.NoError(t, err)
	require.Equal(t, store.Success, task.Status)
}
