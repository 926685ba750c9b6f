package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

type sealed struct{ s *Store }

// The tables of sealed values that are no columns of rows. Their names sort
// among those of the others.
const (
	stateTable   = "terraform_state"
	stateField   = "data"
	secretsField = "secrets" // of tasks
)

// List walks by table, id and field; the cursor is the place of the last value.
func (s sealed) List(ctx context.Context, after string, limit int) (values []store.SealedValue, next string, err error) {
	st, err := s.s.view(ctx)
	if err != nil {
		return nil, "", err
	}
	from, err := parsePlace(after)
	if err != nil {
		return nil, "", err
	}
	all := st.sealedValues()
	slices.SortFunc(all, func(a, b store.SealedValue) int { return placeOf(a).compare(placeOf(b)) })
	for _, v := range all {
		if after != "" && placeOf(v).compare(from) <= 0 {
			continue
		}
		if len(values) >= limit {
			return values, placeOf(values[len(values)-1]).String(), nil
		}
		values = append(values, v)
	}
	return values, "", nil
}

func (st *state) sealedValues() []store.SealedValue {
	var list []store.SealedValue
	for _, e := range st.cat.list {
		for _, field := range e.Sealed {
			for id, rec := range st.rows(e).all(false) {
				if text := e.text(rec, field); text != "" {
					list = append(list, store.SealedValue{Table: e.Name, ProjectID: st.projectOf(e, rec), ID: id, Field: field, Value: text})
				}
			}
		}
	}
	for id, w := range st.work.all(false) {
		if len(w.secrets) > 0 {
			rec, _ := st.rows(st.cat.task).get(id)
			list = append(list, store.SealedValue{Table: "task", ProjectID: st.cat.task.owner(rec), ID: id, Field: secretsField, Value: string(w.secrets)})
		}
	}
	for key, versions := range st.states {
		for _, v := range versions {
			list = append(list, store.SealedValue{Table: stateTable, ProjectID: key.ProjectID, ID: v.ID, Field: stateField, Value: string(v.Data)})
		}
	}
	return list
}

func (st *state) projectOf(e *entity, rec record) int64 {
	if !e.Has("project_id") {
		return 0
	}
	return e.int(rec, "project_id")
}

func (s sealed) Replace(ctx context.Context, v store.SealedValue, value string) (done bool, err error) {
	err = s.s.write(ctx, func(st *state) error {
		switch {
		case v.Table == "task" && v.Field == secretsField:
			done = st.resealTask(v, value)
		case v.Table == stateTable && v.Field == stateField:
			done = st.resealState(v, value)
		default:
			e := st.cat.byName[v.Table]
			if e == nil || !slices.Contains(e.Sealed, v.Field) {
				return fmt.Errorf("%s has no sealed field %q: %w", v.Table, v.Field, store.ErrInvalid)
			}
			rec, ok := st.rows(e).get(v.ID)
			if done = ok && st.projectOf(e, rec) == v.ProjectID && e.text(rec, v.Field) == v.Value && v.Value != ""; done {
				rec = slices.Clone(rec)
				rec[e.number[v.Field]] = value
				st.put(e, v.ID, rec)
			}
		}
		return nil
	})
	return done && err == nil, err
}

func (st *state) resealTask(v store.SealedValue, value string) bool {
	rec, ok := st.rows(st.cat.task).get(v.ID)
	w := st.edit(v.ID)
	if !ok || st.cat.task.owner(rec) != v.ProjectID || string(w.secrets) != v.Value {
		return false
	}
	w.secrets = []byte(value)
	st.work = st.work.with(v.ID, w)
	return true
}

func (st *state) resealState(v store.SealedValue, value string) bool {
	for key, versions := range st.states {
		for i, old := range versions {
			if old.ID != v.ID || key.ProjectID != v.ProjectID || string(old.Data) != v.Value {
				continue
			}
			versions = slices.Clone(versions)
			versions[i].Data = []byte(value)
			st.states = maps.Clone(st.states)
			st.states[key] = versions
			return true
		}
	}
	return false
}

// sealedPlace is where a sealed value is.
type sealedPlace struct {
	table, field string
	id           int64
}

func placeOf(v store.SealedValue) sealedPlace { return sealedPlace{v.Table, v.Field, v.ID} }

func (p sealedPlace) compare(o sealedPlace) int {
	if n := strings.Compare(p.table, o.table); n != 0 {
		return n
	}
	if p.id != o.id {
		return compare(p.id, o.id)
	}
	return strings.Compare(p.field, o.field)
}

// String is the cursor.
func (p sealedPlace) String() string {
	return p.table + "/" + p.field + "/" + strconv.FormatInt(p.id, 10)
}

func parsePlace(text string) (sealedPlace, error) {
	parts := strings.Split(text, "/")
	if text == "" {
		return sealedPlace{}, nil
	}
	if len(parts) == 3 {
		if id, err := strconv.ParseInt(parts[2], 10, 64); err == nil {
			return sealedPlace{parts[0], parts[1], id}, nil
		}
	}
	return sealedPlace{}, &store.QueryError{Reason: "after is no cursor of sealed values"}
}
