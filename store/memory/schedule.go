package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

type schedules struct{ rows[store.Schedule] }

func (s schedules) Due(ctx context.Context, now time.Time, limit int) ([]store.Schedule, error) {
	st, err := s.s.view(ctx)
	if err != nil {
		return nil, err
	}
	next := s.e.number["next_run"]
	var due []record
	for _, rec := range st.rows(s.e).all(false) {
		if at, ok := rec[next].(int64); s.e.bool(rec, "active") && (!ok || at <= schema.Millis(now)) {
			due = append(due, rec)
		}
	}
	slices.SortStableFunc(due, func(a, b record) int { return compare(a[next], b[next]) })
	return loadAll[store.Schedule](s.e, due[:min(len(due), max(limit, 0))])
}

func (s schedules) Next(ctx context.Context) (time.Time, error) {
	st, err := s.s.view(ctx)
	if err != nil {
		return time.Time{}, err
	}
	var first int64
	for _, rec := range st.rows(s.e).all(false) {
		if at, ok := rec[s.e.number["next_run"]].(int64); ok && s.e.bool(rec, "active") && (first == 0 || at < first) {
			first = at
		}
	}
	return schema.FromMillis(first), nil
}

func (s schedules) Advance(ctx context.Context, id int64, prev *time.Time, a store.Advance) error {
	return s.s.write(ctx, func(st *state) error {
		if err := st.advance(id, prev, a); err != nil || !a.Delete {
			return err
		}
		return st.erase(st.cat.schedule, []int64{id})
	})
}

// advance moves a schedule on but does not delete it. One that is gone has
// moved too.
func (st *state) advance(id int64, prev *time.Time, a store.Advance) error {
	e := st.cat.schedule
	rec, ok := st.rows(e).get(id)
	if !ok || rec[e.number["next_run"]] != millisOf(prev) {
		return fmt.Errorf("schedule %d: %w", id, store.ErrMoved)
	}
	rec = slices.Clone(rec)
	rec[e.number["next_run"]] = millisOf(a.NextRun)
	rec[e.number["last_error"]] = a.Error
	if a.LastRun != nil {
		rec[e.number["last_run"]] = millisOf(a.LastRun)
	}
	if a.Commit != nil {
		rec[e.number["last_commit_hash"]] = *a.Commit
	}
	if a.Deactivate {
		rec[e.number["active"]] = false
	}
	return st.update(e, rec)
}

func millisOf(t *time.Time) any {
	if t == nil {
		return nil
	}
	return schema.Millis(*t)
}
