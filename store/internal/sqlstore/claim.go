package sqlstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

type queue struct{ s *Store }

// Claim hands out tasks.
func (q queue) Claim(ctx context.Context, r store.ClaimRequest) (list []store.Claimed, err error) {
	if r.Owner == "" {
		return nil, fmt.Errorf("claim without an owner: %w", store.ErrInvalid)
	}
	if r.Max <= 0 || len(r.Tags) == 0 {
		return nil, nil
	}
	// Most polls find nothing: they do not take the writer for it.
	waiting, err := q.waiting(ctx, r.Tags)
	if err == nil && waiting {
		err = q.s.durable(ctx, func(ctx context.Context, c conn) error {
			list, err = q.s.claim(ctx, c, r)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("claim tasks: %w", err)
	}
	return list, nil
}

func (q queue) waiting(ctx context.Context, tags []string) (bool, error) {
	c := q.s.read()
	for _, tag := range tags {
		found, err := c.exists(ctx, "SELECT 1 FROM task WHERE runner_tag = $1 AND status IN ('waiting', 'confirmed') LIMIT 1", tag)
		if err != nil || found {
			return found, err
		}
	}
	return false, nil
}

func (s *Store) claim(ctx context.Context, c conn, r store.ClaimRequest) ([]store.Claimed, error) {
	if s.dialect.ClaimLock != "" {
		if _, err := c.exec(ctx, s.dialect.ClaimLock); err != nil {
			return nil, err
		}
	}
	if err := s.trust(ctx, c, &r); err != nil {
		return nil, err
	}
	room, err := newRoom(ctx, c, r)
	if err != nil {
		return nil, err
	}
	var list []store.Claimed
	for len(list) < r.Max && room.free > 0 {
		heads, err := room.choose(ctx, r.Max-len(list))
		if err != nil || len(heads) == 0 {
			return list, err
		}
		taken, err := s.take(ctx, c, heads, r) // fewer where one was stopped or deleted meanwhile
		if err != nil {
			return nil, err
		}
		list = append(list, taken...)
	}
	return list, nil
}

// trust binds a runner of a project to that project, and each to its limit.
func (s *Store) trust(ctx context.Context, c conn, r *store.ClaimRequest) error {
	if r.RunnerID == nil {
		return nil
	}
	var project sql.NullInt64
	var limit, held int
	err := c.row(ctx, `SELECT project_id, max_parallel_tasks,
		(SELECT count(*) FROM task WHERE runner_id = $1 AND status IN ('starting', 'running', 'stopping'))
		FROM runner WHERE id = $1`, []any{*r.RunnerID}, &project, &limit, &held)
	if errors.Is(err, store.ErrNotFound) {
		return &store.ReferenceError{Table: "task", Column: "runner_id"}
	}
	if err != nil {
		return err
	}
	if limit > 0 {
		r.Max = min(r.Max, limit-held)
	}
	switch {
	case !project.Valid:
	case r.ProjectID != nil && *r.ProjectID != project.Int64:
		r.Max = 0
	default:
		r.ProjectID = &project.Int64
	}
	return nil
}

// take gives tasks to who asked.
func (s *Store) take(ctx context.Context, c conn, heads []head, r store.ClaimRequest) ([]store.Claimed, error) {
	now, err := s.clock(ctx, c)
	if err != nil {
		return nil, err
	}
	list := make([]store.Claimed, 0, len(heads))
	for _, resume := range []bool{false, true} {
		ids := []int64{}
		for _, h := range heads {
			if h.confirmed == resume {
				ids = append(ids, h.id)
			}
		}
		if len(ids) == 0 {
			continue
		}
		taken, err := s.takeAlike(ctx, c, ids, resume, now, r)
		if err != nil {
			return nil, err
		}
		list = append(list, taken...)
	}
	slices.SortFunc(list, func(a, b store.Claimed) int { return cmp.Compare(a.Task.ID, b.Task.ID) })
	return list, nil
}

// takeAlike takes tasks that are alike in whether they were confirmed, all in two
// statements. A confirmed task keeps what it was asked.
func (s *Store) takeAlike(ctx context.Context, c conn, ids []int64, resume bool, now time.Time, r store.ClaimRequest) ([]store.Claimed, error) {
	var runner any
	if r.RunnerID != nil {
		runner = *r.RunnerID
	}
	which, err := json.Marshal(ids)
	if err != nil {
		return nil, fmt.Errorf("encode ids: %w", err)
	}
	m := s.tables["task"]
	query := `UPDATE task SET status = 'starting', attempt = attempt + 1, reason = '', exit_code = 0,
		prompt = CASE WHEN status = 'confirmed' THEN prompt ELSE '' END, lease_owner = $1, runner_id = $2, lease_id = $3 || CAST(id AS TEXT),
		lease_until = $4, lease_renewed = $5, start = coalesce(start, $5), unreachable = FALSE, stop_level = '', confirm_before = NULL
		WHERE id IN (` + s.dialect.IDs("$6") + `) AND status IN ('waiting', 'confirmed') RETURNING ` + m.columns + ", snapshot, secrets, lease_id"
	var list []store.Claimed
	args := []any{r.Owner, runner, rand.Text() + "-", now.Add(r.TTL).UnixMilli(), now.UnixMilli(), string(which)}
	err = c.each(ctx, query, args, func(rows *sql.Rows) (err error) {
		claimed := store.Claimed{Resume: resume, NextSeq: 1}
		claimed.Task, err = scanOne[store.Task](m, rows, &claimed.Snapshot, &claimed.Secrets, &claimed.Lease.ID)
		t := claimed.Task
		claimed.Lease.TaskID, claimed.Lease.ProjectID, claimed.Lease.Attempt = t.ID, t.ProjectID, t.Attempt
		list = append(list, claimed)
		return err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	ids = ids[:0]
	for i := range list {
		ids = append(ids, list[i].Task.ID)
		c.notice(noticeChanged, list[i].Task)
	}
	if which, err = json.Marshal(ids); err != nil {
		return nil, fmt.Errorf("encode ids: %w", err)
	}
	_, err = c.exec(ctx, `INSERT INTO task_attempt (task_id, project_id, attempt, lease_id, log_seq, finished, late, resumed)
		SELECT id, project_id, attempt, lease_id, 0, FALSE, FALSE, CAST($1 AS BOOLEAN) FROM task
		WHERE id IN (`+s.dialect.IDs("$2")+")", resume, string(which))
	return list, err
}
