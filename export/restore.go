package export

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// RestoreOptions say how a backup becomes a project.
type RestoreOptions struct {
	// Owner is the user who becomes owner of the project. Required.
	Owner int64
	// Name is that of the project. Defaults to the one in the file.
	Name string
	// Ring seals the secrets of an encrypted backup. Required for one that has any.
	Ring *crypto.Ring
	// CheckSchedule says what is wrong with a schedule, as pool.TaskPool's does.
	// Defaults to none: a schedule that cannot fire is switched off by the pool.
	CheckSchedule func(store.Schedule) error
	// Record is called in the transaction with the project, to write the event.
	// Defaults to none.
	Record func(ctx context.Context, tx store.Store, p store.Project) error
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Restore makes a project of a backup. Everything is checked first, and written
// in one transaction: on an error nothing has changed. Errors are *[BackupError],
// [ErrNameTaken], and those of the store. The schedules fire once a pool looks at
// them, which it does by itself within seconds; wake it to have it at once.
func Restore(ctx context.Context, st store.Store, b *Backup, opts RestoreOptions) (RestoreReport, error) {
	ix, err := check(b)
	if err != nil {
		return RestoreReport{}, err
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Owner == 0 {
		return RestoreReport{}, errors.New("restore: no owner: name the user whose project it becomes")
	}
	if b.HasSecrets() && opts.Ring == nil {
		return RestoreReport{}, errors.New("restore: the backup holds secrets and there is no ring to seal them")
	}
	var report RestoreReport
	err = st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		r := &restorer{ctx: ctx, st: tx, b: b, ix: ix, opts: opts, report: emptyReport()}
		r.run()
		report = r.report
		return r.err
	})
	if err != nil {
		return RestoreReport{}, err
	}
	return report, nil
}

// restorer writes a checked backup. The first error stays and ends it.
type restorer struct {
	ctx    context.Context
	st     store.Store
	b      *Backup
	ix     indexes
	opts   RestoreOptions
	report RestoreReport
	err    error

	project store.Project
	// ids of the rows, in the order of the file; 0 for those that are left out.
	storages, keys, environments, views, repositories, inventories, templates []int64
	slugs                                                                     []string // of roles
	global                                                                    map[string]bool
	hooks                                                                     aliases
}

// foreign tells whether the file comes from Semaphore UI.
func (r *restorer) foreign() bool { return r.b.Own == nil }

// add stores a row, unless an earlier one has failed.
func add[T any](r *restorer, table store.Table[T], what string, row T) (stored T) {
	if r.err != nil {
		return stored
	}
	stored, err := table.Create(r.ctx, row)
	if err != nil {
		r.err = fmt.Errorf("restore %s: %w", what, err)
	}
	return stored
}

// update changes a row, unless an earlier one has failed.
func update[T any](r *restorer, table store.Table[T], what string, row T) {
	if r.err != nil {
		return
	}
	if err := table.Update(r.ctx, row); err != nil {
		r.err = fmt.Errorf("restore %s: %w", what, err)
	}
}

// id is the row that a name stands for, nil for none.
func id(ix index, ids []int64, name *string) *int64 {
	if !filled(name) {
		return nil
	}
	i, reason := ix.find(*name)
	if reason != "" || ids[i] == 0 {
		return nil
	}
	return &ids[i]
}

// must is id for what is always there.
func must(ix index, ids []int64, name string) int64 {
	if p := id(ix, ids, &name); p != nil {
		return *p
	}
	return 0
}

func (r *restorer) run() {
	steps := []func(){
		r.addProject, r.addStorages, r.addRoles, r.addEnvironments, r.addViews, r.addKeys, r.addRepositories,
		r.addInventories, r.addTemplates, r.linkTemplates, r.addIntegrations, r.addAliases, r.addSchedules, r.addOwn, r.finish,
	}
	for _, step := range steps {
		if r.err != nil {
			return
		}
		step()
	}
}

func (r *restorer) addProject() {
	m := r.b.Meta
	p := store.Project{
		Created: r.opts.Now(), Name: m.Name, Alert: m.Alert, AlertChat: nonEmpty(m.AlertChat), MaxParallelTasks: m.MaxParallelTasks, Type: m.Type,
		HostKeys: m.Own.HostKeys, MaxSeconds: m.Own.MaxSeconds, Retention: m.Own.Retention,
	}
	if r.opts.Name != "" {
		p.Name = r.opts.Name
	}
	switch {
	case p.Name == "":
		r.err = &BackupError{File: r.b.file, Object: "meta", Field: "name", Reason: "is empty: name the project"}
		return
	case len(p.Name) > 255:
		r.err = &BackupError{File: r.b.file, Object: "meta", Field: "name", Reason: "is longer than 255 bytes"}
		return
	}
	if _, err := r.st.Users().Get(r.ctx, 0, r.opts.Owner); err != nil {
		r.err = fmt.Errorf("restore: owner: %w", err)
		return
	}
	taken, err := r.st.Projects().Count(r.ctx, 0, store.Query{Where: map[string]any{"name": p.Name}})
	switch {
	case err != nil:
		r.err = fmt.Errorf("restore: %w", err)
		return
	case taken > 0:
		r.err = &BackupError{File: r.b.file, Object: object("project", p.Name), Reason: ErrNameTaken.Error(), cause: ErrNameTaken}
		return
	}
	r.project = add(r, r.st.Projects(), "project", p)
	add(r, r.st.Projects().Members(), "owner", store.Member{ProjectID: r.project.ID, UserID: r.opts.Owner, Role: "owner"})
}

// nonEmpty is a text that says something, or nil.
func nonEmpty(text *string) *string {
	if !filled(text) {
		return nil
	}
	return text
}

// finish completes the project and its event.
func (r *restorer) finish() {
	if storage := id(r.ix.storages, r.storages, r.b.Meta.Own.DefaultSecretStorage); storage != nil {
		r.project.DefaultSecretStorageID = storage
		update(r, r.st.Projects(), "project", r.project)
	}
	r.report.Project = r.project
	if r.err == nil && r.opts.Record != nil {
		r.err = r.opts.Record(r.ctx, r.st, r.project)
	}
}

// addOwn restores what the old form has no place for.
func (r *restorer) addOwn() {
	if r.b.Own == nil {
		return
	}
	for _, h := range r.b.Own.KnownHosts {
		if h.Created.IsZero() {
			h.Created = r.opts.Now()
		}
		add(r, r.st.Projects().KnownHosts(), "known host", store.KnownHost{ProjectID: r.project.ID, Host: h.Host, KeyType: h.KeyType, Key: h.Key, Created: h.Created})
	}
	taken := aliasesOf(r, r.st.Artifacts().TerraformAliases(), func(a *store.TerraformAlias) string { return a.Alias })
	for _, a := range r.b.Own.TerraformAliases {
		add(r, r.st.Artifacts().TerraformAliases(), "terraform alias", store.TerraformAlias{
			ProjectID: r.project.ID, Alias: r.free(taken, a.Alias, ""),
			InventoryID: must(r.ix.inventories, r.inventories, a.Inventory), AuthKeyID: must(r.ix.keys, r.keys, a.AuthKey),
		})
	}
}
