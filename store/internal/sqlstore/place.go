package sqlstore

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// Place tells where an unfinished task stands.
func (q tasks) Place(ctx context.Context, project, id int64, maxParallel int) (place store.Place, err error) {
	c := q.s.read()
	t, err := q.s.task(ctx, c, project, id)
	switch {
	case err != nil:
		return place, err
	case t.Status == store.WaitingConfirmation:
		return store.Place{Reason: store.WaitConfirmation}, nil
	case !t.Status.Claimable():
		return place, nil
	}
	err = c.row(ctx, "SELECT count(*) FROM task WHERE status IN ('waiting', 'confirmed') AND id <= $1", []any{id}, &place.Position)
	if err == nil {
		place.Reason, place.Tasks, err = blockers(ctx, c, t, maxParallel)
	}
	if err != nil {
		return store.Place{}, fmt.Errorf("find place of task %d: %w", id, err)
	}
	return place, nil
}

// blockers tells why a claimable task cannot start, and behind which ones.
func blockers(ctx context.Context, c conn, t store.Task, maxParallel int) (store.WaitReason, []int64, error) {
	query := `SELECT id FROM task WHERE template_id = $1 AND id <> $2 AND NOT (parallel AND $3)
		AND status IN ('starting', 'running', 'stopping', 'waiting_confirmation', 'confirmed')`
	if t.Status == store.Confirmed {
		query += " AND status IN ('starting', 'running', 'stopping')"
	}
	list, err := c.ids(ctx, query+" ORDER BY id", t.TemplateID, t.ID, t.Parallel)
	if err != nil || len(list) > 0 {
		return store.WaitTemplate, list, err
	}
	var limit int
	err = c.row(ctx, "SELECT max_parallel_tasks FROM project WHERE id = $1", []any{t.ProjectID}, &limit)
	if err != nil {
		return "", nil, err
	}
	const leased = " FROM task WHERE status IN ('starting', 'running', 'stopping')"
	list, err = c.ids(ctx, "SELECT id"+leased+" AND project_id = $1 ORDER BY id", t.ProjectID)
	if err != nil || limit > 0 && len(list) >= limit {
		return store.WaitProject, list, err
	}
	if maxParallel > 0 {
		var all int
		err = c.row(ctx, "SELECT count(*)"+leased, nil, &all)
		if err != nil || all >= maxParallel {
			return store.WaitGlobal, list, err
		}
	}
	return store.WaitWorker, nil, nil
}
