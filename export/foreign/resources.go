package foreign

import (
	"encoding/json"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

func (r *reader) readStorages() error {
	return r.walk("project__secret_storage", "secret_storage", func(it *item) {
		if !it.placed("project__secret_storage") {
			return
		}
		s := store.SecretStorage{
			ID: it.note.ID, ProjectID: it.note.Project, Name: it.text("name"), Type: it.text("type"), ReadOnly: it.flag("readonly"),
			SourceStorageType: it.filled("source_storage_type"),
		}
		var bad bool
		if s.Params, bad = it.json("params"); bad {
			it.change("params", "was no JSON: there are none")
		}
		if s.Params == nil {
			s.Params = json.RawMessage("{}")
		}
		r.rows.SecretStorages = append(r.rows.SecretStorages, s)
	})
}

func (r *reader) readEnvironments() error {
	return r.walk("project__environment", "environment", func(it *item) {
		if !it.placed("project__environment") {
			return
		}
		e := store.Environment{
			ID: it.note.ID, ProjectID: it.note.Project, Name: it.text("name"), Password: it.filled("password"), JSON: it.text("json"),
			Env: it.filled("env"), SecretStorageID: it.ref("secret_storage_id", "project__secret_storage"), SecretStorageKeyPrefix: it.filled("secret_storage_key_prefix"),
		}
		if strings.TrimSpace(e.JSON) == "" {
			e.JSON = "{}"
		}
		for field, text := range map[string]string{"json": e.JSON, "env": it.text("env")} {
			var object map[string]any
			if text != "" && json.Unmarshal([]byte(text), &object) != nil {
				it.change(field, "is kept, but is no JSON object: tasks with it fail until it is corrected")
			}
		}
		r.rows.Environments = append(r.rows.Environments, e)
	})
}

func (r *reader) readKeys() error {
	return r.walk("access_key", "key", func(it *item) {
		if environment := it.id("environment_id"); it.note.Project == 0 && environment != nil {
			// Secrets of variable groups name the group alone.
			it.note.Project = r.owner["project__environment"][*environment]
		}
		if !it.placed("access_key") {
			return
		}
		k := store.AccessKey{
			ID: it.note.ID, ProjectID: it.note.Project, Name: it.text("name"), Type: store.KeyType(it.text("type")), Owner: store.KeyOwner(it.text("owner")),
			EnvironmentID: it.id("environment_id"), StorageID: it.id("storage_id"),
			SourceStorageID: it.ref("source_storage_id", "project__secret_storage"), SourceStorageKey: it.filled("source_storage_key"), SourceStorageType: it.filled("source_storage_type"),
		}
		it.ownedKey(&k)
		if it.refused {
			delete(r.owner["access_key"], k.ID)
			return
		}
		switch k.Type {
		case store.KeySSH, store.KeyLoginPassword, store.KeyNone, store.KeyString:
		default:
			it.change("type", "was %q, which is no type: it is none", k.Type)
			k.Type = store.KeyNone
		}
		if k.SourceStorageType == nil && k.SourceStorageID == nil {
			if plain := it.opened(k.Type); plain != nil {
				r.rows.secrets[k.ID] = plain
			}
		}
		if it.filled("plain") != nil {
			it.change("plain", "holds a value in clear that nothing reads: it is left out")
		}
		r.rows.Keys = append(r.rows.Keys, k)
	})
}

// ownedKey sees to what a key belongs to. What belongs to something that is gone
// is of no use to anybody.
func (it *item) ownedKey(k *store.AccessKey) {
	switch {
	case k.EnvironmentID != nil && !it.r.within("project__environment", *k.EnvironmentID, k.ProjectID):
		it.refuse("belongs to variable group %d, which does not exist in the project", *k.EnvironmentID)
	case k.StorageID != nil && !it.r.within("project__secret_storage", *k.StorageID, k.ProjectID):
		it.refuse("belongs to secret storage %d, which does not exist in the project", *k.StorageID)
	case k.EnvironmentID != nil && k.Owner != store.OwnerEnvironment && k.Owner != store.OwnerVariable:
		k.Owner = store.OwnerVariable
		if name, ok := strings.CutPrefix(k.Name, "env."); ok {
			k.Owner, k.Name = store.OwnerEnvironment, name
		} else {
			k.Name = strings.TrimPrefix(k.Name, "var.")
		}
		it.change("owner", "was not said: it is a secret %s of its variable group", k.Owner)
	case k.EnvironmentID == nil && (k.Owner == store.OwnerEnvironment || k.Owner == store.OwnerVariable):
		it.refuse("is a secret of a variable group, but of none")
	case k.StorageID == nil && k.Owner == store.OwnerVault:
		it.refuse("is the token of a secret storage, but of none")
	case k.Owner != store.OwnerShared && k.Owner != store.OwnerEnvironment && k.Owner != store.OwnerVariable && k.Owner != store.OwnerVault:
		it.change("owner", "was %q: it is a key of the project", k.Owner)
		k.Owner = store.OwnerShared
	}
}

// noKey is a key without content in a project, where something needs one.
func (r *reader) noKey(project int64) int64 {
	for _, k := range r.rows.Keys {
		if k.ProjectID == project && k.Type == store.KeyNone && k.Owner == store.OwnerShared {
			return k.ID
		}
	}
	k := store.AccessKey{ID: r.fresh("access_key"), ProjectID: project, Name: "None", Type: store.KeyNone}
	r.register("access_key", k.ID, project)
	r.rows.Keys = append(r.rows.Keys, k)
	r.rep.kept("key")
	return k.ID
}

func (r *reader) readRepositories() error {
	return r.walk("project__repository", "repository", func(it *item) {
		if !it.placed("project__repository") {
			return
		}
		repo := store.Repository{
			ID: it.note.ID, ProjectID: it.note.Project, Name: it.text("name"), GitURL: it.text("git_url"), GitBranch: it.text("git_branch"), SSHKeyID: it.number("ssh_key_id"),
		}
		if !r.within("access_key", repo.SSHKeyID, repo.ProjectID) {
			old := repo.SSHKeyID
			repo.SSHKeyID = r.noKey(repo.ProjectID)
			it.change("ssh_key_id", "named key %d, which does not exist in the project: it names key %d, which is empty", old, repo.SSHKeyID)
		}
		r.rows.Repositories = append(r.rows.Repositories, repo)
	})
}

func (r *reader) readInventories() error {
	return r.walk("project__inventory", "inventory", func(it *item) {
		if !it.placed("project__inventory") {
			return
		}
		inv := store.Inventory{
			ID: it.note.ID, ProjectID: it.note.Project, Name: it.text("name"), Inventory: it.text("inventory"), Type: store.InventoryType(it.text("type")),
			SSHKeyID: it.ref("ssh_key_id", "access_key"), BecomeKeyID: it.ref("become_key_id", "access_key"),
			TemplateID: it.id("template_id"), RepositoryID: it.ref("repository_id", "project__repository"), RunnerTag: it.filled("runner_tag"),
		}
		switch inv.Type {
		case store.InventoryStatic, store.InventoryStaticYAML, store.InventoryFile, store.InventoryTerraform, store.InventoryTofu, store.InventoryTerragrunt:
		case "":
			inv.Type = store.InventoryStatic
			it.change("type", "was empty: it is static")
		default:
			it.change("type", "is %q, which nothing can run: choose another one", inv.Type)
		}
		n, note := len(r.rows.Inventories), it.note
		r.rows.Inventories = append(r.rows.Inventories, inv)
		r.later = append(r.later, func() {
			inv := &r.rows.Inventories[n]
			if inv.TemplateID != nil && !r.within("project__template", *inv.TemplateID, inv.ProjectID) {
				inv.TemplateID = nil
				note.Field, note.Reason = "template_id", "named a template that does not exist in the project: nobody owns it"
				r.rep.changed("inventory", note)
			}
		})
	})
}
