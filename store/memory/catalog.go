package memory

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// record is a row as it is stored: one value per column, nil, int64, string,
// bool or []byte. A record never changes once it is part of a state.
type record []any

// entity is a table with what is looked up often.
type entity struct {
	*schema.Entity
	index   int // in state.tables
	number  map[string]int
	id      int
	scope   int // column of the owner, -1 for none
	created int // -1 for none
	unique  [][]int
	from    []reference
	to      []reference
}

// reference is a relation with its ends looked up.
type reference struct {
	schema.Relation
	table  *entity
	target *entity
	column int
}

// catalog holds all tables.
type catalog struct {
	list   []*entity
	byName map[string]*entity
	byType map[reflect.Type]*entity

	task, template, project, schedule, user, event *entity
}

func newCatalog() *catalog {
	c := &catalog{byName: map[string]*entity{}, byType: map[reflect.Type]*entity{}}
	for i, e := range schema.Entities() {
		x := newEntity(e, i)
		c.list = append(c.list, x)
		c.byName[e.Name], c.byType[e.Type] = x, x
	}
	for _, r := range schema.Relations {
		table, target := c.byName[r.Table], c.byName[r.Target]
		ref := reference{Relation: r, table: table, target: target, column: table.number[r.Column]}
		table.from = append(table.from, ref)
		target.to = append(target.to, ref)
	}
	c.task, c.template, c.project = c.byName["task"], c.byName["template"], c.byName["project"]
	c.schedule, c.user, c.event = c.byName["schedule"], c.byName["app_user"], c.byName["event"]
	return c
}

func newEntity(e *schema.Entity, index int) *entity {
	x := &entity{Entity: e, index: index, number: map[string]int{}, scope: -1, created: -1}
	for i, c := range e.Columns {
		x.number[c.Name] = i
	}
	x.id = x.number["id"]
	if e.Scope != "" {
		x.scope = x.number[e.Scope]
	}
	if e.Has("created") {
		x.created = x.number["created"]
	}
	for _, names := range e.Unique {
		var set []int
		for _, name := range names {
			set = append(set, x.number[name])
		}
		x.unique = append(x.unique, set)
	}
	return x
}

// encode stores a row (a struct).
func (e *entity) encode(row reflect.Value) (record, error) {
	rec := make(record, len(e.Columns))
	for i := range e.Columns {
		v, err := e.Columns[i].Value(row)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		rec[i] = v
	}
	return rec, nil
}

// decode fills a row (addressable).
func (e *entity) decode(rec record, row reflect.Value) error {
	for i := range e.Columns {
		if err := e.Columns[i].Set(row, rec[i]); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}

// owner returns the scope of a record.
func (e *entity) owner(rec record) int64 {
	if e.scope < 0 {
		return 0
	}
	id, _ := rec[e.scope].(int64)
	return id
}

// text returns a column, "" where it has no value.
func (e *entity) text(rec record, column string) string {
	s, _ := rec[e.number[column]].(string)
	return s
}

// int returns a column, 0 where it has no value.
func (e *entity) int(rec record, column string) int64 {
	n, _ := rec[e.number[column]].(int64)
	return n
}

// bool returns a column.
func (e *entity) bool(rec record, column string) bool {
	b, _ := rec[e.number[column]].(bool)
	return b
}

// fold makes text comparable without regard to case.
func fold(v any) any {
	if s, ok := v.(string); ok {
		return strings.ToLower(s)
	}
	return v
}

// bare is the record of a row without values.
func (e *entity) bare() (record, error) { return e.encode(reflect.New(e.Type).Elem()) }
