package crash

import (
	"context"

	"github.com/alexandervashurin/semaphore/store"
)

// faultyTasks lets calls of Tasks fail.
type faultyTasks struct {
	store.TaskStore
	f *Faults
}

func (t faultyTasks) Create(ctx context.Context, n store.NewTask) (store.Task, error) {
	return call(t.f, "Tasks.Create", func() (store.Task, error) { return t.TaskStore.Create(ctx, n) })
}

func (t faultyTasks) Get(ctx context.Context, project, id int64) (store.Task, error) {
	return call(t.f, "Tasks.Get", func() (store.Task, error) { return t.TaskStore.Get(ctx, project, id) })
}

func (t faultyTasks) List(ctx context.Context, l store.TaskFilter) (store.Page[store.TaskWithTemplate], error) {
	return call(t.f, "Tasks.List", func() (store.Page[store.TaskWithTemplate], error) { return t.TaskStore.List(ctx, l) })
}

func (t faultyTasks) Last(ctx context.Context, project int64, n int) ([]store.TaskWithTemplate, error) {
	return call(t.f, "Tasks.Last", func() ([]store.TaskWithTemplate, error) { return t.TaskStore.Last(ctx, project, n) })
}

func (t faultyTasks) Counts(ctx context.Context, l store.TaskFilter) (map[store.Status]int, error) {
	return call(t.f, "Tasks.Counts", func() (map[store.Status]int, error) { return t.TaskStore.Counts(ctx, l) })
}

func (t faultyTasks) Stop(ctx context.Context, project, id int64, level store.StopLevel, e store.Event) (store.Task, error) {
	return call(t.f, "Tasks.Stop", func() (store.Task, error) { return t.TaskStore.Stop(ctx, project, id, level, e) })
}

func (t faultyTasks) Confirm(ctx context.Context, project, id int64, e store.Event) (store.Task, error) {
	return call(t.f, "Tasks.Confirm", func() (store.Task, error) { return t.TaskStore.Confirm(ctx, project, id, e) })
}

func (t faultyTasks) Reject(ctx context.Context, project, id int64, e store.Event) (store.Task, error) {
	return call(t.f, "Tasks.Reject", func() (store.Task, error) { return t.TaskStore.Reject(ctx, project, id, e) })
}

func (t faultyTasks) Delete(ctx context.Context, project, id int64) error {
	return act(t.f, "Tasks.Delete", func() error { return t.TaskStore.Delete(ctx, project, id) })
}

func (t faultyTasks) Place(ctx context.Context, project, id int64, maxParallel int) (store.Place, error) {
	return call(t.f, "Tasks.Place", func() (store.Place, error) { return t.TaskStore.Place(ctx, project, id, maxParallel) })
}

func (t faultyTasks) Stages(ctx context.Context, project, id int64) ([]store.Stage, error) {
	return call(t.f, "Tasks.Stages", func() ([]store.Stage, error) { return t.TaskStore.Stages(ctx, project, id) })
}

func (t faultyTasks) Hosts(ctx context.Context, project, id int64) ([]store.AnsibleHost, error) {
	return call(t.f, "Tasks.Hosts", func() ([]store.AnsibleHost, error) { return t.TaskStore.Hosts(ctx, project, id) })
}

func (t faultyTasks) Problems(ctx context.Context, project, id int64) ([]store.AnsibleError, error) {
	return call(t.f, "Tasks.Problems", func() ([]store.AnsibleError, error) { return t.TaskStore.Problems(ctx, project, id) })
}

func (t faultyTasks) Purge(ctx context.Context, r store.PurgeRule, limit int) (int, error) {
	return call(t.f, "Tasks.Purge", func() (int, error) { return t.TaskStore.Purge(ctx, r, limit) })
}

// faultyLogs lets calls of Logs fail.
type faultyLogs struct {
	store.LogStore
	f *Faults
}

func (l faultyLogs) Read(ctx context.Context, project, task, from int64, limit int) (store.LogPage, error) {
	return call(l.f, "Logs.Read", func() (store.LogPage, error) { return l.LogStore.Read(ctx, project, task, from, limit) })
}

func (l faultyLogs) Compact(ctx context.Context) (bool, error) {
	return call(l.f, "Logs.Compact", func() (bool, error) { return l.LogStore.Compact(ctx) })
}

func (l faultyLogs) Size(ctx context.Context, project, task int64) (store.LogSize, error) {
	return call(l.f, "Logs.Size", func() (store.LogSize, error) { return l.LogStore.Size(ctx, project, task) })
}

// faultyArtifacts lets calls of Artifacts fail.
type faultyArtifacts struct {
	store.ArtifactStore
	f *Faults
}

func (a faultyArtifacts) LockState(ctx context.Context, key store.StateKey, by store.StateLock) (store.StateLock, error) {
	return call(a.f, "Artifacts.LockState", func() (store.StateLock, error) { return a.ArtifactStore.LockState(ctx, key, by) })
}

func (a faultyArtifacts) UnlockState(ctx context.Context, key store.StateKey, by store.StateLock) error {
	return act(a.f, "Artifacts.UnlockState", func() error { return a.ArtifactStore.UnlockState(ctx, key, by) })
}

func (a faultyArtifacts) StateLocks(ctx context.Context) (map[store.StateKey]store.StateLock, error) {
	return call(a.f, "Artifacts.StateLocks", func() (map[store.StateKey]store.StateLock, error) { return a.ArtifactStore.StateLocks(ctx) })
}

func (a faultyArtifacts) State(ctx context.Context, key store.StateKey) (store.StateVersion, error) {
	return call(a.f, "Artifacts.State", func() (store.StateVersion, error) { return a.ArtifactStore.State(ctx, key) })
}

func (a faultyArtifacts) SaveState(ctx context.Context, key store.StateKey, lineage string, serial uint64, v store.StateVersion, keep int) error {
	return act(a.f, "Artifacts.SaveState", func() error { return a.ArtifactStore.SaveState(ctx, key, lineage, serial, v, keep) })
}

func (a faultyArtifacts) SaveBundle(ctx context.Context, project, task int64, part int, data []byte) error {
	return act(a.f, "Artifacts.SaveBundle", func() error { return a.ArtifactStore.SaveBundle(ctx, project, task, part, data) })
}

func (a faultyArtifacts) Bundle(ctx context.Context, project, task int64, part int) ([]byte, error) {
	return call(a.f, "Artifacts.Bundle", func() ([]byte, error) { return a.ArtifactStore.Bundle(ctx, project, task, part) })
}

func (a faultyArtifacts) DeleteBundle(ctx context.Context, project, task int64) error {
	return act(a.f, "Artifacts.DeleteBundle", func() error { return a.ArtifactStore.DeleteBundle(ctx, project, task) })
}
