package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

type artifacts struct{ s *Store }

func (a artifacts) LockState(ctx context.Context, key store.StateKey, by store.StateLock) (holder store.StateLock, err error) {
	err = a.s.write(ctx, func(st *state) error {
		if err := st.checkKey(key); err != nil {
			return err
		}
		if held, ok := st.locks[key]; ok && (held.TaskID != by.TaskID || held.Attempt > by.Attempt) {
			holder = held
			return fmt.Errorf("state %q is locked by task %d, attempt %d: %w", key.Workspace, held.TaskID, held.Attempt, store.ErrConflict)
		}
		holder = by
		st.locks = maps.Clone(st.locks)
		st.locks[key] = by
		return nil
	})
	return holder, err
}

func (a artifacts) UnlockState(ctx context.Context, key store.StateKey, by store.StateLock) error {
	return a.s.write(ctx, func(st *state) error {
		if held, ok := st.locks[key]; ok && held == by {
			st.locks = maps.Clone(st.locks)
			delete(st.locks, key)
		}
		return nil
	})
}

func (a artifacts) StateLocks(ctx context.Context) (map[store.StateKey]store.StateLock, error) {
	st, err := a.s.view(ctx)
	if err != nil {
		return nil, err
	}
	return maps.Clone(st.locks), nil
}

func (a artifacts) State(ctx context.Context, key store.StateKey) (store.StateVersion, error) {
	st, err := a.s.view(ctx)
	if err != nil {
		return store.StateVersion{}, err
	}
	list := st.states[key]
	if len(list) == 0 {
		return store.StateVersion{}, fmt.Errorf("state %q: %w", key.Workspace, store.ErrNotFound)
	}
	v := list[len(list)-1]
	v.Data = slices.Clone(v.Data)
	return v, nil
}

func (a artifacts) States(ctx context.Context, key store.StateKey) ([]store.StateVersion, error) {
	st, err := a.s.view(ctx)
	if err != nil {
		return nil, err
	}
	list := slices.Clone(st.states[key])
	slices.Reverse(list)
	for i := range list {
		list[i].Data = nil
	}
	return list, nil
}

func (a artifacts) StateVersion(ctx context.Context, key store.StateKey, id int64) (store.StateVersion, error) {
	st, err := a.s.view(ctx)
	if err != nil {
		return store.StateVersion{}, err
	}
	i := indexOfVersion(st.states[key], id)
	if i < 0 {
		return store.StateVersion{}, fmt.Errorf("version %d of state %q: %w", id, key.Workspace, store.ErrNotFound)
	}
	v := st.states[key][i]
	v.Data = slices.Clone(v.Data)
	return v, nil
}

func (a artifacts) DeleteState(ctx context.Context, key store.StateKey, id int64) error {
	return a.s.write(ctx, func(st *state) error {
		i := indexOfVersion(st.states[key], id)
		if i < 0 {
			return fmt.Errorf("version %d of state %q: %w", id, key.Workspace, store.ErrNotFound)
		}
		list := slices.Clone(st.states[key])
		st.states = maps.Clone(st.states)
		st.states[key] = slices.Delete(list, i, i+1)
		return nil
	})
}

func indexOfVersion(list []store.StateVersion, id int64) int {
	return slices.IndexFunc(list, func(v store.StateVersion) bool { return v.ID == id })
}

func (a artifacts) SaveState(ctx context.Context, key store.StateKey, lineage string, serial uint64, v store.StateVersion, keep int) error {
	return a.s.write(ctx, func(st *state) error {
		if err := st.checkKey(key); err != nil {
			return err
		}
		list := slices.Clone(st.states[key])
		var newest store.StateVersion
		if len(list) > 0 {
			newest = list[len(list)-1]
		}
		if newest.Lineage != lineage || newest.Serial != serial {
			return fmt.Errorf("state %q is at serial %d: %w", key.Workspace, newest.Serial, store.ErrMoved)
		}
		if v.TaskID == 0 {
			v.TaskID = st.locks[key].TaskID
		}
		st.stateID++
		v.ID, v.Created, v.Data = st.stateID, st.stamp(v.Created), slices.Clone(v.Data)
		list = append(list, v)
		list = list[max(len(list)-max(keep, 1), 0):]
		st.states = maps.Clone(st.states)
		st.states[key] = list
		return nil
	})
}

// checkKey demands the template in the project.
func (st *state) checkKey(key store.StateKey) error {
	if _, err := st.find(st.cat.template, key.ProjectID, key.TemplateID); err != nil {
		return &store.ReferenceError{Table: "terraform_state", Column: "template_id"}
	}
	return nil
}

// bundle is the parts of a run bundle.
type bundle map[int][]byte

func (a artifacts) SaveBundle(ctx context.Context, project, task int64, part int, data []byte) error {
	return a.s.write(ctx, func(st *state) error {
		if _, err := st.find(st.cat.task, project, task); err != nil {
			return &store.ReferenceError{Table: "task_bundle", Column: "task_id"}
		}
		parts := bundle{}
		if old, ok := st.bundles.get(task); ok && part > 0 {
			parts = maps.Clone(old)
		}
		parts[part] = append([]byte{}, data...)
		st.bundles = st.bundles.with(task, parts)
		return nil
	})
}

func (a artifacts) Bundle(ctx context.Context, project, task int64, part int) ([]byte, error) {
	st, err := a.s.view(ctx)
	if err != nil {
		return nil, err
	}
	_, err = st.find(st.cat.task, project, task)
	parts, _ := st.bundles.get(task)
	data, ok := parts[part]
	if err != nil || !ok {
		return nil, fmt.Errorf("part %d of the bundle of task %d: %w", part, task, store.ErrNotFound)
	}
	return slices.Clone(data), nil
}

func (a artifacts) DeleteBundle(ctx context.Context, project, task int64) error {
	return a.s.write(ctx, func(st *state) error {
		if _, err := st.find(st.cat.task, project, task); err == nil {
			st.bundles = st.bundles.without(task)
		}
		return nil
	})
}

func (a artifacts) TerraformAliases() store.Table[store.TerraformAlias] {
	return tableOf[store.TerraformAlias](a.s)
}
