package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// dumpTables are all tables with the columns that order their rows, what is
// referred to before what refers to it where that is possible.
var dumpTables = []struct{ name, order string }{
	{"app_user", "id"}, {"api_token", "id"}, {"totp", "id"}, {"session", "id"}, {"email_otp", "id"},
	{"project", "id"}, {"role", "id"}, {"member", "id"}, {"invite", "id"}, {"known_host", "id"},
	{"secret_storage", "id"}, {"environment", "id"}, {"access_key", "id"},
	{"repository", "id"}, {"inventory", "id"}, {"terraform_alias", "id"}, {"view", "id"},
	{"template", "id"}, {"template_vault", "id"}, {"template_role", "id"},
	{"integration", "id"}, {"integration_matcher", "id"}, {"integration_extractor", "id"}, {"integration_alias", "id"},
	{"schedule", "id"}, {"task_params", "id"}, {"runner", "id"}, {"option", "key"}, {"event", "id"},
	{"terraform_state", "id"}, {"terraform_state_lock", "project_id, template_id, workspace"},
	{"task", "id"}, {"task_stage", "id"}, {"task_ansible_host", "id"}, {"task_ansible_error", "id"},
	{"task_attempt", "task_id, attempt"}, {"outbox", "id"}, {"task_bundle", "task_id, part"}, {"log_chunk", "task_id, first_line"},
}

// ofTasks are the tables that hold nothing without their tasks.
var ofTasks = []string{
	"task", "task_stage", "task_ansible_host", "task_ansible_error", "task_attempt", "outbox", "task_bundle", "log_chunk", "terraform_state_lock",
}

// leftOut tells whether the options leave a table out.
func leftOut(o store.DumpOptions, table string) bool {
	switch table {
	case "event":
		return o.NoEvents
	case "session", "email_otp":
		return o.NoSessions
	case "log_chunk":
		return o.NoTasks || o.NoLogs
	}
	return o.NoTasks && slices.Contains(ofTasks, table)
}

// Dump calls f for all rows of a database, which q shows as it is at one moment.
// The query for sequences returns names of tables and the last id of each.
func Dump(ctx context.Context, q Querier, sequences string, o store.DumpOptions, f func(store.Record) error) error {
	for _, t := range dumpTables {
		if leftOut(o, t.name) {
			continue
		}
		if err := dumpTable(ctx, q, t.name, "SELECT * FROM "+t.name+" ORDER BY "+t.order, f); err != nil {
			return fmt.Errorf("dump %s: %w", t.name, err)
		}
	}
	names := Tables()
	err := dumpTable(ctx, q, store.Sequences, sequences, func(r store.Record) error {
		if name, _ := r.Values[0].(string); !slices.Contains(names, name) {
			return nil
		}
		return f(r)
	})
	if err != nil {
		return fmt.Errorf("dump sequences: %w", err)
	}
	return nil
}

func dumpTable(ctx context.Context, q Querier, table, query string, f func(store.Record) error) error {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := columnsOf(rows)
	if err != nil {
		return err
	}
	r := store.Record{Table: table, Values: make([]any, len(columns))}
	dest := make([]any, len(columns))
	for i, c := range columns {
		r.Columns = append(r.Columns, c.name)
		dest[i] = new(any)
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for i, c := range columns {
			if r.Values[i], err = c.kind.from(*dest[i].(*any)); err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
		}
		if err := f(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// kind is what a column holds in every database.
type kind int

// The kinds.
const (
	anyKind kind = iota
	intKind
	boolKind
	textKind
	blobKind
)

// column is one of a table as the database describes it.
type column struct {
	name string
	kind kind
}

func columnsOf(rows *sql.Rows) ([]column, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	list := make([]column, len(types))
	for i, t := range types {
		list[i] = column{t.Name(), kindOf(t.DatabaseTypeName())}
	}
	return list, nil
}

func kindOf(name string) kind {
	switch strings.ToUpper(name) {
	case "INTEGER", "BIGINT", "INT8":
		return intKind
	case "BOOLEAN", "BOOL":
		return boolKind
	case "TEXT", "NAME":
		return textKind
	case "BLOB", "BYTEA":
		return blobKind
	}
	return anyKind
}

// from returns a value of a driver in the form that all share.
func (k kind) from(v any) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case int64:
		if k == boolKind {
			return x != 0, nil
		}
	case []byte:
		if k == textKind {
			return string(x), nil
		}
		if x == nil { // an empty one, which is not the same as none
			return []byte{}, nil
		}
	case string:
		if k == blobKind {
			return []byte(x), nil
		}
	case bool, float64:
	default:
		return nil, fmt.Errorf("stored value is a %T: %w", v, store.ErrInvalid)
	}
	return v, nil
}

// fits tells whether a value may be stored in such a column.
func (k kind) fits(v any) bool {
	ok := v == nil
	switch k {
	case intKind:
		_, is := v.(int64)
		return ok || is
	case boolKind:
		_, is := v.(bool)
		return ok || is
	case textKind:
		_, is := v.(string)
		return ok || is
	case blobKind:
		_, is := v.([]byte)
		return ok || is
	default:
		return true
	}
}
