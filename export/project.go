package export

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// ProjectOptions say what a backup of a project holds.
type ProjectOptions struct {
	// Secrets opens the content of keys and saved parameters, which then are in the
	// backup: it can be written encrypted only. Defaults to none: the backup holds
	// no secrets.
	Secrets *crypto.Ring
}

// Project makes a backup of a project: everything that people have set up in it,
// as it is at one moment. Members, runners, tasks, states and events are not part
// of it. The error is [store.ErrNotFound] for a project that is not there.
func Project(ctx context.Context, st store.Store, project int64, opts ProjectOptions) (*Backup, error) {
	var b *Backup
	err := st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		p := &projector{ctx: ctx, st: tx, project: project, ring: opts.Secrets, b: &Backup{Own: &BackupOwn{Version: BackupVersion}}}
		p.run()
		b = p.b
		return p.err
	})
	if err != nil {
		return nil, fmt.Errorf("back up project %d: %w", project, err)
	}
	return b, nil
}

// names are what the rows of one kind are called in the file, by id.
type names map[int64]string

// of returns the name of a row, nil for none.
func (n names) of(id *int64) *string {
	if id == nil {
		return nil
	}
	if name, ok := n[*id]; ok {
		return &name
	}
	return nil
}

// projector fills a backup. The first error stays and ends it.
type projector struct {
	ctx     context.Context
	st      store.Store
	project int64
	ring    *crypto.Ring
	b       *Backup
	err     error

	storages, keys, environments, views, repositories, inventories, templates names
}

// rows lists all rows of a table of the project.
func rows[T any](p *projector, table store.Table[T]) []T {
	if p.err != nil {
		return nil
	}
	page, err := table.List(p.ctx, p.project, store.Query{Limit: -1})
	p.err = err
	return page.Items
}

// name gives every row of a kind a name of its own in the file, and tells by
// index where that is not the row's.
func name[T any](kind string, list []T, id func(*T) int64, text func(*T) string) (names, []BackupName) {
	n, byID, own := newNamer(kind), names{}, make([]BackupName, len(list))
	for i := range list {
		row := &list[i]
		byID[id(row)], own[i].Name = n.name(id(row), text(row))
	}
	return byID, own
}

func (p *projector) run() {
	row, err := p.st.Projects().Get(p.ctx, 0, p.project)
	if p.err = err; err != nil {
		return
	}
	storages := rows(p, p.st.SecretStorages())
	inventories := rows(p, p.st.Inventories())
	templates := rows(p, p.st.Templates())
	var ownInventory, ownTemplate []BackupName
	p.inventories, ownInventory = name("inventory", inventories, func(r *store.Inventory) int64 { return r.ID }, func(r *store.Inventory) string { return r.Name })
	p.templates, ownTemplate = name("template", templates, func(r *store.Template) int64 { return r.ID }, func(r *store.Template) string { return r.Name })
	p.addStorages(storages)
	p.addProject(row)
	p.addRoles()
	p.addEnvironments()
	p.addViews()
	p.addKeys()
	p.addRepositories()
	p.addInventories(inventories, ownInventory)
	params := p.params()
	p.addTemplates(templates, ownTemplate)
	p.addIntegrations(params)
	p.addSchedules(params)
	p.addOwn()
}

func (p *projector) addProject(row store.Project) {
	p.b.Meta = BackupProject{
		Name: row.Name, Alert: row.Alert, AlertChat: row.AlertChat, MaxParallelTasks: row.MaxParallelTasks, Type: row.Type,
		Own: BackupProjectOwn{HostKeys: row.HostKeys, MaxSeconds: row.MaxSeconds, Retention: row.Retention, DefaultSecretStorage: p.storages.of(row.DefaultSecretStorageID)},
	}
}

func (p *projector) addStorages(list []store.SecretStorage) {
	var own []BackupName
	p.storages, own = name("secret storage", list, func(r *store.SecretStorage) int64 { return r.ID }, func(r *store.SecretStorage) string { return r.Name })
	for i, r := range list {
		p.b.SecretStorages = append(p.b.SecretStorages, BackupStorage{
			Name: p.storages[r.ID], Type: r.Type, Params: Object(r.Params), ReadOnly: r.ReadOnly,
			Own: BackupStorageOwn{BackupName: own[i], SourceStorageType: r.SourceStorageType},
		})
	}
}

func (p *projector) addRoles() {
	list := rows(p, p.st.Projects().Roles())
	named, own := name("role", list, func(r *store.Role) int64 { return r.ID }, func(r *store.Role) string { return r.Name })
	for i, r := range list {
		p.b.Roles = append(p.b.Roles, BackupRole{
			Name: named[r.ID], Permissions: r.Permissions, ProjectID: r.ProjectID, Own: BackupRoleOwn{BackupName: own[i], Slug: r.Slug},
		})
	}
}

func (p *projector) addEnvironments() {
	list := rows(p, p.st.Environments())
	var own []BackupName
	p.environments, own = name("environment", list, func(r *store.Environment) int64 { return r.ID }, func(r *store.Environment) string { return r.Name })
	for i, r := range list {
		p.b.Environments = append(p.b.Environments, BackupEnvironment{
			Name: p.environments[r.ID], JSON: r.JSON, Env: r.Env, SecretStorageKeyPrefix: r.SecretStorageKeyPrefix,
			Own: BackupEnvironmentOwn{BackupName: own[i], SecretStorage: p.storages.of(r.SecretStorageID)},
		})
	}
}

func (p *projector) addViews() {
	list := rows(p, p.st.Views())
	var own []BackupName
	p.views, own = name("view", list, func(r *store.View) int64 { return r.ID }, func(r *store.View) string { return r.Title })
	for i, r := range list {
		p.b.Views = append(p.b.Views, BackupView{
			Title: p.views[r.ID], Position: r.Position, Type: r.Type, Hidden: r.Hidden, Filter: r.Filter,
			SortColumn: r.SortColumn, SortReverse: r.SortReverse, Own: own[i],
		})
	}
}

func (p *projector) addRepositories() {
	list := rows(p, p.st.Repositories())
	var own []BackupName
	p.repositories, own = name("repository", list, func(r *store.Repository) int64 { return r.ID }, func(r *store.Repository) string { return r.Name })
	for i, r := range list {
		p.b.Repositories = append(p.b.Repositories, BackupRepository{
			Name: p.repositories[r.ID], GitURL: r.GitURL, GitBranch: r.GitBranch, SSHKey: p.keys[r.SSHKeyID], Own: own[i],
		})
	}
}

func (p *projector) addInventories(list []store.Inventory, own []BackupName) {
	for i, r := range list {
		p.b.Inventories = append(p.b.Inventories, BackupInventory{
			Name: p.inventories[r.ID], Inventory: r.Inventory, Type: r.Type, RunnerTag: r.RunnerTag,
			SSHKey: p.keys.of(r.SSHKeyID), BecomeKey: p.keys.of(r.BecomeKeyID),
			Own: BackupInventoryOwn{BackupName: own[i], Template: p.templates.of(r.TemplateID), Repository: p.repositories.of(r.RepositoryID), HostKeys: r.HostKeys},
		})
	}
}

// addOwn adds what the old form has no place for.
func (p *projector) addOwn() {
	for _, r := range rows(p, p.st.Projects().KnownHosts()) {
		p.b.Own.KnownHosts = append(p.b.Own.KnownHosts, BackupKnownHost{Host: r.Host, KeyType: r.KeyType, Key: r.Key, Created: r.Created})
	}
	for _, r := range rows(p, p.st.Artifacts().TerraformAliases()) {
		p.b.Own.TerraformAliases = append(p.b.Own.TerraformAliases, BackupTerraformAlias{Alias: r.Alias, Inventory: p.inventories[r.InventoryID], AuthKey: p.keys[r.AuthKeyID]})
	}
}
