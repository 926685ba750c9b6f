package server

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// importFirst makes a project of the configured backup, where there is no
// project and never was one. It returns what became of it, nil for nothing done.
func importFirst(ctx context.Context, p *pool.TaskPool, file, name string, owner int64) (*export.RestoreReport, error) {
	st := p.Store()
	projects, err := st.Projects().Count(ctx, 0, store.Query{})
	if err != nil || projects > 0 {
		return nil, err
	}
	before, err := st.Events().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"object_type": store.EventProject}, Limit: 1})
	if err != nil || len(before.Items) > 0 {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("SEMAPHORE_IMPORT_PROJECT_FILE: %w", err)
	}
	defer f.Close()
	var b export.Backup
	if err := b.Decode(f, file); err != nil {
		return nil, fmt.Errorf("SEMAPHORE_IMPORT_PROJECT_FILE: %w", err)
	}
	report, err := export.Restore(ctx, st, &b, export.RestoreOptions{
		Owner: owner, Name: name, CheckSchedule: p.CheckSchedule,
		Record: func(ctx context.Context, tx store.Store, p store.Project) error {
			return tx.Events().Add(ctx, store.Event{
				ProjectID: &p.ID, ObjectID: &p.ID, ObjectType: store.EventProject, Created: time.Now(),
				Description: fmt.Sprintf("Project %q restored from a backup at the first start", p.Name),
			})
		},
	})
	if err != nil {
		return nil, fmt.Errorf("SEMAPHORE_IMPORT_PROJECT_FILE: %w", err)
	}
	return &report, nil
}
