package sqlstore

import (
	"strings"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// where gathers conditions and their arguments.
type where struct {
	conds   []string
	args    []any
	collate string // as in Dialect
}

// arg adds an argument and returns its placeholder.
func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return placeholder(len(w.args))
}

func (w *where) and(cond string) { w.conds = append(w.conds, cond) }

// text returns the WHERE clause, "" for none.
func (w *where) text() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

const never = "1 = 0"

// scope adds the condition that rows belong to an owner.
func (w *where) scope(m *meta, scope int64) {
	switch {
	case m.Scope == "":
		if scope != 0 {
			w.and(never)
		}
	case m.Nullable && scope == 0:
		w.and(quote(m.Scope) + " IS NULL")
	default:
		w.and(quote(m.Scope) + " = " + w.arg(scope))
	}
}

// plan adds what a query chooses, of all pages.
func (w *where) plan(d *Dialect, m *meta, scope int64, p schema.Plan) {
	if scope != store.AnyScope {
		w.scope(m, scope)
	}
	for _, c := range p.Conds {
		w.cond(m, c)
	}
	if p.Search != "" {
		w.and(d.Contains(quote(m.Search), w.arg(d.Pattern(p.Search))))
	}
}

func (w *where) cond(m *meta, c schema.Cond) {
	column := quote(c.Column.Name)
	var either []string
	if c.Null {
		either = append(either, column+" IS NULL")
	}
	switch len(c.Values) {
	case 0:
	case 1:
		either = append(either, w.equal(m, c.Column, c.Values[0]))
	default:
		marks := make([]string, len(c.Values))
		for i, v := range c.Values {
			marks[i] = w.arg(v)
		}
		either = append(either, column+" IN ("+strings.Join(marks, ", ")+")")
	}
	if len(either) == 0 {
		w.and(never)
		return
	}
	w.and("(" + strings.Join(either, " OR ") + ")")
}

// equal is an exact comparison. Where the column is unique without regard to
// case it says so first, for that is what there is an index for.
func (w *where) equal(m *meta, c *schema.Column, v any) string {
	mark := w.arg(v)
	exact := quote(c.Name) + " = " + mark
	if c.Type != schema.Text {
		return exact
	}
	for _, set := range m.Unique {
		if len(set) == 1 && set[0] == c.Name {
			return "lower(" + quote(c.Name) + ") = lower(" + mark + w.collate + ") AND " + exact
		}
	}
	return exact
}

// after adds the condition that rows are behind a cursor.
func (w *where) after(p schema.Plan) {
	if p.After == nil {
		return
	}
	column, more := quote(p.Sort.Name), ">"
	if p.Desc {
		more = "<"
	}
	if p.Sort.Name == "id" {
		w.and("id " + more + " " + w.arg(p.After.ID))
		return
	}
	tie := "id " + more + " " + w.arg(p.After.ID)
	if p.After.Value == nil { // rows without a value come first
		cond := column + " IS NULL AND " + tie
		if !p.Desc {
			cond += " OR " + column + " IS NOT NULL"
		}
		w.and("(" + cond + ")")
		return
	}
	left, right := folded(p.Sort, column), w.folded(p.Sort, p.After.Value)
	cond := left + " " + more + " " + right + " OR " + left + " = " + right + " AND " + tie
	if p.Desc {
		cond += " OR " + column + " IS NULL"
	}
	w.and("(" + cond + ")")
}

// order is the ORDER BY clause of a plan.
func order(p schema.Plan) string {
	direction, nulls := " ASC", " NULLS FIRST"
	if p.Desc {
		direction, nulls = " DESC", " NULLS LAST"
	}
	if p.Sort.Name == "id" {
		return " ORDER BY id" + direction
	}
	return " ORDER BY " + folded(p.Sort, quote(p.Sort.Name)) + direction + nulls + ", id" + direction
}

// folded adds an argument that compares with a folded column.
func (w *where) folded(c *schema.Column, v any) string {
	mark := w.arg(v)
	if c.Type == schema.Text {
		mark += w.collate
	}
	return folded(c, mark)
}

// folded makes a text comparable without regard to case.
func folded(c *schema.Column, expr string) string {
	if c.Type == schema.Text {
		return "lower(" + expr + ")"
	}
	return expr
}
