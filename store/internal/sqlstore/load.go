package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/logchunk"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// Loader checks records against the tables of a database that they are to go
// into, and remembers what sequences have to know.
type Loader struct {
	tables    map[string]*loadTable
	sequences map[string]int64
	types     map[reflect.Type]*meta
}

type loadTable struct {
	kinds  map[string]kind
	entity *schema.Entity // nil for tables that no row type describes
	row    reflect.Value  // takes values, to see whether they can be read
	last   []string       // the columns that were found good last
}

// NewLoader reads which tables and columns there are.
func NewLoader(ctx context.Context, q Querier) (*Loader, error) {
	l := &Loader{tables: map[string]*loadTable{}, sequences: map[string]int64{}, types: map[reflect.Type]*meta{}}
	for _, name := range Tables() {
		t, err := newLoadTable(ctx, q, name)
		if err != nil {
			return nil, fmt.Errorf("read columns of %s: %w", name, err)
		}
		l.tables[name] = t
	}
	for _, e := range schema.Entities() {
		l.types[e.Type] = newMeta(e)
	}
	return l, nil
}

func newLoadTable(ctx context.Context, q Querier, name string) (*loadTable, error) {
	rows, err := q.QueryContext(ctx, "SELECT * FROM "+name+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := columnsOf(rows)
	if err != nil {
		return nil, err
	}
	t := &loadTable{kinds: map[string]kind{}, entity: schema.Named(name)}
	for _, c := range columns {
		t.kinds[c.name] = c.kind
	}
	if t.entity != nil {
		t.row = reflect.New(t.entity.Type).Elem()
	}
	return t, rows.Err()
}

// Check tells whether a record can be stored. One that only tells of a sequence
// is remembered, and is no row.
func (l *Loader) Check(r store.Record) (row bool, err error) {
	if r.Table == store.Sequences {
		return false, l.sequence(r)
	}
	t := l.tables[r.Table]
	if t == nil {
		return false, &store.RecordError{Table: r.Table, Reason: "there is no such table in this schema"}
	}
	bad := func(column, reason string) error {
		return &store.RecordError{Table: r.Table, ID: r.ID(), Column: column, Reason: reason}
	}
	if len(r.Columns) == 0 || len(r.Columns) != len(r.Values) {
		return false, bad("", fmt.Sprintf("has %d values for %d columns", len(r.Values), len(r.Columns)))
	}
	if !slices.Equal(t.last, r.Columns) {
		seen := map[string]bool{}
		for _, name := range r.Columns {
			if _, ok := t.kinds[name]; !ok || seen[name] {
				return false, bad(name, "there is no such column in this schema, or it is named twice")
			}
			seen[name] = true
		}
		t.last = slices.Clone(r.Columns)
	}
	for i, name := range r.Columns {
		if !t.kinds[name].fits(r.Values[i]) {
			return false, bad(name, fmt.Sprintf("cannot be a %T", r.Values[i]))
		}
		if !t.readable(name, r.Values[i]) {
			return false, bad(name, "cannot be read as what this column holds")
		}
	}
	if v, ok := r.Value("id"); ok {
		id, _ := v.(int64)
		if id <= 0 {
			return false, bad("id", "is not above zero")
		}
		l.sequences[r.Table] = max(l.sequences[r.Table], id)
	}
	return true, nil
}

// readable tells whether what is stored can be read as the field of a row.
func (t *loadTable) readable(name string, v any) bool {
	if t.entity == nil || v == nil {
		return true
	}
	i := slices.IndexFunc(t.entity.Columns, func(c schema.Column) bool { return c.Name == name })
	if i < 0 || t.entity.Columns[i].Type != schema.JSON {
		return true
	}
	text, _ := v.(string)
	return (text == "" || json.Valid([]byte(text))) && t.entity.Columns[i].Set(t.row, v) == nil
}

func (l *Loader) sequence(r store.Record) error {
	v, _ := r.Value("name")
	name, _ := v.(string)
	v, _ = r.Value("last")
	last, ok := v.(int64)
	if t := l.tables[name]; t == nil || !t.hasID() || !ok || last < 0 || len(r.Columns) != 2 || len(r.Values) != 2 {
		return &store.RecordError{Table: r.Table, Reason: "is none of a table in this schema"}
	}
	l.sequences[name] = max(l.sequences[name], last)
	return nil
}

func (t *loadTable) hasID() bool {
	_, ok := t.kinds["id"]
	return ok
}

// Sequences returns the tables whose ids have to go on behind a number.
func (l *Loader) Sequences() map[string]int64 { return l.sequences }

// Record turns a typed row into a record.
func (l *Loader) Record(row any) (store.Record, error) {
	v := reflect.ValueOf(row)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if !v.IsValid() || l.types[v.Type()] == nil {
		return store.Record{}, fmt.Errorf("no table has rows of type %T: %w", row, store.ErrInvalid)
	}
	m := l.types[v.Type()]
	values, err := m.values(v)
	if err != nil {
		return store.Record{}, err
	}
	r := store.Record{Table: m.Name, Values: values}
	for _, c := range m.Columns {
		r.Columns = append(r.Columns, c.Name)
	}
	return r, nil
}

// maxLines bounds the lines of one record of output.
const maxLines = 1 << 16

// Lines packs output of a task into a record.
func (l *Loader) Lines(project, task, first int64, lines []store.LogLine) (store.Record, error) {
	if len(lines) == 0 || len(lines) > maxLines {
		return store.Record{}, fmt.Errorf("%d lines of output at once: give 1 to %d: %w", len(lines), maxLines, store.ErrInvalid)
	}
	records := make([]logchunk.Record, len(lines))
	size := int64(0)
	for i, line := range lines {
		records[i] = logchunk.Record{
			Time: line.Time, Stream: line.Stream, Text: line.Text,
			Partial: line.Partial, Truncated: line.Truncated, Masked: line.Masked,
		}
		size += int64(len(line.Text))
	}
	start, data := logchunk.Encode(records)
	// Fresh output is packed when the store gets to it.
	return store.Record{
		Table:   "log_chunk",
		Columns: []string{"task_id", "project_id", "first_line", "lines", "attempt", "start", "codec", "late", "fresh", "bytes", "data"},
		Values: []any{task, project, first, int64(len(lines)), int64(max(lines[0].Attempt, 1)), start, int64(logchunk.Raw),
			lines[0].Late, true, size, data},
	}, nil
}

// InsertText is the statement that stores a row with these columns, quoted as
// names.
func InsertText(table string, columns []string) string {
	quoted, marks := make([]string, len(columns)), make([]string, len(columns))
	for i, name := range columns {
		quoted[i], marks[i] = quote(name), placeholder(i+1)
	}
	return "INSERT INTO " + table + " (" + strings.Join(quoted, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
}
