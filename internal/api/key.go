package api

import (
	"context"

	"github.com/alexandervashurin/semaphore/store"
)

// keyInput is what a client says about a key. Of an existing one only the name
// is taken, unless override_secret is set.
type keyInput struct {
	rowIDs
	Name              string              `json:"name"`
	Type              store.KeyType       `json:"type"`
	String            string              `json:"string"`
	LoginPassword     store.LoginPassword `json:"login_password"`
	SSH               store.SSHKey        `json:"ssh"`
	OverrideSecret    bool                `json:"override_secret"`
	SourceStorageID   *int64              `json:"source_storage_id"`
	SourceStorageKey  *string             `json:"source_storage_key"`
	SourceStorageType *string             `json:"source_storage_type"`
}

func (s *Server) keyRoutes() []route {
	keys := resource[store.AccessKey, keyInput]{
		noun: "key", path: "keys", kind: store.KindKey, event: store.EventKey,
		table: func(st store.Store) store.Table[store.AccessKey] { return sharedKeys{st.Keys(), s, st} },
		sorts: []string{"name", "type"},
		ids:   func(k *store.AccessKey) (*int64, *int64) { return &k.ID, &k.ProjectID },
		label: func(k *store.AccessKey) string { return k.Name },
		where: func(*call) (map[string]any, error) { return map[string]any{"owner": store.OwnerShared}, nil },
		read:  readKey,
		create: func(ctx context.Context, c *call, tx store.Store, _ *keyInput, k store.AccessKey) (store.AccessKey, error) {
			return c.saveKey(ctx, tx, k)
		},
		update: func(ctx context.Context, c *call, tx store.Store, _ *keyInput, k store.AccessKey) error {
			_, err := c.saveKey(ctx, tx, k)
			return err
		},
		show: showKeys,
	}
	return keys.routes()
}

// sharedKeys are the keys that people see as such: those of variable groups and
// storages are served with their owners. The content of a deleted key is
// removed from the storage outside that holds it, too.
type sharedKeys struct {
	store.Table[store.AccessKey]
	s  *Server
	st store.Store
}

// Get returns a shared key.
func (t sharedKeys) Get(ctx context.Context, scope, id int64) (store.AccessKey, error) {
	k, err := t.Table.Get(ctx, scope, id)
	if err == nil && k.Owner != store.OwnerShared {
		return store.AccessKey{}, store.ErrNotFound
	}
	return k, err
}

// Delete deletes a key here and outside.
func (t sharedKeys) Delete(ctx context.Context, scope, id int64) error {
	k, err := t.Get(ctx, scope, id)
	if err != nil {
		return err
	}
	if err := t.Table.Delete(ctx, scope, id); err != nil {
		return err
	}
	t.s.forgetKeys(ctx, []store.AccessKey{k})
	return nil
}

func readKey(_ context.Context, _ *call, _ store.Store, in *keyInput, k *store.AccessKey) error {
	if in.Name == "" {
		return invalid("name", "is empty: name the key")
	}
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	k.Name, k.OverrideSecret = in.Name, in.OverrideSecret
	if k.ID != 0 && !in.OverrideSecret {
		return nil
	}
	switch in.Type {
	case store.KeySSH, store.KeyLoginPassword, store.KeyNone, store.KeyString:
	default:
		return invalid("type", "is %q: use ssh, login_password, string or none", clip(string(in.Type), 40))
	}
	k.Type, k.String, k.LoginPassword, k.SSH = in.Type, in.String, in.LoginPassword, in.SSH
	k.SourceStorageType, k.SourceStorageID, k.SourceStorageKey = filled(in.SourceStorageType), in.SourceStorageID, filled(in.SourceStorageKey)
	return nil
}

// filled is a text that says something, or nil.
func filled(text *string) *string {
	if text == nil || *text == "" {
		return nil
	}
	return text
}

// showKeys tells which keys are still to be filled in. Contents never leave.
func showKeys(_ *call, rows []store.AccessKey, single bool) error {
	for i := range rows {
		k := &rows[i]
		stored := k.Secret != nil && *k.Secret != ""
		k.Empty = !single && !stored && !lives(*k) && k.Type != store.KeyNone
		hideKey(k)
	}
	return nil
}
