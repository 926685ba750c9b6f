package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// crew are workers whose database is killed and started under them.
type crew struct {
	s       store.Store
	tpl     store.Template
	user    int64
	factor  int64
	done    chan int64 // finished tasks, as they were acknowledged
	raised  atomic.Int64
	unknown atomic.Int64 // raises whose end nobody knows
	busy    atomic.Int64
}

// patiently calls f until it answers something else than store.ErrBusy.
func (c *crew) patiently(ctx context.Context, f func() error) error {
	for {
		err := f()
		if !errors.Is(err, store.ErrBusy) || ctx.Err() != nil {
			return err
		}
		c.busy.Add(1)
	}
}

const linesOfRun = 5

// work adds, claims, runs and finishes one task after another.
func (c *crew) work(ctx context.Context, stop <-chan struct{}, name string) error {
	q := c.s.Queue()
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		var list []store.Claimed
		err := c.patiently(ctx, func() error { _, err := c.s.Tasks().Create(ctx, newTask(c.tpl)); return err })
		if err == nil {
			err = c.patiently(ctx, func() (err error) {
				list, err = q.Claim(ctx, store.ClaimRequest{Owner: name, Tags: []string{""}, Max: 2, TTL: time.Minute})
				return err
			})
		}
		for _, claimed := range list {
			for seq := range linesOfRun {
				a := store.Append{Seq: int64(seq + 1), Status: store.Running, Lines: []store.LogLine{{Time: time.Now(), Text: strconv.Itoa(seq)}}}
				if err == nil {
					err = c.patiently(ctx, func() error { return q.Append(ctx, claimed.Lease, a) })
				}
			}
			if err == nil {
				err = c.patiently(ctx, func() error {
					_, err := q.Finish(ctx, claimed.Lease, store.Finish{Status: store.Success})
					return err
				})
			}
			if err == nil {
				c.done <- claimed.Task.ID
			}
		}
		if err == nil {
			err = c.raise(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

// raise reads a row and writes it back.
func (c *crew) raise(ctx context.Context) error {
	err := c.s.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		row, err := tx.Users().SecondFactors().Get(ctx, c.user, c.factor)
		if err != nil {
			return err
		}
		row.LastStep++
		return tx.Users().SecondFactors().Update(ctx, row)
	})
	switch {
	case err == nil:
		c.raised.Add(1)
	case errors.Is(err, store.ErrBusy):
		c.unknown.Add(1)
		err = nil
	}
	return err
}

func newCrew(t *testing.T, s store.Store) *crew {
	t.Helper()
	u, err := s.Users().Create(t.Context(), store.User{Username: "u", Email: "u@example.com"})
	require.NoError(t, err)
	f, err := s.Users().SecondFactors().Create(t.Context(), store.TOTP{UserID: u.ID})
	require.NoError(t, err)
	return &crew{s: s, tpl: template(t, s, true), user: u.ID, factor: f.ID, done: make(chan int64, 10000)}
}

// TestARestartOfTheDatabaseLosesNothing: whatever was acknowledged is there
// afterwards, once, and nobody sees another error than store.ErrBusy.
func TestARestartOfTheDatabaseLosesNothing(t *testing.T) {
	t.Parallel()
	for _, busy := range []time.Duration{time.Millisecond, 30 * time.Second} {
		t.Run(busy.String(), func(t *testing.T) {
			t.Parallel()
			cluster := pgtest.Own(t)
			s := open(t, cluster.Database(t), postgres.Config{BusyTimeout: busy})
			c := newCrew(t, s)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			stop := make(chan struct{})
			g, ctx := errgroup.WithContext(ctx)
			for i := range 6 {
				g.Go(func() error { return c.work(ctx, stop, fmt.Sprint("worker ", i)) })
			}
			var finished []int64
			await := func(n int) {
				for range n {
					select {
					case id := <-c.done:
						finished = append(finished, id)
					case <-ctx.Done():
						require.NoError(t, g.Wait())
					}
				}
			}
			await(20)
			for range 3 {
				cluster.Kill(t)
				cluster.Start(t)
				await(20)
			}
			close(stop)
			require.NoError(t, g.Wait())
			await(len(c.done))
			c.check(t, finished)
			if busy < time.Second {
				require.Positive(t, c.busy.Load()+c.unknown.Load(), "nobody was hit")
			}
		})
	}
}

func (c *crew) check(t *testing.T, finished []int64) {
	t.Helper()
	for _, id := range finished {
		task, err := c.s.Tasks().Get(t.Context(), c.tpl.ProjectID, id)
		require.NoError(t, err)
		require.Equal(t, store.Success, task.Status)
		page, err := c.s.Logs().Read(t.Context(), c.tpl.ProjectID, id, 0, 100)
		require.NoError(t, err)
		var texts []string
		for _, line := range page.Lines {
			texts = append(texts, line.Text)
		}
		require.Equal(t, []string{"0", "1", "2", "3", "4"}, texts)
	}
	row, err := c.s.Users().SecondFactors().Get(t.Context(), c.user, c.factor)
	require.NoError(t, err)
	require.GreaterOrEqual(t, row.LastStep, c.raised.Load())
	require.LessOrEqual(t, row.LastStep, c.raised.Load()+c.unknown.Load())
}

func TestADatabaseThatIsAwayIsErrBusy(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Own(t)
	url := cluster.Database(t)
	s := open(t, url, postgres.Config{BusyTimeout: 50 * time.Millisecond})
	p, err := s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	cluster.Kill(t)
	_, err = s.Projects().Get(t.Context(), 0, p.ID)
	require.ErrorIs(t, err, store.ErrBusy)
	require.ErrorIs(t, s.Projects().Update(t.Context(), p), store.ErrBusy)
	require.ErrorIs(t, s.InTx(t.Context(), func(context.Context, store.Store) error { t.Error("called"); return nil }), store.ErrBusy)
	_, err = postgres.Open(t.Context(), url, postgres.Config{BusyTimeout: 50 * time.Millisecond})
	require.ErrorIs(t, err, store.ErrBusy)
	require.NotContains(t, err.Error(), pgtest.Password)
	cluster.Start(t)
	require.NoError(t, s.Projects().Update(t.Context(), p))
}
