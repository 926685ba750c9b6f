// Package unittest shows how code that launches tasks is tested: without tools,
// repositories or a database.
package unittest

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// Release runs a template for a version and tells whether that went well.
func Release(ctx context.Context, p *pool.TaskPool, t store.Template, version string) error {
	task, err := p.AddTask(ctx, pool.AddRequest{Task: store.Task{
		ProjectID: t.ProjectID, TemplateID: t.ID, Environment: fmt.Sprintf(`{"version":%q}`, version),
	}})
	if err != nil {
		return err
	}
	task, err = p.Wait(ctx, task.ProjectID, task.ID)
	if err == nil && task.Status != store.Success {
		err = fmt.Errorf("release %s: %s", version, task.Reason)
	}
	return err
}
