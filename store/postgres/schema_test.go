package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store/internal/schema"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// extra are the columns that no row type describes.
var extra = []string{"lease_id", "lease_until", "lease_renewed", "snapshot", "secrets"}

func TestTablesAreWhatTheRowsSay(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	var want []string
	for _, name := range append(sqlstore.Tables(), sqlstore.VersionTable) {
		want = append(want, name+" ")
	}
	slices.Sort(want)
	require.Equal(t, want, texts(t, url, "SELECT tablename FROM pg_tables WHERE schemaname = 'semaphore_go' ORDER BY tablename"))
	types := map[schema.ColumnType]string{
		schema.Int: "bigint <nil>", schema.Time: "bigint <nil>", schema.Text: "text C",
		schema.JSON: "text C", schema.Bool: "boolean <nil>", schema.Blob: "bytea <nil>",
	}
	for _, e := range schema.Entities() {
		var columns []string
		for _, c := range e.Columns {
			null := "NO"
			if c.Null {
				null = "YES"
			}
			columns = append(columns, fmt.Sprintf("%s %s %s ", c.Name, types[c.Type], null))
		}
		got := texts(t, url, `SELECT column_name, data_type, collation_name, is_nullable FROM information_schema.columns
			WHERE table_schema = 'semaphore_go' AND table_name = $1 AND NOT ($1 = 'task' AND column_name = ANY($2))`, e.Name, extra)
		require.ElementsMatch(t, columns, got, e.Name)
	}
}

func TestIDsAreNeverReused(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	for _, e := range schema.Entities() {
		require.Equal(t, []string{"BY DEFAULT "}, texts(t, url, `SELECT identity_generation FROM information_schema.columns
			WHERE table_schema = 'semaphore_go' AND table_name = $1 AND column_name = 'id'`, e.Name), e.Name)
	}
}

func TestForeignKeysAreWhatTheRelationsSay(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	for _, e := range schema.Entities() {
		var want []string
		for _, r := range schema.From(e.Name) {
			action := "a" // none
			if r.OnDelete == schema.Cascade {
				action = "c"
			}
			if r.Global {
				want = append(want, fmt.Sprintf("%s %s id %s ", r.Target, r.Column, action))
			} else {
				want = append(want, fmt.Sprintf("%s project_id,%s project_id,id %s ", r.Target, r.Column, action))
			}
		}
		got := texts(t, url, `SELECT target.relname,
				(SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k (num, n)
					JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num),
				(SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY k (num, n)
					JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num), c.confdeltype::text
			FROM pg_constraint c JOIN pg_class target ON target.oid = c.confrelid
			WHERE c.contype = 'f' AND c.conrelid = to_regclass('semaphore_go.' || $1)`, e.Name)
		require.ElementsMatch(t, want, got, e.Name)
	}
}

func TestUniqueValuesAreWhatTheTablesSay(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	for _, e := range schema.Entities() {
		got := texts(t, url, `SELECT count(*) FROM pg_index i WHERE i.indrelid = to_regclass('semaphore_go.' || $1) AND i.indisunique
			AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'))`, e.Name)
		require.Equal(t, []string{fmt.Sprint(len(e.Unique)) + " "}, got, e.Name)
	}
}

// TestReferrersAreFoundByIndex: without an index behind each reference, every
// deletion reads the whole table of the referrers.
func TestReferrersAreFoundByIndex(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	for _, r := range schema.Relations {
		got := texts(t, url, `SELECT count(*) > 0 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
			WHERE i.indrelid = to_regclass('semaphore_go.' || $1) AND a.attname = $2
			UNION SELECT count(*) > 0 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
			WHERE i.indrelid = to_regclass('semaphore_go.' || $1) AND a.attname = $2`, r.Table, r.Column)
		require.Equal(t, []string{"true "}, got, "%s.%s", r.Table, r.Column)
	}
}

// TestPackedDataIsNotPackedAgain.
func TestPackedDataIsStoredAsItIs(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"log_chunk ", "task_bundle ", "terraform_state "}, texts(t, fresh(t), `SELECT c.relname FROM pg_attribute a
		JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'semaphore_go'::regnamespace AND a.attname = 'data' AND a.attstorage = 'e' ORDER BY 1`))
}
