package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// holding is a task seen by one of its leases.
type holding struct {
	store.Task
	valid bool // the lease is held

	// What is known of the lease: nothing where the store never gave it.
	known    bool
	seq      int64 // of the last Append
	finished bool  // by Finish, in time
	late     bool  // by Finish, after its end
	resumed  bool  // the task was confirmed
}

// held returns the task of a lease, which nobody else changes until the
// transaction ends. A task that is gone is an ErrLease.
func (s *Store) held(ctx context.Context, c conn, l store.Lease) (h holding, err error) {
	if err := c.lockTask(ctx, l.ProjectID, l.TaskID); err != nil {
		return h, err
	}
	m := s.tables["task"]
	query := "SELECT " + m.prefixed("t") + `, t.lease_id, coalesce(a.lease_id, ''), coalesce(a.log_seq, 0),
		coalesce(a.finished, FALSE), coalesce(a.late, FALSE), coalesce(a.resumed, FALSE)
		FROM task t LEFT JOIN task_attempt a ON a.task_id = t.id AND a.attempt = $1 WHERE t.id = $2 AND t.project_id = $3`
	found := false
	err = c.each(ctx, query, []any{l.Attempt, l.TaskID, l.ProjectID}, func(rows *sql.Rows) error {
		found = true
		var current, lease string
		if err := m.scan(rows, reflect.ValueOf(&h.Task).Elem(), &current, &lease, &h.seq, &h.finished, &h.late, &h.resumed); err != nil {
			return err
		}
		h.known = lease != "" && lease == l.ID
		h.valid = h.known && h.Status.Leased() && current == l.ID && h.Attempt == l.Attempt
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("task %d is gone: %w", l.TaskID, store.ErrLease)
	}
	return h, err
}

// Extend renews leases.
func (q queue) Extend(ctx context.Context, owner string, leases []store.Lease, ttl time.Duration) ([]store.Signal, error) {
	signals := make([]store.Signal, len(leases))
	if len(leases) == 0 {
		return signals, nil
	}
	err := q.s.write(ctx, func(ctx context.Context, c conn) (err error) {
		for _, i := range byTask(leases) {
			if signals[i], err = q.s.extend(ctx, c, owner, leases[i], ttl); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("extend leases: %w", err)
	}
	return signals, nil
}

// byTask returns the places of leases in the order in which tasks are locked.
func byTask(leases []store.Lease) []int {
	order := make([]int, len(leases))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(leases[a].TaskID, leases[b].TaskID) })
	return order
}

func (s *Store) extend(ctx context.Context, c conn, owner string, l store.Lease, ttl time.Duration) (store.Signal, error) {
	signal := store.Signal{Lease: l}
	now, err := s.clock(ctx, c)
	if err != nil {
		return signal, err
	}
	const held = " WHERE id = $1 AND project_id = $2 AND lease_id = $3 AND attempt = $4 AND status IN ('starting', 'running', 'stopping')"
	key := []any{l.TaskID, l.ProjectID, l.ID, l.Attempt}
	var unreachable bool
	err = c.row(ctx, "SELECT stop_level, unreachable FROM task"+held+c.locking(forChange), key, &signal.Stop, &unreachable)
	if errors.Is(err, store.ErrNotFound) {
		signal.Gone = true
		return signal, nil
	}
	if err != nil {
		return signal, err
	}
	args := append(key, now.Add(ttl).UnixMilli(), now.UnixMilli(), owner)
	_, err = c.exec(ctx, "UPDATE task SET lease_until = $5, lease_renewed = $6, lease_owner = $7, unreachable = FALSE"+held, args...)
	if err == nil && unreachable {
		c.notice(noticeChanged, store.Task{ID: l.TaskID, ProjectID: l.ProjectID})
		err = s.notef(ctx, c, store.Task{ID: l.TaskID, ProjectID: l.ProjectID}, "is reachable again")
	}
	return signal, err
}

// Leases lists the leases that are held.
func (q queue) Leases(ctx context.Context) ([]store.HeldLease, error) {
	list := []store.HeldLease{}
	query := `SELECT id, project_id, lease_id, attempt, lease_owner, runner_id, lease_until FROM task
		WHERE status IN ('starting', 'running', 'stopping') ORDER BY id`
	err := q.s.read().each(ctx, query, nil, func(rows *sql.Rows) error {
		var h store.HeldLease
		var until int64
		err := rows.Scan(&h.Lease.TaskID, &h.Lease.ProjectID, &h.Lease.ID, &h.Lease.Attempt, &h.Owner, &h.RunnerID, &until)
		h.Until = schema.FromMillis(until)
		list = append(list, h)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list leases: %w", err)
	}
	return list, nil
}
