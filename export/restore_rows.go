package export

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

func (r *restorer) addStorages() {
	n := r.renamer("secret storage")
	for i, s := range r.b.SecretStorages {
		params := json.RawMessage(s.Params)
		if len(params) == 0 {
			params = json.RawMessage("{}")
		}
		row := add(r, r.st.SecretStorages(), object("secret storage", s.Name), store.SecretStorage{
			ProjectID: r.project.ID, Name: n.name(i, s.Name, s.Own.BackupName), Type: s.Type, Params: params, ReadOnly: s.ReadOnly,
			SourceStorageType: nonEmpty(s.Own.SourceStorageType),
		})
		r.storages = append(r.storages, row.ID)
	}
}

func (r *restorer) addEnvironments() {
	n := r.renamer("environment")
	for i, e := range r.b.Environments {
		if e.JSON == "" {
			e.JSON = "{}"
		}
		row := add(r, r.st.Environments(), object("environment", e.Name), store.Environment{
			ProjectID: r.project.ID, Name: n.name(i, e.Name, e.Own.BackupName), JSON: e.JSON, Env: e.Env,
			SecretStorageID: id(r.ix.storages, r.storages, e.Own.SecretStorage), SecretStorageKeyPrefix: e.SecretStorageKeyPrefix,
		})
		r.environments = append(r.environments, row.ID)
	}
}

func (r *restorer) addViews() {
	n := r.renamer("view")
	for i, v := range r.b.Views {
		if v.Type == "custom" {
			v.Type = ""
		}
		row := add(r, r.st.Views(), object("view", v.Title), store.View{
			ProjectID: r.project.ID, Title: n.name(i, v.Title, v.Own), Position: v.Position, Type: v.Type, Hidden: v.Hidden,
			Filter: v.Filter, SortColumn: v.SortColumn, SortReverse: v.SortReverse,
		})
		r.views = append(r.views, row.ID)
	}
}

func (r *restorer) addKeys() {
	n := r.renamer("key")
	for i, k := range r.b.Keys {
		environment := id(r.ix.environments, r.environments, k.Own.Environment)
		storage := id(r.ix.storages, r.storages, k.Storage)
		ofGroup := k.Owner == store.OwnerEnvironment || k.Owner == store.OwnerVariable
		if ofGroup && environment == nil || k.Owner == store.OwnerVault && storage == nil {
			r.note("%q is a secret of a variable group or storage that the file does not name: enter it there anew", clip(k.Name, 100))
			r.keys = append(r.keys, 0)
			continue
		}
		row := store.AccessKey{
			ProjectID: r.project.ID, Name: n.name(i, k.Name, k.Own.BackupName), Type: k.Type, Owner: k.Owner, EnvironmentID: environment, StorageID: storage,
			SourceStorageID: id(r.ix.storages, r.storages, k.SourceStorage), SourceStorageKey: nonEmpty(k.SourceStorageKey), SourceStorageType: nonEmpty(k.SourceStorageType),
		}
		if row.SourceStorageID != nil && row.SourceStorageType == nil {
			row.SourceStorageType = new("vault")
		}
		row = r.addKey(row, k.Own.Secret)
		r.keys = append(r.keys, row.ID)
		if outside := row.SourceStorageID != nil || row.SourceStorageType != nil; !outside && row.Secret == nil && row.Type != store.KeyNone {
			r.report.Keys = append(r.report.Keys, RestoredKey{Name: row.Name, Type: row.Type, Of: r.ownerOf(k)})
		}
	}
}

// addKey stores a key, with its content sealed for the place where it is now.
func (r *restorer) addKey(row store.AccessKey, secret *string) store.AccessKey {
	row = add(r, r.st.Keys(), object("key", row.Name), row)
	if secret == nil || *secret == "" || r.err != nil {
		return row
	}
	sealed, err := r.opts.Ring.Seal([]byte(*secret), keyAD(row.ProjectID, row.ID))
	if err != nil {
		r.err = fmt.Errorf("restore %s: seal: %w", object("key", row.Name), err)
		return row
	}
	row.Secret = &sealed
	update(r, r.st.Keys(), object("key", row.Name), row)
	return row
}

func (r *restorer) ownerOf(k BackupKey) string {
	switch {
	case filled(k.Own.Environment):
		return object("variable group", *k.Own.Environment)
	case filled(k.Storage):
		return object("secret storage", *k.Storage)
	}
	return ""
}

func (r *restorer) addRepositories() {
	n := r.renamer("repository")
	for i, repo := range r.b.Repositories {
		row := add(r, r.st.Repositories(), object("repository", repo.Name), store.Repository{
			ProjectID: r.project.ID, Name: n.name(i, repo.Name, repo.Own), GitURL: repo.GitURL, GitBranch: repo.GitBranch,
			SSHKeyID: must(r.ix.keys, r.keys, repo.SSHKey),
		})
		r.repositories = append(r.repositories, row.ID)
	}
}

// addInventories stores inventories; which template owns a workspace follows
// when there are templates.
func (r *restorer) addInventories() {
	n := r.renamer("inventory")
	for i, inv := range r.b.Inventories {
		row := add(r, r.st.Inventories(), object("inventory", inv.Name), store.Inventory{
			ProjectID: r.project.ID, Name: n.name(i, inv.Name, inv.Own.BackupName), Inventory: inv.Inventory, Type: inv.Type, RunnerTag: nonEmpty(inv.RunnerTag),
			SSHKeyID: id(r.ix.keys, r.keys, inv.SSHKey), BecomeKeyID: id(r.ix.keys, r.keys, inv.BecomeKey),
			RepositoryID: id(r.ix.repositories, r.repositories, inv.Own.Repository), HostKeys: inv.Own.HostKeys,
		})
		r.inventories = append(r.inventories, row.ID)
	}
}

// addRoles stores roles under their slugs where these are free, and else under
// new ones: a slug is unique among all projects.
func (r *restorer) addRoles() {
	page, err := r.st.Projects().Roles().List(r.ctx, store.AnyScope, store.Query{Limit: -1})
	if err != nil {
		r.err = fmt.Errorf("restore roles: %w", err)
		return
	}
	taken := map[string]bool{"all": true}
	r.global = map[string]bool{}
	for _, slug := range builtinRoles() {
		taken[slug], r.global[slug] = true, true
	}
	for _, role := range page.Items {
		taken[strings.ToLower(role.Slug)] = true
		if role.ProjectID == nil {
			r.global[role.Slug] = true
		}
	}
	n := r.renamer("role")
	for i, role := range r.b.Roles {
		slug := role.Own.Slug
		if taken[slug] || !rolePattern.MatchString(slug) {
			slug = freeSlug(role.Name, taken)
		}
		taken[slug] = true
		add(r, r.st.Projects().Roles(), object("role", role.Name), store.Role{
			ProjectID: &r.project.ID, Slug: slug, Name: n.name(i, role.Name, role.Own.BackupName), Permissions: role.Permissions,
		})
		r.slugs = append(r.slugs, slug)
	}
}

// templateRoles stores what roles may do with a template. One that is of all
// projects elsewhere and is not here gets nothing: a later one of that name would
// come by rights that nobody meant for it.
func (r *restorer) templateRoles(t *BackupTemplate, template int64) {
	for _, role := range t.Roles {
		slug := role.Role
		if !role.IsGlobal {
			i, reason := r.ix.roles.find(role.Role)
			if reason != "" {
				continue
			}
			slug = r.slugs[i]
		} else if !r.global[slug] {
			r.note("template %q gave rights to the role %q, which is not here: they are left out", clip(t.Name, 100), clip(slug, 100))
			continue
		}
		add(r, r.st.Templates().Roles(), "rights on "+object("template", t.Name), store.TemplateRole{
			ProjectID: r.project.ID, TemplateID: template, RoleSlug: slug, Permissions: role.Permissions,
		})
	}
}

// slice copies a list, nil where it is empty.
func slice[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Clone(list)
}
