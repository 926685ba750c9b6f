package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
	"unicode"

	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// Names of advisory locks.
const (
	claimLock   = "claim"
	aloneLock   = "alone"
	migrateLock = "migrate"
	stageLock   = "stage"
)

// lockKey is the number of an advisory lock of a schema. The database keeps
// those of other databases apart.
func lockKey(schema, name string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("semaphore/" + schema + "/" + name))
	return int64(h.Sum64())
}

func lockText(schema, name string) string {
	return fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", lockKey(schema, name))
}

// dialect is how PostgreSQL speaks.
func (e *engine) dialect(cfg Config) sqlstore.Dialect {
	d := sqlstore.Dialect{
		Fault: fault, IDs: ids, Contains: contains, Pattern: pattern, RowLocks: true, Collate: ` COLLATE "C"`,
		ClaimLock: lockText(cfg.Schema, claimLock),
		Pass:      func(table string) string { return passText(cfg.Schema, table) },
	}
	if cfg.Now == nil {
		d.Clock = clock
	}
	return d
}

// passText lets the ids of a table go on behind $1.
func passText(schema, table string) string {
	sequence := schema + "." + table + "_id_seq"
	return "SELECT setval('" + sequence + "', $1) FROM " + sequence + " WHERE last_value < $1 OR NOT is_called"
}

// clock reads the time of the database.
func clock(ctx context.Context, q sqlstore.Querier) (time.Time, error) {
	rows, err := q.QueryContext(ctx, "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint")
	if err != nil {
		return time.Time{}, err
	}
	defer rows.Close()
	var ms int64
	if rows.Next() {
		if err := rows.Scan(&ms); err != nil {
			return time.Time{}, err
		}
	}
	if err := rows.Err(); err != nil {
		return time.Time{}, err
	}
	if ms == 0 {
		return time.Time{}, fmt.Errorf("read the database's clock: %w", sql.ErrNoRows)
	}
	return time.UnixMilli(ms), nil
}

func ids(placeholder string) string {
	return "SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(" + placeholder + " AS JSON))"
}

// contains matches by a regular expression: what LIKE takes for letters of
// either case depends on the collation.
func contains(column, placeholder string) string { return column + " ~ " + placeholder }

// pattern lists for each letter all its cases, and takes other characters as
// they are.
func pattern(text string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD") {
		switch folded := unicode.SimpleFold(r); {
		case folded != r:
			b.WriteString("[" + string(r))
			for ; folded != r; folded = unicode.SimpleFold(folded) {
				b.WriteRune(folded)
			}
			b.WriteByte(']')
		case strings.ContainsRune(`\^$.|?*+()[]{}`, r):
			b.WriteString(`\` + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
