package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// settled is what a copy needs so that nothing of it begins by itself: $1 is the
// time.
var settled = []string{
	`UPDATE task SET status = CASE WHEN status IN ('waiting', 'confirmed') THEN 'stopped' ELSE 'error' END,
		reason = CASE WHEN status IN ('waiting', 'confirmed') THEN 'waited when the restored copy was made'
			ELSE 'ran when the restored copy was made' END,
		"end" = $1, secrets = NULL, prompt = '', confirm_before = NULL, lease_owner = '', lease_id = '', unreachable = FALSE
		WHERE status IN ('waiting', 'confirmed', 'starting', 'running', 'stopping')`,
	"UPDATE task_attempt SET finished = TRUE WHERE finished = FALSE",
	"DELETE FROM task_bundle WHERE task_id NOT IN (SELECT id FROM task WHERE status = 'waiting_confirmation')",
	"DELETE FROM terraform_state_lock",
	"DELETE FROM outbox",
}

// settle ends what waits or runs in a copy that nobody has open, and counts it.
func settle(ctx context.Context, file string, now time.Time) (ended int64, err error) {
	db, err := sql.Open("sqlite", dsn(file, "_txlock=immediate", "_pragma=foreign_keys(1)", "_pragma=synchronous(FULL)"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, fault(err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	for i, query := range settled {
		args := []any{}
		if i == 0 {
			args = append(args, now.UnixMilli())
		}
		res, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return 0, fmt.Errorf("end what waits in the copy: %w", fault(err))
		}
		if i == 0 {
			if ended, err = res.RowsAffected(); err != nil {
				return 0, err
			}
		}
	}
	return ended, fault(tx.Commit())
}
