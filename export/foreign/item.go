package foreign

import (
	"context"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
)

// reader turns the old rows into ours and notes what it has to change. The order
// in which it reads is that of references: what a row refers to is known by then.
type reader struct {
	ctx     context.Context //nolint:containedctx // of one call; the reader does not outlive it
	db      database
	old     *crypto.Ring
	fault   func(table string, err error) error
	rep     *Report
	now     time.Time
	rows    *Rows
	users   map[int64]bool
	owner   map[string]map[int64]int64 // by old table and id: the project
	roles   map[string]bool
	highest map[string]int64 // by old table: ids go on behind these
	later   []func()         // checks that need rows that are read later
}

// item is one old row on its way.
type item struct {
	*row
	r       *reader
	kind    string
	note    Note
	changes []Note
	refused bool
}

// walk reads a table row by row. A row that f does not refuse is counted as
// kept.
func (r *reader) walk(table, kind string, f func(*item)) error {
	list, err := slurp(r.ctx, r.db, table)
	if err != nil {
		return r.fault(table, err)
	}
	for _, row := range list {
		it := r.item(table, kind, row)
		f(it)
		it.done()
	}
	return nil
}

func (r *reader) item(table, kind string, row *row) *item {
	it := &item{row: row, r: r, kind: kind}
	it.note = Note{ID: row.number("id"), Project: row.number("project_id"), Name: row.text("name")}
	r.highest[table] = max(r.highest[table], it.note.ID)
	return it
}

// change notes that a field is not what it was.
func (it *item) change(field, format string, args ...any) {
	n := it.note
	n.Field, n.Reason = field, fmt.Sprintf(format, args...)
	it.changes = append(it.changes, n)
}

// refuse leaves the row out.
func (it *item) refuse(format string, args ...any) {
	it.refused = true
	it.note.Reason = fmt.Sprintf(format, args...)
}

func (it *item) done() {
	if it.refused {
		it.r.rep.refused(it.kind, it.note)
		return
	}
	it.r.rep.kept(it.kind)
	for _, name := range it.mended {
		it.change(name, "is no valid text: what was wrong is replaced")
	}
	if it.was != 0 {
		it.change("id", "was %d, a number that a row of another project has, too: it is %d", it.was, it.note.ID)
	}
	if len(it.changes) == 0 {
		return
	}
	k := it.r.rep.of(it.kind)
	k.Changed++
	for _, n := range it.changes {
		k.note(n)
	}
}

// numbered refuses a row without an id, or with one that another row has.
func (it *item) numbered(table string) bool {
	switch {
	case it.note.ID <= 0:
		it.refuse("has no id")
	case it.r.knows(table, it.note.ID):
		it.refuse("has the id of another row")
	}
	return !it.refused
}

// placed refuses a row of a project that does not exist, and registers it
// otherwise.
func (it *item) placed(table string) bool {
	if !it.numbered(table) {
		return false
	}
	if !it.r.knows("project", it.note.Project) {
		it.refuse("belongs to project %d, which does not exist", it.note.Project)
		return false
	}
	it.r.register(table, it.note.ID, it.note.Project)
	return true
}

func (r *reader) knows(table string, id int64) bool {
	_, ok := r.owner[table][id]
	return ok
}

func (r *reader) register(table string, id, project int64) {
	if r.owner[table] == nil {
		r.owner[table] = map[int64]int64{}
	}
	r.owner[table][id] = project
}

// within tells whether a row exists in a project.
func (r *reader) within(table string, id, project int64) bool {
	p, ok := r.owner[table][id]
	return ok && p == project
}

// ref is a reference to a row of the same project; one to nothing is dropped.
func (it *item) ref(field, table string) *int64 {
	id := it.id(field)
	if id == nil || it.r.within(table, *id, it.note.Project) {
		return id
	}
	it.change(field, "named %s %d, which does not exist in the project: it names none", table, *id)
	return nil
}

// user is a reference to a user; one to nothing is dropped.
func (it *item) user(field string) *int64 {
	id := it.id(field)
	if id == nil || it.r.users[*id] {
		return id
	}
	it.change(field, "named user %d, who does not exist: it names nobody", *id)
	return nil
}

// created is when the row was made, or now where nobody knows.
func (it *item) created() time.Time {
	if t := it.time("created"); t != nil {
		return *t
	}
	it.change("created", "was not known: it is the time of the import")
	return it.r.now
}

// fresh is an id that no old row has.
func (r *reader) fresh(table string) int64 {
	r.highest[table]++
	return r.highest[table]
}
