package memory

import (
	"context"
	"os"
	"sync"

	"github.com/alexandervashurin/semaphore/store"
)

// earSize bounds the notices that wait for a listener; more are dropped, for
// they are hints.
const earSize = 1024

type ear struct{ c chan store.Notice }

// Listen calls f for the notices of all Stores on the same data until ctx ends,
// and returns its error.
func (s *Store) Listen(ctx context.Context, f func(store.Notice)) error {
	e := &ear{c: make(chan store.Notice, earSize)}
	s.mu.Lock()
	s.ears[e] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.ears, e)
	}()
	for {
		select {
		case n := <-e.c:
			f(n)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tell never waits for a listener.
func (s *Store) tell(notices []store.Notice) {
	if len(notices) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := range s.ears {
		for _, n := range notices {
			select {
			case e.c <- n:
			default:
			}
		}
	}
}

// The kinds of notices.
const (
	noticeAdded   = "added"
	noticeChanged = "changed"
	noticeStop    = "stop"
)

func (st *state) notice(kind string, t store.Task) {
	st.notices = append(st.notices, store.Notice{Kind: kind, ProjectID: t.ProjectID, TaskID: t.ID})
}

// Own takes the store for one pool. A second one gets a *store.OwnedError until
// the first has released it.
func (s *Store) Own(context.Context) (release func() error, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owned {
		return nil, &store.OwnedError{File: "store in memory", PID: os.Getpid()}
	}
	s.owned = true
	var once sync.Once
	return func() error {
		once.Do(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.owned = false
		})
		return nil
	}, nil
}
