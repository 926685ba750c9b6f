package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// Purge takes a task as soon as one bound of the rule no longer keeps it.
func (q tasks) Purge(ctx context.Context, r store.PurgeRule, limit int) (n int, err error) {
	if r.ProjectID == 0 {
		return 0, fmt.Errorf("purge rule without a project: %w", store.ErrInvalid)
	}
	err = q.s.write(ctx, func(st *state) error {
		old := st.beyond(r)
		slices.Sort(old)
		old = old[:min(len(old), max(limit, 0))]
		n = len(old)
		return st.erase(st.cat.task, old)
	})
	return n, err
}

// beyond lists the finished tasks that a rule no longer keeps.
func (st *state) beyond(r store.PurgeRule) []int64 {
	e := st.cat.task
	var old []int64
	var count int
	var size int64
	for id, rec := range st.rows(e).all(true) {
		if e.int(rec, "project_id") != r.ProjectID || r.TemplateID != 0 && e.int(rec, "template_id") != r.TemplateID ||
			!store.Status(e.text(rec, "status")).Finished() {
			continue
		}
		count++
		size += e.int(rec, "log_bytes")
		switch {
		case !r.Before.IsZero() && e.int(rec, "end") < schema.Millis(r.Before),
			r.Keep > 0 && count > r.Keep,
			r.KeepBytes > 0 && size > r.KeepBytes:
			old = append(old, id)
		}
	}
	return old
}
