package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

const isFinished = "status IN ('success', 'error', 'stopped')"

// Purge takes a task as soon as one bound of the rule no longer keeps it.
func (q tasks) Purge(ctx context.Context, r store.PurgeRule, limit int) (int, error) {
	if r.ProjectID == 0 {
		return 0, fmt.Errorf("purge rule without a project: %w", store.ErrInvalid)
	}
	if limit <= 0 {
		return 0, nil
	}
	old, err := beyond(ctx, q.s.read(), r, limit)
	if err == nil {
		err = q.s.wipe(ctx, old)
	}
	if err != nil {
		return 0, fmt.Errorf("purge tasks: %w", err)
	}
	return len(old), nil
}

// errEnough ends a walk over rows.
var errEnough = errors.New("enough")

// beyond lists the oldest finished tasks that a rule no longer keeps.
func beyond(ctx context.Context, c conn, r store.PurgeRule, limit int) ([]int64, error) {
	var w where
	w.and("project_id = " + w.arg(r.ProjectID))
	w.and(isFinished)
	if r.TemplateID != 0 {
		w.and("template_id = " + w.arg(r.TemplateID))
	}
	kept, err := firstBeyond(ctx, c, w, r)
	if err != nil {
		return nil, err
	}
	var either string
	if kept > 0 {
		either = "id <= " + w.arg(kept)
	}
	if !r.Before.IsZero() {
		if either != "" {
			either += " OR "
		}
		either += `"end" < ` + w.arg(schema.Millis(r.Before))
	}
	if either == "" {
		return nil, nil
	}
	w.and("(" + either + ")")
	return c.ids(ctx, "SELECT id FROM task"+w.text()+" ORDER BY id LIMIT "+w.arg(limit), w.args...)
}

// firstBeyond finds the newest task that is beyond a bound of number or size,
// with which all older ones are; 0 for none.
func firstBeyond(ctx context.Context, c conn, w where, r store.PurgeRule) (id int64, err error) {
	if r.Keep <= 0 && r.KeepBytes <= 0 {
		return 0, nil
	}
	query := "SELECT id, log_bytes FROM task" + w.text() + " ORDER BY id DESC"
	if r.KeepBytes <= 0 {
		query += " LIMIT 1 OFFSET " + placeholder(len(w.args)+1)
		w.args = append(slices.Clone(w.args), r.Keep)
	}
	count, size := 0, int64(0)
	err = c.each(ctx, query, w.args, func(rows *sql.Rows) error {
		var bytes int64
		if err := rows.Scan(&id, &bytes); err != nil {
			return err
		}
		count++
		size += bytes
		if r.KeepBytes <= 0 || r.Keep > 0 && count > r.Keep || size > r.KeepBytes {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		return id, nil
	case err != nil:
		return 0, err
	}
	return 0, nil
}
