package sqlite

import "context"

// WriterLock is the queue of writers.
type WriterLock struct{ writerLock }

// Acquire takes a turn.
func (l *WriterLock) Acquire(ctx context.Context, bulk bool) error { return l.acquire(ctx, bulk) }

// Release gives it back.
func (l *WriterLock) Release() { l.release() }

// BulkTurn is after how many turns of others bulk work gets one.
const BulkTurn = bulkTurn
