package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

const defaultExpire = 100

// Expire deals with leases that were not renewed.
func (q queue) Expire(ctx context.Context, e store.Expiry) (list []store.Expired, err error) {
	if e.Limit <= 0 {
		e.Limit = defaultExpire
	}
	// Mostly there is nothing to do, which takes no writer.
	due, err := q.s.due(ctx, q.s.read(), e)
	if err == nil && len(due) > 0 {
		err = q.s.durable(ctx, func(ctx context.Context, c conn) error {
			list, err = q.s.expire(ctx, c, e)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("expire leases: %w", err)
	}
	return list, nil
}

// othersLeases are the tasks that have a worker which does not belong to $1.
const othersLeases = `SELECT id, status, attempt, max_retries, lost_after, lease_owner, unreachable, runner_id, lease_renewed, lease_until
	FROM task WHERE status IN ('starting', 'running', 'stopping') AND lease_owner <> $1`

func scanOverdue(rows *sql.Rows, e store.Expiry, now time.Time) (overdue, error) {
	var t store.Task
	var renewed, until int64
	err := rows.Scan(&t.ID, &t.Status, &t.Attempt, &t.MaxRetries, &t.LostAfter, &t.Owner, &t.Unreachable, &t.RunnerID, &renewed, &until)
	if err != nil {
		return overdue{}, err
	}
	return outcome(t, e, now, schema.FromMillis(renewed), schema.FromMillis(until)), nil
}

// still locks a task that was due and tells what is to be done about it by now:
// its worker may have been heard of meanwhile.
func (s *Store) still(ctx context.Context, c conn, e store.Expiry, o overdue) (overdue, error) {
	if !s.dialect.RowLocks {
		return o, nil
	}
	now, err := s.clock(ctx, c)
	if err != nil {
		return o, err
	}
	if o.outcome == store.BecameUnconfirmed {
		found, err := c.exists(ctx, "SELECT id FROM task WHERE id = $1 AND status = 'waiting_confirmation' AND confirm_before <= $2"+
			forChange, o.id, now.UnixMilli())
		if !found {
			o.outcome = ""
		}
		return o, err
	}
	o.outcome = ""
	err = c.each(ctx, othersLeases+" AND id = $2"+forChange, []any{e.Self, o.id}, func(rows *sql.Rows) (err error) {
		o, err = scanOverdue(rows, e, now)
		return err
	})
	return o, err
}

// overdue is a task with what is to become of it.
type overdue struct {
	id      int64
	outcome store.ExpiryOutcome
	stopped bool // it was to stop, and its worker is proven dead
}

// due lists tasks that something is to be done about.
func (s *Store) due(ctx context.Context, c conn, e store.Expiry) ([]overdue, error) {
	now, err := s.clock(ctx, c)
	if err != nil {
		return nil, err
	}
	var list []overdue
	// Those with a worker are few: the limits bound them.
	err = c.each(ctx, othersLeases, []any{e.Self}, func(rows *sql.Rows) error {
		o, err := scanOverdue(rows, e, now)
		if o.outcome != "" {
			list = append(list, o)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	unconfirmed, err := c.ids(ctx, `SELECT id FROM task WHERE status = 'waiting_confirmation' AND confirm_before <= $1
		ORDER BY confirm_before LIMIT $2`, now.UnixMilli(), e.Limit+len(e.Spare))
	for _, id := range unconfirmed {
		list = append(list, overdue{id: id, outcome: store.BecameUnconfirmed})
	}
	list = slices.DeleteFunc(list, func(o overdue) bool { return slices.Contains(e.Spare, o.id) })
	slices.SortFunc(list, func(a, b overdue) int { return int(min(max(a.id-b.id, -1), 1)) })
	return list[:min(len(list), e.Limit)], err
}

// outcome tells what is to become of a task with a worker, "" for nothing.
func outcome(t store.Task, e store.Expiry, now, renewed, until time.Time) overdue {
	dead := e.AllDead && t.RunnerID == nil || slices.Contains(e.Dead, t.Owner)
	lostAfter := time.Duration(t.LostAfter) * time.Millisecond
	o := overdue{id: t.ID}
	switch {
	case dead, !e.Calm && lostAfter > 0 && now.Sub(renewed) >= lostAfter:
		o.outcome = store.BecameLost
		if t.Status != store.Stopping && t.Attempt <= t.MaxRetries {
			o.outcome = store.BecameWaiting
		}
		o.stopped = dead && t.Status == store.Stopping
	case !t.Unreachable && !now.Before(until):
		o.outcome = store.BecameUnreachable
	}
	return o
}

func (s *Store) expire(ctx context.Context, c conn, e store.Expiry) ([]store.Expired, error) {
	due, err := s.due(ctx, c, e)
	if err != nil {
		return nil, err
	}
	var list []store.Expired
	for _, o := range due {
		if o, err = s.still(ctx, c, e, o); err != nil {
			return nil, err
		}
		if o.outcome == "" {
			continue
		}
		t, what, err := s.expireOne(ctx, c, o)
		if err != nil {
			return nil, err
		}
		if err := s.notef(ctx, c, t, "%s", what); err != nil {
			return nil, err
		}
		list = append(list, store.Expired{Task: t, Outcome: o.outcome})
	}
	return list, nil
}

func (s *Store) expireOne(ctx context.Context, c conn, o overdue) (t store.Task, what string, err error) {
	switch o.outcome {
	case store.BecameUnreachable:
		t, err = s.change(ctx, c, "UPDATE task SET unreachable = TRUE WHERE id = $1", o.id)
		if err == nil {
			err = s.tell(ctx, c, store.OutboxUnreachable, t)
		}
		return t, "is unreachable: its worker has not been heard of", err
	case store.BecameWaiting:
		t, err = s.pause(ctx, c, o.id, store.Waiting, "", nil)
		return t, "waits again: " + store.LostReason, err
	case store.BecameUnconfirmed:
		t, err = s.end(ctx, c, o.id, store.Failed, store.UnconfirmedReason, 0)
		return t, "ended: " + store.UnconfirmedReason, err
	default:
		next := store.Failed
		if o.stopped {
			next = store.Stopped
		}
		t, err = s.end(ctx, c, o.id, next, store.LostReason, 0)
		return t, "ended: " + store.LostReason, err
	}
}
