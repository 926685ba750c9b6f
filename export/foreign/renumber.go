package foreign

import (
	"context"
	"maps"
	"slices"
)

// renumbering gives rows of BoltDB ids that are unique in the whole table:
// there, each project counts from 1. The first row of an id keeps it.
type renumbering struct {
	fresh map[string]map[[2]int64]int64 // by table, project and old id: the new id
}

// targets says which table a column refers to, of those whose rows belong to
// projects.
func targets() map[string]string {
	return map[string]string{
		"ssh_key_id": "access_key", "become_key_id": "access_key", "vault_key_id": "access_key", "auth_secret_id": "access_key", "auth_key_id": "access_key",
		"inventory_id": "project__inventory", "repository_id": "project__repository", "environment_id": "project__environment",
		"template_id": "project__template", "build_template_id": "project__template", "view_id": "project__view",
		"storage_id": "project__secret_storage", "source_storage_id": "project__secret_storage", "secret_storage_id": "project__secret_storage",
		"default_secret_storage_id": "project__secret_storage", "schedule_id": "project__schedule", "integration_id": "project__integration",
		"task_params_id": "project__task_params", "task_id": "task", "build_task_id": "task",
	}
}

// renumbered are the tables whose rows are counted by project.
func renumbered() []string {
	names := map[string]bool{}
	for _, table := range targets() {
		names[table] = true
	}
	for _, table := range []string{
		"project__template_vault", "project__template_role", "project__integration_alias", "project__integration_matcher",
		"project__integration_extract_value", "project__invite",
	} {
		names[table] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// renumber reads all ids.
func renumber(ctx context.Context, d *boltDatabase) (*renumbering, error) {
	n := &renumbering{fresh: map[string]map[[2]int64]int64{}}
	for _, table := range renumbered() {
		taken, highest := map[int64]bool{}, int64(0)
		var again [][2]int64
		err := d.raw(ctx, table, func(r *row) error {
			id := r.number("id")
			highest = max(highest, id)
			if id > 0 && taken[id] {
				again = append(again, [2]int64{r.number(scopeOf(table)), id})
			}
			taken[id] = true
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, place := range again {
			if n.fresh[table] == nil {
				n.fresh[table] = map[[2]int64]int64{}
			}
			if n.fresh[table][place] == 0 {
				highest++
				n.fresh[table][place] = highest
			}
		}
	}
	return n, nil
}

// scopeOf is the column that says whose the numbers are.
func scopeOf(table string) string {
	switch table {
	case "project__integration_matcher", "project__integration_extract_value":
		return "integration_id"
	}
	return "project_id"
}

// apply puts new ids into a row, its own and those of what it refers to.
func (n *renumbering) apply(table string, r *row) {
	if n == nil || len(n.fresh) == 0 {
		return
	}
	project, scope := r.number("project_id"), r.number(scopeOf(table))
	if table == "project" {
		project = r.number("id")
	}
	set := func(column, of string, scope int64) {
		i, ok := r.index[column]
		if !ok {
			return
		}
		if id := n.fresh[of][[2]int64{scope, r.number(column)}]; id != 0 {
			r.values[i] = id
		}
	}
	was := r.number("id")
	set("id", table, scope)
	if r.number("id") != was {
		r.was = was
	}
	for column, of := range targets() {
		set(column, of, project)
	}
}
