//go:build linux

package cluster_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/nodes"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// later is a migration of a version to come. It adds, as all of them do.
const later = `ALTER TABLE semaphore_go.task ADD COLUMN later TEXT NOT NULL DEFAULT 'x';
	ALTER TABLE semaphore_go.project ADD COLUMN later BIGINT;
	ALTER TABLE semaphore_go.runner ADD COLUMN later BOOLEAN NOT NULL DEFAULT FALSE;
	CREATE TABLE semaphore_go.later (id BIGINT PRIMARY KEY);
	CREATE INDEX task_later ON semaphore_go.task (later);
	INSERT INTO semaphore_go.semaphore_migration (version_id, is_applied) VALUES (9999, TRUE)`

// TestAServerGoesOnWhereANewerOneHasMigrated while one that starts is told to be
// updated.
func TestAServerGoesOnWhereANewerOneHasMigrated(t *testing.T) {
	t.Parallel()
	url := pgtest.Shared(t).Database(t)
	key := crypto.GenerateKey()
	start := func(version string) *semaphore.App {
		st, err := postgres.Open(t.Context(), url, postgres.Config{})
		require.NoError(t, err)
		app, err := semaphore.New(semaphore.Config{
			Store: st, Key: key, Executor: &jobtest.Fake{}, HTTP: semaphore.HTTP{Version: version}, Log: slog.New(slog.DiscardHandler),
			Authenticate: func(*http.Request) (*store.User, error) { return &store.User{ID: 1, Admin: true}, nil },
		})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		done := make(chan error, 1)
		go func() { done <- app.Run(ctx) }()
		t.Cleanup(func() {
			stop()
			require.NoError(t, <-done)
			require.NoError(t, app.Close())
			require.NoError(t, st.Close())
		})
		return app
	}
	older, newer := start("1.4"), start("1.5")
	tpl, err := older.Pool().Ensure(t.Context(), pool.Blueprint{
		Repository: store.Repository{Name: "code", GitURL: "https://git.example.org/x.git", GitBranch: "main"},
		Template:   store.Template{App: "bash", Playbook: "x.sh"},
	})
	require.NoError(t, err)
	run := func(app *semaphore.App) {
		task, err := app.Pool().AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			now, err := app.Pool().Task(t.Context(), task.ProjectID, task.ID)
			return err == nil && now.Status == store.Success
		}, 30*time.Second, 10*time.Millisecond)
	}
	run(older)

	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), later)
	require.NoError(t, err)
	for range 3 {
		run(older)
		run(newer)
	}
	list, err := older.Pool().Store().Tasks().List(t.Context(), store.TaskFilter{})
	require.NoError(t, err)
	require.Len(t, list.Items, 7)
	_, err = older.Pool().Store().Runners().Create(t.Context(), store.Runner{Name: "new", TokenHash: "x"})
	require.NoError(t, err)

	_, err = postgres.Open(t.Context(), url, postgres.Config{})
	require.ErrorIs(t, err, store.ErrNewer)
	require.ErrorContains(t, err, "update the program")

	require.Eventually(t, func() bool { return len(versions(t, older)) == 2 }, 20*time.Second, 10*time.Millisecond)
	require.ElementsMatch(t, []string{"1.4", "1.5"}, versions(t, older))
}

// versions are those of the servers that a server knows.
func versions(t *testing.T, app *semaphore.App) (list []string) {
	t.Helper()
	w := httptest.NewRecorder()
	app.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/info", nil))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	var info struct{ Nodes []nodes.Node }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &info))
	for _, n := range info.Nodes {
		list = append(list, n.Version)
	}
	return list
}
