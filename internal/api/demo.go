package api

import (
	"context"

	"github.com/alexandervashurin/semaphore/store"
)

// demoProject fills a project with examples.
func demoProject(ctx context.Context, tx store.Store, project int64) error { return nil }
