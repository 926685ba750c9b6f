package sqlite_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("SEMAPHORE_TEST_WRITE"); path != "" {
		writeForever(path)
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func setup(t testing.TB) *sqlite.Store {
	t.Helper()
	return open(t, freshFile(t))
}

// template makes a template with all that it needs.
func template(t testing.TB, s store.Store, parallel bool) store.Template {
	t.Helper()
	ctx := t.Context()
	p, err := s.Projects().Create(ctx, store.Project{Name: "p"})
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

func add(t testing.TB, s store.Store, tpl store.Template) store.Task {
	t.Helper()
	task, err := s.Tasks().Create(t.Context(), store.NewTask{
		Task:     store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Parallel: tpl.AllowParallelTasks},
		Snapshot: []byte("snapshot"), Secrets: []byte("secrets"),
	})
	require.NoError(t, err)
	return task
}

func claim(t testing.TB, s store.Store, most int) []store.Claimed {
	t.Helper()
	list, err := s.Queue().Claim(t.Context(), store.ClaimRequest{Owner: "me", Tags: []string{""}, Max: most, TTL: time.Minute})
	require.NoError(t, err)
	return list
}
