package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

type artifacts struct{ s *Store }

// TerraformAliases returns the addresses of states.
func (a artifacts) TerraformAliases() store.Table[store.TerraformAlias] {
	return of[store.TerraformAlias](a.s)
}

// LockState gives a state to a task.
func (a artifacts) LockState(ctx context.Context, key store.StateKey, by store.StateLock) (holder store.StateLock, err error) {
	err = a.s.write(ctx, func(ctx context.Context, c conn) error {
		if err := a.checkKey(ctx, c, key); err != nil {
			return err
		}
		holder = by
		n, err := c.exec(ctx, `INSERT INTO terraform_state_lock (project_id, template_id, workspace, task_id, attempt) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (project_id, template_id, workspace) DO UPDATE SET attempt = excluded.attempt
			WHERE terraform_state_lock.task_id = excluded.task_id AND terraform_state_lock.attempt <= excluded.attempt`,
			key.ProjectID, key.TemplateID, key.Workspace, by.TaskID, by.Attempt)
		if err != nil || n > 0 {
			return err
		}
		err = c.row(ctx, "SELECT task_id, attempt FROM terraform_state_lock WHERE project_id = $1 AND template_id = $2 AND workspace = $3",
			[]any{key.ProjectID, key.TemplateID, key.Workspace}, &holder.TaskID, &holder.Attempt)
		if err == nil {
			err = fmt.Errorf("state %q is locked by task %d, attempt %d: %w", key.Workspace, holder.TaskID, holder.Attempt, store.ErrConflict)
		}
		return err
	})
	if err != nil {
		return holder, fmt.Errorf("lock state: %w", err)
	}
	return holder, nil
}

// UnlockState gives a state back.
func (a artifacts) UnlockState(ctx context.Context, key store.StateKey, by store.StateLock) error {
	err := a.s.write(ctx, func(ctx context.Context, c conn) error {
		// A lock that is being refused is read after it was found: it has to stay.
		_, err := c.exists(ctx, "SELECT id FROM template WHERE id = $1 AND project_id = $2"+c.locking(forChange), key.TemplateID, key.ProjectID)
		if err != nil {
			return err
		}
		_, err = c.exec(ctx, `DELETE FROM terraform_state_lock WHERE project_id = $1 AND template_id = $2 AND workspace = $3
			AND task_id = $4 AND attempt = $5`, key.ProjectID, key.TemplateID, key.Workspace, by.TaskID, by.Attempt)
		return err
	})
	if err != nil {
		return fmt.Errorf("unlock state: %w", err)
	}
	return nil
}

// StateLocks lists all locks.
func (a artifacts) StateLocks(ctx context.Context) (map[store.StateKey]store.StateLock, error) {
	locks := map[store.StateKey]store.StateLock{}
	query := "SELECT project_id, template_id, workspace, task_id, attempt FROM terraform_state_lock"
	err := a.s.read().each(ctx, query, nil, func(rows *sql.Rows) error {
		var key store.StateKey
		var lock store.StateLock
		err := rows.Scan(&key.ProjectID, &key.TemplateID, &key.Workspace, &lock.TaskID, &lock.Attempt)
		locks[key] = lock
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list state locks: %w", err)
	}
	return locks, nil
}

const (
	stateColumns = "id, lineage, serial, task_id, created"
	ofState      = " FROM terraform_state WHERE project_id = $1 AND template_id = $2 AND workspace = $3 ORDER BY id DESC"
)

// State returns the newest version.
func (a artifacts) State(ctx context.Context, key store.StateKey) (v store.StateVersion, err error) {
	var serial, created int64
	err = a.s.read().row(ctx, "SELECT "+stateColumns+", data"+ofState+" LIMIT 1",
		[]any{key.ProjectID, key.TemplateID, key.Workspace}, &v.ID, &v.Lineage, &serial, &v.TaskID, &created, &v.Data)
	if err != nil {
		return store.StateVersion{}, fmt.Errorf("get state %q: %w", key.Workspace, err)
	}
	v.Serial, v.Created = uint64(serial), schema.FromMillis(created)
	return v, nil
}

// States lists versions without data.
func (a artifacts) States(ctx context.Context, key store.StateKey) ([]store.StateVersion, error) {
	list := []store.StateVersion{}
	err := a.s.read().each(ctx, "SELECT "+stateColumns+ofState, []any{key.ProjectID, key.TemplateID, key.Workspace}, func(rows *sql.Rows) error {
		var v store.StateVersion
		var serial, created int64
		err := rows.Scan(&v.ID, &v.Lineage, &serial, &v.TaskID, &created)
		v.Serial, v.Created = uint64(serial), schema.FromMillis(created)
		list = append(list, v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list states: %w", err)
	}
	return list, nil
}

// StateVersion returns one version.
func (a artifacts) StateVersion(ctx context.Context, key store.StateKey, id int64) (v store.StateVersion, err error) {
	var serial, created int64
	err = a.s.read().row(ctx, "SELECT "+stateColumns+", data FROM terraform_state WHERE project_id = $1 AND template_id = $2 AND workspace = $3 AND id = $4",
		[]any{key.ProjectID, key.TemplateID, key.Workspace, id}, &v.ID, &v.Lineage, &serial, &v.TaskID, &created, &v.Data)
	if err != nil {
		return store.StateVersion{}, fmt.Errorf("get version %d of state %q: %w", id, key.Workspace, err)
	}
	v.Serial, v.Created = uint64(serial), schema.FromMillis(created)
	return v, nil
}

// DeleteState removes one version.
func (a artifacts) DeleteState(ctx context.Context, key store.StateKey, id int64) error {
	err := a.s.write(ctx, func(ctx context.Context, c conn) error {
		n, err := c.exec(ctx, "DELETE FROM terraform_state WHERE project_id = $1 AND template_id = $2 AND workspace = $3 AND id = $4",
			key.ProjectID, key.TemplateID, key.Workspace, id)
		if err == nil && n == 0 {
			err = store.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete version %d of state %q: %w", id, key.Workspace, err)
	}
	return nil
}

// SaveState stores a version after the one that is named.
func (a artifacts) SaveState(ctx context.Context, key store.StateKey, lineage string, serial uint64, v store.StateVersion, keep int) error {
	err := a.s.durable(ctx, func(ctx context.Context, c conn) error {
		if err := a.checkKey(ctx, c, key); err != nil {
			return err
		}
		var line string
		var number int64
		at := []any{key.ProjectID, key.TemplateID, key.Workspace}
		err := c.row(ctx, "SELECT lineage, serial"+ofState+" LIMIT 1", at, &line, &number)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if line != lineage || uint64(number) != serial {
			return fmt.Errorf("state %q is at serial %d: %w", key.Workspace, uint64(number), store.ErrMoved)
		}
		if v.TaskID == 0 {
			err := c.row(ctx, "SELECT task_id FROM terraform_state_lock WHERE project_id = $1 AND template_id = $2 AND workspace = $3", at, &v.TaskID)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		created, err := a.s.orNow(ctx, c, v.Created)
		if err != nil {
			return err
		}
		// Serials above half of their range are stored as negative numbers, which come back as they were.
		_, err = c.exec(ctx, `INSERT INTO terraform_state (project_id, template_id, workspace, lineage, serial, task_id, created, data)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, append(at, v.Lineage, int64(v.Serial), v.TaskID, created, notNull(v.Data))...)
		if err != nil {
			return err
		}
		_, err = c.exec(ctx, `DELETE FROM terraform_state WHERE project_id = $1 AND template_id = $2 AND workspace = $3 AND id <=
			(SELECT id`+ofState+" LIMIT 1 OFFSET $4)", append(at, max(keep, 1))...)
		return err
	})
	if err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

// orNow is a time as it is stored; the zero time becomes now.
func (s *Store) orNow(ctx context.Context, c conn, t time.Time) (int64, error) {
	if t.IsZero() {
		now, err := s.clock(ctx, c)
		return now.UnixMilli(), err
	}
	return t.UnixMilli(), nil
}

func notNull(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

// checkKey demands the template in the project. States outlive their template,
// but nothing new is said of one that is gone. Who writes a state waits for others
// that do, by the row of the template.
func (a artifacts) checkKey(ctx context.Context, c conn, key store.StateKey) error {
	found, err := c.exists(ctx, "SELECT id FROM template WHERE id = $1 AND project_id = $2"+c.locking(forChange), key.TemplateID, key.ProjectID)
	if err == nil && !found {
		err = &store.ReferenceError{Table: "terraform_state", Column: "template_id"}
	}
	return err
}
