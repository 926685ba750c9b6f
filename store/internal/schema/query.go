package schema

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Limits of a page.
const (
	DefaultLimit = 200
	MaxLimit     = 1000
)

// Plan is a checked Query.
type Plan struct {
	Conds  []Cond
	Search string // text that the Search column has to contain, "" for any
	Sort   *Column
	Desc   bool
	After  *Cursor
	Limit  int // -1 for all
}

// Cond is a condition: the column has one of the values, or none at all.
type Cond struct {
	Column *Column
	Values []any // stored values; empty with Null unset matches nothing
	Null   bool  // no value
}

// Cursor is where a page begins: behind the row with that id and value.
type Cursor struct {
	Value any    `json:"v"` // string, int64 or nil
	ID    int64  `json:"i"`
	Sort  string `json:"s"`
}

// Prepare checks a query against a table.
func (e *Entity) Prepare(q store.Query) (Plan, error) {
	p := Plan{Search: q.Search, Desc: q.Desc, Limit: q.Limit}
	sort := q.Sort
	if sort == "" {
		sort = "id"
	}
	var err error
	if p.Sort, err = e.Column(sort); err != nil {
		return p, err
	}
	if p.Sort.Type == JSON || p.Sort.Type == Blob {
		return p, &store.QueryError{Reason: fmt.Sprintf("cannot sort by %s", sort)}
	}
	switch {
	case p.Limit == 0:
		p.Limit = DefaultLimit
	case p.Limit < -1 || p.Limit > MaxLimit:
		return p, &store.QueryError{Reason: fmt.Sprintf("limit is %d: at most %d rows fit a page", p.Limit, MaxLimit)}
	}
	if q.Search != "" && e.Search == "" {
		return p, &store.QueryError{Reason: e.Name + " cannot be searched"}
	}
	if q.After != "" {
		if p.After, err = decodeCursor(q.After, p.Sort); err != nil {
			return p, err
		}
	}
	for _, name := range sortedNames(q.Where) {
		c, err := e.Column(name)
		if err != nil {
			return p, err
		}
		cond, err := condition(c, q.Where[name])
		if err != nil {
			return p, err
		}
		p.Conds = append(p.Conds, cond)
	}
	return p, nil
}

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func condition(c *Column, v any) (Cond, error) {
	cond := Cond{Column: c}
	if v == nil {
		cond.Null = true
		return cond, nil
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Slice && rv.Type() != byteType && rv.Type() != rawType {
		for i := range rv.Len() {
			value, err := stored(c, rv.Index(i))
			if err != nil {
				return cond, err
			}
			cond.Values = append(cond.Values, value)
		}
		return cond, nil
	}
	value, err := stored(c, rv)
	if err != nil {
		return cond, err
	}
	if value == nil {
		cond.Null = true
		return cond, nil
	}
	cond.Values = []any{value}
	return cond, nil
}

// stored turns a condition's value into what the column stores.
func stored(c *Column, v reflect.Value) (any, error) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil, nil
		}
		v = v.Elem()
	}
	switch {
	case c.Type == Time && v.Type() == timeType:
		return Millis(v.Interface().(time.Time)), nil
	case (c.Type == Int || c.Type == Time) && v.CanInt():
		return v.Int(), nil
	case c.Type == Text && v.Kind() == reflect.String:
		return v.String(), nil
	case c.Type == Bool && v.Kind() == reflect.Bool:
		return v.Bool(), nil
	}
	return nil, &store.QueryError{Reason: fmt.Sprintf("column %s cannot be compared with a %s", c.Name, v.Type())}
}

// Encode writes the cursor as the text that callers pass around.
func (c Cursor) Encode() string {
	text, _ := json.Marshal(c) // strings and numbers only
	return base64.RawURLEncoding.EncodeToString(text)
}

func decodeCursor(text string, sort *Column) (*Cursor, error) {
	bad := &store.QueryError{Reason: "after is no cursor of this list: take the next of the page before"}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, bad
	}
	var c Cursor
	if err := json.Unmarshal(raw, &c); err != nil || c.Sort != sort.Name {
		return nil, bad
	}
	switch v := c.Value.(type) {
	case float64:
		if sort.Type == Text {
			return nil, bad
		}
		c.Value = int64(v)
		if sort.Type == Bool {
			c.Value = v != 0
		}
	case string:
		if sort.Type != Text {
			return nil, bad
		}
	case bool:
		if sort.Type != Bool {
			return nil, bad
		}
	case nil:
	default:
		return nil, bad
	}
	return &c, nil
}
