package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// waitForLock returns once a statement in the database waits for a lock.
func waitForLock(t testing.TB, db *sql.DB) {
	t.Helper()
	for waiting := 0; waiting == 0; {
		require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting))
	}
}

// increments reads a row and writes it back in many transactions at once, of two
// servers, and returns what it was raised to.
func increments(t *testing.T, stores []store.Store, n int) int64 {
	t.Helper()
	u, err := stores[0].Users().Create(t.Context(), store.User{Username: "u", Email: "u@example.com"})
	require.NoError(t, err)
	row, err := stores[0].Users().SecondFactors().Create(t.Context(), store.TOTP{UserID: u.ID})
	require.NoError(t, err)
	var calls atomic.Int64
	var g errgroup.Group
	for i := range n {
		g.Go(func() error {
			return stores[i%len(stores)].InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
				calls.Add(1)
				row, err := tx.Users().SecondFactors().Get(ctx, u.ID, row.ID)
				if err != nil {
					return err
				}
				row.LastStep++
				return tx.Users().SecondFactors().Update(ctx, row)
			})
		})
	}
	require.NoError(t, g.Wait())
	require.EqualValues(t, n, calls.Load(), "each function is called once")
	row, err = stores[0].Users().SecondFactors().Get(t.Context(), u.ID, row.ID)
	require.NoError(t, err)
	return row.LastStep
}

func TestNoUpdateInATransactionIsLost(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	stores := []store.Store{open(t, url, postgres.Config{}), open(t, url, postgres.Config{MaxConns: 3})}
	require.EqualValues(t, 50, increments(t, stores, 50))
}

// TestWithoutLocksUpdatesAreLost proves that the test above would notice.
func TestWithoutLocksUpdatesAreLost(t *testing.T) {
	t.Parallel()
	s, err := postgres.OpenWithoutRowLocks(t.Context(), fresh(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.Less(t, increments(t, []store.Store{s}, 400), int64(400))
}

// TestFunctionsThatCountAndDecideRunOneAtATime: each sees what the others have
// done, whatever it reads.
func TestFunctionsThatCountAndDecideRunOneAtATime(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	stores := []store.Store{open(t, url, postgres.Config{}), open(t, url, postgres.Config{})}
	var g errgroup.Group
	for i := range 20 {
		g.Go(func() error {
			return stores[i%2].InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
				n, err := tx.Projects().Count(ctx, 0, store.Query{})
				if err != nil || n >= 3 {
					return err
				}
				_, err = tx.Projects().Create(ctx, store.Project{Name: fmt.Sprint(n)})
				return err
			})
		})
	}
	require.NoError(t, g.Wait())
	n, err := stores[0].Projects().Count(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

// TestARowThatGetReturnsInATransactionStays: a write outside of InTx waits.
func TestARowThatGetReturnsInATransactionStays(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	s, db := open(t, url, postgres.Config{}), rawDB(t, url)
	p, err := s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	done := make(chan error, 1)
	require.NoError(t, s.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		row, err := tx.Projects().Get(ctx, 0, p.ID)
		require.NoError(t, err)
		other := row
		other.Name = "from outside"
		go func() { done <- s.Projects().Update(t.Context(), other) }()
		waitForLock(t, db)
		row, err = tx.Projects().Get(ctx, 0, p.ID)
		require.NoError(t, err)
		require.Equal(t, "p", row.Name)
		return nil
	}))
	require.NoError(t, <-done)
}

// TestATemplateWithANewTaskIsNotDeleted: the check waits for who is adding one.
func TestATemplateWithANewTaskIsNotDeleted(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	s, db := open(t, url, postgres.Config{}), rawDB(t, url)
	tpl := template(t, s, false)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	task := add(t, s.WithTx(tx), tpl)
	done := make(chan error, 1)
	go func() { done <- s.Templates().Delete(t.Context(), tpl.ProjectID, tpl.ID) }()
	waitForLock(t, db)
	require.NoError(t, tx.Commit())
	require.ErrorIs(t, <-done, store.ErrState)
	_, err = s.Tasks().Get(t.Context(), tpl.ProjectID, task.ID)
	require.NoError(t, err)
}

// TestADeadlockIsTriedAgain: two servers take the same rows in opposite order.
func TestADeadlockIsTriedAgain(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	s, db := open(t, url, postgres.Config{}), rawDB(t, url)
	first, second := template(t, s, false), template(t, s, false)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "SET LOCAL deadlock_timeout = '1h'") // the other one notices
	require.NoError(t, err)
	touch := func(tpl store.Template) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE semaphore_go.template SET name = 'x' WHERE id = $1", tpl.ID)
		return err
	}
	require.NoError(t, touch(second))
	// The deletion locks the project and then all that is in it.
	_, err = db.ExecContext(t.Context(), "UPDATE semaphore_go.inventory SET name = name")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := s.Queue().Extend(t.Context(), "me", nil, time.Minute)
		if err == nil {
			err = s.Projects().Delete(t.Context(), 0, second.ProjectID)
		}
		done <- err
	}()
	waitForLock(t, db)
	require.NoError(t, touch(first))
	_, err = tx.ExecContext(t.Context(), "SELECT id FROM semaphore_go.project WHERE id = $1 FOR UPDATE", second.ProjectID)
	require.NoError(t, err, "it is the other one that gives up")
	require.NoError(t, tx.Commit())
	require.NoError(t, <-done)
}

func TestWhoWaitsTooLongForALockIsErrBusy(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	s, db := open(t, url, postgres.Config{BusyTimeout: 100 * time.Millisecond}), rawDB(t, url)
	p, err := s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "SELECT 1 FROM semaphore_go.project FOR UPDATE")
	require.NoError(t, err)
	require.ErrorIs(t, s.Projects().Update(t.Context(), p), store.ErrBusy)
	_, err = s.Projects().Get(t.Context(), 0, p.ID)
	require.NoError(t, err, "who reads does not wait")
	require.NoError(t, tx.Rollback())
	require.NoError(t, s.Projects().Update(t.Context(), p))
}
