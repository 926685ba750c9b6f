package sqlite

import (
	"context"

	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// WriterLock is the queue of writers.
type WriterLock struct{ writerLock }

// Acquire takes a turn.
func (l *WriterLock) Acquire(ctx context.Context, bulk bool) error { return l.acquire(ctx, bulk) }

// Release gives it back.
func (l *WriterLock) Release() { l.release() }

// BulkTurn is after how many turns of others bulk work gets one.
const BulkTurn = bulkTurn

// OpenEngine returns the engine beneath a Store.
func OpenEngine(ctx context.Context, path string) (sqlstore.Engine, error) {
	return openEngine(ctx, path, Config{}.withDefaults())
}
