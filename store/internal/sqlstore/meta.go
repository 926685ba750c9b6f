package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// meta is a table with the parts of its statements.
type meta struct {
	*schema.Entity
	columns string // all of them, quoted
	insert  string // without id
	withID  string
	update  string // up to the condition
	fixed   []string
}

func quote(name string) string { return `"` + name + `"` }

func newMeta(e *schema.Entity) *meta {
	m := &meta{Entity: e, fixed: []string{"id", "created", e.Scope}}
	if e.Type == reflect.TypeFor[store.Template]() {
		m.fixed = append(m.fixed, "tasks") // counts itself
	}
	var all, set []string
	for _, c := range e.Columns {
		all = append(all, quote(c.Name))
		if m.changes(c.Name) {
			set = append(set, quote(c.Name)+" = "+placeholder(len(set)+1))
		}
	}
	m.columns = strings.Join(all, ", ")
	m.insert = insertText(e.Name, slices.DeleteFunc(slices.Clone(all), func(c string) bool { return c == `"id"` }))
	m.withID = insertText(e.Name, all)
	m.update = "UPDATE " + e.Name + " SET " + strings.Join(set, ", ")
	return m
}

// prefixed lists the columns under an alias of the table.
func (m *meta) prefixed(alias string) string {
	list := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		list[i] = alias + "." + quote(c.Name)
	}
	return strings.Join(list, ", ")
}

// changes tells whether Update writes a column.
func (m *meta) changes(column string) bool { return !slices.Contains(m.fixed, column) }

func insertText(table string, columns []string) string {
	marks := make([]string, len(columns))
	for i := range marks {
		marks[i] = placeholder(i + 1)
	}
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ") RETURNING id"
}

// upsert is insert, or an update of the row with the same key.
func (m *meta) upsert(key string) string {
	var set []string
	for _, c := range m.Columns {
		if m.changes(c.Name) {
			set = append(set, quote(c.Name)+" = excluded."+quote(c.Name))
		}
	}
	return strings.Replace(m.insert, " RETURNING", " ON CONFLICT "+key+" DO UPDATE SET "+strings.Join(set, ", ")+" RETURNING", 1)
}

func placeholder(n int) string { return "$" + strconv.Itoa(n) }

// values returns what is stored of a row (a struct), by column.
func (m *meta) values(row reflect.Value) ([]any, error) {
	list := make([]any, len(m.Columns))
	for i := range m.Columns {
		v, err := m.Columns[i].Value(row)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		list[i] = v
	}
	return list, nil
}

// index returns the place of a column.
func (m *meta) index(column string) int {
	return slices.IndexFunc(m.Columns, func(c schema.Column) bool { return c.Name == column })
}

// set fills a row (addressable) with what is stored.
func (m *meta) set(row reflect.Value, values []any) error {
	for i := range m.Columns {
		if err := m.Columns[i].Set(row, values[i]); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}

// scan reads the columns of the table into a row (addressable), and what
// follows them into more.
func (m *meta) scan(rows *sql.Rows, row reflect.Value, more ...any) error {
	values := make([]any, len(m.Columns))
	dest := make([]any, 0, len(values)+len(more))
	for i := range values {
		dest = append(dest, &values[i])
	}
	if err := rows.Scan(append(dest, more...)...); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	return m.set(row, values)
}

// scanOne scans a row of the table that T belongs to.
func scanOne[T any](m *meta, rows *sql.Rows, more ...any) (row T, err error) {
	err = m.scan(rows, reflect.ValueOf(&row).Elem(), more...)
	return row, err
}

// scanAll runs a query for the columns of a table and returns its rows.
func scanAll[T any](ctx context.Context, c conn, m *meta, query string, args ...any) ([]T, error) {
	list := []T{}
	err := c.each(ctx, query, args, func(rows *sql.Rows) error {
		row, err := scanOne[T](m, rows)
		list = append(list, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}
