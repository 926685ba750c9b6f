package pool

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// Blueprint describes a template with all it needs. Everything is found by its
// name in the project, and made where it is missing.
type Blueprint struct {
	Project     string             // Defaults to "default".
	Repository  store.Repository   // GitURL and GitBranch; Name defaults to GitURL.
	Key         *store.AccessKey   // of the repository, with its secret. Defaults to a key of type none.
	Inventory   *store.Inventory   // Defaults to none.
	Environment *store.Environment // Defaults to none.
	Template    store.Template     // Name defaults to Playbook.
}

// Ensure makes what a blueprint describes, in one transaction, and returns its
// template. What is there already is brought to what the blueprint says, but
// for the secret of a key that exists.
func (p *TaskPool) Ensure(ctx context.Context, b Blueprint) (store.Template, error) {
	var tpl store.Template
	err := p.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		var err error
		tpl, err = p.ensure(ctx, tx, b)
		return err
	})
	if err != nil {
		return tpl, fmt.Errorf("ensure template %q: %w", b.Template.Name, err)
	}
	return tpl, nil
}

func (p *TaskPool) ensure(ctx context.Context, tx store.Store, b Blueprint) (store.Template, error) {
	name := b.Project
	if name == "" {
		name = "default"
	}
	project, err := ensureRow(ctx, tx.Projects(), 0, "name", name, store.Project{Name: name}, func(row, old *store.Project) { *row = *old })
	if err != nil {
		return store.Template{}, err
	}
	tpl := b.Template
	tpl.ProjectID = project.ID
	if tpl.Name == "" {
		tpl.Name = tpl.Playbook
	}
	repo, err := p.ensureRepository(ctx, tx, project.ID, b)
	if err != nil {
		return tpl, err
	}
	tpl.RepositoryID = repo.ID
	if b.Inventory != nil {
		inv := *b.Inventory
		inv.ProjectID = project.ID
		if inv, err = ensureRow(ctx, tx.Inventories(), project.ID, "name", inv.Name, inv, func(row, old *store.Inventory) { row.ID = old.ID }); err != nil {
			return tpl, err
		}
		tpl.InventoryID = &inv.ID
	}
	if b.Environment != nil {
		env := *b.Environment
		env.ProjectID = project.ID
		if env, err = ensureRow(ctx, tx.Environments(), project.ID, "name", env.Name, env, func(row, old *store.Environment) { row.ID = old.ID }); err != nil {
			return tpl, err
		}
		tpl.EnvironmentID = &env.ID
	}
	return ensureRow(ctx, tx.Templates(), project.ID, "name", tpl.Name, tpl, func(row, old *store.Template) { row.ID, row.Tasks = old.ID, old.Tasks })
}

func (p *TaskPool) ensureRepository(ctx context.Context, tx store.Store, project int64, b Blueprint) (store.Repository, error) {
	key := store.AccessKey{Name: "None", Type: store.KeyNone}
	if b.Key != nil {
		key = *b.Key
	}
	key.ProjectID = project
	found, err := tx.Keys().List(ctx, project, store.Query{Where: map[string]any{"name": key.Name, "owner": store.OwnerShared}, Limit: 1})
	switch {
	case err != nil:
		return store.Repository{}, err
	case len(found.Items) > 0:
		key = found.Items[0]
	default:
		if key, err = p.SaveKeyTx(ctx, tx, key); err != nil {
			return store.Repository{}, err
		}
	}
	repo := b.Repository
	repo.ProjectID, repo.SSHKeyID = project, key.ID
	if repo.Name == "" {
		repo.Name = repo.GitURL
	}
	return ensureRow(ctx, tx.Repositories(), project, "name", repo.Name, repo, func(row, old *store.Repository) { row.ID = old.ID })
}

// ensureRow finds a row by its name and brings it to what row says, or makes
// it. Keep takes over what the old row alone knows.
func ensureRow[T any](ctx context.Context, table store.Table[T], scope int64, column, name string, row T, keep func(row, old *T)) (T, error) {
	found, err := table.List(ctx, scope, store.Query{Where: map[string]any{column: name}, Limit: 1})
	if err != nil {
		return row, err
	}
	if len(found.Items) == 0 {
		return table.Create(ctx, row)
	}
	keep(&row, &found.Items[0])
	return row, table.Update(ctx, row)
}
