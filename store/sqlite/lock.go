package sqlite

import (
	"context"
	"fmt"
	"sync"
)

// bulkTurn is after how many turns of others bulk work gets one, however many
// still wait.
const bulkTurn = 64

// writerLock lets one writer in at a time, in the order in which they came, bulk
// work behind all others.
type writerLock struct {
	mu     sync.Mutex
	held   bool
	queue  []chan struct{}
	bulk   []chan struct{}
	passed int // turns since bulk work had one, while some waited
}

// acquire waits for the turn, or for the end of ctx.
func (l *writerLock) acquire(ctx context.Context, bulk bool) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write to database: %w", err)
	}
	l.mu.Lock()
	if !l.held {
		l.held = true
		l.mu.Unlock()
		return nil
	}
	queue := &l.queue
	if bulk {
		queue = &l.bulk
	}
	turn := make(chan struct{})
	*queue = append(*queue, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	for i, other := range *queue {
		if other == turn {
			*queue = append((*queue)[:i], (*queue)[i+1:]...)
			l.mu.Unlock()
			return fmt.Errorf("wait for other writers: %w", ctx.Err())
		}
	}
	l.mu.Unlock() // the turn came at the same moment
	l.release()
	return fmt.Errorf("wait for other writers: %w", ctx.Err())
}

// try takes the turn if nobody has it.
func (l *writerLock) try() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held {
		return false
	}
	l.held = true
	return true
}

// release gives the turn to who is next.
func (l *writerLock) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := &l.queue
	switch {
	case len(l.bulk) == 0:
		l.passed = 0
	case len(l.queue) == 0, l.passed >= bulkTurn:
		queue, l.passed = &l.bulk, 0
	default:
		l.passed++
	}
	if len(*queue) == 0 {
		l.held = false
		return
	}
	turn := (*queue)[0]
	*queue = (*queue)[1:]
	close(turn)
}
