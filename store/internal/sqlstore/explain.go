package sqlstore

import (
	"context"
	"errors"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// explain turns what the database has refused into the column that it is about.
// The values are those of the row; fresh tells that it was to be added.
func (s *Store) explain(ctx context.Context, err error, m *meta, values []any, fresh bool) error {
	c := s.read()
	switch {
	case errors.Is(err, ErrForeignKey):
		column, fault := s.dangling(ctx, c, m, values)
		if fault != nil {
			return errors.Join(err, fault)
		}
		return &store.ReferenceError{Table: m.Name, Column: column}
	case errors.Is(err, ErrUnique):
		column, fault := taken(ctx, c, m, values, fresh)
		if fault != nil {
			return errors.Join(err, fault)
		}
		return &store.ConflictError{Table: m.Name, Column: column}
	}
	return err
}

// dangling finds the reference of a row that leads nowhere, "" for none.
func (s *Store) dangling(ctx context.Context, c conn, m *meta, values []any) (string, error) {
	for _, r := range schema.From(m.Name) {
		id := values[m.index(r.Column)]
		if id == nil {
			continue
		}
		query, args := "SELECT id FROM "+r.Target+" WHERE id = $1", []any{id}
		if !r.Global {
			query, args = query+" AND project_id = $2", append(args, values[m.index("project_id")])
		}
		found, err := c.exists(ctx, query, args...)
		if err != nil {
			return "", err
		}
		if !found {
			return r.Column, nil
		}
	}
	return "", nil
}

// taken finds the column that a person would change: the last one of the set
// that another row has the same values in.
func taken(ctx context.Context, c conn, m *meta, values []any, fresh bool) (string, error) {
	id := values[m.index("id")]
	if fresh && id != int64(0) {
		found, err := c.exists(ctx, "SELECT id FROM "+m.Name+" WHERE id = $1", id)
		if err != nil || found {
			return "id", err
		}
	}
	for _, set := range m.Unique {
		w := where{collate: c.d.Collate}
		w.and("id <> " + w.arg(id))
		for _, column := range set {
			i := m.index(column)
			w.and(folded(&m.Columns[i], quote(column)) + " = " + w.folded(&m.Columns[i], values[i]))
		}
		found, err := c.exists(ctx, "SELECT id FROM "+m.Name+w.text()+" LIMIT 1", w.args...)
		if err != nil || found {
			return set[len(set)-1], err
		}
	}
	return strings.Join(m.Unique[len(m.Unique)-1], ", "), nil
}
