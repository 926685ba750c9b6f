package postgres

import (
	"context"
	"database/sql"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

var (
	schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
	tablePlace = regexp.MustCompile(`\b(FROM|JOIN|INTO|UPDATE)(\s+)([a-z_]+)\b`)
)

// maxTexts bounds the statements whose qualified text is kept.
const maxTexts = 2000

// qualifier names the schema of each table in a statement. So connections need
// no search_path: they may be the host's, or another one for each transaction.
type qualifier struct {
	schema string
	tables map[string]bool

	mu   sync.RWMutex
	kept map[string]string
}

func newQualifier(schema string) *qualifier {
	q := &qualifier{schema: schema, tables: map[string]bool{}, kept: map[string]string{}}
	for _, name := range sqlstore.Tables() {
		q.tables[name] = true
	}
	return q
}

func (q *qualifier) text(query string) string {
	q.mu.RLock()
	text, ok := q.kept[query]
	q.mu.RUnlock()
	if ok {
		return text
	}
	text = q.qualify(query)
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.kept) < maxTexts {
		q.kept[query] = text
	}
	return text
}

func (q *qualifier) qualify(query string) string {
	return tablePlace.ReplaceAllStringFunc(query, func(found string) string {
		name := found[strings.LastIndexAny(found, " \t\n")+1:]
		if !q.tables[name] {
			return found
		}
		return strings.TrimSuffix(found, name) + q.schema + "." + name
	})
}

// querier runs statements of ours.
type querier struct {
	sqlstore.Querier
	names *qualifier
}

func (q querier) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return q.Querier.ExecContext(ctx, q.names.text(query), storable(args)...)
}

func (q querier) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return q.Querier.QueryContext(ctx, q.names.text(query), storable(args)...)
}

// storable replaces what no text of PostgreSQL can hold, NUL and broken UTF-8,
// so that what a tool has printed cannot keep its task from being stored.
func storable(args []any) []any {
	clean := args
	for i, arg := range args {
		text, ok := arg.(string)
		if !ok || utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
			continue
		}
		if &clean[0] == &args[0] {
			clean = append([]any{}, args...)
		}
		clean[i] = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	}
	return clean
}
