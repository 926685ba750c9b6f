package postgres_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// fresh returns the URL of a migrated database without rows.
func fresh(t testing.TB) string {
	t.Helper()
	return pgtest.Shared(t).Prepared(t, func(url string) error {
		s, err := postgres.Open(context.Background(), url, postgres.Config{})
		if err != nil {
			return err
		}
		return s.Close()
	}, empty)
}

// empty deletes all rows.
func empty(ctx context.Context, db *sql.DB) error {
	query := "SET lock_timeout = 5000; SET session_replication_role = replica;" // foreign keys are not looked at
	for _, name := range sqlstore.Tables() {
		query += " DELETE FROM semaphore_go." + name + ";"
	}
	if _, err := db.ExecContext(ctx, query); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, `SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, FALSE)
		FROM pg_sequences WHERE schemaname = 'semaphore_go' AND last_value IS NOT NULL`)
	return err
}

func open(t testing.TB, url string, cfg postgres.Config) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func setup(t testing.TB) *postgres.Store {
	t.Helper()
	return open(t, fresh(t), postgres.Config{})
}

// rawDB is a handle beside the store.
func rawDB(t testing.TB, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// template makes a template with all that it needs.
func template(t testing.TB, s store.Store, parallel bool) store.Template {
	t.Helper()
	p, err := s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	return templateIn(t, s, p.ID, parallel)
}

func templateIn(t testing.TB, s store.Store, project int64, parallel bool) store.Template {
	t.Helper()
	ctx := t.Context()
	key, err := s.Keys().Create(ctx, store.AccessKey{ProjectID: project, Name: "none", Type: store.KeyNone})
	require.NoError(t, err)
	repo, err := s.Repositories().Create(ctx, store.Repository{ProjectID: project, Name: "r", SSHKeyID: key.ID})
	require.NoError(t, err)
	tpl, err := s.Templates().Create(ctx, store.Template{ProjectID: project, Name: "t", RepositoryID: repo.ID, AllowParallelTasks: parallel})
	require.NoError(t, err)
	return tpl
}

func newTask(tpl store.Template) store.NewTask {
	return store.NewTask{
		Task:     store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Parallel: tpl.AllowParallelTasks, LostAfter: time.Minute.Milliseconds()},
		Snapshot: []byte("snapshot"), Secrets: []byte("secrets"),
	}
}

func add(t testing.TB, s store.Store, tpl store.Template) store.Task {
	t.Helper()
	task, err := s.Tasks().Create(t.Context(), newTask(tpl))
	require.NoError(t, err)
	return task
}

func claim(t testing.TB, s store.Store, most int) []store.Claimed {
	t.Helper()
	list, err := s.Queue().Claim(t.Context(), store.ClaimRequest{Owner: "me", Tags: []string{""}, Max: most, TTL: time.Minute})
	require.NoError(t, err)
	return list
}
