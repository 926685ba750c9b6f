package memory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// matcher tells which records a plan chooses, of all pages.
func (e *entity) matcher(scope int64, p schema.Plan) func(record) bool {
	search := strings.ToLower(p.Search)
	return func(rec record) bool {
		if scope != store.AnyScope && e.owner(rec) != scope {
			return false
		}
		if search != "" && !strings.Contains(strings.ToLower(e.text(rec, e.Search)), search) {
			return false
		}
		for _, c := range p.Conds {
			v := rec[e.number[c.Column.Name]]
			if v == nil && !c.Null || v != nil && !slices.Contains(c.Values, v) {
				return false
			}
		}
		return true
	}
}

// page returns the records of one page and the cursor of the next one.
func (e *entity) page(rows tree[record], p schema.Plan, match func(record) bool) (recs []record, next string) {
	column := e.number[p.Sort.Name]
	order := func(a, b record) int {
		n := compare(a[column], b[column])
		if n == 0 {
			n = compare(a[e.id], b[e.id])
		}
		if p.Desc {
			return -n
		}
		return n
	}
	var after record
	if p.After != nil {
		after = make(record, len(e.Columns))
		after[column], after[e.id] = p.After.Value, p.After.ID
	}
	for _, rec := range rows.all(p.Desc) {
		if !match(rec) || after != nil && order(rec, after) <= 0 {
			continue
		}
		recs = append(recs, rec)
		if column == e.id && p.Limit >= 0 && len(recs) > p.Limit {
			break
		}
	}
	if column != e.id {
		slices.SortFunc(recs, order)
	}
	if p.Limit < 0 || len(recs) <= p.Limit {
		return recs, ""
	}
	recs = recs[:p.Limit]
	last := recs[len(recs)-1]
	return recs, schema.Cursor{Value: last[column], ID: last[e.id].(int64), Sort: p.Sort.Name}.Encode()
}

// compare orders stored values of one column: no value first, text without
// regard to case.
func compare(a, b any) int {
	switch x := a.(type) {
	case nil:
		if b == nil {
			return 0
		}
		return -1
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(strings.ToLower(x), strings.ToLower(y))
		}
	case bool:
		if y, ok := b.(bool); ok {
			return boolInt(x) - boolInt(y)
		}
	}
	return 1 // b has no value
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
