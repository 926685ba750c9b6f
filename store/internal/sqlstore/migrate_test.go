package sqlstore_test

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

func TestAllDatabasesAreMigratedInTheSameSteps(t *testing.T) {
	t.Parallel()
	names := func(m sqlstore.Migrations) (list []string) {
		files, err := fs.Glob(m.Files, path.Join(m.Dir, "*"))
		require.NoError(t, err)
		for _, name := range files {
			list = append(list, path.Base(name))
		}
		return list
	}
	require.NotEmpty(t, names(sqlstore.SQLite()))
	require.Equal(t, names(sqlstore.SQLite()), names(sqlstore.Postgres("any")))
}

// shared is the last migration that may do anything: those after it are applied
// while servers of the version before are at work on the database.
const shared = "00010_runner.sql"

// taking is what such a server would trip over: something is gone, has another
// name or type, or must be given.
var taking = regexp.MustCompile(`(?i)\b(DROP|RENAME|TRUNCATE|DELETE\s+FROM|ALTER\s+(COLUMN\s+)?"?\w+"?\s+(SET\s+DATA\s+)?TYPE|SET\s+NOT\s+NULL)\b`)

// takes names what is wrong with a migration that may only add, "" for nothing.
func takes(text string) string {
	text = regexp.MustCompile(`--[^\n]*`).ReplaceAllString(text, "")
	if found := taking.FindString(text); found != "" {
		return found
	}
	for statement := range strings.SplitSeq(text, ";") {
		upper := strings.ToUpper(statement)
		if strings.Contains(upper, "ADD COLUMN") && strings.Contains(upper, "NOT NULL") && !strings.Contains(upper, "DEFAULT") {
			return "NOT NULL without DEFAULT"
		}
	}
	return ""
}

func TestMigrationsOnlyAdd(t *testing.T) {
	t.Parallel()
	for _, m := range []sqlstore.Migrations{sqlstore.SQLite(), sqlstore.Postgres("any")} {
		files, err := fs.Glob(m.Files, path.Join(m.Dir, "*.sql"))
		require.NoError(t, err)
		require.Contains(t, files, path.Join(m.Dir, shared))
		for _, name := range files {
			if path.Base(name) <= shared {
				continue
			}
			text, err := fs.ReadFile(m.Files, name)
			require.NoError(t, err)
			require.Empty(t, takes(string(text)), "%s: servers of two versions share a database, so a migration only adds; what is not needed stays for a version", name)
		}
	}
}

func TestWhatTakesIsFound(t *testing.T) {
	t.Parallel()
	for text, found := range map[string]bool{
		"ALTER TABLE task ADD COLUMN a TEXT NOT NULL DEFAULT '';":     false,
		"CREATE TABLE x (id BIGINT PRIMARY KEY, name TEXT NOT NULL);": false,
		"CREATE INDEX i ON task (a); -- DROP nothing":                 false,
		"ALTER TABLE task ADD COLUMN a TEXT;":                         false,
		"ALTER TABLE task ADD COLUMN a TEXT NOT NULL;":                true,
		"ALTER TABLE task\n drop column a;":                           true,
		"DROP TABLE task;":                                            true,
		"ALTER TABLE task RENAME TO jobs;":                            true,
		"ALTER TABLE task RENAME COLUMN a TO b;":                      true,
		"ALTER TABLE task ALTER COLUMN a TYPE BIGINT;":                true,
		"ALTER TABLE task ALTER COLUMN a SET DATA TYPE BIGINT;":       true,
		"ALTER TABLE task ALTER a TYPE BIGINT;":                       true,
		"ALTER TABLE task ALTER COLUMN a SET NOT NULL;":               true,
		"DELETE FROM task;":                                           true,
	} {
		require.Equal(t, found, takes(text) != "", text)
	}
}
