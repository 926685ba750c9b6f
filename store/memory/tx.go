package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

var errEnded = errors.New("transaction has ended: use its store only inside InTx")

// transaction is the state that a transaction works on.
type transaction struct {
	mu    sync.Mutex
	st    *state
	ended bool
}

// clock returns the time as it is stored: in milliseconds, UTC.
func (s *Store) clock() time.Time { return time.UnixMilli(s.now().UnixMilli()).UTC() }

// view returns a state to read from.
func (s *Store) view(ctx context.Context) (*state, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read store: %w", err)
	}
	if s.tx == nil {
		return s.last.Load(), nil
	}
	s.tx.mu.Lock()
	defer s.tx.mu.Unlock()
	if s.tx.ended {
		return nil, errEnded
	}
	return s.tx.st, nil
}

// write calls f with a state to change, and keeps the change if f returns nil.
func (s *Store) write(ctx context.Context, f func(st *state) error) error {
	if s.tx != nil {
		return s.tx.write(ctx, s.clock(), f)
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	next := s.last.Load().copy(s.clock())
	if err := f(next); err != nil {
		return err
	}
	s.publish(next)
	return nil
}

func (tx *transaction) write(ctx context.Context, at time.Time, f func(st *state) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write store: %w", err)
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.ended {
		return errEnded
	}
	next := tx.st.copy(at)
	if err := f(next); err != nil {
		return err
	}
	tx.st = next
	return nil
}

// InTx calls f with a Store that works on a snapshot, which replaces the state
// when f returns nil. Other writers wait; readers go on with what was committed.
func (s *Store) InTx(ctx context.Context, f func(ctx context.Context, tx store.Store) error) error {
	if s.tx != nil {
		if _, err := s.view(ctx); err != nil {
			return err
		}
		return f(ctx, s)
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	tx := &transaction{st: s.last.Load().copy(s.clock())}
	defer tx.end()
	if err := f(ctx, &Store{database: s.database, tx: tx}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	s.publish(tx.end())
	return nil
}

func (tx *transaction) end() *state {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.ended = true
	return tx.st
}

func (s *Store) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write store: %w", err)
	}
	select {
	case s.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for another writer: %w", ctx.Err())
	}
}

func (s *Store) release() { <-s.lock }

// publish makes a state the committed one. The caller holds the lock.
func (s *Store) publish(next *state) {
	notices := next.notices
	next.notices = nil
	s.last.Store(next)
	s.tell(notices)
}
