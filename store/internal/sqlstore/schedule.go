package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

type schedules struct{ table[store.Schedule] }

// Due lists those without a next run first.
func (s schedules) Due(ctx context.Context, now time.Time, limit int) ([]store.Schedule, error) {
	query := "SELECT " + s.m.columns + ` FROM schedule WHERE active AND (next_run IS NULL OR next_run <= $1)
		ORDER BY next_run ASC NULLS FIRST, id LIMIT $2`
	list, err := scanAll[store.Schedule](ctx, s.s.read(), s.m, query, schema.Millis(now), max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("list due schedules: %w", err)
	}
	return list, nil
}

// Next tells the earliest next run.
func (s schedules) Next(ctx context.Context) (time.Time, error) {
	var first sql.NullInt64
	err := s.s.read().row(ctx, "SELECT min(next_run) FROM schedule WHERE active", nil, &first)
	if err != nil {
		return time.Time{}, fmt.Errorf("find next schedule: %w", err)
	}
	return schema.FromMillis(first.Int64), nil
}

// Advance moves a schedule on.
func (s schedules) Advance(ctx context.Context, id int64, prev *time.Time, a store.Advance) error {
	err := s.s.write(ctx, func(ctx context.Context, c conn) error {
		if err := s.s.advance(ctx, c, id, prev, a); err != nil || !a.Delete {
			return err
		}
		return s.s.erase(ctx, c, s.m, id)
	})
	if err != nil {
		return fmt.Errorf("advance schedule: %w", err)
	}
	return nil
}

// advance moves a schedule on but does not delete it. One that is gone has
// moved too.
func (s *Store) advance(ctx context.Context, c conn, id int64, prev *time.Time, a store.Advance) error {
	n, err := c.exec(ctx, `UPDATE schedule SET next_run = $1, last_error = $2, last_run = coalesce($3, last_run),
		last_commit_hash = coalesce($4, last_commit_hash), active = active AND NOT $5
		WHERE id = $6 AND next_run IS NOT DISTINCT FROM $7`,
		stamp(a.NextRun), a.Error, stamp(a.LastRun), text(a.Commit), a.Deactivate, id, stamp(prev))
	if err == nil && n == 0 {
		err = fmt.Errorf("schedule %d: %w", id, store.ErrMoved)
	}
	return err
}

// stamp is a time as it is stored.
func stamp(t *time.Time) any {
	if t == nil {
		return nil
	}
	return schema.Millis(*t)
}

// text is a text that may have no value.
func text(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}
