package postgres_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
	"github.com/alexandervashurin/semaphore/store/sqlite"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

// stageable is the URL of a database that nobody else gets: a stage makes its
// tables anew.
func stageable(t testing.TB) string { return pgtest.Shared(t).Database(t) }

// carry brings all rows of one store into another one that is empty.
func carry(t *testing.T, from store.Store, to store.Store) {
	t.Helper()
	d, _ := store.As[store.Dumper](from)
	s, _ := store.As[store.Stager](to)
	g, err := s.Stage(t.Context(), store.StageOptions{Schema: d.Schema()})
	require.NoError(t, err)
	require.NoError(t, d.Dump(t.Context(), store.DumpOptions{}, func(r store.Record) error { return g.Load(t.Context(), r) }))
	require.NoError(t, g.Commit(t.Context()))
	require.NoError(t, g.Abort())
}

func TestEveryRowComesBackFromAnotherKindOfDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := [2]string{filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")}
	openFile := func(path string) store.Store {
		s, err := sqlite.Open(t.Context(), path, sqlite.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
	first := openFile(files[0])
	storetest.Fill(t, first)
	want := storetest.Dump(t, first, store.DumpOptions{})

	url := stageable(t)
	middle := open(t, url, postgres.Config{})
	carry(t, first, middle)
	require.Equal(t, want, storetest.Dump(t, middle, store.DumpOptions{}))
	require.Equal(t, want, storetest.Dump(t, open(t, url, postgres.Config{}), store.DumpOptions{}))

	carry(t, middle, openFile(files[1]))
	require.Equal(t, want, storetest.Dump(t, openFile(files[1]), store.DumpOptions{}))

	p, err := middle.Projects().Create(t.Context(), store.Project{Name: "next"})
	require.NoError(t, err)
	require.Greater(t, p.ID, want["project"][2]["id"])
}

func TestAStageLeavesTheTablesAsMigrationsMakeThem(t *testing.T) {
	t.Parallel()
	constraints := func(url string) (list []string) {
		rows, err := rawDB(t, url).QueryContext(t.Context(), `SELECT conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid)
			FROM pg_constraint WHERE connamespace = 'semaphore_go'::regnamespace
			UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'semaphore_go' ORDER BY 1`)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var text string
			require.NoError(t, rows.Scan(&text))
			list = append(list, text)
		}
		require.NoError(t, rows.Err())
		return list
	}
	from, to := setup(t), stageable(t)
	storetest.Fill(t, from)
	s := open(t, to, postgres.Config{})
	want := constraints(to)
	require.NotEmpty(t, want)
	carry(t, from, s)
	require.Equal(t, want, constraints(to))
}

func TestAStageIsRefusedWhileAServerWorks(t *testing.T) {
	t.Parallel()
	s := open(t, stageable(t), postgres.Config{})
	beat := func(seen time.Time) {
		text, err := json.Marshal(map[string]any{"host": "otherhost", "seen": seen})
		require.NoError(t, err)
		require.NoError(t, s.Options().Set(t.Context(), store.NodeOptions+"x", string(text)))
	}
	beat(time.Now())
	_, err := s.Stage(t.Context(), store.StageOptions{})
	var owned *store.OwnedError
	require.ErrorAs(t, err, &owned)
	require.ErrorContains(t, err, "otherhost")
	beat(time.Now().Add(-time.Hour))
	g, err := s.Stage(t.Context(), store.StageOptions{})
	require.NoError(t, err)
	_, err = s.Stage(t.Context(), store.StageOptions{})
	require.ErrorAs(t, err, &owned)
	beat(time.Now()) // it started meanwhile
	require.ErrorAs(t, g.Commit(t.Context()), &owned)
	require.NoError(t, g.Abort())
}

func TestTablesOfOthersKeepAStageFromTakingTheirSchema(t *testing.T) {
	t.Parallel()
	url := stageable(t)
	s := open(t, url, postgres.Config{})
	_, err := rawDB(t, url).ExecContext(t.Context(), "CREATE TABLE semaphore_go.theirs (n int); INSERT INTO semaphore_go.theirs VALUES (1)")
	require.NoError(t, err)
	g, err := s.Stage(t.Context(), store.StageOptions{})
	require.NoError(t, err)
	require.ErrorContains(t, g.Commit(t.Context()), "theirs")
	require.NoError(t, g.Abort())
	require.NoError(t, rawDB(t, url).QueryRowContext(t.Context(), "SELECT n FROM semaphore_go.theirs").Scan(new(int)))
}

func TestStages(t *testing.T) {
	t.Parallel()
	storetest.RunStage(t, func(t *testing.T) func() store.Store {
		url := stageable(t)
		return func() store.Store { return open(t, url, postgres.Config{}) }
	})
}
