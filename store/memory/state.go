package memory

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// state is everything at one moment. A committed state never changes: a writer
// changes a copy of it, which costs little because its trees are persistent and
// its maps are copied by who writes to them.
type state struct {
	cat     *catalog
	at      time.Time // of the statement that works on this copy
	tables  []table
	open    tree[struct{}] // unfinished tasks
	work    tree[*work]    // what tasks have beside their rows
	outbox  tree[outboxRow]
	told    int64 // last id of the outbox
	bundles tree[bundle]
	options map[string]string
	states  map[store.StateKey][]store.StateVersion // oldest first
	locks   map[store.StateKey]store.StateLock
	stateID int64
	childID int64 // last id of stages, hosts and problems
	notices []store.Notice
}

type table struct {
	rows tree[record]
	last int64 // id given last
}

func newState(c *catalog) *state {
	return &state{
		cat: c, tables: make([]table, len(c.list)), options: map[string]string{},
		states: map[store.StateKey][]store.StateVersion{}, locks: map[store.StateKey]store.StateLock{},
	}
}

// copy makes a state to be changed at that time.
func (st *state) copy(at time.Time) *state {
	c := *st
	c.at = at
	c.tables = slices.Clone(st.tables)
	c.notices = slices.Clip(st.notices)
	return &c
}

func (st *state) rows(e *entity) tree[record] { return st.tables[e.index].rows }

// find returns a record of a scope.
func (st *state) find(e *entity, scope, id int64) (record, error) {
	rec, ok := st.rows(e).get(id)
	if !ok || e.owner(rec) != scope {
		return nil, fmt.Errorf("%s %d: %w", e.Name, id, store.ErrNotFound)
	}
	return rec, nil
}

// insert adds a record, whose id is set where it has none, after its checks.
func (st *state) insert(e *entity, rec record) error {
	t := &st.tables[e.index]
	id, _ := rec[e.id].(int64)
	switch _, taken := t.rows.get(id); {
	case id < 0:
		return fmt.Errorf("%s: id %d is negative: %w", e.Name, id, store.ErrInvalid)
	case taken:
		return &store.ConflictError{Table: e.Name, Column: "id"}
	case id == 0:
		id = t.last + 1
		rec[e.id] = id
	}
	if e.created >= 0 && rec[e.created] == int64(0) {
		rec[e.created] = st.at.UnixMilli()
	}
	if err := st.check(e, rec); err != nil {
		return err
	}
	t.last = max(t.last, id)
	st.put(e, id, rec)
	return nil
}

// update replaces a record after its checks.
func (st *state) update(e *entity, rec record) error {
	if err := st.check(e, rec); err != nil {
		return err
	}
	st.put(e, rec[e.id].(int64), rec)
	return nil
}

func (st *state) put(e *entity, id int64, rec record) {
	t := &st.tables[e.index]
	t.rows = t.rows.with(id, rec)
	if e == st.cat.task {
		if store.Status(e.text(rec, "status")).Finished() {
			st.open = st.open.without(id)
		} else {
			st.open = st.open.with(id, struct{}{})
		}
	}
}

// drop removes a record and what is kept for it outside of the tables.
func (st *state) drop(e *entity, id int64) {
	t := &st.tables[e.index]
	t.rows = t.rows.without(id)
	switch e {
	case st.cat.task:
		st.open, st.work, st.bundles = st.open.without(id), st.work.without(id), st.bundles.without(id)
		for n, entry := range st.outbox.all(false) {
			if entry.TaskID == id {
				st.outbox = st.outbox.without(n)
			}
		}
	}
}

// load decodes a record.
func load[T any](e *entity, rec record) (T, error) {
	var row T
	err := e.decode(rec, reflect.ValueOf(&row).Elem())
	return row, err
}

// loadAll decodes records into a list that is never nil.
func loadAll[T any](e *entity, recs []record) ([]T, error) {
	list := make([]T, 0, len(recs))
	for _, rec := range recs {
		row, err := load[T](e, rec)
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, nil
}
