package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// rowIDs are the ids that clients repeat in a body. Those of the path decide;
// others are refused.
type rowIDs struct {
	ID        int64 `json:"id"`
	ProjectID int64 `json:"project_id"`
}

func (i rowIDs) ids() (id, project int64) { return i.ID, i.ProjectID }

// checkIDs refuses ids of a body that contradict the path. 0 was not sent.
func checkIDs(sent interface{ ids() (id, project int64) }, id, project int64) error {
	i, p := sent.ids()
	if id != 0 && i != 0 && i != id {
		return invalid("id", "is %d, the path says %d", i, id)
	}
	if p != 0 && p != project {
		return invalid("project_id", "is %d, the path says %d", p, project)
	}
	return nil
}

// resource serves one plain kind of row of a project: list, create, get,
// update, delete, and what refers to it. In is the type of its bodies.
type resource[T any, In interface{ ids() (id, project int64) }] struct {
	noun  string // in events and errors: "repository"
	path  string // "repositories"; the parameter is called noun with _ for spaces
	param string // Defaults to noun.
	kind  store.Kind
	event store.EventType
	table func(store.Store) store.Table[T]
	sorts []string // columns to sort by; the first is the default
	// anySort leaves the default where the column is not known, in place of 400.
	anySort bool
	ids     func(*T) (id, project *int64)
	label   func(*T) string

	// where restricts the list. Optional.
	where func(*call) (map[string]any, error)
	// read checks a body and takes it over a row: the zero one to create, the
	// stored one to update.
	read func(ctx context.Context, c *call, tx store.Store, in *In, row *T) error
	// saved stores what belongs to the row, in the same transaction. Optional.
	saved func(ctx context.Context, c *call, tx store.Store, in *In, row *T) error
	// create and update replace those of the table. Optional.
	create func(ctx context.Context, c *call, tx store.Store, in *In, row T) (T, error)
	update func(ctx context.Context, c *call, tx store.Store, in *In, row T) error
	// changed is called after the commit. Optional.
	changed func(c *call, row T)
	// show fills in what only the wire has. Optional.
	show func(c *call, rows []T, single bool) error
	// within checks that a row is of what the path names beside the project, or
	// makes a new one so. Optional.
	within func(ctx context.Context, c *call, st store.Store, row *T) error

	postStatus int  // of POST. Defaults to 201.
	putRow     bool // PUT answers 200 and the row in place of 204.
}

// routes are the lines of the table for the resource.
func (res resource[T, In]) routes() []route {
	if res.param == "" {
		res.param = res.noun
	}
	all := "/project/{project}/" + res.path
	one := all + "/{" + res.param + "}"
	list := []route{
		{method: "GET", path: all, right: member, handle: res.list},
		{method: "POST", path: all, right: canManage, handle: res.post},
		{method: "GET", path: one, right: member, handle: res.get},
		{method: "PUT", path: one, right: canManage, handle: res.put},
		{method: "DELETE", path: one, right: canManage, handle: res.remove},
	}
	if res.kind != "" {
		list = append(list, route{method: "GET", path: one + "/refs", right: member, handle: res.refs})
	}
	return list
}

// list answers with all rows, or a page of them where limit or after are given.
func (res resource[T, In]) list(c *call) error {
	q, err := c.query(res.sorts, res.anySort)
	if err != nil {
		return err
	}
	if res.where != nil {
		if q.Where, err = res.where(c); err != nil {
			return err
		}
	}
	page, err := res.table(c.s.st).List(c.ctx(), c.project.ID, q)
	if err != nil {
		return err
	}
	if res.show != nil {
		if err := res.show(c, page.Items, false); err != nil {
			return err
		}
	}
	return c.page(page.Items, page.Next)
}

// post creates a row.
func (res resource[T, In]) post(c *call) error {
	var in In
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := checkIDs(in, 0, c.project.ID); err != nil {
		return err
	}
	var row T
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		row = *new(T)
		_, project := res.ids(&row)
		*project = c.project.ID
		if res.within != nil {
			if err := res.within(ctx, c, tx, &row); err != nil {
				return err
			}
		}
		if err := res.read(ctx, c, tx, &in, &row); err != nil {
			return err
		}
		var err error
		if res.create != nil {
			row, err = res.create(ctx, c, tx, &in, row)
		} else {
			row, err = res.table(tx).Create(ctx, row)
		}
		if err != nil {
			return err
		}
		return res.finish(ctx, c, tx, &in, &row, "%s %q created")
	})
	if err != nil {
		return err
	}
	if res.changed != nil {
		res.changed(c, row)
	}
	return res.answer(c, cmp.Or(res.postStatus, http.StatusCreated), row)
}

// finish stores what belongs to a row, and the event, whose text names noun and
// row.
func (res resource[T, In]) finish(ctx context.Context, c *call, tx store.Store, in *In, row *T, event string) error {
	if res.saved != nil {
		if err := res.saved(ctx, c, tx, in, row); err != nil {
			return err
		}
	}
	id, _ := res.ids(row)
	return c.record(ctx, tx, res.event, *id, event, res.title(), res.label(row))
}

// title is the noun as the first word of a text.
func (res resource[T, In]) title() string { return strings.ToUpper(res.noun[:1]) + res.noun[1:] }

// answer shows one row, as its own GET would.
func (res resource[T, In]) answer(c *call, status int, row T) error {
	rows := []T{row}
	if res.show != nil {
		if err := res.show(c, rows, true); err != nil {
			return err
		}
	}
	return c.json(status, rows[0])
}

func (res resource[T, In]) find(ctx context.Context, c *call, st store.Store) (row T, err error) {
	id, err := c.id(res.param)
	if err != nil {
		return row, err
	}
	row, err = res.table(st).Get(ctx, c.project.ID, id)
	if err == nil && res.within != nil {
		err = res.within(ctx, c, st, &row)
	}
	return row, named(err, res.noun)
}

// get answers with one row.
func (res resource[T, In]) get(c *call) error {
	row, err := res.find(c.ctx(), c, c.s.st)
	if err != nil {
		return err
	}
	return res.answer(c, http.StatusOK, row)
}

// put replaces a row.
func (res resource[T, In]) put(c *call) error {
	var in In
	id, err := c.id(res.param)
	if err != nil {
		return err
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := checkIDs(in, id, c.project.ID); err != nil {
		return err
	}
	var row T
	err = c.inTx(func(ctx context.Context, tx store.Store) error {
		if row, err = res.find(ctx, c, tx); err != nil {
			return err
		}
		if err := res.read(ctx, c, tx, &in, &row); err != nil {
			return err
		}
		if res.update != nil {
			err = res.update(ctx, c, tx, &in, row)
		} else {
			err = res.table(tx).Update(ctx, row)
		}
		if err != nil {
			return err
		}
		return res.finish(ctx, c, tx, &in, &row, "%s %q updated")
	})
	if err != nil {
		return err
	}
	if res.changed != nil {
		res.changed(c, row)
	}
	if res.putRow {
		return res.answer(c, http.StatusOK, row)
	}
	return c.empty(http.StatusNoContent)
}

// remove deletes a row. Outside of a transaction, because there may be much of
// it; the event follows.
func (res resource[T, In]) remove(c *call) error {
	row, err := res.find(c.ctx(), c, c.s.st)
	if err != nil {
		return err
	}
	id, _ := res.ids(&row)
	if err := res.table(c.s.st).Delete(c.ctx(), c.project.ID, *id); err != nil {
		return named(err, res.noun)
	}
	ctx := context.WithoutCancel(c.ctx())
	if err := c.record(ctx, c.s.st, res.event, *id, "%s %q deleted", res.title(), res.label(&row)); err != nil {
		return err
	}
	if res.changed != nil {
		res.changed(c, row)
	}
	return c.empty(http.StatusNoContent)
}

// refs lists what refers to a row.
func (res resource[T, In]) refs(c *call) error {
	row, err := res.find(c.ctx(), c, c.s.st)
	if err != nil {
		return err
	}
	id, _ := res.ids(&row)
	refs, err := c.s.st.References(c.ctx(), res.kind, c.project.ID, *id)
	if err != nil {
		return err
	}
	shown, err := c.showRefs(refs)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, shown)
}

// showRefs names each schedule by its template, as clients expect, and each
// secret by its variable group, and makes every list one.
func (c *call) showRefs(refs store.References) (store.References, error) {
	for i, r := range refs.Schedules {
		sched, err := c.s.st.Schedules().Get(c.ctx(), c.project.ID, r.ID)
		if err != nil {
			continue // gone meanwhile
		}
		t, err := c.s.st.Templates().Get(c.ctx(), c.project.ID, sched.TemplateID)
		if err != nil {
			continue
		}
		refs.Schedules[i] = store.Referrer{ID: t.ID, Name: t.Name}
	}
	for i, r := range refs.AccessKeys {
		if r.Kind != "" {
			continue
		}
		key, err := c.s.st.Keys().Get(c.ctx(), c.project.ID, r.ID)
		if err != nil || key.EnvironmentID == nil {
			continue
		}
		env, err := c.s.st.Environments().Get(c.ctx(), c.project.ID, *key.EnvironmentID)
		if err == nil {
			refs.AccessKeys[i] = store.Referrer{ID: env.ID, Name: env.Name, Kind: store.KindEnvironment}
		}
	}
	seen := map[store.Referrer]bool{}
	refs.AccessKeys = slices.DeleteFunc(refs.AccessKeys, func(r store.Referrer) bool {
		before := seen[r]
		seen[r] = true
		return before
	})
	for _, list := range []*[]store.Referrer{&refs.Templates, &refs.Inventories, &refs.Repositories, &refs.Integrations, &refs.Schedules, &refs.AccessKeys} {
		if *list == nil {
			*list = []store.Referrer{}
		}
	}
	return refs, nil
}

// query reads sort, order, limit, after and search.
func (c *call) query(sorts []string, anySort bool) (store.Query, error) {
	v := c.r.URL.Query()
	q := store.Query{Limit: -1, After: v.Get("after"), Search: v.Get("search")}
	if len(sorts) > 0 {
		q.Sort = sorts[0]
	}
	if by := v.Get("sort"); by != "" {
		switch {
		case slices.Contains(sorts, by):
			q.Sort = by
		case !anySort:
			return q, invalid("sort", "is %q: use %s", clip(by, 40), strings.Join(sorts, ", "))
		}
	}
	q.Desc = strings.EqualFold(v.Get("order"), "desc")
	limit, err := c.number("limit", 0, 1, 1000)
	if err != nil {
		return q, err
	}
	if limit > 0 {
		q.Limit = int(limit)
	} else if q.After != "" {
		q.Limit = 200
	}
	return q, nil
}
