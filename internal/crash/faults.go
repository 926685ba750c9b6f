package crash

import (
	"context"
	"maps"
	"sync"

	"github.com/alexandervashurin/semaphore/store"
)

// Faults makes one call of a store fail: the Call-th one of Method since
// [Faults.Arm]. Methods are named as "Queue.Claim"; those of queue, tasks, logs,
// schedules and artifacts are known, and "InTx".
type Faults struct {
	Method string
	Call   int
	Err    error
	After  bool // the call does its work, and its answer is lost

	mu     sync.Mutex
	armed  bool
	counts map[string]int
	fired  int
}

// Base is a store that one pool owns, and that tells others what has changed.
type Base interface {
	store.Store
	store.Owned
	store.Listener
}

// Wrap returns a store whose calls may fail.
func (f *Faults) Wrap(st Base) store.Store {
	return struct {
		faultyStore
		store.Owned
		store.Listener
	}{faultyStore{st, f}, st, st}
}

// Arm begins to count calls.
func (f *Faults) Arm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.counts = true, map[string]int{}
}

// Fired tells how often a call was made to fail.
func (f *Faults) Fired() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired
}

// Counts tells how many calls of each method there were.
func (f *Faults) Counts() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.counts)
}

// next counts a call and tells whether it is the one that fails.
func (f *Faults) next(method string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.armed {
		return false
	}
	f.counts[method]++
	return method == f.Method && f.counts[method] == f.Call
}

func (f *Faults) fire() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fired++
	return f.Err
}

// call makes a call, or fails before or after it.
func call[T any](f *Faults, method string, do func() (T, error)) (T, error) {
	var none T
	fails := f.next(method)
	if fails && !f.After {
		return none, f.fire()
	}
	v, err := do()
	if fails {
		return none, f.fire()
	}
	return v, err
}

// act is call for methods that answer an error only.
func act(f *Faults, method string, do func() error) error {
	_, err := call(f, method, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// faultyStore is a store, or one inside of a transaction.
type faultyStore struct {
	store.Store
	f *Faults
}

func (s faultyStore) Tasks() store.TaskStore { return faultyTasks{s.Store.Tasks(), s.f} }
func (s faultyStore) Queue() store.TaskQueue { return faultyQueue{s.Store.Queue(), s.f} }
func (s faultyStore) Logs() store.LogStore   { return faultyLogs{s.Store.Logs(), s.f} }
func (s faultyStore) Schedules() store.ScheduleStore {
	return faultySchedules{s.Store.Schedules(), s.f}
}
func (s faultyStore) Artifacts() store.ArtifactStore {
	return faultyArtifacts{s.Store.Artifacts(), s.f}
}

func (s faultyStore) InTx(ctx context.Context, f func(ctx context.Context, tx store.Store) error) error {
	return act(s.f, "InTx", func() error {
		return s.Store.InTx(ctx, func(ctx context.Context, tx store.Store) error { return f(ctx, faultyStore{tx, s.f}) })
	})
}
