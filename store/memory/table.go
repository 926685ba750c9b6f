package memory

import (
	"context"
	"reflect"

	"github.com/alexandervashurin/semaphore/store"
)

// rows serves one kind of row.
type rows[T any] struct {
	s *Store
	e *entity
}

func tableOf[T any](s *Store) rows[T] { return rows[T]{s, s.cat.byType[reflect.TypeFor[T]()]} }

func (r rows[T]) Get(ctx context.Context, scope, id int64) (row T, err error) {
	st, err := r.s.view(ctx)
	if err != nil {
		return row, err
	}
	rec, err := st.find(r.e, scope, id)
	if err != nil {
		return row, err
	}
	return load[T](r.e, rec)
}

func (r rows[T]) List(ctx context.Context, scope int64, q store.Query) (page store.Page[T], err error) {
	plan, err := r.e.Prepare(q)
	if err != nil {
		return page, err
	}
	st, err := r.s.view(ctx)
	if err != nil {
		return page, err
	}
	recs, next := r.e.page(st.rows(r.e), plan, r.e.matcher(scope, plan))
	page.Next = next
	page.Items, err = loadAll[T](r.e, recs)
	return page, err
}

func (r rows[T]) Count(ctx context.Context, scope int64, q store.Query) (int, error) {
	plan, err := r.e.Prepare(q)
	if err != nil {
		return 0, err
	}
	st, err := r.s.view(ctx)
	if err != nil {
		return 0, err
	}
	match := r.e.matcher(scope, plan)
	n := 0
	for _, rec := range st.rows(r.e).all(false) {
		if match(rec) {
			n++
		}
	}
	return n, nil
}

func (r rows[T]) Create(ctx context.Context, row T) (T, error) {
	var none T
	rec, err := r.e.encode(reflect.ValueOf(row))
	if err != nil {
		return none, err
	}
	err = r.s.write(ctx, func(st *state) error {
		if r.e == st.cat.template {
			rec[r.e.number["tasks"]] = int64(0)
		}
		return st.insert(r.e, rec)
	})
	if err != nil {
		return none, err
	}
	return load[T](r.e, rec)
}

func (r rows[T]) Update(ctx context.Context, row T) error {
	rec, err := r.e.encode(reflect.ValueOf(row))
	if err != nil {
		return err
	}
	return r.s.write(ctx, func(st *state) error {
		old, err := st.find(r.e, r.e.owner(rec), rec[r.e.id].(int64))
		if err != nil {
			return err
		}
		if r.e.created >= 0 {
			rec[r.e.created] = old[r.e.created]
		}
		if r.e == st.cat.template {
			tasks := r.e.number["tasks"]
			rec[tasks] = old[tasks]
		}
		return st.update(r.e, rec)
	})
}

func (r rows[T]) Delete(ctx context.Context, scope, id int64) error {
	return r.s.write(ctx, func(st *state) error {
		if _, err := st.find(r.e, scope, id); err != nil {
			return err
		}
		if err := st.idle(r.e, id); err != nil {
			return err
		}
		return st.erase(r.e, []int64{id})
	})
}
