package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// owners are what the rows of a table belong to, where people do not see them
// as objects of their own. Each is a table and the column that leads to it.
var owners = map[string][][2]string{
	"template_vault":  {{"template", "template_id"}},
	"terraform_alias": {{"inventory", "inventory_id"}},
	"task_params":     {{"schedule", "schedule_id"}, {"integration", "integration_id"}},
}

// filing gathers the referrers of row id.
type filing struct {
	ctx   context.Context
	c     conn
	id    int64
	refs  store.References
	found bool
}

// file adds the rows of a table that a condition finds, under their kind or
// under that of what they belong to.
func (f *filing) file(table, where string) error {
	if list, ok := owners[table]; ok {
		for _, o := range list {
			in := "id IN (SELECT " + o[1] + " FROM " + table + " WHERE " + where + ")"
			if err := f.add(o[0], in); err != nil {
				return err
			}
		}
		return nil
	}
	return f.add(table, where)
}

func (f *filing) add(table, where string) error {
	var probe store.References
	schema.AddReferrer(&probe, table, store.Referrer{})
	if probe.Empty() { // nobody asks for referrers of that kind
		return nil
	}
	query := "SELECT id, name FROM " + table + " WHERE " + where
	return f.c.each(f.ctx, query, []any{f.id}, func(rows *sql.Rows) error {
		var r store.Referrer
		if err := rows.Scan(&r.ID, &r.Name); err != nil {
			return err
		}
		f.found = true
		schema.AddReferrer(&f.refs, table, r)
		return nil
	})
}

// sort orders each list by id, without repetitions.
func (f *filing) sort() {
	for _, list := range []*[]store.Referrer{
		&f.refs.Templates, &f.refs.Inventories, &f.refs.Repositories,
		&f.refs.Integrations, &f.refs.Schedules, &f.refs.AccessKeys,
	} {
		slices.SortFunc(*list, func(a, b store.Referrer) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind)) })
		*list = slices.CompactFunc(*list, func(a, b store.Referrer) bool { return a.ID == b.ID && a.Kind == b.Kind })
	}
}
