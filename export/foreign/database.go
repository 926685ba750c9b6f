package foreign

import (
	"context"
	"strconv"
	"strings"
)

// database is an old database that is open for reading.
type database interface {
	// tables lists what there is, by the names of SQL.
	tables(ctx context.Context) (map[string]bool, error)
	// each calls f for every row of a table, in the order of its key. The row is
	// f's only until it returns. A table that is not there has no rows. f must not
	// read the database.
	each(ctx context.Context, table string, f func(*row) error) error
	// close may be called again.
	close() error
}

// keys are the tables of Semaphore UI with the columns that order their rows.
func keys() map[string][]string {
	list := map[string][]string{
		"option": {"key"}, "role": {"slug"}, "project__terraform_inventory_alias": {"alias"},
		"project__user": {"project_id", "user_id"}, "user__token": {"created", "id"}, "migrations": {"version"},
	}
	for _, name := range []string{
		"user", "user__totp", "project", "project__invite", "project__template_role", "access_key", "project__secret_storage",
		"project__repository", "project__inventory", "project__environment", "project__view", "project__template", "project__template_vault",
		"project__task_params", "project__schedule", "project__integration", "project__integration_alias", "project__integration_matcher",
		"project__integration_extract_value", "task", "task__output", "task__stage", "task__stage_result", "task__ansible_host",
		"task__ansible_error", "runner", "event", "project__terraform_inventory_state",
	} {
		list[name] = []string{"id"}
	}
	return list
}

// slurp reads a whole table, which is one that stays small.
func slurp(ctx context.Context, db database, table string) ([]*row, error) {
	var list []*row
	err := db.each(ctx, table, func(r *row) error {
		list = append(list, r.clone())
		return nil
	})
	return list, err
}

// newest tells the newest migration, "" where none is recorded.
func newest(ctx context.Context, db database) (string, error) {
	best := ""
	err := db.each(ctx, "migrations", func(r *row) error {
		v := r.text("version")
		if best == "" || older(best, v) {
			best = v
		}
		return nil
	})
	return best, err
}

// older compares versions such as 2.15.1.sqlite.
func older(a, b string) bool {
	x, y := versionParts(a), versionParts(b)
	for i := range x {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return false
}

func versionParts(text string) (parts [4]int) {
	for i := range parts {
		var p string
		p, text, _ = strings.Cut(text, ".")
		digits := p[:len(p)-len(strings.TrimLeft(p, "0123456789"))]
		parts[i], _ = strconv.Atoi(digits) // 0 for none
	}
	return parts
}
