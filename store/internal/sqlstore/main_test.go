package sqlstore_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is an engine that remembers what it was asked to run.
type recorder struct {
	db *sql.DB
	sqlstore.Querier

	mu       sync.Mutex
	recorded []statement
	modes    []sqlstore.Mode
}

type statement struct {
	text string
	args []any
}

func (r *recorder) note(text string, args []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recorded = append(r.recorded, statement{text, args})
}

func (r *recorder) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	r.note(query, args)
	return r.Querier.ExecContext(ctx, query, args...)
}

func (r *recorder) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	r.note(query, args)
	return r.Querier.QueryContext(ctx, query, args...)
}

func (r *recorder) Reader() sqlstore.Querier { return r }

func (r *recorder) Write(ctx context.Context, m sqlstore.Mode, f func(context.Context, sqlstore.Querier) error) error {
	r.mu.Lock()
	r.modes = append(r.modes, m)
	r.mu.Unlock()
	return f(ctx, r)
}

func (r *recorder) Close() error { return nil }

// take returns what was recorded since the last call.
func (r *recorder) take() []statement {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.recorded
	r.recorded = nil
	return list
}

// takeModes returns the modes of the transactions since the last call.
func (r *recorder) takeModes() []sqlstore.Mode {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.modes
	r.modes = nil
	return list
}

type bundle struct {
	*sqlstore.Store
	db  *sql.DB
	rec *recorder
	tpl store.Template
}

// setup returns a store without transactions, with a template.
func setup(t *testing.T) bundle {
	t.Helper()
	ctx := t.Context()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "x.db"))+"?_pragma=foreign_keys(1)&_pragma=synchronous(OFF)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxOpenConns(1)
	require.NoError(t, sqlstore.SQLite().Up(ctx, db, func(context.Context) (func() error, error) {
		return func() error { return nil }, nil
	}))
	rec := &recorder{db: db, Querier: db}
	dialect := sqlstore.Dialect{
		Fault:    func(err error) error { return err },
		IDs:      func(mark string) string { return "SELECT value FROM json_each(" + mark + ")" },
		Contains: func(column, mark string) string { return column + " LIKE " + mark },
		Pattern:  func(text string) string { return "%" + text + "%" },
	}
	b := bundle{Store: sqlstore.New(rec, dialect, time.Now), db: db, rec: rec}
	p, err := b.Projects().Create(ctx, store.Project{Name: "p"})
	require.NoError(t, err)
	key, err := b.Keys().Create(ctx, store.AccessKey{ProjectID: p.ID, Name: "k"})
	require.NoError(t, err)
	repo, err := b.Repositories().Create(ctx, store.Repository{ProjectID: p.ID, SSHKeyID: key.ID})
	require.NoError(t, err)
	b.tpl, err = b.Templates().Create(ctx, store.Template{ProjectID: p.ID, RepositoryID: repo.ID, AllowParallelTasks: true})
	require.NoError(t, err)
	return b
}

func (b bundle) add(t *testing.T) store.Task {
	t.Helper()
	task, err := b.Tasks().Create(t.Context(), store.NewTask{Task: store.Task{ProjectID: b.tpl.ProjectID, TemplateID: b.tpl.ID, Parallel: true}})
	require.NoError(t, err)
	return task
}

func (b bundle) claim(t *testing.T) store.Lease {
	t.Helper()
	list, err := b.Queue().Claim(t.Context(), store.ClaimRequest{Owner: "me", Tags: []string{""}, Max: 1, TTL: time.Minute, MaxParallel: 100})
	require.NoError(t, err)
	require.Len(t, list, 1)
	return list[0].Lease
}

func (b bundle) append(t *testing.T, l store.Lease, seq int64, texts ...string) {
	t.Helper()
	a := store.Append{Seq: seq}
	for _, text := range texts {
		a.Lines = append(a.Lines, store.LogLine{Time: time.UnixMilli(1_700_000_000_000 + seq), Text: text})
	}
	require.NoError(t, b.Queue().Append(t.Context(), l, a))
}
