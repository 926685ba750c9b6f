package crash

import (
	"context"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// faultyQueue lets calls of Queue fail.
type faultyQueue struct {
	store.TaskQueue
	f *Faults
}

func (q faultyQueue) Claim(ctx context.Context, r store.ClaimRequest) ([]store.Claimed, error) {
	return call(q.f, "Queue.Claim", func() ([]store.Claimed, error) { return q.TaskQueue.Claim(ctx, r) })
}

func (q faultyQueue) Extend(ctx context.Context, owner string, leases []store.Lease, ttl time.Duration) ([]store.Signal, error) {
	return call(q.f, "Queue.Extend", func() ([]store.Signal, error) { return q.TaskQueue.Extend(ctx, owner, leases, ttl) })
}

func (q faultyQueue) Append(ctx context.Context, l store.Lease, a store.Append) error {
	return act(q.f, "Queue.Append", func() error { return q.TaskQueue.Append(ctx, l, a) })
}

func (q faultyQueue) Finish(ctx context.Context, l store.Lease, r store.Finish) (store.Task, error) {
	return call(q.f, "Queue.Finish", func() (store.Task, error) { return q.TaskQueue.Finish(ctx, l, r) })
}

func (q faultyQueue) Expire(ctx context.Context, e store.Expiry) ([]store.Expired, error) {
	return call(q.f, "Queue.Expire", func() ([]store.Expired, error) { return q.TaskQueue.Expire(ctx, e) })
}

func (q faultyQueue) Outbox(ctx context.Context, now time.Time, limit int) ([]store.OutboxEntry, error) {
	return call(q.f, "Queue.Outbox", func() ([]store.OutboxEntry, error) { return q.TaskQueue.Outbox(ctx, now, limit) })
}

func (q faultyQueue) Settle(ctx context.Context, id int64, retry *time.Time) error {
	return act(q.f, "Queue.Settle", func() error { return q.TaskQueue.Settle(ctx, id, retry) })
}

func (q faultyQueue) Leases(ctx context.Context) ([]store.HeldLease, error) {
	return call(q.f, "Queue.Leases", func() ([]store.HeldLease, error) { return q.TaskQueue.Leases(ctx) })
}

// faultySchedules lets calls of Schedules fail.
type faultySchedules struct {
	store.ScheduleStore
	f *Faults
}

func (s faultySchedules) Get(ctx context.Context, scope, id int64) (store.Schedule, error) {
	return call(s.f, "Schedules.Get", func() (store.Schedule, error) { return s.ScheduleStore.Get(ctx, scope, id) })
}

func (s faultySchedules) Due(ctx context.Context, now time.Time, limit int) ([]store.Schedule, error) {
	return call(s.f, "Schedules.Due", func() ([]store.Schedule, error) { return s.ScheduleStore.Due(ctx, now, limit) })
}

func (s faultySchedules) Next(ctx context.Context) (time.Time, error) {
	return call(s.f, "Schedules.Next", func() (time.Time, error) { return s.ScheduleStore.Next(ctx) })
}

func (s faultySchedules) Advance(ctx context.Context, id int64, prev *time.Time, a store.Advance) error {
	return act(s.f, "Schedules.Advance", func() error { return s.ScheduleStore.Advance(ctx, id, prev, a) })
}
