package api

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// demoURL is the repository of the examples.
const demoURL = "https://github.com/semaphoreui/semaphore-demo.git"

// demo fills one project with examples. The first error stays and ends it.
type demo struct {
	ctx     context.Context
	tx      store.Store
	project int64
	err     error

	build, deploy, tools int64 // views
	repository, empty    int64
}

// demoProject fills a project with examples: views, a key to fill in, a
// repository, inventories, and a template for each kind of app.
func demoProject(ctx context.Context, tx store.Store, project int64) error {
	d := &demo{ctx: ctx, tx: tx, project: project}
	d.basics()
	d.templates()
	if d.err != nil {
		return fmt.Errorf("demo project: %w", d.err)
	}
	return nil
}

// add stores a row, unless an earlier one has failed.
func add[T any](d *demo, table store.Table[T], row T) (stored T) {
	if d.err == nil {
		stored, d.err = table.Create(d.ctx, row)
	}
	return stored
}

func (d *demo) basics() {
	for i, v := range []struct {
		title string
		id    *int64
	}{{"Build", &d.build}, {"Deploy", &d.deploy}, {"Tools", &d.tools}} {
		*v.id = add(d, d.tx.Views(), store.View{ProjectID: d.project, Title: v.title, Position: i + 1}).ID
	}
	add(d, d.tx.Keys(), store.AccessKey{ProjectID: d.project, Name: "Vault Password", Type: store.KeyLoginPassword})
	if d.err != nil {
		return
	}
	none, err := first(d.ctx, d.tx.Keys(), d.project, store.Query{Where: map[string]any{"type": store.KeyNone}})
	if d.err = err; err != nil {
		return
	}
	group, err := first(d.ctx, d.tx.Environments(), d.project, store.Query{})
	if d.err = err; err != nil {
		return
	}
	d.empty = group.ID
	d.repository = add(d, d.tx.Repositories(), store.Repository{ProjectID: d.project, Name: "Demo", GitURL: demoURL, GitBranch: "main", SSHKeyID: none.ID}).ID
}

// first returns the first row of a query.
func first[T any](ctx context.Context, table store.Table[T], project int64, q store.Query) (row T, err error) {
	q.Limit = 1
	page, err := table.List(ctx, project, q)
	if err != nil {
		return row, err
	}
	if len(page.Items) == 0 {
		return row, store.ErrNotFound
	}
	return page.Items[0], nil
}

func (d *demo) inventory(name string, kind store.InventoryType, text string) *int64 {
	return new(add(d, d.tx.Inventories(), store.Inventory{ProjectID: d.project, Name: name, Type: kind, Inventory: text}).ID)
}

func (d *demo) template(t store.Template) *int64 {
	t.ProjectID, t.RepositoryID, t.EnvironmentID = d.project, d.repository, &d.empty
	return new(add(d, d.tx.Templates(), t).ID)
}

// workspace adds a template of the Terraform family with a workspace of its
// own.
func (d *demo) workspace(t store.Template) {
	id := d.template(t)
	inv := add(d, d.tx.Inventories(), store.Inventory{
		ProjectID: d.project, Name: "default", Type: store.InventoryType(t.App + "-workspace"), Inventory: "default", TemplateID: id,
	})
	if d.err != nil {
		return
	}
	row, err := d.tx.Templates().Get(d.ctx, d.project, *id)
	if err == nil {
		row.InventoryID = &inv.ID
		err = d.tx.Templates().Update(d.ctx, row)
	}
	d.err = err
}

func (d *demo) templates() {
	local := d.inventory("Build", store.InventoryStatic, "[builder]\nlocalhost ansible_connection=local")
	dev := d.inventory("Dev", store.InventoryFile, "invs/dev/hosts")
	prod := d.inventory("Prod", store.InventoryFile, "invs/prod/hosts")
	start := "1.0.0"
	d.template(store.Template{Name: "Ping semaphoreui.com", App: "ansible", Playbook: "ping.yml", InventoryID: local, ViewID: &d.tools})
	build := d.template(store.Template{
		Name: "Build demo app", App: "ansible", Playbook: "build.yml", InventoryID: local, ViewID: &d.build,
		Type: store.TemplateBuild, StartVersion: &start,
	})
	d.template(store.Template{
		Name: "Deploy demo app to Dev", App: "ansible", Playbook: "deploy.yml", InventoryID: dev, ViewID: &d.deploy,
		Type: store.TemplateDeploy, BuildTemplateID: build, Autorun: true,
	})
	d.template(store.Template{
		Name: "Deploy demo app to Production", App: "ansible", Playbook: "deploy.yml", InventoryID: prod, ViewID: &d.deploy,
		Type: store.TemplateDeploy, BuildTemplateID: build,
	})
	d.workspace(store.Template{Name: "Apply infrastructure (OpenTofu)", App: "tofu", Playbook: "tf", ViewID: &d.build})
	d.workspace(store.Template{Name: "Apply infrastructure (Terragrunt)", App: "terragrunt", Playbook: "terragrunt", ViewID: &d.build})
	d.template(store.Template{Name: "Print system info (Bash)", App: "bash", Playbook: "print_system_info.sh", ViewID: &d.tools})
	d.template(store.Template{Name: "Print system info (PowerShell)", App: "powershell", Playbook: "print_system_info.ps1", ViewID: &d.tools})
}
