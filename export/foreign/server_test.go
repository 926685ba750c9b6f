package foreign_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/internal/mariatest"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
)

func TestAnInstallationInPostgreSQLBecomesOurs(t *testing.T) {
	t.Parallel()
	key := crypto.GenerateKey()
	url := pgtest.Shared(t).Database(t)
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	fill(t, db, dialects()["postgres"], oldWorld(t, key))
	g := newTarget(t)
	rep, st := g.importFrom(t, foreign.Source{Place: url, Keys: []crypto.Key{key}}, foreign.Options{})
	require.NotContains(t, rep.Source.Place, pgtest.Password)
	requireWorld(t, rep, st, g.ring)
}

func TestAnInstallationInMariaDBBecomesOurs(t *testing.T) {
	t.Parallel()
	key := crypto.GenerateKey()
	d := mariatest.New(t)
	fill(t, d.DB, dialects()["mysql"], oldWorld(t, key))
	g := newTarget(t)
	rep, st := g.importFrom(t, foreign.Source{Place: d.URL, Keys: []crypto.Key{key}}, foreign.Options{})
	requireWorld(t, rep, st, g.ring)
}

func TestAnInstallationInBoltDBBecomesOurs(t *testing.T) {
	t.Parallel()
	key := crypto.GenerateKey()
	file := boltFile(t, oldWorld(t, key))
	before := readFile(t, file)
	g := newTarget(t)
	rep, st := g.importFrom(t, foreign.Source{Place: file, Keys: []crypto.Key{key}}, foreign.Options{})
	require.Equal(t, before, readFile(t, file))
	require.Equal(t, "bolt", rep.Source.Dialect)
	requireWorld(t, rep, st, g.ring)
}

func TestRowsOfBoltDBThatAreCountedByProjectGetNumbersOfTheirOwn(t *testing.T) {
	t.Parallel()
	rows := []entry{
		{"user", v{"id": 1, "username": "a", "email": "a@example.org", "created": at(1)}},
		{"project", v{"id": 1, "name": "one", "created": at(1)}},
		{"project", v{"id": 2, "name": "two", "created": at(1)}},
	}
	for p := 1; p <= 2; p++ {
		rows = append(rows,
			entry{"access_key", v{"id": 1, "project_id": p, "name": fmt.Sprintf("key %d", p), "type": "none"}},
			entry{"project__repository", v{"id": 1, "project_id": p, "name": "r", "git_url": "https://example.org/r.git", "git_branch": "main", "ssh_key_id": 1}},
			entry{"project__template", v{"id": 1, "project_id": p, "name": fmt.Sprintf("template %d", p), "repository_id": 1, "playbook": "x", "app": "bash",
				"survey_vars": []any{map[string]any{"name": "n", "title": "N"}}}},
			entry{"task", v{"id": p, "project_id": p, "template_id": 1, "status": "success", "created": at(2), "start": at(2), "end": at(3)}},
			entry{"task__output", v{"id": 1, "task_id": p, "time": at(2), "output": fmt.Sprintf("output %d", p)}},
		)
	}
	rep, st := newTarget(t).importFrom(t, foreign.Source{Place: boltFile(t, rows)}, foreign.Options{})
	for _, kind := range []string{"key", "repository", "template"} {
		require.Equal(t, int64(1), rep.Kind(kind).Changed, kind)
		n := rep.Kind(kind).Notes[0]
		require.Equal(t, [2]int64{2, 2}, [2]int64{n.ID, n.Project}, kind)
		require.Contains(t, n.String(), "id: was 1,", "whoever calls it by its number is told")
	}
	require.Empty(t, rep.Kind("task").Notes)
	for p := int64(1); p <= 2; p++ {
		page, err := st.Templates().List(t.Context(), p, store.Query{})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		require.Equal(t, fmt.Sprintf("template %d", p), page.Items[0].Name)
		require.Equal(t, "n", page.Items[0].SurveyVars[0].Name)
		repo, err := st.Repositories().Get(t.Context(), p, page.Items[0].RepositoryID)
		require.NoError(t, err)
		key, err := st.Keys().Get(t.Context(), p, repo.SSHKeyID)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("key %d", p), key.Name)
		task, err := st.Tasks().Get(t.Context(), p, p)
		require.NoError(t, err)
		require.Equal(t, page.Items[0].ID, task.TemplateID)
		lines, err := st.Logs().Read(t.Context(), p, p, 0, 10)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("output %d", p), lines.Lines[0].Text)
	}
}

// boltFile is a BoltDB file of Semaphore UI: rows of projects are in buckets of
// their own.
func boltFile(t testing.TB, rows []entry) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "database.boltdb")
	db, err := bolt.Open(file, 0o600, &bolt.Options{NoSync: true, Timeout: time.Second})
	require.NoError(t, err)
	err = db.Update(func(tx *bolt.Tx) error {
		for i, e := range rows {
			name, values := e.table, map[string]any{}
			for k, value := range e.values {
				values[k] = value
			}
			switch {
			case strings.HasPrefix(e.table, "task__"):
				name += fmt.Sprintf("_%010d", e.values["task_id"])
				delete(values, "project_id")
			case strings.HasPrefix(e.table, "project__integration_") && e.table != "project__integration_alias":
				name += fmt.Sprintf("_%010d", e.values["integration_id"])
			case e.table != "task" && e.table != "role" && e.values["project_id"] != nil:
				name += fmt.Sprintf("_%010d", e.values["project_id"])
			}
			b, err := tx.CreateBucketIfNotExists([]byte(name))
			if err != nil {
				return err
			}
			text, err := json.Marshal(values)
			if err != nil {
				return err
			}
			if err := b.Put(fmt.Appendf(nil, "%010d", i), text); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return file
}
