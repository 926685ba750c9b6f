package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// check holds a record against the references and unique values of its table.
func (st *state) check(e *entity, rec record) error {
	for _, ref := range e.from {
		v := rec[ref.column]
		if v == nil {
			continue
		}
		target, ok := st.rows(ref.target).get(v.(int64))
		if !ok || !ref.Global && e.int(rec, "project_id") != ref.target.int(target, "project_id") {
			return &store.ReferenceError{Table: e.Name, Column: ref.Column}
		}
	}
	for _, set := range e.unique {
		if column, taken := st.taken(e, rec, set); taken {
			return &store.ConflictError{Table: e.Name, Column: column}
		}
	}
	return nil
}

// taken tells whether another record has the same values in the columns, and
// names the column that a person would change.
func (st *state) taken(e *entity, rec record, set []int) (column string, taken bool) {
	key := make([]any, len(set))
	for i, c := range set {
		if rec[c] == nil {
			return "", false
		}
		key[i] = fold(rec[c])
	}
	for id, other := range st.rows(e).all(false) {
		if id == rec[e.id] {
			continue
		}
		same := true
		for i, c := range set {
			if same = fold(other[c]) == key[i]; !same {
				break
			}
		}
		if same {
			return e.Columns[set[len(set)-1]].Name, true
		}
	}
	return "", false
}

// idle refuses to remove a template or a project that has unfinished tasks.
func (st *state) idle(e *entity, id int64) error {
	if e != st.cat.template && e != st.cat.project {
		return nil
	}
	task := st.cat.task
	column := task.number[e.Name+"_id"]
	var open []int64
	for n := range st.open.all(false) {
		if rec, _ := st.rows(task).get(n); rec[column] == id {
			open = append(open, n)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return fmt.Errorf("%s %d has unfinished tasks %v: stop them first: %w", e.Name, id, open, store.ErrState)
}

// doomed are the records that a deletion takes, by table.
type doomed map[*entity]map[int64]bool

// erase removes records with all that belongs to them. Records that only refer
// to them lose the reference, or prevent the deletion.
func (st *state) erase(e *entity, ids []int64) error {
	gone := doomed{}
	st.collect(gone, e, ids)
	refs := store.References{}
	restricted := false
	for target := range gone {
		for _, ref := range target.to {
			for id, rec := range st.referrers(ref, gone) {
				switch ref.OnDelete {
				case schema.Restrict:
					restricted = true
					st.file(&refs, ref.table, rec)
				case schema.Nullify:
					rec = slices.Clone(rec)
					rec[ref.column] = nil
					st.put(ref.table, id, rec)
				case schema.Cascade: // collected
				}
			}
		}
	}
	if restricted {
		sortReferences(&refs)
		return &store.InUseError{Table: e.Name, References: refs}
	}
	for table, set := range gone {
		for id := range set {
			st.drop(table, id)
		}
	}
	return nil
}

// collect adds records to those that go, with all that cascades from them.
func (st *state) collect(gone doomed, e *entity, ids []int64) {
	fresh := map[int64]bool{}
	if gone[e] == nil {
		gone[e] = map[int64]bool{}
	}
	for _, id := range ids {
		if !gone[e][id] {
			gone[e][id], fresh[id] = true, true
		}
	}
	if len(fresh) == 0 {
		return
	}
	for _, ref := range e.to {
		if ref.OnDelete != schema.Cascade {
			continue
		}
		var next []int64
		for id := range st.referrers(ref, doomed{e: fresh}) {
			next = append(next, id)
		}
		st.collect(gone, ref.table, next)
	}
}

// referrers returns the records that refer to one of those that go, without
// those that go themselves.
func (st *state) referrers(ref reference, gone doomed) map[int64]record {
	found := map[int64]record{}
	for id, rec := range st.rows(ref.table).all(false) {
		if v, ok := rec[ref.column].(int64); ok && gone[ref.target][v] && !gone[ref.table][id] {
			found[id] = rec
		}
	}
	return found
}

// References lists what restricts the deletion of a row, or loses its reference
// by it.
func (s *Store) References(ctx context.Context, kind store.Kind, project, id int64) (store.References, error) {
	var refs store.References
	st, err := s.view(ctx)
	if err != nil {
		return refs, err
	}
	known := schema.ByKind(kind)
	if known == nil {
		return refs, &store.QueryError{Reason: fmt.Sprintf("no table of kind %q", kind)}
	}
	e := s.cat.byName[known.Name]
	if e.scope < 0 {
		project = 0
	}
	if _, err := st.find(e, project, id); err != nil {
		return refs, err
	}
	for _, ref := range e.to {
		if ref.OnDelete == schema.Cascade {
			continue
		}
		for _, rec := range st.referrers(ref, doomed{e: {id: true}}) {
			st.file(&refs, ref.table, rec)
		}
	}
	sortReferences(&refs)
	return refs, nil
}
