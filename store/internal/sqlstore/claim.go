package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

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
		h, err := room.next(ctx)
		if err != nil || h == nil {
			return list, err
		}
		claimed, err := s.take(ctx, c, *h, r)
		if errors.Is(err, store.ErrNotFound) { // it was stopped or deleted meanwhile
			continue
		}
		if err != nil {
			return list, err
		}
		list = append(list, claimed)
	}
	return list, nil
}

// trust binds a runner of a project to that project.
func (s *Store) trust(ctx context.Context, c conn, r *store.ClaimRequest) error {
	if r.RunnerID == nil {
		return nil
	}
	var project sql.NullInt64
	err := c.row(ctx, "SELECT project_id FROM runner WHERE id = $1", []any{*r.RunnerID}, &project)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &store.ReferenceError{Table: "task", Column: "runner_id"}
	case err != nil || !project.Valid:
		return err
	case r.ProjectID != nil && *r.ProjectID != project.Int64:
		r.Max = 0
	default:
		r.ProjectID = &project.Int64
	}
	return nil
}

// take gives a task to who asked.
func (s *Store) take(ctx context.Context, c conn, h head, r store.ClaimRequest) (store.Claimed, error) {
	now, err := s.clock(ctx, c)
	if err != nil {
		return store.Claimed{}, err
	}
	var runner any
	if r.RunnerID != nil {
		runner = *r.RunnerID
	}
	m := s.tables["task"]
	lease := rand.Text()
	claimed := store.Claimed{Resume: h.confirmed, NextSeq: 1}
	// A confirmed task keeps what it was asked.
	query := `UPDATE task SET status = 'starting', attempt = attempt + 1, reason = '', exit_code = 0,
		prompt = CASE WHEN status = 'confirmed' THEN prompt ELSE '' END, lease_owner = $1, runner_id = $2, lease_id = $3,
		lease_until = $4, lease_renewed = $5, start = coalesce(start, $5), unreachable = FALSE, stop_level = '', confirm_before = NULL
		WHERE id = $6 AND status IN ('waiting', 'confirmed') RETURNING ` + m.columns + ", snapshot, secrets"
	found := false
	err = c.each(ctx, query, []any{r.Owner, runner, lease, now.Add(r.TTL).UnixMilli(), now.UnixMilli(), h.id}, func(rows *sql.Rows) (err error) {
		found = true
		claimed.Task, err = scanOne[store.Task](m, rows, &claimed.Snapshot, &claimed.Secrets)
		return err
	})
	if err == nil && !found {
		err = notFound(m, h.id)
	}
	if err != nil {
		return claimed, err
	}
	t := claimed.Task
	c.notice(noticeChanged, t)
	claimed.Lease = store.Lease{ID: lease, TaskID: t.ID, ProjectID: t.ProjectID, Attempt: t.Attempt}
	_, err = c.exec(ctx, `INSERT INTO task_attempt (task_id, project_id, attempt, lease_id, log_seq, finished, late, resumed)
		VALUES ($1, $2, $3, $4, 0, FALSE, FALSE, $5)`, t.ID, t.ProjectID, t.Attempt, lease, h.confirmed)
	return claimed, err
}
