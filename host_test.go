package semaphore_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// TestTaskInTheHostsOwnTransaction adds a task beside a row of the host's, on
// the host's own database: both are there, or none.
func TestTaskInTheHostsOwnTransaction(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "host.db")+"?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE TABLE orders (task_id INTEGER)")
	require.NoError(t, err)
	st, err := sqlite.Use(t.Context(), db, sqlite.Config{})
	require.NoError(t, err)
	defer st.Close()
	app, err := semaphore.New(semaphore.Config{Store: st, Key: crypto.GenerateKey(), Executor: &jobtest.Fake{}, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- app.Run(context.WithoutCancel(t.Context())) }()
	tpl, err := app.Pool().Ensure(t.Context(), pool.Blueprint{
		Repository: store.Repository{GitURL: "https://git.example.org/x.git", GitBranch: "main"},
		Template:   store.Template{App: "bash", Playbook: "x.sh"},
	})
	require.NoError(t, err)

	order := func(then error) (store.Task, error) {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		task, err := app.Pool().AddTaskTx(t.Context(), st.WithTx(tx), pool.AddRequest{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), "INSERT INTO orders VALUES ($1)", task.ID)
		require.NoError(t, err)
		if then != nil {
			require.NoError(t, tx.Rollback())
			return task, then
		}
		require.NoError(t, tx.Commit())
		app.Pool().Wake()
		return task, nil
	}
	gone, err := order(errors.New("no stock"))
	require.Error(t, err)
	_, err = app.Pool().Task(t.Context(), tpl.ProjectID, gone.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
	there, err := order(nil)
	require.NoError(t, err)
	done, err := app.Pool().Wait(t.Context(), there.ProjectID, there.ID)
	require.NoError(t, err)
	require.Equal(t, store.Success, done.Status)
	var orders int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM orders").Scan(&orders))
	require.Equal(t, 1, orders)
	require.NoError(t, app.Close())
	require.NoError(t, <-ended)
}
