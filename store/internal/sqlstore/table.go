package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// table serves one kind of row.
type table[T any] struct {
	s *Store
	m *meta
}

func of[T any](s *Store) table[T] { return table[T]{s, s.types[reflect.TypeFor[T]()]} }

// Get returns a row of a scope.
func (t table[T]) Get(ctx context.Context, scope, id int64) (T, error) {
	c := t.s.read()
	lock := ""
	if c.unit != nil && !c.unit.host { // it may be about to change the row
		lock = c.locking(forChange)
	}
	return t.get(ctx, c, scope, id, lock)
}

func (t table[T]) get(ctx context.Context, c conn, scope, id int64, lock string) (row T, err error) {
	w := where{}
	w.and("id = " + w.arg(id))
	w.scope(t.m, scope)
	list, err := scanAll[T](ctx, c, t.m, "SELECT "+t.m.columns+" FROM "+t.m.Name+w.text()+lock, w.args...)
	if err == nil && len(list) == 0 {
		err = notFound(t.m, id)
	}
	if err != nil {
		return row, fmt.Errorf("get %s: %w", t.m.Name, err)
	}
	return list[0], nil
}

// find answers store.ErrNotFound unless there is such a row.
func (m *meta) find(ctx context.Context, c conn, scope, id int64) error {
	return m.findLocked(ctx, c, scope, id, "")
}

func (m *meta) findLocked(ctx context.Context, c conn, scope, id int64, lock string) error {
	w := where{}
	w.and("id = " + w.arg(id))
	w.scope(m, scope)
	found, err := c.exists(ctx, "SELECT id FROM "+m.Name+w.text()+lock, w.args...)
	if err == nil && !found {
		err = notFound(m, id)
	}
	return err
}

func notFound(m *meta, id int64) error { return fmt.Errorf("%s %d: %w", m.Name, id, store.ErrNotFound) }

// List returns a page of the rows of a scope.
func (t table[T]) List(ctx context.Context, scope int64, q store.Query) (page store.Page[T], err error) {
	page.Items = []T{}
	p, err := t.m.Prepare(q)
	if err != nil {
		return page, err
	}
	w := where{collate: t.s.dialect.Collate}
	w.plan(&t.s.dialect, t.m, scope, p)
	w.after(p)
	query := "SELECT " + t.m.columns + " FROM " + t.m.Name + w.text() + order(p)
	if p.Limit >= 0 {
		query += " LIMIT " + w.arg(p.Limit+1)
	}
	page.Items, err = scanAll[T](ctx, t.s.read(), t.m, query, w.args...)
	if err != nil {
		return store.Page[T]{Items: []T{}}, fmt.Errorf("list %s: %w", t.m.Name, err)
	}
	if p.Limit >= 0 && len(page.Items) > p.Limit {
		page.Items = page.Items[:p.Limit]
		page.Next, err = next(p, reflect.ValueOf(page.Items[p.Limit-1]))
	}
	return page, err
}

// next returns the cursor behind a row.
func next(p schema.Plan, row reflect.Value) (string, error) {
	v, err := p.Sort.Value(row)
	if err != nil {
		return "", err
	}
	return schema.Cursor{Value: v, ID: schema.ID(row), Sort: p.Sort.Name}.Encode(), nil
}

// Count tells how many rows List would return over all pages.
func (t table[T]) Count(ctx context.Context, scope int64, q store.Query) (n int, err error) {
	p, err := t.m.Prepare(q)
	if err != nil {
		return 0, err
	}
	w := where{collate: t.s.dialect.Collate}
	w.plan(&t.s.dialect, t.m, scope, p)
	err = t.s.read().row(ctx, "SELECT count(*) FROM "+t.m.Name+w.text(), w.args, &n)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", t.m.Name, err)
	}
	return n, nil
}

// Create stores a row and returns it as it is stored.
func (t table[T]) Create(ctx context.Context, row T) (stored T, err error) {
	values, err := t.m.values(reflect.ValueOf(row))
	if err != nil {
		return stored, err
	}
	if i := t.m.index("tasks"); i >= 0 {
		values[i] = int64(0)
	}
	err = t.s.write(ctx, func(ctx context.Context, c conn) error { return t.s.insert(ctx, c, t.m, values) })
	if err != nil {
		return stored, fmt.Errorf("create %s: %w", t.m.Name, t.s.explain(ctx, err, t.m, values, true))
	}
	return stored, t.m.set(reflect.ValueOf(&stored).Elem(), values)
}

// insert stores values and puts what it has chosen into them.
func (s *Store) insert(ctx context.Context, c conn, m *meta, values []any) error {
	if i := m.index("created"); i >= 0 && values[i] == int64(0) {
		now, err := s.clock(ctx, c)
		if err != nil {
			return err
		}
		values[i] = schema.Millis(now)
	}
	i := m.index("id")
	id := values[i].(int64)
	query, args := m.withID, values
	switch {
	case id < 0:
		return fmt.Errorf("id %d is negative: %w", id, store.ErrInvalid)
	case id == 0:
		query = m.insert
		args = append(append([]any{}, values[:i]...), values[i+1:]...)
	}
	if err := c.row(ctx, query, args, &id); err != nil {
		return err
	}
	if values[i] != int64(0) && s.dialect.Pass != nil {
		if _, err := c.ids(ctx, s.dialect.Pass(m.Name), id); err != nil {
			return err
		}
	}
	values[i] = id
	return nil
}

// Update replaces a row.
func (t table[T]) Update(ctx context.Context, row T) error {
	values, err := t.m.values(reflect.ValueOf(row))
	if err != nil {
		return err
	}
	w := where{}
	for i, c := range t.m.Columns {
		if t.m.changes(c.Name) {
			w.arg(values[i])
		}
	}
	id := values[t.m.index("id")].(int64)
	w.and("id = " + w.arg(id))
	w.scope(t.m, t.owner(values))
	err = t.s.write(ctx, func(ctx context.Context, c conn) error {
		n, err := c.exec(ctx, t.m.update+w.text(), w.args...)
		if err == nil && n == 0 {
			return notFound(t.m, id)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("update %s: %w", t.m.Name, t.s.explain(ctx, err, t.m, values, false))
	}
	return nil
}

// owner returns the scope of a row.
func (t table[T]) owner(values []any) int64 {
	if t.m.Scope == "" {
		return 0
	}
	id, _ := values[t.m.index(t.m.Scope)].(int64)
	return id
}

// Delete removes a row with all that belongs to it.
func (t table[T]) Delete(ctx context.Context, scope, id int64) error {
	check := func(ctx context.Context, c conn) error {
		lock := ""
		if c.unit != nil { // nothing comes to refer to it any more
			lock = c.locking(forDeletion)
		}
		if err := t.m.findLocked(ctx, c, scope, id, lock); err != nil {
			return err
		}
		return t.s.deletable(ctx, c, t.m, id)
	}
	if err := t.s.drain(ctx, t.m, id, check); err != nil {
		return fmt.Errorf("delete %s: %w", t.m.Name, err)
	}
	remove := func(ctx context.Context, c conn) error {
		if err := check(ctx, c); err != nil {
			return err
		}
		return t.s.erase(ctx, c, t.m, id)
	}
	err := t.s.write(ctx, remove)
	if errors.Is(err, ErrForeignKey) { // something came to need it: the check tells what
		err = t.s.write(ctx, remove)
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", t.m.Name, err)
	}
	return nil
}
