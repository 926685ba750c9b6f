package memory

import (
	"cmp"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// belongings are tables that people do not see as objects of their own, with
// the columns that lead to what they belong to.
var belongings = map[string][]string{
	"template_vault":  {"template_id"},
	"terraform_alias": {"inventory_id"},
	"task_params":     {"schedule_id", "integration_id"},
}

// file adds a referrer under its kind, or under that of what it belongs to.
func (st *state) file(refs *store.References, e *entity, rec record) {
	for _, column := range belongings[e.Name] {
		id, ok := rec[e.number[column]].(int64)
		if !ok {
			continue
		}
		for _, ref := range e.from {
			if ref.Column == column {
				if owner, ok := st.rows(ref.target).get(id); ok {
					st.file(refs, ref.target, owner)
				}
			}
		}
		return
	}
	schema.AddReferrer(refs, e.Name, store.Referrer{ID: rec[e.id].(int64), Name: e.text(rec, "name")})
}

// sortReferences orders each list by id, without repetitions.
func sortReferences(refs *store.References) {
	for _, list := range []*[]store.Referrer{
		&refs.Templates, &refs.Inventories, &refs.Repositories, &refs.Integrations, &refs.Schedules, &refs.AccessKeys,
	} {
		slices.SortFunc(*list, func(a, b store.Referrer) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind)) })
		*list = slices.CompactFunc(*list, func(a, b store.Referrer) bool { return a.ID == b.ID && a.Kind == b.Kind })
	}
}
