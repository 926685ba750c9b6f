package moving

import (
	"context"

	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/store"
)

// FromStore reads the rows of an installation of this project.
func FromStore(ctx context.Context, st store.Store) (*foreign.Rows, error) {
	r := &foreign.Rows{}
	var err error
	if r.Options, err = st.Options().All(ctx); err != nil {
		return nil, err
	}
	for _, read := range []func() error{
		func() error { return all(ctx, st.Projects(), 0, &r.Projects) },
		func() error { return all(ctx, st.Environments(), store.AnyScope, &r.Environments) },
		func() error { return all(ctx, st.Keys(), store.AnyScope, &r.Keys) },
		func() error { return all(ctx, st.Repositories(), store.AnyScope, &r.Repositories) },
		func() error { return all(ctx, st.Inventories(), store.AnyScope, &r.Inventories) },
		func() error { return all(ctx, st.Templates(), store.AnyScope, &r.Templates) },
		func() error { return all(ctx, st.Templates().Vaults(), store.AnyScope, &r.Vaults) },
		func() error { return all(ctx, st.Integrations(), store.AnyScope, &r.Integrations) },
		func() error { return all(ctx, st.Integrations().Extractors(), store.AnyScope, &r.Extractors) },
		func() error { return all(ctx, st.Integrations().TaskParams(), store.AnyScope, &r.TaskParams) },
		func() error { return all(ctx, st.Schedules(), store.AnyScope, &r.Schedules) },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func all[T any](ctx context.Context, table store.Table[T], scope int64, into *[]T) error {
	page, err := table.List(ctx, scope, store.Query{Limit: -1})
	*into = page.Items
	return err
}
