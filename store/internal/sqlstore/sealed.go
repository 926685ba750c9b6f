package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

type sealed struct{ s *Store }

// vault is a column that holds sealed values.
type vault struct {
	table   string
	field   string
	project string // expression for the project of a row
	blob    bool
}

// vaults lists them in the order of the walk.
func (s sealed) vaults() []vault {
	list := []vault{
		{"task", "secrets", "project_id", true},
		{"terraform_state", "data", "project_id", true},
	}
	for name, m := range s.s.tables {
		project := "0"
		if m.Has("project_id") {
			project = "project_id"
		}
		for _, field := range m.Sealed {
			list = append(list, vault{name, field, project, false})
		}
	}
	slices.SortFunc(list, func(a, b vault) int { return strings.Compare(a.table+"/"+a.field, b.table+"/"+b.field) })
	return list
}

// List walks by table, field and id; the cursor is the place of the last value.
func (s sealed) List(ctx context.Context, after string, limit int) (values []store.SealedValue, next string, err error) {
	place, id, err := parsePlace(after)
	if err != nil {
		return nil, "", err
	}
	for _, v := range s.vaults() {
		if name := v.table + "/" + v.field; name < place {
			continue
		} else if name > place {
			id = 0
		}
		if values, err = s.walk(ctx, v, id, limit+1, values); err != nil {
			return nil, "", fmt.Errorf("list sealed values: %w", err)
		}
		if len(values) > limit {
			values = values[:limit]
			last := values[limit-1]
			return values, last.Table + "/" + last.Field + "/" + strconv.FormatInt(last.ID, 10), nil
		}
	}
	return values, "", nil
}

// walk adds the values behind an id until there are limit in all.
func (s sealed) walk(ctx context.Context, v vault, id int64, limit int, values []store.SealedValue) ([]store.SealedValue, error) {
	query := "SELECT id, " + v.project + ", " + v.field + " FROM " + v.table +
		" WHERE id > $1 AND " + v.field + " IS NOT NULL AND length(" + v.field + ") > 0 ORDER BY id LIMIT $2"
	err := s.s.read().each(ctx, query, []any{id, limit - len(values)}, func(rows *sql.Rows) error {
		found := store.SealedValue{Table: v.table, Field: v.field}
		err := rows.Scan(&found.ID, &found.ProjectID, &found.Value)
		values = append(values, found)
		return err
	})
	return values, err
}

func parsePlace(text string) (place string, id int64, err error) {
	if text == "" {
		return "", 0, nil
	}
	if i := strings.LastIndexByte(text, '/'); i > 0 {
		if id, err = strconv.ParseInt(text[i+1:], 10, 64); err == nil {
			return text[:i], id, nil
		}
	}
	return "", 0, &store.QueryError{Reason: "after is no cursor of sealed values"}
}

// Replace stores a value in place of another one.
func (s sealed) Replace(ctx context.Context, v store.SealedValue, value string) (done bool, err error) {
	list := s.vaults()
	i := slices.IndexFunc(list, func(o vault) bool { return o.table == v.Table && o.field == v.Field })
	if i < 0 {
		return false, fmt.Errorf("%s has no sealed field %q: %w", v.Table, v.Field, store.ErrInvalid)
	}
	if v.Value == "" {
		return false, nil
	}
	var fresh, old any = value, v.Value
	if list[i].blob {
		fresh, old = []byte(value), []byte(v.Value)
	}
	err = s.s.bulk(ctx, func(ctx context.Context, c conn) error {
		query := "UPDATE " + v.Table + " SET " + v.Field + " = $1 WHERE id = $2 AND " + list[i].project + " = CAST($3 AS BIGINT) AND " + v.Field + " = $4"
		n, err := c.exec(ctx, query, fresh, v.ID, v.ProjectID, old)
		done = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("replace sealed value: %w", err)
	}
	return done, nil
}
