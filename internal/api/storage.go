package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// Kinds of secret storages. A local one is the database itself.
const (
	storageLocal = "local"
	storageVault = "vault"
	storageDVLS  = "dvls"
)

// storageInput is what a client says about a secret storage. An empty secret
// leaves the stored one.
type storageInput struct {
	rowIDs
	Name              string          `json:"name"`
	Type              string          `json:"type"`
	Params            json.RawMessage `json:"params"`
	ReadOnly          bool            `json:"readonly"`
	SourceStorageType *string         `json:"source_storage_type"`
	Secret            string          `json:"secret"`
}

func (s *Server) storageRoutes() []route {
	storages := resource[store.SecretStorage, storageInput]{
		noun: "secret storage", path: "secret_storages", param: "storage", kind: store.KindSecretStorage, event: store.EventSecretStorage,
		table:  func(st store.Store) store.Table[store.SecretStorage] { return st.SecretStorages() },
		sorts:  []string{"name", "type"},
		ids:    func(s *store.SecretStorage) (*int64, *int64) { return &s.ID, &s.ProjectID },
		label:  func(s *store.SecretStorage) string { return s.Name },
		read:   s.readStorage,
		saved:  saveStorageToken,
		show:   showStorages,
		putRow: true,
	}
	return storages.routes()
}

func (s *Server) readStorage(_ context.Context, _ *call, _ store.Store, in *storageInput, row *store.SecretStorage) error {
	if in.Name == "" {
		return invalid("name", "is empty: name the storage")
	}
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	switch in.Type {
	case storageLocal, storageVault, storageDVLS:
	default:
		return invalid("type", "is %q: use local, vault or dvls", clip(in.Type, 40))
	}
	var params map[string]any
	if len(in.Params) > 0 {
		if err := json.Unmarshal(in.Params, &params); err != nil {
			return invalid("params", "is no JSON object")
		}
	}
	if params == nil {
		in.Params = json.RawMessage("{}")
	}
	source := filled(in.SourceStorageType)
	if source != nil && *source != sourceEnv && *source != sourceFile {
		return invalid("source_storage_type", "is %q: use env or file, or leave it out", clip(*source, 40))
	}
	if row.ID != 0 && in.Secret == "" && text(source) != text(row.SourceStorageType) {
		return invalid("secret", "is missing: where it comes from has changed, so give it anew")
	}
	if row.ID != 0 && in.Secret == "" && in.Type != storageLocal && !sameServer(*row, *in) {
		return invalid("secret", "is missing: the stored one was meant for another server, so give it anew")
	}
	row.Name, row.Type, row.Params, row.ReadOnly, row.SourceStorageType = in.Name, in.Type, in.Params, in.ReadOnly, source
	switch {
	case in.Type == storageLocal:
		return nil
	case s.cfg.Secrets == nil:
		return invalid("type", "this server reaches no storages outside: use local, or let its administrator configure them")
	}
	checked := *row
	checked.Secret = in.Secret
	return s.cfg.Secrets.ValidateStorage(checked)
}

// sameServer tells whether a storage goes on speaking to the server that its
// token was given for, in the same way. Who may change an address must not come
// by a token that way, which nobody is shown.
func sameServer(row store.SecretStorage, in storageInput) bool {
	type target struct {
		URL         string `json:"url"`
		InsecureTLS bool   `json:"insecure_tls"`
	}
	var old, now target
	if row.Type != in.Type || len(row.Params) > 0 && json.Unmarshal(row.Params, &old) != nil || json.Unmarshal(in.Params, &now) != nil {
		return false
	}
	return old == now
}

// text is what a text that may be missing says.
func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// tokenOf finds the key that a storage signs in with. The id is 0 where there
// is none.
func tokenOf(ctx context.Context, st store.Store, row store.SecretStorage) (store.AccessKey, error) {
	page, err := st.Keys().List(ctx, row.ProjectID, store.Query{Where: map[string]any{"storage_id": row.ID, "owner": store.OwnerVault}, Limit: 1})
	if err != nil {
		return store.AccessKey{}, fmt.Errorf("token of secret storage %d: %w", row.ID, err)
	}
	if len(page.Items) == 0 {
		return store.AccessKey{ProjectID: row.ProjectID, Owner: store.OwnerVault, StorageID: &row.ID, Type: store.KeyString}, nil
	}
	return page.Items[0], nil
}

// saveStorageToken stores the token of a storage as a key of its own.
func saveStorageToken(ctx context.Context, c *call, tx store.Store, in *storageInput, row *store.SecretStorage) error {
	key, err := tokenOf(ctx, tx, *row)
	if err != nil {
		return err
	}
	key.Name = row.Name
	if in.Secret != "" || key.ID == 0 {
		key.OverrideSecret = true
		key.SourceStorageID, key.SourceStorageType, key.SourceStorageKey = nil, row.SourceStorageType, nil
		key.String = in.Secret
		if row.SourceStorageType != nil {
			key.SourceStorageKey, key.String = filled(&in.Secret), ""
		}
	}
	_, err = c.saveKey(ctx, tx, key)
	var r *reply
	if errors.As(err, &r) && in.Secret == "" {
		return invalid("secret", "is missing: name the variable or file that holds the token")
	}
	return err
}

// showStorages fills in the name of the variable or file that holds the token
// of a single storage. Tokens never leave, and guests see names alone.
func showStorages(c *call, rows []store.SecretStorage, single bool) error {
	for i := range rows {
		row := &rows[i]
		row.Secret = ""
		if !c.seesValues() {
			row.Params = nil
		}
		if len(row.Params) == 0 {
			row.Params = json.RawMessage("{}")
		}
		if !single || row.SourceStorageType == nil || !c.seesValues() {
			continue
		}
		key, err := tokenOf(c.ctx(), c.s.st, *row)
		if err != nil {
			return err
		}
		row.Secret = text(key.SourceStorageKey)
	}
	return nil
}
