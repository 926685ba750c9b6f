package sqlite_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store/internal/schema"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// rawDB opens a file beside its store.
func rawDB(t testing.TB, path string, params ...string) *sql.DB {
	t.Helper()
	name := "file:" + filepath.ToSlash(path) + "?_pragma=busy_timeout(5000)"
	for _, p := range params {
		name += "&" + p
	}
	db, err := sql.Open("sqlite", name)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// texts returns the rows of a query, their columns joined.
func texts(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	require.NoError(t, err)
	defer rows.Close()
	var list []string
	for rows.Next() {
		columns, err := rows.Columns()
		require.NoError(t, err)
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		require.NoError(t, rows.Scan(values...))
		text := ""
		for _, v := range values {
			text += fmt.Sprint(*v.(*any)) + " "
		}
		list = append(list, text)
	}
	require.NoError(t, rows.Err())
	return list
}

// own are the tables that no row type describes.
var own = []string{
	"log_chunk", "option", "outbox", sqlstore.VersionTable, "sqlite_sequence",
	"task_attempt", "task_bundle", "terraform_state", "terraform_state_lock",
}

// extra are the columns that no row type describes.
var extra = map[string][]string{"task": {"lease_id", "lease_until", "lease_renewed", "snapshot", "secrets"}}

func migrated(t *testing.T) *sql.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	open(t, path)
	return rawDB(t, path)
}

func TestTablesAreWhatTheRowsSay(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	var want []string
	for _, e := range schema.Entities() {
		want = append(want, e.Name+" ")
	}
	for _, name := range own {
		want = append(want, name+" ")
	}
	slices.Sort(want)
	require.Equal(t, want, texts(t, db, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"))

	types := map[schema.ColumnType]string{
		schema.Int: "INTEGER", schema.Time: "INTEGER", schema.Text: "TEXT",
		schema.JSON: "TEXT", schema.Bool: "BOOLEAN", schema.Blob: "BLOB",
	}
	for _, e := range schema.Entities() {
		var columns []string
		for _, c := range e.Columns {
			columns = append(columns, fmt.Sprintf("%s %s %t ", c.Name, types[c.Type], c.Null || c.Name == "id"))
		}
		query := `SELECT name, type, CASE WHEN "notnull" THEN 'false' ELSE 'true' END FROM pragma_table_info($1)`
		for _, name := range extra[e.Name] {
			query += " WHERE name NOT IN ('" + name + "'"
			for _, more := range extra[e.Name] {
				query += ", '" + more + "'"
			}
			query += ")"
			break
		}
		require.Equal(t, columns, texts(t, db, query, e.Name), e.Name)
	}
}

func TestIDsAreNeverReused(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	for _, e := range schema.Entities() {
		require.Len(t, texts(t, db, "SELECT 1 FROM sqlite_master WHERE name = $1 AND sql LIKE '%id INTEGER PRIMARY KEY AUTOINCREMENT%'", e.Name), 1, e.Name)
	}
}

func TestForeignKeysAreWhatTheRelationsSay(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	for _, e := range schema.Entities() {
		var want []string
		for _, r := range schema.From(e.Name) {
			action := "NO ACTION"
			if r.OnDelete == schema.Cascade {
				action = "CASCADE"
			}
			if r.Global {
				want = append(want, fmt.Sprintf("%s %s id %s ", r.Target, r.Column, action))
			} else {
				want = append(want, fmt.Sprintf("%s project_id,%s project_id,id %s ", r.Target, r.Column, action))
			}
		}
		got := texts(t, db, `SELECT "table", group_concat("from", ','), group_concat("to", ','), on_delete
			FROM (SELECT * FROM pragma_foreign_key_list($1) ORDER BY id, seq) GROUP BY id`, e.Name)
		require.ElementsMatch(t, want, got, e.Name)
	}
}

func TestUniqueValuesAreWhatTheTablesSay(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	for _, e := range schema.Entities() {
		got := texts(t, db, `SELECT count(*) FROM pragma_index_list($1) WHERE "unique" AND origin = 'c'`, e.Name)
		require.Equal(t, []string{fmt.Sprint(len(e.Unique)) + " "}, got, e.Name)
	}
}

// TestReferrersAreFoundByIndex: without an index behind each reference, every
// deletion reads the whole table of the referrers.
func TestReferrersAreFoundByIndex(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	for _, r := range schema.Relations {
		query := fmt.Sprintf(`EXPLAIN QUERY PLAN SELECT id FROM "%s" WHERE "%s" = 1`, r.Table, r.Column)
		for _, line := range texts(t, db, query) {
			require.NotContains(t, line, "SCAN", "%s.%s", r.Table, r.Column)
		}
	}
}
