package foreign_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

func TestAnImportedScheduleFiresWithTheSecretsOfBefore(t *testing.T) {
	t.Parallel()
	key := crypto.GenerateKey()
	rows := oldWorld(t, key)
	for _, e := range rows {
		if e.table == "project__schedule" && e.values["id"] == 1 {
			e.values["cron_format"] = "@every 1s"
		}
		if e.table == "project__template" && e.values["id"] == 1 {
			e.values["survey_vars"] = "[]"
		}
	}
	g := newTarget(t)
	_, st := g.importFrom(t, foreign.Source{Place: oldFile(t, rows), Keys: []crypto.Key{key}}, foreign.Options{})
	seen := make(chan *job.Spec, 100)
	p, err := pool.New(st, pool.Config{Ring: g.ring, Executor: &jobtest.Fake{}, Hooks: pool.Hooks{
		BeforeRun: func(_ context.Context, _ store.Task, spec *job.Spec) error {
			seen <- spec
			return nil
		},
	}})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	select {
	case spec := <-seen:
		require.Equal(t, job.Workspace("keep"), spec.Template.Workspace)
		require.Equal(t, "site.yml", spec.Playbook)
		require.Equal(t, map[string]any{"a": float64(1), "x": "y"}, plain(spec.Variables))
		require.Equal(t, "1", spec.Environment["E"])
		require.Len(t, spec.Secrets, 1)
		require.Equal(t, "hush-env", spec.Secrets[0].Value.Reveal())
		require.Equal(t, "hush-login", spec.Repository.Key.Password.Reveal())
		require.Greater(t, spec.Task.ID, int64(6))
	case err := <-ended:
		t.Fatal("the pool has ended", err)
	case <-time.After(8 * time.Second):
		page, err := st.Tasks().List(t.Context(), store.TaskFilter{ScheduleID: 1})
		require.NoError(t, err)
		t.Fatalf("nothing has fired: %+v", page.Items)
	}
	stop()
	require.NoError(t, <-ended)
}

// plain gives numbers one type.
func plain(in map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range in {
		switch n := v.(type) {
		case interface{ Float64() (float64, error) }:
			out[k], _ = n.Float64()
		default:
			out[k] = v
		}
	}
	return out
}

func TestAnInstallationInPostgreSQLCanStayInItsDatabase(t *testing.T) {
	t.Parallel()
	key := crypto.GenerateKey()
	url := pgtest.Shared(t).Database(t)
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	fill(t, db, dialects()["postgres"], oldWorld(t, key))
	ring, err := crypto.NewRing(key)
	require.NoError(t, err)
	open := func() *postgres.Store {
		st, err := postgres.Open(t.Context(), url, postgres.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { _ = st.Close() })
		return st
	}
	for range 2 { // the second time it is there
		i, err := foreign.Open(t.Context(), foreign.Source{Place: url, Keys: []crypto.Key{key}})
		require.NoError(t, err)
		st := open()
		rep, err := i.Import(t.Context(), st, ring, foreign.Options{})
		require.NoError(t, err)
		require.NoError(t, i.Close())
		require.NoError(t, st.Close())
		if !rep.Already {
			requireWorld(t, rep, open(), ring)
		}
	}
	var users int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM public."user"`).Scan(&users))
	require.Equal(t, 3, users)
}

// BenchmarkImportOutput tells how fast lines come over.
func BenchmarkImportOutput(b *testing.B) {
	rows := oldWorld(b, crypto.GenerateKey())
	const lines = 100_000
	for i := range lines {
		rows = append(rows, entry{"task__output", v{"id": 1000 + i, "task_id": 1 + i%2, "time": at(11).Add(time.Duration(i) * time.Millisecond), "output": strings.Repeat("x", 80)}})
	}
	file := oldFile(b, rows)
	for b.Loop() {
		g := newTarget(b)
		g.importFrom(b, foreign.Source{Place: file}, foreign.Options{})
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
