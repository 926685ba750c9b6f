package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // a driver that is none of ours

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// host is a program with a database and tables of its own, one of which has the
// name of one of ours.
func host(t *testing.T) (*sql.DB, *postgres.Store) {
	t.Helper()
	db := rawDB(t, pgtest.Shared(t).Database(t))
	_, err := db.ExecContext(t.Context(), "CREATE TABLE task (id BIGINT PRIMARY KEY, ours BIGINT)")
	require.NoError(t, err)
	s, err := postgres.Use(t.Context(), db, postgres.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return db, s
}

func TestAHostsTransactionTakesTasks(t *testing.T) {
	t.Parallel()
	db, s := host(t)
	tpl := template(t, s, false)
	count := func() int {
		n, err := s.Tasks().Counts(t.Context(), store.TaskFilter{})
		require.NoError(t, err)
		return n[store.Waiting]
	}
	for _, commit := range []bool{false, true} {
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		require.NoError(t, err)
		in := s.WithTx(tx)
		task := add(t, in, tpl)
		_, err = tx.ExecContext(t.Context(), "INSERT INTO task (id, ours) VALUES (1, $1)", task.ID)
		require.NoError(t, err, "the host's own table")
		_, err = in.Tasks().Get(t.Context(), tpl.ProjectID, task.ID)
		require.NoError(t, err)
		require.Zero(t, count(), "nothing is seen before the commit")
		// A failure inside is undone by itself.
		_, err = in.Tasks().Create(t.Context(), store.NewTask{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: 99}})
		require.ErrorIs(t, err, store.ErrInvalid)
		require.NoError(t, in.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
			_, err := tx.Projects().Get(ctx, 0, tpl.ProjectID)
			return err
		}))
		require.NoError(t, in.Close())
		if commit {
			require.NoError(t, tx.Commit())
			require.Equal(t, 1, count())
		} else {
			require.NoError(t, tx.Rollback())
			require.Zero(t, count())
		}
	}
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM task").Scan(&n))
	require.Equal(t, 1, n)
}

func TestAHostsHandleStaysUsable(t *testing.T) {
	t.Parallel()
	db, s := host(t)
	failed := errors.New("no")
	var kept store.Store
	require.ErrorIs(t, s.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		kept = tx
		_, err := tx.Projects().Create(ctx, store.Project{Name: "p"})
		require.NoError(t, err)
		return failed
	}), failed)
	_, err := kept.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.ErrorContains(t, err, "transaction has ended")
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM semaphore_go.project").Scan(&n))
	require.Zero(t, n)
	var timeout string
	require.NoError(t, db.QueryRowContext(t.Context(), "SHOW lock_timeout").Scan(&timeout))
	require.Equal(t, "0", timeout, "settings end with their transaction")
}

func TestAHandleOfAnotherDriverOrWithOneConnectionIsRefused(t *testing.T) {
	t.Parallel()
	other, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	_, err = postgres.Use(t.Context(), other, postgres.Config{})
	require.ErrorIs(t, err, store.ErrInvalid)
	require.ErrorContains(t, err, "pgx/v5/stdlib")
	db := rawDB(t, pgtest.Shared(t).Database(t))
	db.SetMaxOpenConns(1)
	_, err = postgres.Use(t.Context(), db, postgres.Config{})
	require.ErrorIs(t, err, store.ErrInvalid)
	db.SetMaxOpenConns(2)
	s, err := postgres.Use(t.Context(), db, postgres.Config{})
	require.NoError(t, err)
	add(t, s, template(t, s, false))
	require.Len(t, claim(t, s, 1), 1)
	require.NoError(t, s.Close())
}
