package api

import (
	"context"

	"github.com/alexandervashurin/semaphore/store"
)

// nameEvents fills in the names of people, projects and objects, with one query
// for each kind of them. What is gone has no name; tasks have none.
func (c *call) nameEvents(events []store.Event) error {
	var users, projects []int64
	objects := map[store.EventType][]int64{}
	for _, e := range events {
		if e.UserID != nil {
			users = append(users, *e.UserID)
		}
		if e.ProjectID != nil {
			projects = append(projects, *e.ProjectID)
		}
		if e.ObjectID != nil {
			objects[e.ObjectType] = append(objects[e.ObjectType], *e.ObjectID)
		}
	}
	st := c.s.st
	userNames, err := names(c.ctx(), st.Users(), 0, users, func(u store.User) (int64, string) { return u.ID, u.Username })
	if err != nil {
		return err
	}
	projectNames, err := names(c.ctx(), st.Projects(), 0, projects, func(p store.Project) (int64, string) { return p.ID, p.Name })
	if err != nil {
		return err
	}
	objectNames := map[store.EventType]map[int64]string{}
	for kind, ids := range objects {
		if objectNames[kind], err = namesOfKind(c.ctx(), st, kind, ids); err != nil {
			return err
		}
	}
	for i := range events {
		e := &events[i]
		if e.UserID != nil {
			e.Username = nameOf(userNames, *e.UserID)
		}
		if e.ProjectID != nil {
			e.ProjectName = nameOf(projectNames, *e.ProjectID)
		}
		if e.ObjectID != nil {
			e.ObjectName = objectNames[e.ObjectType][*e.ObjectID]
		}
	}
	return nil
}

func nameOf(found map[int64]string, id int64) *string {
	if name, ok := found[id]; ok {
		return &name
	}
	return nil
}

// namesOfKind finds the names of objects of one kind.
func namesOfKind(ctx context.Context, st store.Store, kind store.EventType, ids []int64) (map[int64]string, error) {
	const every = store.AnyScope
	switch kind {
	case store.EventEnvironment:
		return names(ctx, st.Environments(), every, ids, func(r store.Environment) (int64, string) { return r.ID, r.Name })
	case store.EventInventory:
		return names(ctx, st.Inventories(), every, ids, func(r store.Inventory) (int64, string) { return r.ID, r.Name })
	case store.EventKey:
		return names(ctx, st.Keys(), every, ids, func(r store.AccessKey) (int64, string) { return r.ID, r.Name })
	case store.EventProject:
		return names(ctx, st.Projects(), 0, ids, func(r store.Project) (int64, string) { return r.ID, r.Name })
	case store.EventRepository:
		return names(ctx, st.Repositories(), every, ids, func(r store.Repository) (int64, string) { return r.ID, r.Name })
	case store.EventSchedule:
		return names(ctx, st.Schedules(), every, ids, func(r store.Schedule) (int64, string) { return r.ID, r.Name })
	case store.EventTemplate:
		return names(ctx, st.Templates(), every, ids, func(r store.Template) (int64, string) { return r.ID, r.Name })
	case store.EventUser:
		return names(ctx, st.Users(), 0, ids, func(r store.User) (int64, string) { return r.ID, r.Username })
	case store.EventView:
		return names(ctx, st.Views(), every, ids, func(r store.View) (int64, string) { return r.ID, r.Title })
	case store.EventIntegration:
		return names(ctx, st.Integrations(), every, ids, func(r store.Integration) (int64, string) { return r.ID, r.Name })
	case store.EventRunner:
		return names(ctx, st.Runners(), every, ids, func(r store.Runner) (int64, string) { return r.ID, r.Name })
	case store.EventSecretStorage:
		return names(ctx, st.SecretStorages(), every, ids, func(r store.SecretStorage) (int64, string) { return r.ID, r.Name })
	}
	return nil, nil
}
