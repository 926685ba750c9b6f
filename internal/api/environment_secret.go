package api

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// variableSecret is a secret of a variable group in a body, and what is to be
// done with it.
type variableSecret struct {
	ID        int64  `json:"id"`
	Type      string `json:"type"` // var or env
	Name      string `json:"name"`
	Secret    string `json:"secret"`
	Operation string `json:"operation"` // create, update, delete; nothing leaves a stored one alone

	path string // where a new one is kept outside
}

// ownerOfType and typeOfOwner translate between the wire and the key.
func ownerOfType(kind string) (store.KeyOwner, bool) {
	switch kind {
	case "env":
		return store.OwnerEnvironment, true
	case "var":
		return store.OwnerVariable, true
	}
	return "", false
}

func typeOfOwner(owner store.KeyOwner) string {
	if owner == store.OwnerEnvironment {
		return "env"
	}
	return "var"
}

// secretsOf lists the keys of a variable group in the order they were made.
func secretsOf(ctx context.Context, st store.Store, project, group int64) ([]store.AccessKey, error) {
	page, err := st.Keys().List(ctx, project, store.Query{Where: map[string]any{"environment_id": group}, Limit: -1})
	if err != nil {
		return nil, fmt.Errorf("secrets of variable group %d: %w", group, err)
	}
	return page.Items, nil
}

// secretChange applies what a body says about the secrets of one group.
type secretChange struct {
	c     *call
	tx    store.Store
	group *store.Environment
	keys  map[int64]store.AccessKey // of the group
}

// saveVariableSecrets stores what a body says about secrets, in the
// transaction of the variable group.
func saveVariableSecrets(ctx context.Context, c *call, tx store.Store, in *environmentInput, e *store.Environment) error {
	keys, err := secretsOf(ctx, tx, e.ProjectID, e.ID)
	if err != nil {
		return err
	}
	change := secretChange{c: c, tx: tx, group: e, keys: map[int64]store.AccessKey{}}
	for _, k := range keys {
		change.keys[k.ID] = k
	}
	for i := range in.Secrets {
		if err := change.apply(ctx, fmt.Sprintf("secrets[%d]", i), &in.Secrets[i]); err != nil {
			return err
		}
	}
	if err := change.checkNames(); err != nil {
		return err
	}
	return nil
}

func (h *secretChange) apply(ctx context.Context, field string, sent *variableSecret) error {
	if sent.Operation == "" && sent.ID == 0 {
		sent.Operation = "create"
	}
	switch sent.Operation {
	case "create":
		return h.create(ctx, field, sent)
	case "update", "delete", "":
	default:
		return invalid(field+".operation", "is %q: use create, update or delete", clip(sent.Operation, 40))
	}
	k, found := h.keys[sent.ID]
	switch {
	case !found:
		return invalid(field+".id", "is %d, which is no secret of this variable group", sent.ID)
	case sent.Operation == "update":
		return h.update(ctx, field, sent, k)
	case sent.Operation == "delete":
		if err := h.tx.Keys().Delete(ctx, k.ProjectID, k.ID); err != nil {
			return err
		}
		delete(h.keys, k.ID)
		h.c.outside.forget = append(h.c.outside.forget, k)
	}
	return nil
}

// check refuses a type or name that no task could use.
func (s *variableSecret) check(field string) (store.KeyOwner, error) {
	owner, ok := ownerOfType(s.Type)
	switch {
	case !ok:
		return "", invalid(field+".type", "is %q: use var or env", clip(s.Type, 40))
	case owner == store.OwnerEnvironment:
		return owner, checkEnvironmentName(field+".name", s.Name)
	default:
		return owner, checkVariableName(field+".name", s.Name)
	}
}

func (h *secretChange) create(ctx context.Context, field string, sent *variableSecret) error {
	owner, err := sent.check(field)
	if err != nil {
		return err
	}
	k := store.AccessKey{
		ProjectID: h.group.ProjectID, EnvironmentID: &h.group.ID, Owner: owner,
		Name: sent.Name, Type: store.KeyString, String: sent.Secret,
	}
	if err := h.place(ctx, sent, &k); err != nil {
		return err
	}
	row, err := h.c.saveKey(ctx, h.tx, k)
	if err != nil {
		return err
	}
	h.keys[row.ID] = row
	return nil
}

// place gives a new secret its place in the group's storage.
func (h *secretChange) place(ctx context.Context, sent *variableSecret, k *store.AccessKey) error {
	if h.group.SecretStorageID == nil {
		return nil
	}
	storage, err := h.writable(ctx, *h.group.SecretStorageID)
	if err != nil || storage.Type == storageLocal {
		return err
	}
	if sent.path == "" {
		sent.path = text(h.group.SecretStorageKeyPrefix) + randomHex(5)
	}
	kind, path := sourceVault, sent.path
	k.SourceStorageID, k.SourceStorageType, k.SourceStorageKey = &storage.ID, &kind, &path
	return nil
}

// writable finds a storage that takes new values.
func (h *secretChange) writable(ctx context.Context, id int64) (store.SecretStorage, error) {
	storage, err := h.tx.SecretStorages().Get(ctx, h.group.ProjectID, id)
	switch {
	case err != nil:
		return storage, named(err, "secret storage")
	case storage.ReadOnly:
		return storage, invalid("secrets", "storage %q may only be read: change the secret there", storage.Name)
	}
	return storage, nil
}

// update renames a secret, and replaces it where a new one is sent.
func (h *secretChange) update(ctx context.Context, field string, sent *variableSecret, k store.AccessKey) error {
	if sent.Type == "" {
		sent.Type = typeOfOwner(k.Owner)
	}
	owner, err := sent.check(field)
	if err != nil {
		return err
	}
	if sent.Secret != "" && k.SourceStorageID != nil {
		if _, err := h.writable(ctx, *k.SourceStorageID); err != nil {
			return err
		}
	}
	k.Name, k.String, k.OverrideSecret = sent.Name, sent.Secret, sent.Secret != ""
	if _, err := h.c.saveKey(ctx, h.tx, k); err != nil {
		return err
	}
	row, err := h.tx.Keys().Get(ctx, k.ProjectID, k.ID)
	if err != nil {
		return err
	}
	if row.Owner != owner {
		row.Owner = owner
		if err := h.tx.Keys().Update(ctx, row); err != nil {
			return err
		}
	}
	h.keys[row.ID] = row
	return nil
}

// checkNames refuses two secrets of one name: which one a task would get is
// chance.
func (h *secretChange) checkNames() error {
	type name struct {
		owner store.KeyOwner
		text  string
	}
	seen := map[name]bool{}
	for _, k := range h.keys {
		n := name{k.Owner, k.Name}
		if seen[n] {
			return invalid("secrets", "%q is there twice: give each secret a name of its own", clip(k.Name, 100))
		}
		seen[n] = true
	}
	return nil
}
