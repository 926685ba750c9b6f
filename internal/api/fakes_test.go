package api_test

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/store"
)

// fakeApps is a catalogue in memory.
type fakeApps struct {
	mu   sync.Mutex
	apps map[string]api.App
}

func newFakeApps() *fakeApps {
	f := &fakeApps{apps: map[string]api.App{}}
	for i, id := range []string{"bash", "tofu", "terragrunt", "terraform", "ansible"} {
		f.apps[id] = api.App{ID: id, Active: true, Priority: 700 + 50*i, Title: id, Args: []string{}}
	}
	f.apps["python"] = api.App{ID: "python", Priority: 500, Title: "python", Args: []string{}}
	return f
}

func (f *fakeApps) List(context.Context) ([]api.App, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []api.App
	for _, a := range f.apps {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b api.App) int { return cmp.Or(b.Priority-a.Priority, cmp.Compare(a.ID, b.ID)) })
	return list, nil
}

func (f *fakeApps) Set(_ context.Context, _ store.Store, a api.App) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.apps[a.ID] = a
	return nil
}

func (f *fakeApps) Delete(_ context.Context, _ store.Store, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.apps, id)
	return nil
}
